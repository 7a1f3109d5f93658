"""What an edge counts, in plain integers; the admin plane turns them into Prometheus metrics."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge.message import CacheStatus


@dataclass(slots=True)
class Counters:
    """Since the start of the process."""

    hits: int = 0  # on the hot path; all other outcomes stand in `outcomes`
    hit_bytes: int = 0
    outcomes: dict[CacheStatus, int] = field(default_factory=lambda: dict.fromkeys(CacheStatus, 0))
    sent_bytes: dict[CacheStatus, int] = field(default_factory=lambda: dict.fromkeys(CacheStatus, 0))
    statuses: dict[int, int] = field(default_factory=dict)  # of answers off the hot path
    connections: int = 0  # accepted

    def count(self, outcome: CacheStatus, status: int, sent_bytes: int) -> None:
        self.outcomes[outcome] += 1
        self.sent_bytes[outcome] += sent_bytes
        self.statuses[status] = self.statuses.get(status, 0) + 1

    def by_outcome(self) -> dict[CacheStatus, tuple[int, int]]:
        """Requests and body bytes sent, by outcome; the hot path's hits included."""
        totals = {outcome: (self.outcomes[outcome], self.sent_bytes[outcome]) for outcome in CacheStatus}
        requests, sent_bytes = totals[CacheStatus.HIT]
        totals[CacheStatus.HIT] = (requests + self.hits, sent_bytes + self.hit_bytes)
        return totals
