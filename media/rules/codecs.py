"""Rules of codecs: RFC 6381 names against the bitstream, profiles and levels that devices can decode.

H.264 profiles are those of ITU-T H.264, A.2, HEVC profiles those of ITU-T H.265, A.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from media.cmaf_header import HeaderFacts
from media.facts.model import Entry, Stream, Track
from media.levels import av1_level, avc_level, hevc_level
from media.parameter_sets import PictureFacts
from media.rules.base import Found, Rule, must, should
from media.rules.rates import rates_of

_AVC, _HEVC = ("avc1", "avc3"), ("hvc1", "hev1", "dvh1", "dvhe")
_APPLE = (*_AVC, *_HEVC, "av01")
_UP_TO_HIGH, _HIGH = (66, 77, 88, 100), 100
_UP_TO_MAIN10 = (1, 2, 3)
_TEXT = ("wvtt", "stpp")
_MOST_RATE = Fraction(6001, 100)
_NATURAL = [Fraction(rate) for rate in (24, 25, 30, 50, 60)]
_NATURAL += [Fraction(rate, 1001) for rate in (24000, 30000, 60000)]
_RATE_SLACK = Fraction(1, 1000)
_CAP_MARGIN = 2  # an encoder is given a cap before it knows what it will use of it


def canonical(codec: str) -> str:
    """Without what its writers are free in: letters' case, zeros, the optional tail of AV1 and VP9."""
    parts = codec.strip().lower().split(".")
    if parts[0] in ("av01", "vp09"):
        parts = parts[:4]
    elif parts[0] in _HEVC:
        while len(parts) > 4 and not parts[-1].strip("0"):
            parts.pop()
    elif parts[0] == "mp4a" and len(parts) == 3:
        parts[2] = parts[2].lstrip("0")
    return ".".join(parts)


def is_same_codec(said: str, is_so: str) -> bool:
    """HE-AAC may hide in what an init segment calls AAC-LC (ISO/IEC 14496-3, 1.6.5)."""
    hidden = canonical(is_so) == "mp4a.40.2" and canonical(said) in ("mp4a.40.5", "mp4a.40.29")
    return hidden or canonical(said) == canonical(is_so)


def codecs_are_true(stream: Stream) -> Found:
    for entry in stream.hls.variants if stream.hls else ():
        said = [c for c in entry.get("CODECS").split(",") if c.strip() and not c.strip().startswith(_TEXT)]
        found = list(_bitstreams(stream, entry))
        if not said or not found or any(track.header is None for track in found):
            continue
        actual = list(dict.fromkeys(header.init.codecs for track in found for header in track.headers))
        for codec in actual:
            if not any(is_same_codec(each, codec) for each in said):
                yield entry.where, f"CODECS says {','.join(said)}, the bitstream has {codec}"
        for each in said:
            if not any(is_same_codec(each, codec) for codec in actual) and len(said) > len(actual):
                yield entry.where, f"CODECS names {each.strip()}, which nothing here is"


def configuration_is_true(stream: Stream) -> Found:
    for track in stream.tracks:
        for header in track.headers:
            said, is_so = header.init.codecs, header.bitstream_codecs
            if is_so and not is_same_codec(said, is_so):
                yield track.where, f"the configuration says {said}, its parameter sets {is_so}"


def _bitstreams(stream: Stream, entry: Entry) -> Iterator[Track]:
    """What is played with the variant; an empty track where the bytes are not known."""
    group = stream.hls.group("AUDIO", entry.get("AUDIO")) if stream.hls else []
    for each in (entry, *(e for e in group if e.get("URI"))):
        yield each.track or Track(where=each.where, kind="", segments=())


def _pictures(stream: Stream) -> Iterator[tuple[Track, HeaderFacts, PictureFacts]]:
    for track in stream.tracks:
        for header in track.headers:
            if track.kind == "video" and header.picture:
                yield track, header, header.picture


def _avc(stream: Stream) -> Iterator[tuple[Track, PictureFacts]]:
    yield from ((t, p) for t, h, p in _pictures(stream) if h.sample_entry in _AVC)


def _hevc(stream: Stream) -> Iterator[tuple[Track, PictureFacts]]:
    yield from ((t, p) for t, h, p in _pictures(stream) if h.sample_entry in _HEVC)


def known_codecs(stream: Stream) -> Found:
    for entry in stream.hls.rungs if stream.hls else ():
        header = entry.track.header if entry.track else None
        if header and header.sample_entry not in _APPLE:
            yield entry.where, f"{header.init.codecs}: Apple's devices play H.264, HEVC, Dolby Vision and AV1"


def avc_is_high(stream: Stream) -> Found:
    for track, picture in _avc(stream):
        if picture.profile not in _UP_TO_HIGH or picture.chroma > 1 or picture.bit_depth > 8:
            chroma = ("4:0:0", "4:2:0", "4:2:2", "4:4:4")[picture.chroma]
            yield track.where, f"profile {picture.profile}, {chroma}, {picture.bit_depth} bit: above High"
        elif picture.level > 52:
            yield track.where, f"level {picture.level / 10:.1f} is above 5.2"


def avc_is_old(stream: Stream) -> Found:
    for track, picture in _avc(stream):
        if 42 < picture.level <= 52:
            yield track.where, f"level {picture.level / 10:.1f} is above 4.2: older devices do not play it"


def avc_prefers_high(stream: Stream) -> Found:
    for track, picture in _avc(stream):
        if picture.profile < _HIGH:
            yield track.where, f"profile {picture.profile}: High needs fewer bits"


def hevc_is_main10(stream: Stream) -> Found:
    for track, picture in _hevc(stream):
        if picture.profile not in _UP_TO_MAIN10 or picture.bit_depth > 10 or picture.chroma > 1:
            yield track.where, f"profile {picture.profile}, {picture.bit_depth} bit: above Main 10"
        elif picture.level > 51:
            yield track.where, f"level {picture.level / 10:.1f} is above 5.1"


def hevc_is_old(stream: Stream) -> Found:
    for track, picture in _hevc(stream):
        if picture.level == 51:
            yield track.where, "level 5.1 is above 5.0: older devices do not play it"


def hevc_is_fmp4(stream: Stream) -> Found:
    for entry in stream.hls.variants if stream.hls else ():
        is_hevc = any(codec.strip().startswith(_HEVC) for codec in entry.get("CODECS").split(","))
        if is_hevc and entry.track and any(seen.container == "mpegts" for seen in entry.track.segments):
            yield entry.where, "HEVC in MPEG transport streams"


def parameter_sets_stand_outside(stream: Stream) -> Found:
    for track in stream.tracks:
        for header in track.headers:
            if header.sample_entry in ("avc3", "hev1", "dvhe"):
                yield track.where, f"{header.sample_entry}: parameter sets belong in the sample description"


def level_is_needed(stream: Stream) -> Found:
    for track, header, picture in _pictures(stream):
        rates, frame_rate = rates_of(track, None), track.frame_rate
        if rates is None or frame_rate is None:
            continue
        cap = _CAP_MARGIN * rates.peak_bps
        if header.sample_entry in _AVC:
            needed = avc_level(
                picture.coded_blocks, max(1, picture.reference_frames), frame_rate, cap, picture.profile
            )
        else:
            level_of = hevc_level if header.sample_entry in _HEVC else av1_level
            needed = level_of(picture.width_px * picture.height_px, frame_rate, cap)
        if needed and picture.level > needed:
            yield track.where, f"level {picture.level / 10:.1f}, where {needed / 10:.1f} is enough"


def progressive(stream: Stream) -> Found:
    for track, picture in _avc(stream):
        if picture.may_be_interlaced:
            yield track.where, "the parameter set allows interlaced pictures"


def avc_is_offered(stream: Stream) -> Found:
    video = [track for track in stream.tracks if track.kind == "video" and track.header]
    if video and not any(track.header and track.header.sample_entry in _AVC for track in video):
        yield "video", "no rendition is H.264"


def rate_is_bounded(stream: Stream) -> Found:
    for track in stream.tracks:
        if track.frame_rate and track.frame_rate > _MOST_RATE:
            yield track.where, f"{float(track.frame_rate):.3f} frames per second are above 60"


def rate_is_natural(stream: Stream) -> Found:
    for track in stream.tracks:
        rate = track.frame_rate
        if rate and rate <= _MOST_RATE and not any(abs(rate / n - 1) < _RATE_SLACK for n in _NATURAL):
            yield track.where, f"{float(rate):.3f} frames per second is none of the usual rates"


_SPEC = "HLS Authoring Specification"
RULES: tuple[Rule, ...] = (
    must(
        "rfc6381-3.3",
        "RFC 8216, 4.3.4.2; RFC 6381, 3.3",
        "CODECS is what the init segments of the variant and its audio say.",
        codecs_are_true,
    ),
    must(
        "penstock-configuration",
        "ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1; AV1 in ISOBMFF, 2.3",
        "A decoder configuration says what the parameter sets in it say.",
        configuration_is_true,
    ),
    # MUST for Apple; its devices pass over a variant whose CODECS they do not know, and others play it.
    should("hls-authoring-1.1", f"{_SPEC}, 1.1", "Video is H.264, HEVC, Dolby Vision or AV1.", known_codecs),
    must(
        "hls-authoring-1.3",
        f"{_SPEC}, 1.3b",
        "H.264 is at most High profile (4:2:0, 8 bit), level 5.2.",
        avc_is_high,
    ),
    should(
        "hls-authoring-1.3-old", f"{_SPEC}, 1.3 (edition of 2017)", "H.264 is at most level 4.2.", avc_is_old
    ),
    should(
        "hls-authoring-1.4",
        f"{_SPEC}, 1.4",
        "H.264 is High profile rather than Main or Baseline.",
        avc_prefers_high,
    ),
    must("hls-authoring-1.5", f"{_SPEC}, 1.5", "HEVC comes in fMP4.", hevc_is_fmp4),
    must(
        "hls-authoring-1.6", f"{_SPEC}, 1.6b", "HEVC is at most Main 10 profile, level 5.1.", hevc_is_main10
    ),
    should(
        "hls-authoring-1.6-old", f"{_SPEC}, 1.6 (edition of 2017)", "HEVC is at most level 5.0.", hevc_is_old
    ),
    should(
        "hls-authoring-1.10",
        f"{_SPEC}, 1.10",
        "Parameter sets stand in the sample description: avc1, hvc1.",
        parameter_sets_stand_outside,
    ),
    should(
        "hls-authoring-1.11",
        f"{_SPEC}, 1.11",
        "The level is no higher than size, frame rate, references and bit rate need.",
        level_is_needed,
    ),
    should("hls-authoring-1.12", f"{_SPEC}, 1.12", "Some video is H.264.", avc_is_offered),
    must("hls-authoring-1.14", f"{_SPEC}, 1.14", "Video is progressive.", progressive),
    should("hls-authoring-1.18", f"{_SPEC}, 1.18", "The frame rate is a usual one.", rate_is_natural),
    must("hls-authoring-1.19", f"{_SPEC}, 1.19", "No more than 60 frames per second.", rate_is_bounded),
)
