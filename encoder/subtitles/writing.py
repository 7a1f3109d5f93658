"""A track of subtitles as it is published: a file for each segment of the picture, and all in one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from media import webvtt
from media.presentation import Track
from media.rendition import TextRendition
from media.timeline import Timeline
from media.webvtt import WebVtt


@dataclass(frozen=True, slots=True)
class WrittenText:
    track: Track[TextRendition]
    files: dict[str, bytes]  # by path in the title's folder


def written(
    name: str,
    text: WebVtt,
    timeline: Timeline,
    *,
    language: str = "und",
    label: str = "",
    is_default: bool = False,
    is_forced: bool = False,
    is_sdh: bool = False,
) -> WrittenText:
    """Cut `text` as `timeline` cuts the picture, so that HLS has one target duration for both.

    `name` is the track's folder below the title, such as "subtitles/en-1f3a9b2c".
    """
    parts = [part.encode() for part in webvtt.segments(text, timeline)]
    segments = tuple(
        replace(segment, uri=f"{name}/{segment.number}.vtt", byte_range=None, size_bytes=len(part))
        for segment, part in zip(timeline.segments, parts, strict=True)
    )
    cut = Timeline(timescale=timeline.timescale, segments=segments)
    rendition = TextRendition(
        name=name,
        average_bps=cut.average_bps,
        peak_bps=cut.peak_bps,
        language=language,
        label=label or _label(language, is_forced, is_sdh),
        is_default=is_default,
        is_forced=is_forced,
        is_sdh=is_sdh,
    )
    files = {segment.uri: part for segment, part in zip(segments, parts, strict=True)}
    files[rendition.whole_uri] = webvtt.write(text).encode()
    return WrittenText(Track(rendition=rendition, init=None, timeline=cut), files)


def _label(language: str, is_forced: bool, is_sdh: bool) -> str:
    """Tracks of one language differ in a menu; the plain one is named by its language."""
    kind = " (SDH)" if is_sdh else " (forced)" if is_forced else ""
    return f"{language}{kind}" if kind else ""
