"""A stored response: its age, its lifetime, its head on the wire, and what a 304 makes of it."""

from __future__ import annotations

import pytest

from edge.stored import groups_of, merged, same_representation
from tests.edge.messages import NOW_S, date, fields, head, stored


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


def test_what_is_for_the_first_client_only_is_not_stored() -> None:
    """RFC 9111, 5.2.2.4 and 5.2.2.7."""
    held = stored(
        cache_control='max-age=60, private="X-Mine", no-cache="set-cookie"', x_mine="1", set_cookie="a"
    )
    assert not {b"x-mine", b"set-cookie"} & dict(held.fields).keys()
    assert held.serve_until_s == NOW_S + 60


def test_what_expires_is_stale_from_then_on_and_no_longer_lives_than_before() -> None:
    held = stored(cache_control="max-age=60")
    held.expire(NOW_S + 90)
    assert held.fresh_until_s == NOW_S + 60
    held.expire(NOW_S + 10)
    assert (held.fresh_until_s, held.serve_until_s) == (NOW_S + 10, NOW_S + 10)


GROUPS = [  # fields, groups
    pytest.param({"cache_groups": '"a", "b c"'}, {b"a", b"b c"}, id="9875-2"),
    pytest.param({"surrogate_key": "a b,c  d"}, {b"a", b"b", b"c", b"d"}, id="surrogate-key"),
    pytest.param({"cache_groups": '"a"', "surrogate_key": "a b"}, {b"a", b"b"}, id="both"),
    pytest.param({"cache_groups": "a"}, set(), id="9875-2-a-token-is-none"),
    pytest.param({"cache_groups": '"a", b'}, set(), id="9875-2-not-all-strings"),
    pytest.param({}, set(), id="none"),
]


@pytest.mark.parametrize(("named", "groups"), GROUPS)
def test_to_which_groups_a_response_belongs(named: dict[str, str], groups: set[bytes]) -> None:
    assert groups_of(fields(**named)) == groups


def test_a_response_of_very_many_groups_belongs_to_the_first() -> None:
    """RFC 9875, 2, asks for 32 at least; memory is bounded."""
    assert len(groups_of(fields(surrogate_key=" ".join(map(str, range(10_000)))))) == 128


UPDATES = [  # status and fields of another's answer, may they be of what is stored (etag "v1", ten bytes)
    pytest.param(304, {"etag": '"v1"'}, True, id="4.3.4-same-tag"),
    pytest.param(304, {"etag": '"v2"'}, False, id="4.3.4-other-tag"),
    pytest.param(304, {}, True, id="4.3.4-no-validator"),
    pytest.param(304, {"last_modified": date(NOW_S)}, False, id="another-date-than-none"),
    pytest.param(
        304, {"etag": '"v1"', "last_modified": date(NOW_S)}, True, id="4.3.4-one-strong-one-will-do"
    ),
    pytest.param(304, {"etag": 'W/"v1"'}, True, id="4.3.4-the-same-tag-as-a-weak-one"),
    pytest.param(304, {"etag": 'W/"v2"'}, False, id="4.3.4-another-weak-tag"),
    pytest.param(304, {"content_length": "3"}, True, id="a-304-tells-no-length"),
    pytest.param(200, {"etag": '"v1"', "content_length": "10"}, True, id="4.3.5-same-tag-and-length"),
    pytest.param(200, {"etag": '"v1"', "content_length": "11"}, False, id="4.3.5-other-length"),
    pytest.param(200, {"etag": '"v2"', "content_length": "10"}, False, id="4.3.5-other-tag"),
    pytest.param(200, {"content_length": "10"}, True, id="4.3.5-same-length"),
    pytest.param(200, {}, True, id="4.3.5-nothing-said"),
]


@pytest.mark.parametrize(("status", "named", "is_same"), UPDATES)
def test_another_answer_updates_what_it_does_not_contradict(
    status: int, named: dict[str, str], is_same: bool
) -> None:
    held = stored(cache_control="max-age=60", etag='"v1"')
    assert same_representation(held, head(status, named)) is is_same
