"""Rules of variants: RFC 8216, 4.3.4.2; Apple's HLS Authoring Specification, 9."""

from __future__ import annotations

import re
from fractions import Fraction

from media.facts.model import Entry, Hls, Stream
from media.manifest import frame_rate_of
from media.rules.base import Found, Rule, must, should

_INTEGER = re.compile(r"\d{1,18}", re.ASCII)
_RESOLUTION = re.compile(r"(\d{1,6})x(\d{1,6})", re.ASCII)
_SAME_ASPECT = Fraction(1015, 1000)
_SAME_RATE = Fraction(5, 1000)
_TRANSFERS = {16: "PQ", 18: "HLG"}  # ISO/IEC 23091-2, table 3


def variants(stream: Stream) -> tuple[Entry, ...]:
    return stream.hls.variants if stream.hls else ()


def rungs(stream: Stream) -> list[Entry]:
    return [entry for entry in variants(stream) if entry.is_video]


def resolution(entry: Entry) -> tuple[int, int] | None:
    match = _RESOLUTION.fullmatch(entry.get("RESOLUTION"))
    return (int(match[1]), int(match[2])) if match and int(match[1]) and int(match[2]) else None


def frame_rate(entry: Entry) -> Fraction | None:
    try:
        return frame_rate_of(entry.get("FRAME-RATE")) or None
    except ValueError:
        return None


def lists_variants(stream: Stream) -> Found:
    if stream.hls and stream.hls.multivariant and not stream.hls.variants:
        yield stream.hls.where, "no EXT-X-STREAM-INF"
    for entry in variants(stream):
        if entry.where == "EXT-X-STREAM-INF":
            yield stream.hls.where if stream.hls else "", "EXT-X-STREAM-INF is not followed by an address"


def bandwidth_is_given(stream: Stream) -> Found:
    for entry in variants(stream):
        if not _INTEGER.fullmatch(entry.get("BANDWIDTH")):
            yield entry.where, "BANDWIDTH is missing, or no integer"


def average_is_given(stream: Stream) -> Found:
    for entry in variants(stream):
        if not _INTEGER.fullmatch(entry.get("AVERAGE-BANDWIDTH")):
            yield entry.where, "AVERAGE-BANDWIDTH is missing, or no integer"


def codecs_are_given(stream: Stream) -> Found:
    yield from ((entry.where, "CODECS is missing") for entry in variants(stream) if not entry.get("CODECS"))


def resolution_is_given(stream: Stream) -> Found:
    for entry in rungs(stream):
        if resolution(entry) is None:
            yield entry.where, "RESOLUTION is missing, or not <width>x<height>"


def frame_rate_is_given(stream: Stream) -> Found:
    for entry in rungs(stream):
        if frame_rate(entry) is None:
            yield entry.where, "FRAME-RATE is missing, or no decimal number"


def video_range_is_given(stream: Stream) -> Found:
    ranges = {entry.where: _range_of(entry) for entry in rungs(stream)}
    if set(ranges.values()) - {"SDR"}:
        for entry in rungs(stream):
            if not entry.get("VIDEO-RANGE"):
                yield entry.where, "VIDEO-RANGE is missing, and not all variants are SDR"


def video_range_is_true(stream: Stream) -> Found:
    for entry in rungs(stream):
        said, is_so = entry.get("VIDEO-RANGE", "SDR"), _range_of(entry)
        if entry.track and entry.track.header and said != is_so:
            yield entry.where, f"VIDEO-RANGE says {said}, the bitstream is {is_so}"


def _range_of(entry: Entry) -> str:
    header = entry.track.header if entry.track else None
    if header is None:
        return entry.get("VIDEO-RANGE", "SDR")
    return _TRANSFERS.get(header.transfer or 0, "SDR")


def captions_are_said(stream: Stream) -> Found:
    for entry in rungs(stream):
        if not entry.get("CLOSED-CAPTIONS"):
            yield entry.where, "CLOSED-CAPTIONS is missing; NONE says that there are none"


def captions_agree(stream: Stream) -> Found:
    said = {
        entry.get("CLOSED-CAPTIONS") == "NONE" for entry in variants(stream) if entry.get("CLOSED-CAPTIONS")
    }
    if len(said) > 1 and stream.hls:
        yield stream.hls.where, "CLOSED-CAPTIONS=NONE stands at some variants and not at all"


def resolution_is_true(stream: Stream) -> Found:
    for entry in rungs(stream):
        said = resolution(entry)
        for header in entry.track.headers if entry.track else []:
            width, height = header.size_px
            shown = (round(width * (header.pixel_aspect or 1)), height)
            if said and width and said not in ((width, height), shown):
                yield entry.where, f"RESOLUTION says {said[0]}x{said[1]}, the bitstream is {width}x{height}"


def frame_rate_is_true(stream: Stream) -> Found:
    for entry in rungs(stream):
        said, measured = frame_rate(entry), entry.track.frame_rate if entry.track else None
        if said and measured and abs(said / measured - 1) > _SAME_RATE:
            yield entry.where, f"FRAME-RATE says {float(said):.3f}, measured are {float(measured):.3f}"


def independence_is_said(stream: Stream) -> Found:
    if stream.hls and stream.hls.multivariant and rungs(stream):
        playlists = [stream.hls.multivariant.has("EXT-X-INDEPENDENT-SEGMENTS")]
        each = [e.media.playlist.has("EXT-X-INDEPENDENT-SEGMENTS") for e in rungs(stream) if e.media]
        if not any(playlists) and not all(each):
            yield stream.hls.where, "EXT-X-INDEPENDENT-SEGMENTS is neither here nor in all video playlists"


def independence_is_said_once(stream: Stream) -> Found:
    if stream.hls and stream.hls.multivariant and rungs(stream):
        each = [e.media.playlist.has("EXT-X-INDEPENDENT-SEGMENTS") for e in rungs(stream) if e.media]
        if not stream.hls.multivariant.has("EXT-X-INDEPENDENT-SEGMENTS") and all(each):
            yield stream.hls.where, "EXT-X-INDEPENDENT-SEGMENTS is in the media playlists only"


def aspects_agree(stream: Stream) -> Found:
    aspects = {e.where: Fraction(*size) for e in rungs(stream) if (size := resolution(e))}
    usual = next(iter(aspects.values()), Fraction(1))
    for where, aspect in aspects.items():
        if max(aspect / usual, usual / aspect) > _SAME_ASPECT:
            yield where, f"aspect ratio {float(aspect):.3f}, others have {float(usual):.3f}"


def offers_several_rates(stream: Stream) -> Found:
    if stream.hls and stream.hls.multivariant and len(_uris(stream.hls)) == 1:
        yield stream.hls.where, "one bit rate only: a player cannot adapt"


def _uris(hls: Hls) -> set[str]:
    return {entry.where for entry in hls.variants}


_SPEC = "HLS Authoring Specification"
RULES: tuple[Rule, ...] = (
    must(
        "rfc8216-4.3.4.2",
        "RFC 8216, 4.3.4.2",
        "A multivariant playlist lists variants, each with its address.",
        lists_variants,
    ),
    must("rfc8216-4.3.4.2-bandwidth", "RFC 8216, 4.3.4.2", "Each variant has BANDWIDTH.", bandwidth_is_given),
    must("hls-authoring-9.14", f"{_SPEC}, 9.14", "Each variant has AVERAGE-BANDWIDTH.", average_is_given),
    must("hls-authoring-9.1", f"{_SPEC}, 9.1", "Each variant has CODECS.", codecs_are_given),
    must(
        "hls-authoring-9.2",
        f"{_SPEC}, 9.2",
        "Each variant with a picture has RESOLUTION.",
        resolution_is_given,
    ),
    must(
        "hls-authoring-9.15",
        f"{_SPEC}, 9.15",
        "Each variant with a picture has FRAME-RATE.",
        frame_rate_is_given,
    ),
    must(
        "hls-authoring-9.16",
        f"{_SPEC}, 9.16",
        "VIDEO-RANGE is given unless all variants are SDR.",
        video_range_is_given,
    ),
    must(
        "rfc8216bis-4.4.6.2-range",
        "RFC 8216bis, 4.4.6.2",
        "VIDEO-RANGE is what the bitstream's transfer characteristics say.",
        video_range_is_true,
    ),
    must(
        "rfc8216-4.3.4.2-captions",
        "RFC 8216, 4.3.4.2",
        "CLOSED-CAPTIONS=NONE stands at all variants or at none.",
        captions_agree,
    ),
    should(
        "rfc8216-4.3.4.2-no-captions",
        "RFC 8216, 4.3.4.2",
        "CLOSED-CAPTIONS=NONE says that there are none, so that no player looks for them.",
        captions_are_said,
    ),
    must(
        "rfc8216-4.3.4.2-resolution",
        "RFC 8216, 4.3.4.2",
        "RESOLUTION is the bitstream's.",
        resolution_is_true,
    ),
    must(
        "rfc8216-4.3.4.2-frame-rate",
        "RFC 8216, 4.3.4.2",
        "FRAME-RATE is what the samples' durations give.",
        frame_rate_is_true,
    ),
    must(
        "hls-authoring-9.12",
        f"{_SPEC}, 9.12",
        "EXT-X-INDEPENDENT-SEGMENTS is in the multivariant playlist or in all video playlists.",
        independence_is_said,
    ),
    should(
        "hls-authoring-9.11",
        f"{_SPEC}, 9.11",
        "EXT-X-INDEPENDENT-SEGMENTS is in the multivariant playlist.",
        independence_is_said_once,
    ),
    should("hls-authoring-1.33", f"{_SPEC}, 1.33", "All variants have one aspect ratio.", aspects_agree),
    # MUST for Apple; but a source no larger than the lowest rung has no second one to offer.
    should("hls-authoring-9.9", f"{_SPEC}, 9.9", "Several bit rates are offered.", offers_several_rates),
)
