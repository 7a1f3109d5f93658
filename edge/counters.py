"""What an edge counts, in plain integers; the admin plane turns them into Prometheus metrics."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from edge.message import CacheStatus

# Upper bounds in seconds: a hit from the slow path, a shield near by, an origin far away, a time limit.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Histogram:
    """How often a value lay at or below each bound."""

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)  # each without those below; the last: above all bounds
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulative(self) -> Iterator[tuple[str, float]]:
        """By upper bound, as Prometheus writes it."""
        number = 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            number += count
            yield bound, number


@dataclass(slots=True)
class Counters:
    """Since the start of the process."""

    hits: int = 0  # on the hot path; all other outcomes stand in `outcomes`
    hit_bytes: int = 0
    outcomes: dict[CacheStatus, int] = field(default_factory=lambda: dict.fromkeys(CacheStatus, 0))
    sent_bytes: dict[CacheStatus, int] = field(default_factory=lambda: dict.fromkeys(CacheStatus, 0))
    statuses: dict[int, int] = field(default_factory=dict)  # of answers off the hot path
    took: Histogram = field(default_factory=Histogram)  # seconds to their end
    connections: int = 0  # accepted

    def count(self, outcome: CacheStatus, status: int, sent_bytes: int, took_s: float = 0.0) -> None:
        self.outcomes[outcome] += 1
        self.sent_bytes[outcome] += sent_bytes
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.took.add(took_s)

    def by_outcome(self) -> dict[CacheStatus, tuple[int, int]]:
        """Requests and body bytes sent, by outcome; the hot path's hits included."""
        totals = {outcome: (self.outcomes[outcome], self.sent_bytes[outcome]) for outcome in CacheStatus}
        requests, sent_bytes = totals[CacheStatus.HIT]
        totals[CacheStatus.HIT] = (requests + self.hits, sent_bytes + self.hit_bytes)
        return totals
