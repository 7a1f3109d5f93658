"""Whether the disk may be used, and when to try again: a failing disk is taken out, and said so once."""

from __future__ import annotations

from enum import Enum

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_STEADY_S = 60.0  # so long without a failure, and the next one is the first again


class Fitness(Enum):
    WELL = "well"
    NO_WRITING = "no writing"  # full, read-only: what is there can still be read
    OUT = "out"  # reading failed


_WORSE = {Fitness.WELL: 0, Fitness.NO_WRITING: 1, Fitness.OUT: 2}


class Health:
    """Failures in, permission out. Probes come after 1 s, then twice as late each time, up to a minute."""

    def __init__(self) -> None:
        self.fitness = Fitness.WELL
        self._pause_s = _FIRST_PAUSE_S
        self._next_probe_s = 0.0
        self._healed_s = float("-inf")

    @property
    def may_read(self) -> bool:
        return self.fitness is not Fitness.OUT

    @property
    def may_write(self) -> bool:
        return self.fitness is Fitness.WELL

    def failed(self, fitness: Fitness, now_s: float) -> bool:
        """The disk failed so that it is now `fitness` at best; True if that is news."""
        is_news = _WORSE[fitness] > _WORSE[self.fitness]
        if self.fitness is Fitness.WELL:
            if now_s - self._healed_s > _STEADY_S:
                self._pause_s = _FIRST_PAUSE_S
            self._next_probe_s = now_s + self._pause_s
        if is_news:
            self.fitness = fitness
        return is_news

    def is_probe_due(self, now_s: float) -> bool:
        return self.fitness is not Fitness.WELL and now_s >= self._next_probe_s

    def probed(self, now_s: float, *, is_well: bool) -> None:
        """What a probe found. It leaves the pause as long as it was, for a disk that fails again at once."""
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        self._next_probe_s = now_s + self._pause_s
        if is_well:
            self.fitness = Fitness.WELL
            self._healed_s = now_s
