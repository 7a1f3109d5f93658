"""What a run comes to, from what its players and caches left behind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.outcome import outcome_of, run_values
from player_sim.result import Delivery
from tests.lab.runs import HIT, MISS, run_of, session, tier

SAID = [  # Cache-Status as received, what the nearest cache did
    pytest.param("edge-a; hit; ttl=30", "hit", id="hit"),
    pytest.param("edge-a; hit; ttl=-2", "stale", id="stale"),
    pytest.param(
        "shield; hit; ttl=30, edge-a; fwd=uri-miss; fwd-status=200; stored", "miss", id="hit-further-up"
    ),
    pytest.param("edge-a; fwd=uri-miss; fwd-status=200; collapsed", "collapsed", id="collapsed"),
    pytest.param("edge-a; fwd=stale; fwd-status=304; ttl=5", "revalidated", id="revalidated"),
    pytest.param("", "pass", id="nothing-said"),
]


@pytest.mark.parametrize(("said", "outcome"), SAID)
def test_the_nearest_cache_tells_the_outcome(said: str, outcome: str) -> None:
    record = session("x", 5e6, HIT).result.segments[0]
    delivered = replace(record, delivery=Delivery(edge="http://e", attempts=1, cache_status=said, age_s=None))
    assert outcome_of(delivered) == outcome


def test_the_origin_saved_what_viewers_got_and_it_did_not_send() -> None:
    run = run_of(session("cable", 5e6, MISS, HIT))
    assert run.viewers_bytes == 30_000_000
    assert run.origin_bytes == 4_000_000
    assert run.origin_saved == pytest.approx(1 - 4 / 30)


def test_the_hit_ratio_of_the_edges_leaves_the_shield_out() -> None:
    assert run_of(session("cable", 5e6, HIT)).edge_hit_ratio == pytest.approx((48 + 4) / 64)


def test_a_tier_that_nobody_asked_has_no_ratio() -> None:
    idle = tier("edge-b", 0, 0)
    assert idle.hit_ratio is None
    assert idle.byte_hit_ratio is None


def test_a_run_with_a_failed_session_is_no_success() -> None:
    good = session("cable", 5e6, HIT)
    bad = replace(good, result=replace(good.result, failure="no edge answered"))
    assert run_of(good).is_success
    assert not run_of(good, bad).is_success


def test_the_values_for_programs_name_every_session() -> None:
    values = run_values(run_of(session("cable", 5e6, HIT), session("3G", 8e5, HIT)))
    sessions = values["sessions"]
    assert isinstance(sessions, list)
    assert [each["name"] for each in sessions] == ["cable", "3G"]
    assert sessions[0]["segments"][0]["delivery"]["cache_status"] == HIT
