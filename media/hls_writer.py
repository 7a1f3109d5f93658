"""HLS playlists of a presentation (RFC 8216; CHANNELS and VIDEO-RANGE as in its second edition).

Playlists are text, a line to a tag: written here by hand, so that durations stay exact and the order stable.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from media.manifest import printable
from media.presentation import Presentation, Track
from media.rendition import AudioRendition, Rendition, VideoRendition
from media.timeline import ByteRange, Timeline

_VERSION = 6  # the first with EXT-X-MAP for ordinary segments (section 7)
_AUDIO_GROUP = "audio"
Line = dict[str, str]


def write_multivariant(presentation: Presentation) -> str:
    """The playlist that lists the renditions; each one's own is at `<name>/index.m3u8`."""
    video = [track.rendition for track in presentation.video]
    audio = [track.rendition for track in presentation.audio]
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{_VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    if video:
        lines += [_tag("EXT-X-MEDIA", _media(rendition, audio)) for rendition in audio]
        for rung in video:
            lines += [_tag("EXT-X-STREAM-INF", _rung(rung, audio)), _playlist(rung)]
    else:
        for rendition in audio:
            lines += [_tag("EXT-X-STREAM-INF", _bandwidth(rendition, [])), _playlist(rendition)]
    return "\n".join(lines) + "\n"


def write_media(track: Track[Rendition]) -> str:
    """The playlist of one finished track; its addresses are relative to the rendition's folder."""
    timeline, folder = track.timeline, f"{track.rendition.name}/"
    moments = _moments_us(timeline)
    durations_us = [end - start for start, end in pairwise(moments)]
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{_VERSION}",
        f"#EXT-X-TARGETDURATION:{_target_duration_s(durations_us)}",
        f"#EXT-X-MEDIA-SEQUENCE:{timeline.segments[0].number if timeline.segments else 0}",
        "#EXT-X-PLAYLIST-TYPE:VOD",
    ]
    if track.init:
        attributes = {"URI": _quoted(_relative(track.init.uri, folder))}
        if track.init.byte_range:
            attributes["BYTERANGE"] = _quoted(_byte_range(track.init.byte_range))
        lines.append(_tag("EXT-X-MAP", attributes))
    for segment, duration_us in zip(timeline.segments, durations_us, strict=True):
        lines.append(f"#EXTINF:{duration_us // 10**6}.{duration_us % 10**6:06d},")
        if segment.byte_range:
            lines.append(f"#EXT-X-BYTERANGE:{_byte_range(segment.byte_range)}")
        lines.append(_relative(segment.uri, folder))
    return "\n".join([*lines, "#EXT-X-ENDLIST"]) + "\n"


def _rung(rung: VideoRendition, audio: list[AudioRendition]) -> Line:
    attributes = _bandwidth(rung, audio)
    if rung.width_px and rung.height_px:
        attributes["RESOLUTION"] = f"{rung.width_px}x{rung.height_px}"
    if rung.frame_rate:
        attributes["FRAME-RATE"] = f"{float(rung.frame_rate):.3f}"
    attributes |= {"VIDEO-RANGE": rung.video_range, "CLOSED-CAPTIONS": "NONE"}
    if audio:
        attributes["AUDIO"] = _quoted(_AUDIO_GROUP)
    return attributes


def _bandwidth(rendition: Rendition, audio: list[AudioRendition]) -> Line:
    """What is played together is announced together: the rendition with the costliest audio (4.3.4.2)."""
    peak_bps = rendition.peak_bps + max((track.peak_bps for track in audio), default=0)
    average_bps = rendition.average_bps + max((track.average_bps for track in audio), default=0)
    codecs = dict.fromkeys([rendition.codecs, *(track.codecs for track in audio)])  # each once, in order
    return {
        "BANDWIDTH": str(peak_bps),
        "AVERAGE-BANDWIDTH": str(average_bps),
        "CODECS": _quoted(",".join(codecs)),
    }


def _media(rendition: AudioRendition, group: list[AudioRendition]) -> Line:
    """In a group names differ, one is the default, one of each language may be chosen unasked (4.3.4.1.1)."""
    default = next((track for track in group if track.is_default), None)
    first_of_language = next(track for track in group if track.language == rendition.language)
    attributes = {
        "TYPE": "AUDIO",
        "GROUP-ID": _quoted(_AUDIO_GROUP),
        "NAME": _quoted(_menu_name(rendition, group)),
        "LANGUAGE": _quoted(rendition.language),
        "DEFAULT": "YES" if rendition is default else "NO",
        "AUTOSELECT": "YES" if rendition is default or rendition is first_of_language else "NO",
    }
    if rendition.channels:
        attributes["CHANNELS"] = _quoted(str(rendition.channels))
    return attributes | {"URI": _quoted(_playlist(rendition))}


def _menu_name(rendition: AudioRendition, group: list[AudioRendition]) -> str:
    name = rendition.label or rendition.language
    is_taken = any(other is not rendition and name == (other.label or other.language) for other in group)
    return f"{name} ({rendition.name})" if is_taken else name


def _playlist(rendition: Rendition) -> str:
    return f"{rendition.name}/index.m3u8"


def _moments_us(timeline: Timeline) -> list[int]:
    """Where segments start and end, rounded once each: a sum of durations never drifts from the truth."""
    ticks = [segment.start_ticks for segment in timeline.segments]
    ticks += [segment.end_ticks for segment in timeline.segments[-1:]]
    return [round(timeline.seconds(tick) * 10**6) for tick in ticks]


def _target_duration_s(durations_us: list[int]) -> int:
    """No duration, rounded to whole seconds, is above it (4.3.3.1)."""
    longest = Fraction(max(durations_us, default=0), 10**6)
    return max(1, int(longest + Fraction(1, 2)))


def _byte_range(byte_range: ByteRange) -> str:
    first, last = byte_range
    return f"{last - first + 1}@{first}"


def _relative(uri: str, folder: str) -> str:
    if uri.startswith(folder):
        return uri.removeprefix(folder)
    return uri if "://" in uri else f"../{uri}"


def _quoted(text: str) -> str:
    """A quoted string holds neither quotes nor line breaks (4.2)."""
    return '"' + printable(text).replace('"', "'") + '"'


def _tag(name: str, attributes: Line) -> str:
    return f"#{name}:" + ",".join(f"{key}={value}" for key, value in attributes.items())
