"""Replies, byte by byte."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from edge.message import CacheStatus
from edge.reply import error_reply, stored_reply
from tests.edge.messages import NAME, NOW_S, date, request, stored

SEGMENT = stored(
    content_type="video/mp4",
    content_length="10",
    etag='"v1"',
    cache_control="max-age=60",
    access_control_allow_origin="*",
)
DATE = date(NOW_S).encode()
END = b"age: 5\r\ncache-status: edge-1; hit; ttl=55\r\n\r\n"


def answer(method: str = "GET", *, close: bool = False, **named: str) -> tuple[int, bytes, bytes]:
    asked = request(method=method, **named)
    status, head, body = stored_reply(asked, SEGMENT, NOW_S + 5, CacheStatus.HIT, close=close)
    return status, head, bytes(body)


WHOLE = (
    b'HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\netag: "v1"\r\ncache-control: max-age=60\r\n'
    b"access-control-allow-origin: *\r\ndate: %s\r\ncontent-length: 10\r\n" % DATE
) + END


def test_a_whole_response() -> None:
    assert answer() == (200, WHOLE, b"0123456789")


def test_head_has_the_same_head_and_no_body() -> None:
    assert answer("HEAD") == (200, WHOLE, b"")


def test_the_last_answer_of_a_connection_says_so() -> None:
    assert answer(close=True)[1] == WHOLE[:-2] + b"connection: close\r\n\r\n"


def test_a_part_of_a_response() -> None:
    assert answer(range="bytes=2-4") == (
        206,
        b'HTTP/1.1 206 Partial Content\r\ncontent-type: video/mp4\r\netag: "v1"\r\n'
        b"cache-control: max-age=60\r\naccess-control-allow-origin: *\r\ndate: %s\r\n"
        b"content-range: bytes 2-4/10\r\ncontent-length: 3\r\n" % DATE + END,
        b"234",
    )


def test_a_range_past_the_end() -> None:
    assert answer(range="bytes=10-") == (
        416,
        b"HTTP/1.1 416 %s\r\ncache-control: max-age=60\r\n"
        b"access-control-allow-origin: *\r\ndate: %s\r\ncontent-range: bytes */10\r\n"
        b"content-length: 0\r\n" % (HTTPStatus(416).phrase.encode(), DATE) + END,
        b"",
    )


NOT_MODIFIED = (
    b'HTTP/1.1 304 Not Modified\r\netag: "v1"\r\ncache-control: max-age=60\r\n'
    b"access-control-allow-origin: *\r\ndate: %s\r\n" % DATE
) + END


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_client_that_has_it_gets_no_body(method: str) -> None:
    assert answer(method, if_none_match='"v1"') == (304, NOT_MODIFIED, b"")


def test_a_condition_comes_before_a_range() -> None:
    """RFC 9110, 13.2.2."""
    assert answer(if_none_match='"v1"', range="bytes=0-1")[0] == 304
    assert answer(if_none_match='"v2"', range="bytes=0-1")[0] == 206


def test_an_error_has_neither_ranges_nor_conditions() -> None:
    missing = stored(b"gone", status=404, etag='"e"', cache_control="max-age=1")
    for named in ({"range": "bytes=0-1"}, {"if_none_match": '"e"'}):
        status, _, body = stored_reply(request(**named), missing, NOW_S, CacheStatus.HIT, close=False)
        assert (status, bytes(body)) == (404, b"gone")


SAID = [  # outcome, age, Cache-Status (RFC 9211)
    pytest.param(CacheStatus.HIT, 5, b"edge-1; hit; ttl=55", id="2.1-hit"),
    pytest.param(CacheStatus.STALE, 70, b"edge-1; hit; ttl=-10", id="2.7-stale-has-a-negative-ttl"),
    pytest.param(
        CacheStatus.REVALIDATED, 0, b"edge-1; fwd=stale; fwd-status=304; ttl=60", id="2.2-revalidated"
    ),
]


@pytest.mark.parametrize(("what", "age_s", "said"), SAID)
def test_cache_status_says_what_the_log_says(what: CacheStatus, age_s: int, said: bytes) -> None:
    _, head, _ = stored_reply(request(), SEGMENT, NOW_S + age_s, what, close=False)
    assert b"\r\nage: %d\r\ncache-status: %s\r\n" % (age_s, said) in head


def test_an_error_of_the_caches_own() -> None:
    assert error_reply(502, 'upstream said "no"', NAME, NOW_S, close=True) == (
        b"HTTP/1.1 502 Bad Gateway\r\ndate: %s\r\ncontent-type: text/plain; charset=utf-8\r\n"
        b"cache-control: no-store\r\naccess-control-allow-origin: *\r\n"
        b"access-control-expose-headers: age, cache-status\r\ncontent-length: 23\r\n"
        b"cache-status: edge-1; detail=\"upstream said 'no'\"\r\nconnection: close\r\n\r\n"
        b'502 upstream said "no"\n' % DATE
    )


def test_an_error_for_head_has_no_body() -> None:
    whole = error_reply(504, "late", NAME, NOW_S, close=False)
    assert error_reply(504, "late", NAME, NOW_S, close=False, has_body=False) == whole.removesuffix(
        b"504 late\n"
    )
