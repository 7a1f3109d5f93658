"""The screen's side of a session: playhead, buffers, startup and stalls. Time is handed in."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum

_INSTANT_S = 1e-9  # below it a difference of times is rounding


class Kind(StrEnum):
    """What a track carries; each kind has its own buffer, and playback needs all of them."""

    VIDEO = "video"
    AUDIO = "audio"


class Phase(Enum):
    STARTING = "starting"
    PLAYING = "playing"
    STALLED = "stalled"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Stall:
    """Playback stood still at `playhead_s` of the title."""

    start_s: float
    end_s: float
    playhead_s: float

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


class Playback:
    """Plays from media second 0 to `end_s` whatever has arrived; `now_s` may only grow."""

    def __init__(
        self, kinds: Iterable[Kind], *, start_s: float, end_s: float, startup_s: float, resume_s: float
    ) -> None:
        self.phase = Phase.STARTING
        self.start_s = start_s
        self.end_s = end_s
        self.playhead_s = 0.0
        self.startup_delay_s: float | None = None
        self.stalls: list[Stall] = []
        self._startup_s = startup_s
        self._resume_s = resume_s
        self._clock_s = start_s
        self._buffered_until_s = dict.fromkeys(kinds, 0.0)
        self._frontier_s = 0.0  # as far as playback can go with what is there
        self._stalled_since_s = math.nan

    def buffer_s(self, kind: Kind) -> float:
        """Media seconds ahead of the playhead."""
        return self._buffered_until_s[kind] - self.playhead_s

    def buffered_until_s(self, kind: Kind) -> float:
        return self._buffered_until_s[kind]

    @property
    def runs_out_s(self) -> float:
        """When the playhead reaches the end of what is there, if nothing more arrives."""
        return self._clock_s + self._frontier_s - self.playhead_s

    def advance(self, now_s: float) -> None:
        """Let the time until `now_s` pass."""
        if self.phase is Phase.PLAYING:
            playhead_s = self.playhead_s + (now_s - self._clock_s)
            if self._frontier_s - playhead_s > _INSTANT_S:
                self.playhead_s = playhead_s
            else:
                self._run_out(now_s)
        self._clock_s = now_s

    def append(self, kind: Kind, until_s: float, now_s: float) -> None:
        """Media of `kind` is now there up to `until_s` of the title."""
        self.advance(now_s)
        self._buffered_until_s[kind] = until_s
        self._frontier_s = min(self.end_s, *self._buffered_until_s.values())
        if self.phase is Phase.STARTING or self.phase is Phase.STALLED:
            needed_s = self._startup_s if self.phase is Phase.STARTING else self._resume_s
            ahead_s = self._frontier_s - self.playhead_s
            if ahead_s > 0 and (ahead_s >= needed_s or self._frontier_s >= self.end_s):
                self.play(now_s)

    def play(self, now_s: float) -> None:
        """Start, or go on after a stall, without waiting for the threshold."""
        if self.phase is Phase.STARTING:
            self.startup_delay_s = now_s - self.start_s
        elif self.phase is Phase.STALLED:
            self._end_stall(now_s)
        self.phase = Phase.PLAYING

    def close(self, now_s: float) -> None:
        """The viewer sees no more: a stall that goes on counts until now."""
        self.advance(now_s)
        if self.phase is Phase.STALLED:
            self._end_stall(now_s)

    def _run_out(self, now_s: float) -> None:
        dry_s = self.runs_out_s
        self.playhead_s = self._frontier_s
        if self._frontier_s >= self.end_s:
            self.phase = Phase.ENDED
        elif now_s > dry_s:  # what arrives just in time causes no stall
            self.phase = Phase.STALLED
            self._stalled_since_s = dry_s

    def _end_stall(self, now_s: float) -> None:
        self.stalls.append(Stall(self._stalled_since_s, now_s, self.playhead_s))
