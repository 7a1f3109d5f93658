"""The circuit breaker: when it opens, whom it lets through, when it closes."""

from __future__ import annotations

import random

import pytest

from edge.upstream.breaker import Breaker, BreakerRules, Circuit, Ticket
from tests.edge.messages import NOW_S

RULES = BreakerRules(failures=3, ratio=0.5, pause_s=1.0, longest_pause_s=8.0)


class Longest(random.Random):
    """Draws the upper end, so that pauses are whole."""

    def uniform(self, a: float, b: float) -> float:  # noqa: ARG002
        return b


def breaker(rules: BreakerRules = RULES) -> Breaker:
    return Breaker(rules, Longest())


def admitted(one: Breaker, now_s: float) -> Ticket:
    ticket = one.admit(now_s)
    assert ticket is not None
    return ticket


def circuit(one: Breaker) -> Circuit:
    """Asked anew each time: a type checker believes that what was read once stays so."""
    return one.circuit


def fail(one: Breaker, times: int, now_s: float) -> None:
    for _ in range(times):
        one.failed(admitted(one, now_s), now_s)


def test_so_many_failures_in_a_row_open_it() -> None:
    one = breaker()
    fail(one, 2, NOW_S)
    assert circuit(one) is Circuit.CLOSED
    fail(one, 1, NOW_S)
    assert circuit(one) is Circuit.OPEN
    assert one.admit(NOW_S) is None
    assert one.open_for_s(NOW_S + 0.25) == 0.75


def test_a_success_between_them_begins_the_row_anew() -> None:
    one = breaker()
    for _ in range(5):
        fail(one, 2, NOW_S)
        one.succeeded(admitted(one, NOW_S), NOW_S)
    assert circuit(one) is Circuit.CLOSED


def test_a_share_of_failures_opens_it_once_there_were_enough_requests() -> None:
    one = breaker()
    for _ in range(9):
        one.succeeded(admitted(one, NOW_S), NOW_S)
        fail(one, 1, NOW_S)
    one.succeeded(admitted(one, NOW_S), NOW_S)
    assert circuit(one) is Circuit.CLOSED, "nineteen say nothing"
    fail(one, 1, NOW_S)
    assert circuit(one) is Circuit.OPEN


@pytest.mark.parametrize(("step_s", "opens"), [(1.0, True), (2.0, False)])
def test_failures_of_long_ago_are_no_share(step_s: float, opens: bool) -> None:
    """One success and one failure a step: ten seconds hold twenty outcomes of the one, ten of the other."""
    one, has_opened = breaker(), False
    for number in range(20):
        now_s = NOW_S + step_s * number
        one.succeeded(admitted(one, now_s), now_s)
        fail(one, 1, now_s)
        has_opened = has_opened or circuit(one) is Circuit.OPEN
    assert has_opened is opens


def test_after_the_pause_one_probe_may_pass_and_closes_it() -> None:
    one = breaker()
    fail(one, 3, NOW_S)
    later_s = NOW_S + 1.0
    probe = admitted(one, later_s)
    assert (probe.is_probe, circuit(one)) == (True, Circuit.HALF_OPEN)
    assert one.admit(later_s) is None, "one is enough"
    one.succeeded(probe, later_s)
    assert circuit(one) is Circuit.CLOSED
    assert not admitted(one, later_s).is_probe


def test_each_probe_that_fails_doubles_the_pause_up_to_the_longest() -> None:
    one, now_s, pauses = breaker(), NOW_S, []
    fail(one, 3, now_s)
    for _ in range(6):
        pauses.append(one.open_for_s(now_s))
        now_s += pauses[-1]
        fail(one, 1, now_s)
    assert pauses == [1, 2, 4, 8, 8, 8]


def test_after_a_success_the_pause_begins_at_its_shortest() -> None:
    one = breaker()
    fail(one, 3, NOW_S)
    fail(one, 1, NOW_S + 1)
    one.succeeded(admitted(one, NOW_S + 3), NOW_S + 3)
    fail(one, 3, NOW_S + 4)
    assert one.open_for_s(NOW_S + 4) == 1


def test_a_probe_that_nobody_waited_for_makes_room_for_another() -> None:
    one = breaker()
    fail(one, 3, NOW_S)
    one.abandoned(admitted(one, NOW_S + 1))
    assert circuit(one) is Circuit.HALF_OPEN
    assert admitted(one, NOW_S + 1).is_probe


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_an_outcome_from_before_the_circuit_moved_says_nothing(outcome: str) -> None:
    one = breaker()
    early = admitted(one, NOW_S)
    fail(one, 3, NOW_S)
    getattr(one, outcome)(early, NOW_S)
    assert (circuit(one), one.open_for_s(NOW_S)) == (Circuit.OPEN, 1)
    probe = admitted(one, NOW_S + 1)
    getattr(one, outcome)(early, NOW_S + 1)
    one.abandoned(early)
    assert circuit(one) is Circuit.HALF_OPEN
    assert one.admit(NOW_S + 1) is None, "the probe is still out"
    one.succeeded(probe, NOW_S + 1)
    assert circuit(one) is Circuit.CLOSED


def test_a_clock_that_was_set_back_does_not_keep_it_open() -> None:
    one = breaker()
    fail(one, 3, NOW_S)
    assert one.open_for_s(NOW_S - 3600) == 0
    assert admitted(one, NOW_S - 3600).is_probe


def test_two_breakers_that_open_together_do_not_probe_together() -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    pauses = []
    for _ in range(200):
        one = Breaker(RULES, chance)
        fail(one, 3, NOW_S)
        pauses.append(one.open_for_s(NOW_S))
    assert all(0.5 <= pause_s <= 1.0 for pause_s in pauses), f"seed {seed}"
    assert len(set(pauses)) > 100, f"seed {seed}"


def test_whatever_happens_an_upstream_that_recovers_is_found_again() -> None:
    seed = random.randrange(2**32)
    chance, now_s = random.Random(seed), NOW_S
    one = Breaker(RULES, chance)
    out: list[Ticket] = []
    for _ in range(5000):
        now_s += chance.choice((0.0, 0.01, 0.4, 3.0))
        ticket = one.admit(now_s)
        is_shut = circuit(one) is not Circuit.CLOSED and not (ticket and ticket.is_probe)
        assert (ticket is None) == is_shut, f"seed {seed}"
        out += [ticket] if ticket else []
        if out and chance.random() < 0.8:
            done = out.pop(chance.randrange(len(out)))
            what = chance.choice(("succeeded", "failed", "abandoned"))
            one.abandoned(done) if what == "abandoned" else getattr(one, what)(done, now_s)
    for done in out:
        one.abandoned(done)
    for _ in range(2):  # whatever state that was, a pause and a success close it
        now_s += RULES.longest_pause_s
        one.succeeded(admitted(one, now_s), now_s)
    assert circuit(one) is Circuit.CLOSED, f"seed {seed}"
