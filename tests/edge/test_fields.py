"""Header fields: directives, dates, deltas, lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.fields import (
    delta_seconds,
    end_to_end,
    first,
    format_date,
    joined,
    list_members,
    parse_date,
    parse_directives,
)
from tests.edge.messages import fields

DIRECTIVES = [  # value, what it means
    pytest.param(b"max-age=60", {"max-age": "60"}, id="5.2-one"),
    pytest.param(
        b"public, max-age=60 ,\timmutable",
        {"public": None, "max-age": "60", "immutable": None},
        id="5.2-list",
    ),
    pytest.param(b"Max-Age=60, NO-STORE", {"max-age": "60", "no-store": None}, id="5.2-names-in-any-case"),
    pytest.param(b'max-age="60"', {"max-age": "60"}, id="5.2-quoted-form-is-the-same"),
    pytest.param(b'private="set-cookie, x"', {"private": "set-cookie, x"}, id="5.2.2.7-comma-in-quotes"),
    pytest.param(rb'ext="a\"b\\c"', {"ext": r'a"b\c'}, id="9110-5.6.4-escapes"),
    pytest.param(b"max-age=1, max-age=2", {"max-age": "1"}, id="4.2.1-first-of-two-counts"),
    pytest.param(b", ,max-age=1,,", {"max-age": "1"}, id="9110-5.6.1-empty-members"),
    pytest.param(b"max-age=", {"max-age": ""}, id="5.2-empty-argument"),
    pytest.param(b"max-age = 60, no-cache", {"no-cache": None}, id="5.2-no-space-around-the-sign"),
    pytest.param(b"a b, no-store", {"no-store": None}, id="5.2-what-is-none-is-passed-over"),
    pytest.param(b'x="open, no-store', {"no-store": None}, id="9110-5.6.4-unclosed-quote-hides-nothing"),
    pytest.param(b"\xff=1, no-store", {"no-store": None}, id="9110-5.6.2-odd-bytes"),
    pytest.param(b"", {}, id="empty"),
    pytest.param(None, {}, id="absent"),
]


@pytest.mark.parametrize(("value", "directives"), DIRECTIVES)
def test_cache_control_is_read_as_rfc_9111_has_it(
    value: bytes | None, directives: dict[str, str | None]
) -> None:
    assert parse_directives(value) == directives


def test_a_member_that_is_no_directive_is_passed_over_with_what_it_quotes() -> None:
    assert parse_directives(b'a b="x, max-age=9, y", no-store') == {"no-store": None}


@given(st.binary(max_size=60))
def test_no_cache_control_is_too_odd_to_read(value: bytes) -> None:
    for name in parse_directives(value):
        assert name == name.lower().strip()


DELTAS = [
    pytest.param("0", 0, id="zero"),
    pytest.param("007", 7, id="leading-zeros"),
    pytest.param("2147483648", 2**31, id="1.2.2-the-largest"),
    pytest.param("9" * 40, 2**31, id="1.2.2-larger-counts-as-the-largest"),
    pytest.param("-1", None, id="negative"),
    pytest.param("+1", None, id="signed"),
    pytest.param("1.5", None, id="fraction"),
    pytest.param("", None, id="empty"),
    pytest.param("\xb2", None, id="superscript-two"),
    pytest.param(None, None, id="no-argument"),
]


@pytest.mark.parametrize(("argument", "seconds"), DELTAS)
def test_a_delta_is_a_whole_number_that_is_not_negative(argument: str | None, seconds: int | None) -> None:
    assert delta_seconds(argument) == seconds


DATES = [  # RFC 9110, 5.6.7
    pytest.param(b"Sun, 06 Nov 1994 08:49:37 GMT", 784111777.0, id="imf-fixdate"),
    pytest.param(b"Sunday, 06-Nov-94 08:49:37 GMT", 784111777.0, id="rfc850"),
    pytest.param(b"Sun Nov  6 08:49:37 1994", 784111777.0, id="asctime"),
    pytest.param(b"Sun Nov 16 08:49:37 1994", 784975777.0, id="asctime-two-digit-day"),
    pytest.param(b" Sun, 06 Nov 1994 08:49:37 GMT\t", 784111777.0, id="white-space-around"),
    pytest.param(b"Tuesday, 14-Nov-23 22:13:20 GMT", 1700000000.0, id="rfc850-of-this-century"),
    pytest.param(b"Thu, 29 Feb 2024 00:00:00 GMT", 1709164800.0, id="leap-day"),
    pytest.param(b"Thu, 29 Feb 2023 00:00:00 GMT", None, id="no-such-day"),
    pytest.param(b"Sun, 06 Nov 1994 24:00:00 GMT", None, id="no-such-hour"),
    pytest.param(b"Sun, 06 Now 1994 08:49:37 GMT", None, id="no-such-month"),
    pytest.param(b"Sun, 06 Nov 1994 08:49:37 UTC", None, id="not-gmt"),
    pytest.param(b"Sun, 06 Nov 1994 08:49:37 +0100", None, id="offset"),
    pytest.param(b"Sun, 6 Nov 1994 08:49:37 GMT", None, id="one-digit-day"),
    pytest.param(b"06 Nov 1994 08:49:37 GMT", None, id="no-weekday"),
    pytest.param(b"0", None, id="zero"),
    pytest.param(b"-1", None, id="minus-one"),
    pytest.param(b"\xff\xfe", None, id="odd-bytes"),
    pytest.param(b"", None, id="empty"),
    pytest.param(None, None, id="absent"),
]


@pytest.mark.parametrize(("value", "epoch_s"), DATES)
def test_a_date_has_three_forms_and_anything_else_is_none(value: bytes | None, epoch_s: float | None) -> None:
    assert parse_date(value) == epoch_s


YEARS = [  # year of two digits, now, the year that is meant
    pytest.param(b"72", b"Tue, 14 Nov 2023 22:13:20 GMT", 2072, id="49-years-ahead"),
    pytest.param(b"73", b"Tue, 14 Nov 2023 22:13:20 GMT", 2073, id="a-week-less-than-50-years-ahead"),
    pytest.param(b"74", b"Tue, 14 Nov 2023 22:13:20 GMT", 1974, id="over-50-years-ahead"),
    pytest.param(b"99", b"Tue, 14 Nov 2023 22:13:20 GMT", 1999, id="of-the-century-before"),
    pytest.param(b"74", b"Tue, 14 Nov 2028 22:13:20 GMT", 2074, id="ahead-once-it-is-near"),
    pytest.param(b"23", b"Tue, 14 Nov 2023 22:13:20 GMT", 2023, id="this-year"),
    pytest.param(b"05", b"Tue, 14 Nov 2056 22:13:20 GMT", 2005, id="long-past"),
]


@pytest.mark.parametrize(("digits", "now", "year"), YEARS)
def test_a_year_of_two_digits_is_at_most_50_years_ahead(digits: bytes, now: bytes, year: int) -> None:
    """RFC 9110, 5.6.7."""
    value = b"Tuesday, 07-Nov-%b 08:49:37 GMT" % digits
    assert parse_date(value, parse_date(now)) == parse_date(b"Tue, 07 Nov %d 08:49:37 GMT" % year)


@given(st.integers(0, 4_102_444_800))
def test_a_date_reads_back_as_it_was_written(epoch_s: int) -> None:
    assert parse_date(format_date(epoch_s)) == epoch_s


@given(st.binary(max_size=40))
def test_no_date_is_too_odd_to_refuse(value: bytes) -> None:
    assert parse_date(value) is None


def test_a_field_that_comes_twice_is_one_list() -> None:
    twice = ((b"vary", b"origin"), (b"etag", b'"1"'), (b"vary", b"accept"))
    assert joined(twice, b"vary") == b"origin, accept"
    assert first(twice, b"vary") == b"origin"
    assert joined(twice, b"age") is None
    assert first(twice, b"age") is None


def test_a_list_has_its_members_in_lower_case_and_no_empty_ones() -> None:
    assert list_members(b" Accept-Encoding,, ORIGIN ,") == [b"accept-encoding", b"origin"]
    assert list_members(None) == []


def test_what_concerns_one_connection_is_not_passed_on() -> None:
    sent = fields(
        connection="close, X-Private",
        x_private="1",
        keep_alive="timeout=5",
        te="trailers",
        trailer="x",
        transfer_encoding="chunked",
        upgrade="h2c",
        proxy_authorization="Basic x",
        x_public="2",
    )
    assert end_to_end(sent) == fields(x_public="2")
