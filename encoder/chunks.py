"""Chunks: a title is encoded in pieces of some segments each, so that a crash costs one of them and cores or
machines share the work.

Each is decoded from a key frame of the source at or before its first frame. The cuts lie on the segment grid
and, of the places there, where the least is decoded in vain.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from math import ceil

_SHORTEST_S, _LONGEST_S = 16, 60
_PAST_S = Fraction(1, 2000)
_WANTED = 40  # chunks of a title, if their length allows


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some segments of a title."""

    number: int  # counts from 1
    first_frame: int  # of the output, counts from 0
    frames: int
    seek: Fraction | None  # seconds in the container: a key frame to decode from; None: from the beginning

    @property
    def end_frame(self) -> int:
        return self.first_frame + self.frames


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """What the cuts have to keep to."""

    frame_rate: Fraction
    segment_frames: int
    frames: int  # of the output
    shown_frames: int  # of them, those that the source still has a picture for
    start: Fraction  # seconds in the container, of output frame 0
    needs_before: bool  # the frame before is looked at too: de-interlacing


def cut(grid: Grid, key_frames: Sequence[Fraction]) -> tuple[Chunk, ...]:
    """The chunks of a title; `key_frames` are the times of the source's, in the container, in order."""
    cuts = [0]
    while (place := _next(grid, key_frames, cuts[-1])) is not None:
        cuts.append(place)
    ends = [*cuts[1:], grid.frames]
    return tuple(
        Chunk(number=number, first_frame=at, frames=end - at, seek=_seek(grid, key_frames, at))
        for number, (at, end) in enumerate(zip(cuts, ends, strict=True), 1)
    )


def _next(grid: Grid, key_frames: Sequence[Fraction], at: int) -> int | None:
    """The frame at which the chunk that begins `at` ends; None: it is the last."""
    segment, (usual, shortest, longest) = grid.segment_frames, _lengths(grid)
    if grid.shown_frames - at < (usual + shortest) * segment:
        return None
    wanted, last = at + usual * segment, grid.shown_frames - shortest * segment
    near = range(at + shortest * segment, min(at + longest * segment, last) + 1, segment)
    best = min(near, key=lambda place: (_in_vain(grid, key_frames, place), abs(place - wanted)))
    # Where key frames are rare the chunk grows until one is worth the while.
    bearable = usual * segment / grid.frame_rate / 2
    places = chain([best], range(near[-1] + segment, last + 1, segment))
    return next((place for place in places if _in_vain(grid, key_frames, place) <= bearable), None)


def _lengths(grid: Grid) -> tuple[int, int, int]:
    """Of a chunk, in segments: the usual, the shortest, the longest."""
    segment_s = grid.segment_frames / grid.frame_rate
    chunk_s = min(max(grid.frames / grid.frame_rate / _WANTED, Fraction(_SHORTEST_S)), Fraction(_LONGEST_S))
    usual = max(2, round(chunk_s / segment_s))
    return usual, max(2, usual - usual // 4), usual + usual // 4


def _in_vain(grid: Grid, key_frames: Sequence[Fraction], frame: int) -> Fraction:
    """Seconds that are decoded before `frame`."""
    seek = _seek(grid, key_frames, frame)
    return grid.start + frame / grid.frame_rate - (grid.start if seek is None else seek)


def _seek(grid: Grid, key_frames: Sequence[Fraction], frame: int) -> Fraction | None:
    return key_frame_for(frame, key_frames, grid.start, grid.frame_rate, grid.needs_before)


def key_frame_for(
    frame: int, key_frames: Sequence[Fraction], start: Fraction, frame_rate: Fraction, needs_before: bool
) -> Fraction | None:
    """The last key frame that is shown at output `frame` or before, in seconds of the container.

    None: decode from the beginning; the first key frame is no better. `start` is that of output frame 0.
    """
    at = frame - 1 if needs_before else frame
    # A source frame is shown from the output frame nearest to it: half a frame of grace, less what rounds.
    latest = start + (at + Fraction(2, 5)) / frame_rate
    found = bisect_right(key_frames, latest)
    return key_frames[found - 1] if found > 1 and frame else None


def behind(key_frame: Fraction) -> str:
    """Where ffmpeg is sent to find it (`-ss`): from just behind, whatever rounds on the way."""
    return f"{ceil((key_frame + _PAST_S) * 1_000_000)}us"
