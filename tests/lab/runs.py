"""A finished run for the tests of reports: sessions of the virtual driver, deliveries and tiers by hand."""

from __future__ import annotations

from dataclasses import replace

from lab.measure import Tier
from lab.outcome import PlayedSession, Run
from player_sim.abr import RULES
from player_sim.movies import constant_movie
from player_sim.result import Delivery, SessionResult
from player_sim.session import PlayerSettings
from player_sim.traces import constant
from player_sim.virtual_driver import simulate

MOVIE = constant_movie((500_000, 1_000_000, 3_000_000), segment_s=2.0, count=10)
MISS = "shield; fwd=uri-miss; fwd-status=200; stored, edge-a; fwd=uri-miss; fwd-status=200; stored"
HIT = "edge-a; hit; ttl=31535000"


def tier(name: str, sent_bytes: int, upstream_bytes: int, **by_outcome: int) -> Tier:
    return Tier(
        name=name,
        requests=sum(by_outcome.values()),
        by_outcome=by_outcome,
        sent_bytes=sent_bytes,
        upstream_requests=by_outcome.get("miss", 0),
        upstream_bytes=upstream_bytes,
    )


def session(name: str, bandwidth_bps: float, *statuses: str) -> PlayedSession:
    """A session whose segments came with `statuses`, the last of them for all the rest."""
    trace = constant(bandwidth_bps, 0.02)
    played = simulate(MOVIE, RULES["bola"](), trace, PlayerSettings())
    return PlayedSession(
        name=name,
        rule="bola",
        network=f"{bandwidth_bps / 1e6:g} Mbit/s",
        trace=trace,
        edge="edge-a",
        result=_delivered(played, statuses),
    )


def _delivered(result: SessionResult, statuses: tuple[str, ...]) -> SessionResult:
    padded = [*statuses, *[statuses[-1]] * len(result.segments)]
    records = [
        replace(record, delivery=Delivery(edge="http://edge-a", attempts=1, cache_status=status, age_s=3))
        for record, status in zip(result.segments, padded, strict=False)
    ]
    return replace(result, segments=tuple(records))


def run_of(*sessions: PlayedSession, title: str = "bunny") -> Run:
    return Run(
        title=title,
        presentation=MOVIE,
        encode_s=12.5,
        sessions=sessions,
        tiers=[
            tier("shield", 6_000_000, 4_000_000, miss=8, hit=4),
            tier("edge-a", 30_000_000, 6_000_000, miss=12, hit=48, collapsed=4),
        ],
    )
