"""A finished run: who played what through which caches, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from lab.ladder import TitleLadders, ladder_values
from lab.measure import Tier
from media.presentation import Presentation
from player_sim.network import Trace
from player_sim.qoe import Qoe, qoe_of
from player_sim.report import as_values
from player_sim.result import SegmentRecord, SessionResult


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedSession:
    """One player of a run: what it was, and how it went."""

    name: str
    rule: str
    network: str  # in words
    trace: Trace
    edge: str
    result: SessionResult

    @property
    def qoe(self) -> Qoe:
        return qoe_of(self.result)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All that a report is made of."""

    title: str
    presentation: Presentation
    encode_s: float | None  # None: nothing was to be encoded
    sessions: Sequence[PlayedSession]
    tiers: Sequence[Tier]  # shield first
    ladders: TitleLadders | None = None  # None: nothing was probed, and no rung measured

    @property
    def viewers_bytes(self) -> int:
        return sum(tier.sent_bytes for tier in self.tiers if tier.name != "shield")

    @property
    def origin_bytes(self) -> int:
        return sum(tier.upstream_bytes for tier in self.tiers if tier.name == "shield")

    @property
    def origin_saved(self) -> float:
        """The share of the viewers' bytes that the origin did not have to send."""
        return 1 - self.origin_bytes / self.viewers_bytes if self.viewers_bytes else 0.0

    @property
    def edge_hit_ratio(self) -> float | None:
        """The share of viewers' requests that cost their edge no fetch of its own."""
        edges = [tier for tier in self.tiers if tier.name != "shield"]
        requests = sum(tier.requests for tier in edges)
        return sum((tier.hit_ratio or 0) * tier.requests for tier in edges) / requests if requests else None

    @property
    def is_success(self) -> bool:
        return all(session.result.is_complete for session in self.sessions)


def run_values(run: Run) -> dict[str, object]:
    played = as_values([session.result for session in run.sessions])
    names = [
        {"name": session.name, "rule": session.rule, "network": session.network, "edge": session.edge}
        for session in run.sessions
    ]
    return {
        "title": run.title,
        "duration_s": float(run.presentation.duration),
        "encode_s": run.encode_s,
        "viewers_bytes": run.viewers_bytes,
        "origin_bytes": run.origin_bytes,
        "origin_saved": run.origin_saved,
        "tiers": [
            asdict(tier) | {"hit_ratio": tier.hit_ratio, "byte_hit_ratio": tier.byte_hit_ratio}
            for tier in run.tiers
        ],
        "ladder": ladder_values(run.ladders) if run.ladders else None,
        "sessions": [name | session for name, session in zip(names, played["sessions"], strict=True)],
    }


def outcome_of(record: SegmentRecord) -> str:
    """What the cache nearest to the player said it did, in the words of the caches' own logs."""
    said = (record.delivery.cache_status if record.delivery else None) or ""
    nearest = said.rpartition(",")[2]
    if "; hit" in nearest:
        return "stale" if "ttl=-" in nearest else "hit"
    if "collapsed" in nearest:
        return "collapsed"
    if "fwd-status=304" in nearest:
        return "revalidated"
    return "miss" if "fwd=" in nearest else "pass"
