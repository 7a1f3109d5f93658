"""Media time: integer ticks of a timescale, so that nothing drifts and boundaries compare exactly.

Seconds appear only where somebody outside wants them. 24000/1001 frames per second have a frame of exactly
1001 ticks at timescale 24000; in float seconds they would have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

ByteRange = tuple[int, int]  # first and last byte, both included, as in a Range header


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One media segment: where it stands in time and how to fetch it."""

    number: int  # counts from 1, as in its file name
    start_ticks: int
    duration_ticks: int
    uri: str  # relative to the title's folder, or absolute once a reader has resolved it
    byte_range: ByteRange | None = None
    size_bytes: int | None = None  # None: the manifest does not say

    @property
    def end_ticks(self) -> int:
        return self.start_ticks + self.duration_ticks


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The segments of one track in order, without gaps, on one timescale (ticks per second)."""

    timescale: int
    segments: tuple[Segment, ...]

    def __post_init__(self) -> None:
        if self.timescale <= 0:
            raise ValueError(f"timescale = {self.timescale}: ticks per second must be positive")
        for segment in self.segments:
            if segment.duration_ticks < 0:
                raise ValueError(f"segment {segment.number} ends before it starts")
        for earlier, later in zip(self.segments, self.segments[1:], strict=False):
            if later.start_ticks != earlier.end_ticks:
                raise ValueError(
                    f"segment {later.number} starts at tick {later.start_ticks}, "
                    f"but segment {earlier.number} ends at tick {earlier.end_ticks}"
                )

    @property
    def start_ticks(self) -> int:
        return self.segments[0].start_ticks if self.segments else 0

    @property
    def duration_ticks(self) -> int:
        return self.segments[-1].end_ticks - self.start_ticks if self.segments else 0

    @property
    def duration(self) -> Fraction:
        """Seconds, exactly."""
        return Fraction(self.duration_ticks, self.timescale)

    @property
    def longest_ticks(self) -> int:
        return max((segment.duration_ticks for segment in self.segments), default=0)

    @property
    def average_bps(self) -> int:
        """Bits per second over the whole, rounded up; 0 for an empty one."""
        bits = 8 * sum(segment.size_bytes or 0 for segment in self.segments)
        return ceil(bits / self.duration) if self.duration_ticks else 0

    @property
    def peak_bps(self) -> int:
        """Bits per second of the costliest segment, rounded up (RFC 8216, 4.1)."""
        return max(
            (
                ceil(8 * (segment.size_bytes or 0) / self.seconds(segment.duration_ticks))
                for segment in self.segments
                if segment.duration_ticks
            ),
            default=0,
        )

    def seconds(self, ticks: int) -> Fraction:
        return Fraction(ticks, self.timescale)

    def at(self, time_s: float) -> Segment | None:
        """The segment that plays at `time_s` (counted from tick 0), or None outside the timeline."""
        ticks = time_s * self.timescale
        for segment in self.segments:
            if segment.start_ticks <= ticks < segment.end_ticks:
                return segment
        return None
