"""A stored response: its age, its lifetime, its head on the wire, and what a 304 makes of it."""

from __future__ import annotations

from edge.stored import merged
from tests.edge.messages import NOW_S, date, head, stored


def test_age_grows_from_what_upstream_said() -> None:
    held = stored(cache_control="max-age=60", age="20")
    assert [held.age_s(NOW_S + passed_s) for passed_s in (0, 0.9, 1, 40)] == [20, 20, 21, 60]
    assert held.fresh_until_s == NOW_S + 40


def test_age_is_never_negative() -> None:
    assert stored(cache_control="max-age=60").age_s(NOW_S - 5) == 0


def test_the_hot_path_may_serve_it_until_it_is_stale() -> None:
    assert stored(cache_control="max-age=60").serve_until_s == NOW_S + 60


def test_the_hot_path_may_never_serve_what_is_to_be_validated() -> None:
    assert stored(cache_control="max-age=60, no-cache").serve_until_s == 0


def test_the_head_of_a_hit_is_whole_and_has_no_news_of_earlier_caches() -> None:
    held = stored(
        cache_control="max-age=60", age="20", cache_status="shield; hit", content_length="99", etag='"v1"'
    )
    assert held.wire_head(NOW_S + 2.5) == (
        b'HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\netag: "v1"\r\ndate: %s\r\n'
        b"content-length: 10\r\nage: 22\r\ncache-status: edge-1; hit; ttl=37\r\n\r\n" % date(NOW_S).encode()
    )


def test_the_head_is_made_once_a_second_and_is_right_in_the_next() -> None:
    held = stored(cache_control="max-age=60")
    first = held.wire_head(NOW_S + 1)
    assert held.wire_head(NOW_S + 1.99) is first
    assert b"\r\nage: 2\r\ncache-status: edge-1; hit; ttl=58\r\n" in held.wire_head(NOW_S + 2)
    assert b"\r\nage: 9\r\n" in held.wire_head(NOW_S + 9.5)


def test_a_response_without_a_date_gets_the_time_it_came() -> None:
    """RFC 9110, 6.6.1."""
    held = stored()
    held.take(head(cache_control="max-age=60"))
    assert (b"date", date(NOW_S).encode()) in held.fields


def test_its_cost_counts_more_than_its_body() -> None:
    assert stored(b"x" * 500, cache_control="max-age=1").size_bytes > 500 + 1024


def test_a_304_renews_the_fields_and_the_clock_and_keeps_the_body() -> None:
    held = stored(cache_control="max-age=60", etag='"v1"', content_type="video/mp4", x_kept="1", age="7")
    later_s = NOW_S + 100
    update = head(
        304,
        received_s=later_s,
        date=date(later_s),
        cache_control="max-age=30",
        etag='"v1"',
        content_type="text/html",
        content_length="0",
        x_new="2",
    )
    held.take(merged(held, update))
    assert held.body == b"0123456789"
    assert dict(held.fields) == {
        b"date": date(later_s).encode(),
        b"cache-control": b"max-age=30",
        b"etag": b'"v1"',
        b"content-type": b"video/mp4",
        b"x-kept": b"1",
        b"x-new": b"2",
    }
    assert held.status == 200
    assert held.age_s(later_s) == 0
    assert held.fresh_until_s == later_s + 30
    assert b"content-length: 10\r\nage: 0\r\n" in held.wire_head(later_s)


def test_a_304_without_a_date_starts_the_age_anew() -> None:
    held = stored(cache_control="max-age=60", etag='"v1"')
    held.take(merged(held, head(304, received_s=NOW_S + 100)))
    assert held.age_s(NOW_S + 100) == 0


def test_a_204_has_no_content_length() -> None:
    """RFC 9110, 8.6."""
    held = stored(b"", status=204, cache_control="max-age=60")
    assert b"content-length" not in held.wire_head(NOW_S)
