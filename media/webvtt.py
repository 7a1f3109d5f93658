"""WebVTT: cues, files, segments for HLS (RFC 8216, 3.5), and the index of a sheet of thumbnails.

Times are whole milliseconds, as the format has them; nothing here rounds but the index. W3C's WebVTT
recommendation is meant where a section stands alone.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from media.presentation import Track
from media.rendition import ImageRendition
from media.timeline import Timeline

_ARROW = "-->"
_TIMING = re.compile(
    r"\s*(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})\s*-->\s*(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})(?:\s+(.*))?",
    re.ASCII,
)
_HEADER = re.compile(r"WEBVTT(?:[ \t].*)?")
_KEPT = re.compile(r"(STYLE|REGION)[ \t]*")


class WebVttError(ValueError):
    """Text that is no WebVTT; the message says why in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """One piece of text and when it is shown."""

    start_ms: int
    end_ms: int
    payload: str  # its lines, with WebVTT's own tags and entities (section 4.2)
    settings: str = ""  # such as "line:0 align:left" (section 4.4)

    def __post_init__(self) -> None:
        if not 0 <= self.start_ms < self.end_ms:
            raise ValueError(f"a cue from {self.start_ms} to {self.end_ms} ms is never shown")
        if _ARROW in self.payload or not all(line.strip() for line in self.payload.split("\n")):
            raise ValueError(f"the cue at {self.start_ms} ms has an arrow or an empty line in its text")
        if _ARROW in self.settings or "\n" in self.settings:
            raise ValueError(f"the cue at {self.start_ms} ms has the settings {self.settings!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebVtt:
    """A file: its cues, and the STYLE and REGION blocks that stand before them and hold for all."""

    cues: tuple[Cue, ...] = ()
    blocks: tuple[str, ...] = ()


def escape(text: str) -> str:
    """Plain text as cue text: what would be a tag, an entity or an arrow is spelt out (section 4.2.2)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def write(webvtt: WebVtt) -> str:
    """The whole as one file."""
    return _file(webvtt.blocks, webvtt.cues)


def segments(webvtt: WebVtt, timeline: Timeline, mpegts: int = 0) -> tuple[str, ...]:
    """A file for each segment of `timeline`, with the cues shown in it, also those of its neighbours.

    Cue times count from time 0 of the presentation, whose timestamp on a 90 kHz clock is `mpegts`.
    """
    header = f"X-TIMESTAMP-MAP=MPEGTS:{mpegts},LOCAL:00:00:00.000"
    shown: list[list[Cue]] = [[] for _ in timeline.segments]
    starts = [1000 * segment.start_ticks for segment in timeline.segments]
    ends = [1000 * segment.end_ticks for segment in timeline.segments]
    for cue in webvtt.cues:
        first = bisect_right(ends, cue.start_ms * timeline.timescale)
        after = bisect_left(starts, cue.end_ms * timeline.timescale)
        for cues in shown[first:after]:
            cues.append(cue)
    return tuple(_file(webvtt.blocks, cues, header) for cues in shown)


def read(text: str) -> WebVtt:
    """Read a file as players do (section 6.1): a cue whose times make no sense is passed by.

    Raises WebVttError if it does not begin as WebVTT must.
    """
    text = text.removeprefix("\ufeff").replace("\0", "\ufffd").replace("\r\n", "\n").replace("\r", "\n")
    header, *blocks = [lines.split("\n") for lines in re.split(r"\n{2,}", text.strip("\n"))]
    if not _HEADER.fullmatch(header[0]):
        raise WebVttError(f"begins with {header[0][:40]!r}, not with 'WEBVTT'")
    cues: list[Cue] = []
    kept: list[str] = []
    for lines in [header[1:], *blocks]:
        if any(_ARROW in line for line in lines):
            cues += _cues(lines)
        elif lines and not cues and _KEPT.fullmatch(lines[0]):
            kept.append("\n".join(lines))
    return WebVtt(cues=tuple(cues), blocks=tuple(kept))


def write_thumbnail_index(track: Track[ImageRendition]) -> str:
    """Where each thumbnail lies, as players of progressive video read it: `1.jpg#xywh=0,0,320,180`.

    Addresses are relative to the folder of the sheets.
    """
    return _file((), _thumbnails(track))


def _thumbnails(track: Track[ImageRendition]) -> Iterator[Cue]:
    images, timeline = track.rendition, track.timeline
    for segment in timeline.segments:
        start, end = timeline.seconds(segment.start_ticks), timeline.seconds(segment.end_ticks)
        count = min(ceil((end - start) / images.interval), images.columns * images.rows)
        for number in range(count):
            row, column = divmod(number, images.columns)
            is_last = number == count - 1
            from_ms = round(1000 * (start + number * images.interval))
            until_ms = round(1000 * (end if is_last else start + (number + 1) * images.interval))
            place = (column * images.width_px, row * images.height_px, images.width_px, images.height_px)
            uri = segment.uri.removeprefix(f"{images.name}/") + "#xywh=" + ",".join(map(str, place))
            yield Cue(start_ms=from_ms, end_ms=max(until_ms, from_ms + 1), payload=escape(uri))


def _cues(lines: Sequence[str]) -> Iterator[Cue]:
    """A block is one cue, unless another arrow interrupts it; before an arrow stands an identifier."""
    arrows = [number for number, line in enumerate(lines) if _ARROW in line]
    for at, after in zip(arrows, [*arrows[1:], len(lines)], strict=True):
        timing = _TIMING.fullmatch(lines[at])
        payload = "\n".join(line for line in lines[at + 1 : after] if line.strip())
        if timing and payload:
            start_ms, end_ms = _milliseconds(timing.groups()[:4]), _milliseconds(timing.groups()[4:8])
            if start_ms < end_ms:
                settings = " ".join((timing[9] or "").split())
                yield Cue(start_ms=start_ms, end_ms=end_ms, payload=payload, settings=settings)


def _milliseconds(parts: Sequence[str | None]) -> int:
    hours, minutes, seconds, milliseconds = (int(part or 0) for part in parts)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds


def _file(blocks: Iterable[str], cues: Iterable[Cue], header: str = "") -> str:
    """An empty line after the last cue too: GStreamer never shows one that no such line ends."""
    head = f"WEBVTT\n{header}\n" if header else "WEBVTT\n"
    return "\n".join([head, *(f"{block}\n" for block in blocks), *map(_written, cues), ""])


def _written(cue: Cue) -> str:
    timing = f"{_timestamp(cue.start_ms)} {_ARROW} {_timestamp(cue.end_ms)}"
    return f"{timing} {cue.settings}".rstrip() + f"\n{cue.payload}\n"


def _timestamp(milliseconds: int) -> str:
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}.{milliseconds:03d}"
