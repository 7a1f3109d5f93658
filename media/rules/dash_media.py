"""Rules of a DASH manifest against the media that it announces (ISO/IEC 23009-1; DASH-IF IOP)."""

from __future__ import annotations

from fractions import Fraction

from media.codec_strings import CHANNELS
from media.dash_tree import seconds_of
from media.facts.dash import has_timeline, time_offset
from media.facts.model import Representation, Stream, Track
from media.manifest import frame_rate_of
from media.rules.base import Found, Rule, must
from media.rules.codecs import is_same_codec
from media.rules.dash_text import bandwidth_of, pictures_and_sound

_CHANNEL_SCHEMES = (
    "urn:mpeg:dash:23003:3:audio_channel_configuration:2011",
    "urn:mpeg:mpegB:cicp:ChannelConfiguration",
)
_EXACT_S = Fraction(1, 1000)
_SAME_DURATION_S = Fraction(1, 2)
_SAME_RATE = Fraction(5, 1000)
_SAME_ASPECT = Fraction(1015, 1000)
_MOST_IN_A_ROW = 64  # segments: further ones differ by the average, which the first ones show too


def bandwidth_is_enough(stream: Stream) -> Found:
    """A line of @bandwidth, after @minBufferTime of buffering at any segment, never runs dry (5.3.5.2)."""
    for each in pictures_and_sound(stream):
        buffer_s = seconds_of(each.levels[0].get("minBufferTime"))
        bandwidth = bandwidth_of(each)
        if buffer_s is None or not bandwidth or not each.track or not each.track.is_sized:
            continue
        if (needed := _needed_bps(each, buffer_s)) > bandwidth:
            yield each.where, f"@bandwidth is {bandwidth}, the segments need {-int(-needed // 1)} b/s"


def _needed_bps(each: Representation, buffer_s: Fraction) -> Fraction:
    """The most that any segments in a row ask: their bits over their duration and the buffer's."""
    bits = [8 * (s.size_bytes or 0) for s in each.track.segments] if each.track else []
    durations = [s.duration or s.listed.duration for s in each.track.segments] if each.track else []
    needed = Fraction(0)
    for first in range(len(bits)):
        size, duration = 0, buffer_s
        for at in range(first, min(len(bits), first + _MOST_IN_A_ROW)):
            size, duration = size + bits[at], duration + durations[at]
            if duration:
                needed = max(needed, size / duration)
    return needed


def timeline_is_true(stream: Stream) -> Found:
    """Both readings of an edit list pass: times before it (tfdt), and after it, what it hides cut off."""
    for each in pictures_and_sound(stream):
        header = each.track.header if each.track else None
        if each.track and header and has_timeline(each):
            hidden = Fraction(header.edit_ticks, header.init.timescale)
            if list(_off_the_timeline(each, each.track, hidden)):
                yield from _off_the_timeline(each, each.track, Fraction(0))


def _off_the_timeline(each: Representation, track: Track, hidden: Fraction) -> Found:
    zero = time_offset(each) + hidden
    for seen in track.segments:
        if seen.start is None or seen.end is None:
            continue
        start, end = seen.start - zero, seen.end - zero
        start = max(start, Fraction(0)) if hidden else start
        if max(abs(start - seen.listed.start), abs(end - seen.listed.end)) > _EXACT_S:
            yield (
                f"{each.where}, segment {seen.listed.number}",
                f"listed from {float(seen.listed.start):.3f} to {float(seen.listed.end):.3f} s, "
                f"its tfdt and samples say {float(start):.3f} to {float(end):.3f} s",
            )


def even_durations_are_true(stream: Stream) -> Found:
    """Segments counted by @duration may be off by half of it (IOP)."""
    for each in pictures_and_sound(stream):
        if not each.track or has_timeline(each):
            continue
        offset = time_offset(each)
        usual = each.track.segments[0].listed.duration
        for seen in each.track.segments:
            if seen.start is not None and abs(seen.start - offset - seen.listed.start) > usual / 2:
                yield (
                    f"{each.where}, segment {seen.listed.number}",
                    f"counted to {float(seen.listed.start):.3f} s, "
                    f"its tfdt says {float(seen.start - offset):.3f} s",
                )


def period_lasts_as_media(stream: Stream) -> Found:
    longest: dict[int, tuple[Fraction, Fraction]] = {}
    for each in pictures_and_sound(stream):
        last = each.track.segments[-1] if each.track else None
        if last and last.end is not None and each.period_duration is not None:
            end = last.end - time_offset(each)
            before = longest.get(each.period, (Fraction(0), each.period_duration))[0]
            longest[each.period] = (max(before, end), each.period_duration)
    for number, (end, said) in longest.items():
        if abs(end - said) > _SAME_DURATION_S and stream.dash:
            yield (
                f"{stream.dash.where}, period {number + 1}",
                f"lasts {float(said):.3f} s, its media {float(end):.3f} s",
            )


def longest_segment_is_true(stream: Stream) -> Found:
    if stream.dash:
        said = seconds_of(stream.dash.mpd.get("maxSegmentDuration"))
        found = [
            s.duration
            for each in pictures_and_sound(stream)
            if each.track
            for s in each.track.segments
            if s.duration
        ]
        if said is not None and found and max(found) > said + _EXACT_S:
            yield (
                stream.dash.where,
                f"@maxSegmentDuration is {float(said):g} s, a segment lasts {float(max(found)):.3f} s",
            )


def codecs_are_true(stream: Stream) -> Found:
    for each in pictures_and_sound(stream):
        said = each.says("codecs")
        for header in each.track.headers if each.track else ():
            if said and not any(is_same_codec(c, header.init.codecs) for c in said.split(",")):
                yield each.where, f"@codecs says {said}, the bitstream is {header.init.codecs}"


def size_is_true(stream: Stream) -> Found:
    for each in pictures_and_sound(stream):
        said = (each.says("width"), each.says("height"))
        for header in each.track.headers if each.track else ():
            width, height = header.size_px
            if each.kind == "video" and width and said != (str(width), str(height)):
                yield (
                    each.where,
                    f"@width and @height say {said[0]}x{said[1]}, the bitstream is {width}x{height}",
                )


def frame_rate_is_true(stream: Stream) -> Found:
    for each in pictures_and_sound(stream):
        measured = each.track.frame_rate if each.track else None
        try:
            said = frame_rate_of(each.says("frameRate", "0"))
        except (ArithmeticError, ValueError):
            yield each.where, f"@frameRate {each.says('frameRate')!r} is no frame rate"
            continue
        if said and measured and abs(said / measured - 1) > _SAME_RATE:
            yield each.where, f"@frameRate says {float(said):.3f}, measured are {float(measured):.3f}"


def sound_is_true(stream: Stream) -> Found:
    for each in pictures_and_sound(stream):
        header = each.track.header if each.track else None
        if each.kind != "audio" or header is None:
            continue
        said = each.says("audioSamplingRate").split()
        rate = header.init.sample_rate_hz
        # HE-AAC's sample entry may give half of what is heard.
        if said and rate and said[-1] not in (str(rate), str(2 * rate)):
            yield each.where, f"@audioSamplingRate says {said[-1]}, the bitstream {rate}"
        channels = _channels(each)
        if channels and header.init.channels and channels != header.init.channels:
            yield (
                each.where,
                f"AudioChannelConfiguration says {channels}, the bitstream has {header.init.channels}",
            )


def _channels(each: Representation) -> int | None:
    for level in reversed(each.levels[2:]):
        for scheme in _CHANNEL_SCHEMES:
            value = level.described("AudioChannelConfiguration", scheme)
            if value and value.isascii() and value.isdigit() and len(value) < 4:
                return CHANNELS.get(int(value))
    return None


def aspect_is_consistent(stream: Stream) -> Found:
    for each in pictures_and_sound(stream):
        sar, par = _ratio(each.says("sar")), _ratio(each.says("par"))
        header = each.track.header if each.track else None
        if header and sar and header.pixel_aspect and sar != header.pixel_aspect:
            yield each.where, f"@sar says {each.says('sar')}, the bitstream {header.pixel_aspect}"
        width, height = each.says("width"), each.says("height")
        if par and width.isdigit() and height.isdigit() and int(width) and int(height):
            shown = Fraction(int(width), int(height)) * (sar or 1)
            if max(shown / par, par / shown) > _SAME_ASPECT:
                yield each.where, f"@par says {each.says('par')}, {width}x{height} shows {float(shown):.3f}:1"


def _ratio(text: str) -> Fraction | None:
    across, colon, down = text.partition(":")
    is_ratio = colon and all(p.isascii() and p.isdigit() and len(p) < 7 and int(p) for p in (across, down))
    return Fraction(int(across), int(down)) if is_ratio else None


def alignment_is_true(stream: Stream) -> Found:
    for group in stream.dash.sets() if stream.dash else ():
        said = group[0].adaptation_set.get("segmentAlignment")
        if said in ("", "false") or group[0].kind == "text":
            continue
        tracks = [each.track for each in group if each.track]
        starts = [[s.listed.start if s.start is None else s.start for s in t.segments] for t in tracks]
        for each, own in zip(tracks[1:], starts[1:], strict=True):
            is_same = len(own) == len(starts[0])
            if not is_same or any(abs(a - b) > _EXACT_S for a, b in zip(own, starts[0], strict=True)):
                yield each.where, f"@segmentAlignment is {said}, and {tracks[0].where} is cut elsewhere"


def sync_is_true(stream: Stream) -> Found:
    for each in pictures_and_sound(stream):
        if each.says("startWithSAP") not in ("1", "2") or not each.track:
            continue
        for seen in each.track.segments:
            if seen.facts and not seen.facts.starts_with_sync:
                yield (
                    f"{each.where}, segment {seen.listed.number}",
                    "@startWithSAP, and it starts with no key frame",
                )


_ISO, _IOP = "ISO/IEC 23009-1", "DASH-IF IOP"
RULES: tuple[Rule, ...] = (
    must(
        "dash-5.3.5.2-enough",
        f"{_ISO}, 5.3.5.2",
        "A line of @bandwidth plays it after @minBufferTime of buffering.",
        bandwidth_is_enough,
    ),
    must(
        "dash-5.3.9.6",
        f"{_ISO}, 5.3.9.6",
        "SegmentTimeline says what tfdt and the samples say.",
        timeline_is_true,
    ),
    must(
        "dash-5.3.9.5.3",
        f"{_ISO}, 5.3.9.5.3; {_IOP}",
        "Segments counted by @duration are off by at most half of it.",
        even_durations_are_true,
    ),
    must("dash-5.3.2.1", f"{_ISO}, 5.3.2.1", "A period lasts as long as its media.", period_lasts_as_media),
    must(
        "dash-5.3.1.2-longest",
        f"{_ISO}, 5.3.1.2",
        "No segment is longer than @maxSegmentDuration.",
        longest_segment_is_true,
    ),
    must(
        "dash-5.3.7.2-codecs",
        f"{_ISO}, 5.3.7.2; RFC 6381",
        "@codecs is what the init segment says.",
        codecs_are_true,
    ),
    must("dash-5.3.7.2-size", f"{_ISO}, 5.3.7.2", "@width and @height are the bitstream's.", size_is_true),
    must(
        "dash-5.3.7.2-frame-rate",
        f"{_ISO}, 5.3.7.2",
        "@frameRate is what the samples' durations give.",
        frame_rate_is_true,
    ),
    must(
        "dash-5.3.7.2-sound",
        f"{_ISO}, 5.3.7.2 and 5.8.5.4",
        "Sampling rate and channels are the bitstream's.",
        sound_is_true,
    ),
    must(
        "dash-5.3.7.2-aspect",
        f"{_ISO}, 5.3.3.2 and 5.3.7.2",
        "@par and @sar fit the picture.",
        aspect_is_consistent,
    ),
    must(
        "dash-5.3.3.2-aligned",
        f"{_ISO}, 5.3.3.2",
        "@segmentAlignment is true only where all are cut at the same moments.",
        alignment_is_true,
    ),
    must("dash-5.3.7.2-sap", f"{_ISO}, 5.3.7.2", "@startWithSAP is kept.", sync_is_true),
)
