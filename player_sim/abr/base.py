"""The seam between a player and its ABR rule: the rule sees the state, nothing behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from media.rendition import VideoRendition


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerState:
    """What a player knows at the moment it is about to request a video segment."""

    ladder: tuple[VideoRendition, ...]  # from low to high
    buffer_s: float
    max_buffer_s: float
    segment_index: int  # of the segment to be chosen, from 0
    segment_count: int
    segment_duration_s: float
    sizes_bytes: tuple[int, ...] | None  # of that segment on each rung; None: the manifest does not say
    last: int | None  # the rung of the segment before; None at the start
    throughput_bps: float | None  # as estimated; None until something was downloaded
    latency_s: float  # as estimated


class AbrRule(Protocol):
    """Chooses a rung for each segment. One object serves one session, so it may remember."""

    def choose(self, state: PlayerState) -> int:
        """The index in `state.ladder` of the rung to request."""
