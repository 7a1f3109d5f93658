"""What a session leaves behind: how each segment came, and what the viewer saw."""

from __future__ import annotations

from dataclasses import dataclass

from media.rendition import Rendition
from player_sim.playback import Kind, Stall


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How a segment came over real HTTP."""

    edge: str  # scheme, host and port that answered
    attempts: int
    cache_status: str | None  # RFC 9211, as received
    age_s: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRecord:
    """One downloaded segment. Times are the driver's; `media_start_s` counts from the start of the title."""

    kind: Kind
    index: int
    rung: int
    rendition: Rendition
    media_start_s: float
    duration_s: float
    size_bytes: int
    requested_s: float
    first_byte_s: float
    completed_s: float
    buffer_before_s: float  # at the request
    buffer_after_s: float
    estimate_bps: float | None  # what the rule believed of the link; None: nothing yet, or nothing to choose
    delivery: Delivery | None = None  # None in virtual time

    @property
    def ttfb_s(self) -> float:
        """Time to first byte; failed attempts count, as they do for the viewer."""
        return self.first_byte_s - self.requested_s


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionResult:
    start_s: float  # the click
    end_s: float
    startup_delay_s: float | None  # None: playback never started
    played_s: float  # of the title
    stalls: tuple[Stall, ...]
    segments: tuple[SegmentRecord, ...]  # in the order of arrival
    failure: str | None = None  # why it ended early

    @property
    def is_complete(self) -> bool:
        return self.failure is None

    @property
    def video(self) -> tuple[SegmentRecord, ...]:
        return tuple(record for record in self.segments if record.kind is Kind.VIDEO)
