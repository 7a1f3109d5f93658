"""What a shared cache may keep (RFC 9111, 3), and which variant a request selects (4.1)."""

from __future__ import annotations

import pytest

from edge.control import control_of
from edge.storing import may_store, variant_key, vary_names
from tests.edge.messages import NOW_S, date, fields, head, request

STORING = [  # request's method, its fields, status, response's fields, may it be stored
    pytest.param("GET", {}, 200, {"cache_control": "max-age=60"}, True, id="3-explicit-lifetime"),
    pytest.param("GET", {}, 200, {"expires": date(NOW_S + 60)}, True, id="3-expires"),
    pytest.param("GET", {}, 200, {"cache_control": "s-maxage=60"}, True, id="3-s-maxage"),
    pytest.param("GET", {}, 200, {"etag": '"1"'}, True, id="3-a-validator-makes-it-worth-while"),
    pytest.param("GET", {}, 200, {"last_modified": date(NOW_S - 9)}, True, id="4.2.2-heuristic"),
    pytest.param("GET", {}, 200, {}, False, id="neither-fresh-nor-to-be-validated"),
    pytest.param("GET", {}, 200, {"cache_control": "max-age=0"}, False, id="stale-at-once-without-validator"),
    pytest.param(
        "GET", {}, 200, {"cache_control": "max-age=0", "etag": '"1"'}, True, id="stale-at-once-with-one"
    ),
    pytest.param("GET", {}, 200, {"cache_control": "no-cache", "etag": '"1"'}, True, id="5.2.2.4-no-cache"),
    pytest.param("GET", {}, 200, {"cache_control": "no-store, max-age=60"}, False, id="5.2.2.5-no-store"),
    pytest.param("GET", {}, 200, {"cache_control": "private, max-age=60"}, False, id="5.2.2.7-private"),
    pytest.param("GET", {}, 200, {"cache_control": 'private="x", max-age=60'}, True, id="5.2.2.7-one-field"),
    pytest.param(
        "GET",
        {},
        200,
        {"cache_control": "no-store, must-understand, max-age=9"},
        True,
        id="5.2.2.3-understood",
    ),
    pytest.param(
        "GET",
        {},
        299,
        {"cache_control": "no-store, must-understand, max-age=9"},
        False,
        id="5.2.2.3-status-unknown",
    ),
    pytest.param(
        "GET", {"cache_control": "no-store"}, 200, {"cache_control": "max-age=60"}, False, id="5.2.1.5"
    ),
    pytest.param("HEAD", {}, 200, {"cache_control": "max-age=60"}, False, id="2-head"),
    pytest.param("POST", {}, 200, {"cache_control": "max-age=60"}, False, id="2-post"),
    pytest.param("GET", {}, 206, {"cache_control": "max-age=60"}, True, id="3.3-part"),
    pytest.param("GET", {}, 304, {"cache_control": "max-age=60"}, False, id="4.3.4-update"),
    pytest.param("GET", {}, 103, {"cache_control": "max-age=60"}, False, id="3-not-final"),
    pytest.param("GET", {}, 404, {"cache_control": "max-age=1"}, True, id="404"),
    pytest.param("GET", {}, 404, {"etag": '"1"'}, True, id="9110-15.1-404-by-heuristic"),
    pytest.param("GET", {}, 302, {"etag": '"1"'}, False, id="9110-15.1-302-only-if-explicit"),
    pytest.param("GET", {}, 302, {"cache_control": "max-age=1"}, True, id="302-explicit"),
    pytest.param("GET", {}, 503, {"etag": '"1"'}, False, id="503"),
    pytest.param("GET", {}, 503, {"cache_control": "max-age=1"}, True, id="503-explicit"),
    pytest.param(
        "GET", {"authorization": "x"}, 200, {"cache_control": "max-age=60"}, False, id="3.5-authorized"
    ),
    pytest.param(
        "GET", {"authorization": "x"}, 200, {"cache_control": "public, max-age=60"}, True, id="3.5-public"
    ),
    pytest.param(
        "GET", {"authorization": "x"}, 200, {"cache_control": "s-maxage=60"}, True, id="3.5-s-maxage"
    ),
    pytest.param(
        "GET",
        {"authorization": "x"},
        200,
        {"cache_control": "max-age=60, must-revalidate"},
        True,
        id="3.5-must",
    ),
    pytest.param("GET", {}, 200, {"cache_control": "max-age=60", "vary": "*"}, False, id="4.1-vary-star"),
    pytest.param(
        "GET", {}, 200, {"cache_control": "max-age=60", "vary": "a, *"}, False, id="4.1-star-among-others"
    ),
    pytest.param("GET", {}, 200, {"cache_control": "max-age=60", "vary": "origin"}, True, id="4.1-vary"),
]


@pytest.mark.parametrize(("method", "asked", "status", "answered", "is_stored"), STORING)
def test_which_responses_are_kept(
    method: str, asked: dict[str, str], status: int, answered: dict[str, str], is_stored: bool
) -> None:
    response = head(status, answered)
    assert may_store(request(method=method, **asked), response, control_of(response.fields)) is is_stored


POSTS = [  # response's status and fields, may the answer to POST be stored
    pytest.param(
        200, {"cache_control": "max-age=9", "content_location": "/v/seg1.m4s"}, True, id="it-says-so"
    ),
    pytest.param(
        200, {"cache_control": "max-age=9", "content_location": "http://h/v/seg1.m4s"}, True, id="in-full"
    ),
    pytest.param(200, {"expires": date(NOW_S + 9), "content_location": "seg1.m4s"}, True, id="expires"),
    pytest.param(
        200,
        {"cache_control": "s-maxage=9", "content_location": "seg1.m4s"},
        True,
        id="s-maxage",
    ),
    pytest.param(200, {"cache_control": "max-age=9"}, False, id="no-content-location"),
    pytest.param(200, {"cache_control": "max-age=9", "content_location": "/other"}, False, id="of-another"),
    pytest.param(
        200,
        {"cache_control": "max-age=9", "content_location": "http://other/v/seg1.m4s"},
        False,
        id="elsewhere",
    ),
    pytest.param(200, {"etag": '"1"', "content_location": "seg1.m4s"}, False, id="no-explicit-lifetime"),
    pytest.param(201, {"cache_control": "max-age=9", "content_location": "seg1.m4s"}, False, id="not-a-200"),
    pytest.param(
        200, {"cache_control": "no-store, max-age=9", "content_location": "seg1.m4s"}, False, id="no-store"
    ),
]


@pytest.mark.parametrize(("status", "answered", "is_stored"), POSTS)
def test_an_answer_to_post_is_kept_for_get_if_it_says_that_it_is_what_get_would_bring(
    status: int, answered: dict[str, str], is_stored: bool
) -> None:
    """RFC 9110, 9.3.3."""
    response = head(status, answered)
    asked = request(method="POST", host="h")
    assert may_store(asked, response, control_of(response.fields)) is is_stored


def test_vary_names_each_field_once_in_a_fixed_order() -> None:
    assert vary_names(((b"vary", b"Origin, accept"), (b"vary", b"ACCEPT"))) == (b"accept", b"origin")
    assert vary_names(fields(etag='"1"')) == ()


def test_what_no_shared_fetch_carries_chose_no_variant() -> None:
    assert vary_names(fields(vary="range, If-None-Match, accept, CMCD-Request")) == (b"accept",)


SAME = [  # two values of a field that select the same variant
    pytest.param({"accept": "a,b"}, {"accept": " a , b "}, id="4.1-white-space-around-commas"),
    pytest.param({}, {}, id="absent-in-both"),
    pytest.param(
        {"accept_language": "de, EN"}, {"accept_language": "en,de"}, id="languages-in-any-order-and-case"
    ),
    pytest.param({"accept_encoding": "gzip, br"}, {"accept_encoding": "br, gzip"}, id="codings-in-any-order"),
]
DIFFERENT = [
    pytest.param({"accept": "a"}, {"accept": "b"}, id="4.1-value"),
    pytest.param({"accept": ""}, {}, id="4.1-absent-is-not-empty"),
    pytest.param({"accept": "a, b"}, {"accept": "b, a"}, id="4.1-order"),
    pytest.param({"accept": "a\torigin:b"}, {"accept": "a", "origin": "b"}, id="no-value-imitates-a-field"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_requests_select_the_same_variant(one: dict[str, str], other: dict[str, str]) -> None:
    names = (b"accept", b"accept-encoding", b"accept-language")
    assert variant_key(b"/x", names, request(**one)) == variant_key(b"/x", names, request(**other))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_requests_select_different_variants(one: dict[str, str], other: dict[str, str]) -> None:
    names = (b"accept", b"origin")
    assert variant_key(b"/x", names, request(**one)) != variant_key(b"/x", names, request(**other))


def test_what_does_not_vary_has_one_key() -> None:
    assert variant_key(b"/x", (), request(accept="a")) == b"/x"
