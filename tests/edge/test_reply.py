"""Replies: what is answered, field by field; `test_framing` has the bytes."""

from __future__ import annotations

import pytest

from edge.fields import Fields, first
from edge.message import Request, ResponseHead
from edge.reply import (
    AnswerHead,
    age_s,
    error_reply,
    hit_said,
    last_hop_reply,
    one_hop_less,
    plan,
    stored_reply,
    with_said,
)
from edge.stored import StoredResponse
from tests.edge.messages import NAME, NOW_S, date, fields, head, request, stored

SEGMENT = stored(
    content_type="video/mp4",
    content_length="10",
    etag='"v1"',
    cache_control="max-age=60",
    access_control_allow_origin="*",
)
DATE = date(NOW_S)
TYPE = fields(content_type="video/mp4")
KEPT = fields(etag='"v1"', cache_control="max-age=60", access_control_allow_origin="*", date=DATE)
END = fields(age="5", cache_status="edge-1; hit; ttl=55")


def reply(asked: Request, held: StoredResponse, after_s: float = 5) -> tuple[AnswerHead, bytes]:
    now_s = NOW_S + after_s
    answer_head, pieces = stored_reply(asked, held, now_s, hit_said(held, now_s))
    return answer_head, b"".join(pieces)


def answer(method: str = "GET", **named: str) -> tuple[AnswerHead, bytes]:
    return reply(request(method=method, **named), SEGMENT)


def test_a_whole_response() -> None:
    assert answer() == (AnswerHead(200, TYPE + KEPT + END, 10), b"0123456789")


def test_head_has_the_same_head_and_no_body() -> None:
    assert answer("HEAD") == (AnswerHead(200, TYPE + KEPT + END, 10, has_body=False), b"")


def test_a_part_of_a_response() -> None:
    said = fields(content_range="bytes 2-4/10")
    assert answer(range="bytes=2-4") == (AnswerHead(206, TYPE + KEPT + said + END, 3), b"234")


def test_a_range_past_the_end() -> None:
    kept = fields(cache_control="max-age=60", access_control_allow_origin="*", date=DATE)
    said = fields(content_range="bytes */10")
    assert answer(range="bytes=10-") == (AnswerHead(416, kept + said + END, 0, has_body=False), b"")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_client_that_has_it_gets_no_body(method: str) -> None:
    assert answer(method, if_none_match='"v1"') == (AnswerHead(304, KEPT + END, has_body=False), b"")


def test_a_condition_comes_before_a_range() -> None:
    """RFC 9110, 13.2.2."""
    assert answer(if_none_match='"v1"', range="bytes=0-1")[0].status == 304
    assert answer(if_none_match='"v2"', range="bytes=0-1")[0].status == 206


def test_several_parts_come_in_one_body_each_with_its_place() -> None:
    """RFC 9110, 14.6."""
    body = bytes(range(256)) * 4
    held = stored(body, content_type="video/mp4", cache_control="max-age=60")
    answer_head, sent = reply(request(range="bytes=0-1,500-501,-2"), held)
    boundary = (first(answer_head.fields, b"content-type") or b"").partition(b"boundary=")[2]
    parts = [(0, 1), (500, 501), (1022, 1023)]
    expected = b"".join(
        b"%s--%s\r\ncontent-type: video/mp4\r\ncontent-range: bytes %d-%d/1024\r\n\r\n%s"
        % (b"\r\n" if start else b"", boundary, start, end, body[start : end + 1])
        for start, end in parts
    )
    assert answer_head.status == 206
    assert first(answer_head.fields, b"content-range") is None, "only its parts have one (15.3.7.2)"
    assert sent == expected + b"\r\n--%s--\r\n" % boundary
    assert answer_head.size_bytes == len(sent)


def test_an_error_has_neither_ranges_nor_conditions() -> None:
    missing = stored(b"gone", status=404, etag='"e"', cache_control="max-age=1")
    for named in ({"range": "bytes=0-1"}, {"if_none_match": '"e"'}):
        answer_head, body = reply(request(**named), missing)
        assert (answer_head.status, body) == (404, b"gone")


def test_a_204_has_neither_body_nor_length() -> None:
    """RFC 9110, 8.6."""
    answer_head, body = reply(request(), stored(b"", status=204, cache_control="max-age=1"))
    assert (answer_head.has_body, answer_head.size_bytes, body) == (False, None, b"")


def test_a_response_of_unknown_size_is_sent_whole_whatever_range_is_asked_for() -> None:
    how = plan(request(range="bytes=0-1"), 200, SEGMENT.fields, None)
    assert (how.head.status, how.head.size_bytes, how.cuts) == (200, None, None)


SAID = [  # age, Cache-Status (RFC 9211)
    pytest.param(5, b"edge-1; hit; ttl=55", id="2.1-hit"),
    pytest.param(70, b"edge-1; hit; ttl=-10", id="2.7-stale-has-a-negative-ttl"),
]


@pytest.mark.parametrize(("passed_s", "said"), SAID)
def test_cache_status_says_how_long_a_hit_is_fresh(passed_s: int, said: bytes) -> None:
    answer_head, _ = reply(request(), SEGMENT, passed_s)
    assert answer_head.fields[-2:] == ((b"age", b"%d" % passed_s), (b"cache-status", said))


def received(**named: str) -> ResponseHead:
    return head(200, named)


BEFORE: list[tuple[Fields, bytes]] = [
    (fields(), b"edge-1"),
    (fields(cache_status="shield; hit"), b"shield; hit, edge-1"),
]


@pytest.mark.parametrize(("came", "said"), BEFORE, ids=["alone", "9211-2-after-the-others"])
def test_this_caches_member_comes_after_those_nearer_to_the_origin(came: Fields, said: bytes) -> None:
    told = with_said(AnswerHead(200, came, 3, has_body=False), ResponseHead(200, came, 0, 0), NAME)
    assert told == AnswerHead(200, ((b"cache-status", said),), 3, has_body=False)


def test_the_age_of_what_is_arriving_counts_the_time_it_takes() -> None:
    """RFC 9111, 4.2.3."""
    came = head(200, {"age": "30", "date": DATE}, delay_s=2)
    assert [age_s(came, NOW_S + passed_s) for passed_s in (0, 0.9, 8)] == [32, 32, 40]


def test_an_error_of_the_caches_own() -> None:
    said = fields(
        date=DATE,
        content_type="text/plain; charset=utf-8",
        cache_control="no-store",
        access_control_allow_origin="*",
        access_control_expose_headers="age, cache-status",
        cache_status="edge-1; detail=\"upstream said 'no'\"",
    )
    body = b'502 upstream said "no"\n'
    assert error_reply(502, 'upstream said "no"', NAME, NOW_S) == (AnswerHead(502, said, len(body)), body)


def test_an_error_for_head_has_no_body() -> None:
    whole, _ = error_reply(504, "late", NAME, NOW_S)
    without_body = AnswerHead(504, whole.fields, whole.size_bytes, has_body=False)
    assert error_reply(504, "late", NAME, NOW_S, has_body=False) == (without_body, b"")


LAST_HOPS = [  # method, Max-Forwards, status of this cache's own answer
    pytest.param("OPTIONS", "0", 204, id="9110-7.6.2-options-ends-here"),
    pytest.param("TRACE", "0", 405, id="9110-7.6.2-trace-ends-here"),
    pytest.param("OPTIONS", "00", 204, id="zero-in-two-digits"),
    pytest.param("TRACE", "1", None, id="one-more"),
    pytest.param("OPTIONS", None, None, id="without-limit"),
    pytest.param("GET", "0", None, id="of-a-get-it-says-nothing"),
    pytest.param("OPTIONS", "none", None, id="no-number"),
]


@pytest.mark.parametrize(("method", "limit", "status"), LAST_HOPS)
def test_a_request_that_may_go_no_further_is_answered_here(
    method: str, limit: str | None, status: int | None
) -> None:
    named = {} if limit is None else {"max_forwards": limit}
    told = last_hop_reply(request(method=method, **named), NAME, NOW_S)
    assert (told and told.status) == status
    if told is not None:
        assert first(told.fields, b"allow") is not None
        assert not told.has_body


HOPS = [  # method, Max-Forwards, what upstream is told
    pytest.param("OPTIONS", "3", "2", id="9110-7.6.2-one-less"),
    pytest.param("TRACE", "1", "0", id="9110-7.6.2-the-next-is-the-last"),
    pytest.param("TRACE", "9" * 5000, "2147483647", id="9110-7.6.2-as-many-as-can-be-counted"),
    pytest.param("OPTIONS", None, None, id="without-limit"),
    pytest.param("OPTIONS", "some", None, id="no-number"),
    pytest.param("GET", "3", None, id="of-a-get-it-says-nothing"),
]


@pytest.mark.parametrize(("method", "limit", "told"), HOPS)
def test_upstream_is_told_of_one_hop_less(method: str, limit: str | None, told: str | None) -> None:
    named = {} if limit is None else {"max_forwards": limit}
    expected = () if told is None else fields(max_forwards=told)
    assert one_hop_less(request(method=method, **named)) == expected
