"""Lifetime, age and staleness (RFC 9111, 4.2)."""

from __future__ import annotations

import pytest

from edge.control import Control, control_of
from edge.fields import parse_directives
from edge.freshness import freshness_lifetime_s, grace_s, initial_age_s, may_be_stale
from tests.edge.messages import NOW_S, date, head

DAY_S = 86_400


def controlled(value: bytes) -> Control:
    return Control(parse_directives(value))


LIFETIMES = [  # status, fields, lifetime_s
    pytest.param(200, {"cache_control": "max-age=60"}, 60, id="4.2.1-max-age"),
    pytest.param(200, {"cache_control": "max-age=5, s-maxage=60"}, 60, id="4.2.1-s-maxage-wins"),
    pytest.param(200, {"cache_control": "max-age=60", "expires": date(NOW_S + 5)}, 60, id="5.3-max-age-wins"),
    pytest.param(200, {"expires": date(NOW_S + 5), "date": date(NOW_S)}, 5, id="4.2.1-expires-less-date"),
    pytest.param(
        200, {"expires": date(NOW_S + 5), "date": date(NOW_S + 2)}, 3, id="4.2.1-by-the-origins-clock"
    ),
    pytest.param(200, {"expires": date(NOW_S + 5)}, 5, id="4.2.1-no-date-counts-as-received"),
    pytest.param(200, {"expires": date(NOW_S - 5), "date": date(NOW_S)}, 0, id="5.3-in-the-past"),
    pytest.param(200, {"expires": "0", "date": date(NOW_S)}, 0, id="5.3-invalid-is-in-the-past"),
    pytest.param(200, {"cache_control": "max-age=soon"}, 0, id="4.2.1-invalid-is-stale"),
    pytest.param(200, {"cache_control": "max-age"}, 0, id="4.2.1-without-argument-is-stale"),
    pytest.param(200, {"cache_control": "max-age=-1"}, 0, id="4.2.1-negative-is-stale"),
    pytest.param(200, {"cache_control": "max-age=10, max-age=99"}, 10, id="4.2.1-first-of-two"),
    pytest.param(
        200,
        {"last_modified": date(NOW_S - 1000), "date": date(NOW_S)},
        100,
        id="4.2.2-a-tenth-since-modified",
    ),
    pytest.param(200, {"last_modified": date(NOW_S - 100 * DAY_S)}, DAY_S, id="4.2.2-a-day-at-most"),
    pytest.param(200, {"last_modified": date(NOW_S + 1000)}, 0, id="4.2.2-modified-in-the-future"),
    pytest.param(404, {"last_modified": date(NOW_S - 1000)}, 100, id="9110-15.1-a-404-too"),
    pytest.param(500, {"last_modified": date(NOW_S - 1000)}, 0, id="9110-15.1-not-a-500"),
    pytest.param(
        500,
        {"last_modified": date(NOW_S - 1000), "cache_control": "public"},
        100,
        id="4.2.2-unless-it-is-public",
    ),
    pytest.param(200, {}, 0, id="4.2.2-nothing-to-go-by"),
]


@pytest.mark.parametrize(("status", "named", "lifetime_s"), LIFETIMES)
def test_the_lifetime_of_a_response(status: int, named: dict[str, str], lifetime_s: float) -> None:
    response = head(status, named)
    assert freshness_lifetime_s(response, control_of(response.fields)) == lifetime_s


AGES = [  # fields, seconds between request and response, initial age
    pytest.param({"date": date(NOW_S)}, 0, 0, id="4.2.3-just-made"),
    pytest.param({"date": date(NOW_S - 7)}, 0, 7, id="4.2.3-apparent-age"),
    pytest.param({"date": date(NOW_S), "age": "30"}, 0, 30, id="4.2.3-said-by-a-cache"),
    pytest.param({"date": date(NOW_S), "age": "30"}, 4, 34, id="4.2.3-response-delay-counts"),
    pytest.param({"date": date(NOW_S - 50), "age": "30"}, 4, 50, id="4.2.3-the-larger-of-both"),
    pytest.param({"date": date(NOW_S + 50)}, 0, 0, id="4.2.3-a-clock-that-is-ahead"),
    pytest.param({"date": "yesterday"}, 0, 0, id="an-invalid-date"),
    pytest.param({}, 3, 3, id="no-date"),
    pytest.param({"age": "old"}, 0, 0, id="5.1-an-invalid-age"),
    pytest.param({"age": "-5"}, 0, 0, id="5.1-a-negative-age"),
    pytest.param({"age": "30, 40"}, 0, 30, id="5.1-the-first-of-a-list"),
]


@pytest.mark.parametrize(("named", "delay_s", "age_s"), AGES)
def test_the_age_at_which_a_response_comes(named: dict[str, str], delay_s: float, age_s: float) -> None:
    assert initial_age_s(head(named=named, delay_s=delay_s)) == age_s


STALENESS = [
    pytest.param(b"max-age=1", True, id="4.2.4-nothing-forbids"),
    pytest.param(b"max-age=1, must-revalidate", False, id="5.2.2.2"),
    pytest.param(b"max-age=1, proxy-revalidate", False, id="5.2.2.8"),
    pytest.param(b"s-maxage=1", False, id="5.2.2.10-implies-proxy-revalidate"),
    pytest.param(b"no-cache", False, id="5.2.2.4"),
]


@pytest.mark.parametrize(("value", "is_allowed"), STALENESS)
def test_a_response_may_forbid_its_use_when_stale(value: bytes, is_allowed: bool) -> None:
    control = controlled(value + b", stale-if-error=60, stale-while-revalidate=30")
    assert may_be_stale(control) is is_allowed
    assert grace_s(control, "stale-if-error") == (60 if is_allowed else 0)
    assert grace_s(control, "stale-while-revalidate") == (30 if is_allowed else 0)


def test_there_is_no_grace_without_a_directive_or_with_an_odd_one() -> None:
    assert grace_s(controlled(b"max-age=1"), "stale-if-error") == 0
    assert grace_s(controlled(b"stale-if-error=long"), "stale-if-error") == 0
