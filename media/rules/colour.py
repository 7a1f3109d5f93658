"""Rules of colour and how HDR is announced: ISO/IEC 14496-12, 12.1.5; ETSI TS 103 285 (DVB-DASH), 5.2.6."""

from __future__ import annotations

from collections.abc import Iterator

from media.dash_writer import TRANSFER_SCHEME, TRANSFERS
from media.facts.model import Representation, Stream
from media.parameter_sets import ColourFacts
from media.rules.base import Found, Rule, must, should
from media.rules.dash_text import pictures_and_sound

_HDR = {16: "PQ", 18: "HLG"}  # ISO/IEC 23091-2, table 3
_RANGES = {value: video_range for video_range, value in TRANSFERS.items()}
_TEN_BITS = 10
_ALIKE = ({"avc1", "avc3"}, {"hvc1", "hev1"}, {"dvh1", "dvhe"})
_KINDS = ("EssentialProperty", "SupplementalProperty")


def boxes_agree_with_bitstream(stream: Stream) -> Found:
    for track in stream.tracks:
        for header in track.headers:
            said, is_so = header.box_colour, header.picture.colour if header.picture else None
            if said and is_so and said != is_so:
                yield track.where, f"the colr box says {_told(said)}, the parameter sets {_told(is_so)}"


def _told(colour: ColourFacts) -> str:
    width = "full" if colour.is_full_range else "limited"
    return f"{colour.primaries}/{colour.transfer}/{colour.matrix} {width}"


def hdr_has_ten_bits(stream: Stream) -> Found:
    for track in stream.tracks:
        for header in track.headers:
            depth = header.picture.bit_depth if header.picture else _TEN_BITS
            if header.transfer in _HDR and depth < _TEN_BITS:
                yield track.where, f"{_HDR[header.transfer]} in {depth} bit shows bands"


def transfer_is_true(stream: Stream) -> Found:
    for each, is_so in _ranges(stream):
        said = [value for kind in _KINDS for value in _said(each, kind)]
        if said and is_so not in {_RANGES.get(value, "SDR") for value in said}:
            yield each.where, f"{TRANSFER_SCHEME} says {' and '.join(said)}, the bitstream is {is_so}"


def hdr_is_essential(stream: Stream) -> Found:
    for each, is_so in _ranges(stream):
        if is_so != "SDR" and not _said(each, "EssentialProperty"):
            yield each.where, f"{is_so}, and no EssentialProperty {TRANSFER_SCHEME} keeps others away"


def _ranges(stream: Stream) -> Iterator[tuple[Representation, str]]:
    for each in pictures_and_sound(stream):
        header = each.track.header if each.track else None
        if each.kind == "video" and header:
            yield each, _HDR.get(header.transfer or 0, "SDR")


def _said(each: Representation, kind: str) -> list[str]:
    found = (level.described(kind, TRANSFER_SCHEME) for level in each.levels[2:])
    return [value for value in found if value]


def sets_are_of_one_kind(stream: Stream) -> Found:
    for group in stream.dash.sets() if stream.dash else ():
        known = [each for each in group if each.kind == "video" and each.track and each.track.header]
        kinds = list(dict.fromkeys(map(_kind, known)))
        if len(kinds) > 1:
            yield known[0].where, f"its set holds {' and '.join(' '.join(kind) for kind in kinds)}"


def _kind(each: Representation) -> tuple[str, str]:
    header = each.track.header if each.track else None
    assert header is not None
    family = next((min(alike) for alike in _ALIKE if header.sample_entry in alike), header.sample_entry)
    return family, _HDR.get(header.transfer or 0, "SDR")


_DVB = "ETSI TS 103 285, 5.2.6"
RULES: tuple[Rule, ...] = (
    should(
        "penstock-colour",
        "ISO/IEC 14496-12, 12.1.5",
        "The colr box says what the parameter sets say.",
        boxes_agree_with_bitstream,
    ),
    should("penstock-hdr-depth", "ITU-R BT.2100, table 9", "HDR has ten bits or more.", hdr_has_ten_bits),
    must(
        "dash-transfer",
        f"{_DVB}; ISO/IEC 23091-2",
        "The transfer characteristics of a manifest are the bitstream's.",
        transfer_is_true,
    ),
    should(
        "dash-hdr-essential",
        _DVB,
        "HDR is announced by an EssentialProperty, so that who cannot show it leaves it alone.",
        hdr_is_essential,
    ),
    should(
        "dash-one-kind",
        "ISO/IEC 23009-1, 5.3.3.1; ISO/IEC 23000-19, 7.3.4",
        "An adaptation set of pictures has one codec and one dynamic range: a player switches freely in it.",
        sets_are_of_one_kind,
    ),
)
