"""The one decision, row by row (RFC 9111, 4 and 5.2.1; RFC 5861)."""

from __future__ import annotations

import pytest

from edge.decision import (
    Decision,
    Fetch,
    Pass,
    Refuse,
    Revalidate,
    Serve,
    ServeStale,
    decide,
    may_serve_on_error,
)
from edge.message import Forward
from edge.stored import StoredResponse
from tests.edge.messages import NOW_S, date, request, stored

HELD = stored(cache_control="max-age=100")
UNSTORED = Refuse(504, "nothing fresh is stored")


def kind(decision: Decision) -> str:
    return type(decision).__name__


NOTHING_STORED = [  # method, request's Cache-Control, decision
    pytest.param("GET", None, Fetch(), id="get"),
    pytest.param("GET", "no-cache", Fetch(), id="5.2.1.4-no-cache"),
    pytest.param("GET", "no-store", Pass(Forward.REQUEST), id="5.2.1.5-no-store"),
    pytest.param("GET", "only-if-cached", UNSTORED, id="5.2.1.7-only-if-cached"),
    pytest.param("HEAD", None, Pass(Forward.URI_MISS), id="head"),
    pytest.param("HEAD", "only-if-cached", UNSTORED, id="5.2.1.7-head"),
    pytest.param("POST", None, Pass(Forward.METHOD), id="4-unsafe"),
    pytest.param("POST", "only-if-cached", Pass(Forward.METHOD), id="4-unsafe-only-if-cached"),
    pytest.param("OPTIONS", None, Pass(Forward.METHOD), id="preflight"),
]


@pytest.mark.parametrize(("method", "wish", "decision"), NOTHING_STORED)
def test_what_is_done_when_nothing_is_stored(method: str, wish: str | None, decision: Decision) -> None:
    named = {} if wish is None else {"cache_control": wish}
    assert decide(request(method=method, **named), None, NOW_S) == decision


STORED = [  # response's Cache-Control, its age, request's Cache-Control, decision
    pytest.param("max-age=100", 0, None, "Serve", id="4-fresh"),
    pytest.param("max-age=100", 99.9, None, "Serve", id="4.2-fresh-to-the-last"),
    pytest.param("max-age=100", 100, None, "Revalidate", id="4.2-stale-at-its-lifetime"),
    pytest.param("no-cache", 0, None, "Revalidate", id="5.2.2.4-no-cache"),
    pytest.param("max-age=100, must-revalidate", 50, None, "Serve", id="5.2.2.2-while-fresh"),
    pytest.param("max-age=100, must-revalidate", 101, None, "Revalidate", id="5.2.2.2-once-stale"),
    pytest.param("max-age=100", 0, "no-cache", "Revalidate", id="5.2.1.4-no-cache"),
    pytest.param("max-age=100", 0, "no-store", "Serve", id="5.2.1.5-no-store-forbids-keeping-not-using"),
    pytest.param("max-age=100", 30, "max-age=30", "Serve", id="5.2.1.1-max-age-reached"),
    pytest.param("max-age=100", 31, "max-age=30", "Revalidate", id="5.2.1.1-max-age-exceeded"),
    pytest.param("max-age=100", 1, "max-age=0", "Revalidate", id="5.2.1.1-max-age-zero"),
    pytest.param("max-age=100", 1, "max-age=odd", "Revalidate", id="5.2.1.1-max-age-odd"),
    pytest.param("max-age=100", 70, "min-fresh=30", "Serve", id="5.2.1.3-min-fresh"),
    pytest.param("max-age=100", 71, "min-fresh=30", "Revalidate", id="5.2.1.3-not-fresh-for-so-long"),
    pytest.param("max-age=100", 130, "max-stale=30", "Serve", id="5.2.1.2-max-stale"),
    pytest.param("max-age=100", 131, "max-stale=30", "Revalidate", id="5.2.1.2-staler-than-that"),
    pytest.param("max-age=100", 9999, "max-stale", "Serve", id="5.2.1.2-however-stale"),
    pytest.param(
        "max-age=100, must-revalidate", 101, "max-stale", "Revalidate", id="5.2.2.2-beats-max-stale"
    ),
    pytest.param("s-maxage=100", 101, "max-stale", "Revalidate", id="5.2.2.10-beats-max-stale"),
    pytest.param("no-cache, max-age=100", 101, "max-stale", "Revalidate", id="5.2.2.4-beats-max-stale"),
    pytest.param("max-age=100", 50, "only-if-cached", "Serve", id="5.2.1.7-stored"),
    pytest.param("max-age=100", 101, "only-if-cached", "Refuse", id="5.2.1.7-stale"),
    pytest.param("max-age=100", 101, "only-if-cached, max-stale=5", "Serve", id="5.2.1.7-stale-is-welcome"),
    pytest.param("max-age=100, stale-while-revalidate=20", 119, None, "ServeStale", id="5861-3-within"),
    pytest.param("max-age=100, stale-while-revalidate=20", 120, None, "Revalidate", id="5861-3-past"),
    pytest.param("max-age=100, stale-while-revalidate=20", 50, None, "Serve", id="5861-3-still-fresh"),
    pytest.param(
        "max-age=100, stale-while-revalidate=20, must-revalidate", 110, None, "Revalidate", id="5861-3-must"
    ),
    pytest.param(
        "max-age=100, stale-while-revalidate=20", 110, "no-cache", "Revalidate", id="5861-3-no-cache"
    ),
    pytest.param(
        "max-age=100, stale-while-revalidate=20", 110, "max-age=200", "Revalidate", id="5861-3-max-age"
    ),
    pytest.param(
        "max-age=100, stale-while-revalidate=20", 110, "min-fresh=1", "Revalidate", id="5861-3-min-fresh"
    ),
]


@pytest.mark.parametrize(("control", "age_s", "wish", "decision"), STORED)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_done_with_a_stored_response(
    method: str, control: str, age_s: float, wish: str | None, decision: str
) -> None:
    held = stored(cache_control=control)
    named = {} if wish is None else {"cache_control": wish}
    if method == "HEAD" and decision == "Revalidate":
        decision = "Pass"  # what it brings updates what is stored (4.3.5)
    assert kind(decide(request(method=method, **named), held, NOW_S + age_s)) == decision


WHY = [  # response's Cache-Control, its age, request's Cache-Control, why upstream is asked (RFC 9211, 2.2)
    pytest.param("max-age=100", 0, "no-cache", Forward.REQUEST, id="the-client-asks-for-it"),
    pytest.param("max-age=100", 101, None, Forward.STALE, id="stale"),
    pytest.param("max-age=100", 101, "no-cache", Forward.STALE, id="both"),
    pytest.param("no-cache, max-age=100", 0, None, Forward.STALE, id="no-cache-is-never-fresh"),
    pytest.param("max-age=100", 99, "min-fresh=5", Forward.REQUEST, id="not-fresh-enough"),
]


@pytest.mark.parametrize(("control", "age_s", "wish", "why"), WHY)
def test_why_upstream_is_asked(control: str, age_s: float, wish: str | None, why: Forward) -> None:
    held = stored(cache_control=control)
    named = {} if wish is None else {"cache_control": wish}
    assert decide(request(**named), held, NOW_S + age_s) == Revalidate(held, why)
    assert decide(request(method="HEAD", **named), held, NOW_S + age_s) == Pass(why)


@pytest.mark.parametrize("name", ["if_match", "if_unmodified_since"])
@pytest.mark.parametrize("held", [None, HELD], ids=["nothing-stored", "stored"])
def test_conditions_that_no_cache_judges_are_the_origins(held: StoredResponse | None, name: str) -> None:
    """RFC 9111, 4.3.2."""
    assert decide(request("/x", "GET", **{name: '"v1"'}), held, NOW_S) == Pass(Forward.REQUEST)


def test_an_expired_response_is_validated_or_served_stale_as_if_its_time_had_come() -> None:
    held = stored(cache_control="max-age=100, stale-while-revalidate=20")
    held.expire(NOW_S + 10)
    assert kind(decide(request(), held, NOW_S + 9)) == "Serve"
    assert kind(decide(request(), held, NOW_S + 10)) == "ServeStale"
    assert kind(decide(request(), held, NOW_S + 31)) == "Revalidate"


NO_CACHE = [  # a response that must be validated each time, and would be fresh without that
    pytest.param({"cache_control": "no-cache, max-age=100"}, id="max-age"),
    pytest.param({"cache_control": "no-cache", "expires": date(NOW_S + 100)}, id="expires"),
    pytest.param({"cache_control": "no-cache", "last_modified": date(NOW_S - 1000)}, id="heuristic"),
]


@pytest.mark.parametrize("named", NO_CACHE)
def test_no_cache_is_validated_however_long_its_lifetime(named: dict[str, str]) -> None:
    assert kind(decide(request(), stored(named=named), NOW_S + 1)) == "Revalidate"


@pytest.mark.parametrize("named", NO_CACHE)
@pytest.mark.parametrize("is_disconnected", [True, False])
def test_no_cache_never_stands_in_for_a_failed_upstream(named: dict[str, str], is_disconnected: bool) -> None:
    assert not may_serve_on_error(stored(named=named), NOW_S + 1, is_disconnected=is_disconnected)


def test_a_no_store_request_that_needs_upstream_is_passed() -> None:
    assert decide(request(cache_control="no-store"), HELD, NOW_S + 101) == Pass(Forward.REQUEST)


def test_pragma_counts_where_cache_control_says_nothing() -> None:
    """RFC 9111, 5.4."""
    assert kind(decide(request(pragma="no-cache"), HELD, NOW_S)) == "Revalidate"
    assert kind(decide(request(pragma="no-cache", cache_control="max-age=9"), HELD, NOW_S)) == "Serve"


def test_a_decision_carries_what_it_is_about() -> None:
    assert decide(request(), HELD, NOW_S) == Serve(HELD)
    assert decide(request(), HELD, NOW_S + 100) == Revalidate(HELD, Forward.STALE)
    lenient = stored(cache_control="max-age=1, stale-while-revalidate=9")
    assert decide(request(), lenient, NOW_S + 2) == ServeStale(lenient)


ON_ERROR = [  # Cache-Control, age, is upstream unreachable, may the stored response stand in
    pytest.param("max-age=10", 50, True, True, id="4.2.4-disconnected"),
    pytest.param("max-age=10", 50, False, False, id="4.2.4-upstream-answers-with-an-error"),
    pytest.param("max-age=10, stale-if-error=60", 69, False, True, id="5861-4-within"),
    pytest.param("max-age=10, stale-if-error=60", 70, False, False, id="5861-4-past"),
    pytest.param("max-age=10, stale-if-error=60", 70, True, True, id="5861-4-past-but-disconnected"),
    pytest.param("max-age=10, must-revalidate", 50, True, False, id="5.2.2.2-never"),
    pytest.param(
        "max-age=10, must-revalidate, stale-if-error=60", 50, False, False, id="5.2.2.2-not-even-so"
    ),
    pytest.param("s-maxage=10", 50, True, False, id="5.2.2.10-never"),
    pytest.param("no-cache", 50, True, False, id="5.2.2.4-never"),
    pytest.param("max-age=10", 5, False, True, id="still-fresh"),
    pytest.param("max-age=10, must-revalidate", 5, True, True, id="5.2.2.2-still-fresh"),
]


@pytest.mark.parametrize(("control", "age_s", "is_disconnected", "may_stand_in"), ON_ERROR)
def test_when_a_stored_response_stands_in_for_upstream(
    control: str, age_s: float, is_disconnected: bool, may_stand_in: bool
) -> None:
    held: StoredResponse = stored(cache_control=control)
    assert may_serve_on_error(held, NOW_S + age_s, is_disconnected=is_disconnected) is may_stand_in
