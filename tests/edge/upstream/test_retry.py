"""Which failed requests are sent again, and how many in all."""

from __future__ import annotations

import random

import pytest

from edge.upstream.retry import Failure, RetryBudget, may_repeat, may_repeat_here, pause_s
from tests.edge.messages import NOW_S

CASES = [  # method, failure, was some of the body read, may it be sent again
    pytest.param(b"GET", Failure.BROKEN, False, True, id="9.2.2-idempotent"),
    pytest.param(b"DELETE", Failure.BROKEN, False, True, id="9.2.2-idempotent-though-unsafe"),
    pytest.param(b"PUT", Failure.SILENT, True, False, id="its-body-is-gone"),
    pytest.param(b"POST", Failure.BROKEN, False, False, id="9.2.2-a-proxy-must-not"),
    pytest.param(b"POST", Failure.DROPPED, False, False, id="9.2.2-nor-on-a-kept-connection"),
    pytest.param(b"POST", Failure.UNREACHED, False, True, id="nothing-was-sent"),
    pytest.param(b"GET", Failure.BUSY, False, True, id="busy-and-it-is-a-read"),
    pytest.param(b"DELETE", Failure.BUSY, False, False, id="busy-is-an-answer"),
    pytest.param(b"PATCH", Failure.SILENT, False, False, id="unknown-to-be-idempotent"),
]


@pytest.mark.parametrize(("method", "failure", "is_body_gone", "expected"), CASES)
def test_what_may_be_sent_again(method: bytes, failure: Failure, is_body_gone: bool, expected: bool) -> None:
    assert may_repeat(method, failure, is_body_gone=is_body_gone) is expected


def test_the_same_upstream_is_asked_twice_at_most_and_not_hurried() -> None:
    assert [failure for failure in Failure if may_repeat_here(failure, 1)] == [
        Failure.UNREACHED,
        Failure.DROPPED,
        Failure.BROKEN,
    ]
    assert not any(may_repeat_here(failure, 2) for failure in Failure)


def test_a_pause_is_jittered_and_a_dropped_connection_needs_none() -> None:
    chance = random.Random(1)
    pauses = {pause_s(Failure.BROKEN, chance) for _ in range(100)}
    assert len(pauses) > 50
    assert all(0.02 <= pause <= 0.08 for pause in pauses)
    assert pause_s(Failure.DROPPED, chance) == 0


def test_repeats_are_a_share_of_the_requests_and_a_few_more() -> None:
    budget = RetryBudget(0.2, 10)
    for _ in range(100):
        budget.asked(NOW_S)
    assert sum(budget.take(NOW_S) for _ in range(100)) == 30
    assert (budget.granted, budget.refused) == (30, 70)


def test_a_quiet_edge_has_the_floor() -> None:
    budget = RetryBudget(0.2, 3)
    assert [budget.take(NOW_S) for _ in range(5)] == [True, True, True, False, False]


def test_the_budget_is_that_of_the_last_ten_seconds() -> None:
    budget = RetryBudget(0.0, 1)
    assert [budget.take(NOW_S + later_s) for later_s in (0, 5, 10, 15, 20)] == [
        True,
        False,
        True,
        False,
        True,
    ]


def test_an_upstream_that_always_fails_is_asked_a_fifth_more_and_no_twice() -> None:
    budget, sent = RetryBudget(0.2, 10), 0
    for number in range(10_000):
        now_s = NOW_S + number / 100
        budget.asked(now_s)
        sent += 1 + budget.take(now_s)
    assert sent <= 10_000 * 1.2 + 10 * 11
