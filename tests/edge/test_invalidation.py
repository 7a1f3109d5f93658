"""What a successful unsafe request makes invalid (RFC 9111, 4.4; RFC 9875, 3)."""

from __future__ import annotations

import pytest

from edge.invalidation import groups, invalidates, other_targets
from tests.edge.messages import head, request

UNSAFE = [  # method, status, does it invalidate
    pytest.param("POST", 200, True, id="post"),
    pytest.param("PUT", 201, True, id="put"),
    pytest.param("DELETE", 204, True, id="delete"),
    pytest.param("PATCH", 303, True, id="patch-that-leads-elsewhere"),
    pytest.param("MOVE", 200, True, id="4.4-a-method-unknown-to-be-safe"),
    pytest.param("POST", 404, False, id="4.4-an-error-changed-nothing"),
    pytest.param("POST", 500, False, id="4.4-nor-did-this"),
    pytest.param("GET", 200, False, id="get"),
    pytest.param("HEAD", 200, False, id="head"),
    pytest.param("OPTIONS", 200, False, id="options"),
    pytest.param("TRACE", 200, False, id="trace"),
]


@pytest.mark.parametrize(("method", "status", "is_unsafe"), UNSAFE)
def test_which_answers_invalidate(method: str, status: int, is_unsafe: bool) -> None:
    assert invalidates(request(method=method), head(status)) is is_unsafe


ELSEWHERE = [  # Location, the target that is invalid, too
    pytest.param("/made/1", b"/made/1", id="a-path"),
    pytest.param("1?q=2", b"/v/1?q=2", id="3986-5.2-relative"),
    pytest.param("../up", b"/up", id="3986-5.2.4-above"),
    pytest.param("?q", b"/v/seg1.m4s?q", id="3986-5.2-a-query"),
    pytest.param("#part", b"/v/seg1.m4s", id="3986-5.2-a-fragment"),
    pytest.param("http://edge.example/x", b"/x", id="the-same-origin"),
    pytest.param("HTTPS://EDGE.example/x", b"/x", id="the-same-host-in-capitals"),
    pytest.param("//edge.example/x", b"/x", id="the-same-host-without-a-scheme"),
    pytest.param("http://edge.example", b"/", id="no-path"),
    pytest.param("http://other.example/x", None, id="4.4-another-origin"),
    pytest.param("//other.example/x", None, id="4.4-another-host"),
    pytest.param("http://edge.example:80/x", b"/x", id="3986-6.2.3-a-default-port"),
    pytest.param("https://edge.example:443/x", b"/x", id="3986-6.2.3-the-default-port-of-tls"),
    pytest.param("http://edge.example:/x", b"/x", id="3986-6.2.3-an-empty-port"),
    pytest.param("http://edge.example:8080/x", None, id="4.4-a-port-that-begins-like-a-default"),
    pytest.param("http://edge.example:81/x", None, id="4.4-another-port"),
    pytest.param("ftp://edge.example/x", None, id="another-scheme"),
    pytest.param("mailto:a@b", None, id="no-resource-of-http"),
    pytest.param("http://[::1/x", None, id="no-url"),
    pytest.param("/a b", None, id="no-path-of-a-url"),
    pytest.param("/%2e%2e/x", None, id="dot-segments-in-disguise"),
    pytest.param("http://a@edge.example/x", None, id="with-a-user"),
    pytest.param("", b"/v/seg1.m4s", id="empty-is-the-target-itself"),
]


@pytest.mark.parametrize("name", ["location", "content_location"])
@pytest.mark.parametrize(("value", "target"), ELSEWHERE)
def test_what_an_answer_points_to_is_invalid_if_it_is_of_the_same_origin(
    name: str, value: str, target: bytes | None
) -> None:
    """RFC 9111, 4.4."""
    named = request(method="POST", host="edge.example")
    assert other_targets(named, head(201, {name: value})) == ([] if target is None else [target])


def test_both_fields_count() -> None:
    answer = head(201, location="/a", content_location="/b")
    assert other_targets(request(method="POST", host="h"), answer) == [b"/a", b"/b"]


GROUPS = [  # Cache-Group-Invalidation, groups
    pytest.param('"a", "b"', (b"a", b"b"), id="9875-3-several"),
    pytest.param('"a";x=1', (b"a",), id="9875-2-parameters-are-ignored"),
    pytest.param("a", (), id="9875-3-a-token-is-none"),
    pytest.param('"a", 1', (), id="9875-3-not-all-strings"),
    pytest.param('"a', (), id="malformed"),
]


@pytest.mark.parametrize(("value", "named"), GROUPS)
def test_which_groups_are_invalid(value: str, named: tuple[bytes, ...]) -> None:
    assert groups(head(200, cache_group_invalidation=value)) == named
    assert groups(head(200)) == ()
