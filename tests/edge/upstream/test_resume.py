"""Which cut bodies may go on, what is asked for, and what counts as the rest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.message import ResponseHead
from edge.upstream.resume import Rest, asking, is_continued_by, rest_of
from tests.edge.messages import fields, head

LATE, EARLY = "Tue, 14 Nov 2023 22:13:20 GMT", "Tue, 14 Nov 2023 22:13:19 GMT"
REST = Rest(0, 99, 100, b'"1"', None)

CASES = [  # status, fields, what could be asked for
    pytest.param(200, {"content-length": "100", "etag": '"1"'}, REST, id="8.8.3-strong-tag"),
    pytest.param(200, {"content-length": "100", "etag": 'W/"1"'}, None, id="8.8.3-weak-tag"),
    pytest.param(200, {"content-length": "100", "etag": "1"}, None, id="a-tag-without-quotes"),
    pytest.param(200, {"content-length": "100", "etag": '"1", "2"'}, None, id="two-tags"),
    pytest.param(200, {"content-length": "100"}, None, id="no-validator"),
    pytest.param(200, {"etag": '"1"'}, None, id="unknown-length"),
    pytest.param(200, {"content-length": "0", "etag": '"1"'}, None, id="nothing-to-cut"),
    pytest.param(404, {"content-length": "100", "etag": '"1"'}, None, id="not-of-the-resource"),
    pytest.param(
        200,
        {"content-length": "100", "last-modified": EARLY, "date": LATE},
        Rest(0, 99, 100, None, EARLY.encode()),
        id="8.8.2.2-a-second-is-strong",
    ),
    pytest.param(
        200, {"content-length": "100", "last-modified": LATE, "date": LATE}, None, id="8.8.2.2-less"
    ),
    pytest.param(200, {"content-length": "100", "last-modified": EARLY}, None, id="8.8.2.2-no-date"),
    pytest.param(
        200,
        {"content-length": "100", "last-modified": EARLY, "date": LATE, "etag": 'W/"1"'},
        None,
        id="a-weak-tag-says-the-date-is-not-all",
    ),
    pytest.param(
        200,
        {"content-length": "100", "last-modified": EARLY, "date": LATE, "content-encoding": "gzip"},
        None,
        id="a-date-tells-no-encodings-apart",
    ),
    pytest.param(
        206,
        {"content-length": "10", "content-range": "bytes 20-29/100", "etag": '"1"'},
        Rest(20, 29, 100, b'"1"', None),
        id="15.3.7-a-part",
    ),
    pytest.param(
        206,
        {"content-range": "bytes 20-29/*", "etag": '"1"'},
        Rest(20, 29, None, b'"1"', None),
        id="15.3.7-of-an-unknown-whole",
    ),
    pytest.param(
        206,
        {"content-length": "11", "content-range": "bytes 20-29/100", "etag": '"1"'},
        None,
        id="a-length-that-disagrees",
    ),
    pytest.param(206, {"content-range": "bytes 20-100/100", "etag": '"1"'}, None, id="14.4-past-the-end"),
    pytest.param(206, {"content-range": "bytes 29-20/100", "etag": '"1"'}, None, id="14.4-backwards"),
    pytest.param(
        206, {"content-type": "multipart/byteranges; boundary=x", "etag": '"1"'}, None, id="several-parts"
    ),
]


@pytest.mark.parametrize(("status", "named", "expected"), CASES)
def test_what_may_be_resumed(status: int, named: dict[str, str], expected: Rest | None) -> None:
    assert rest_of(b"GET", head(status, named)) == expected


def test_only_a_get_has_a_body_to_resume() -> None:
    assert rest_of(b"POST", head(200, {"content-length": "100", "etag": '"1"'})) is None


def test_the_rest_is_asked_for_under_the_condition_that_it_is_still_the_same() -> None:
    sent = fields(accept="*/*", range="bytes=0-", if_none_match='"0"', if_range='"0"', via="1.1 x")
    wanted = fields(accept="*/*", via="1.1 x", range="bytes=40-99", if_range='"1"')
    assert asking(sent, REST.after(40)) == wanted
    dated = Rest(40, 99, 100, None, EARLY.encode())
    assert asking((), dated) == fields(range="bytes=40-99", if_range=EARLY)


TAIL = {"content-range": "bytes 40-99/100", "etag": '"1"', "content-length": "60"}
ANSWERS = [  # status, what is said otherwise, whether it is the rest
    pytest.param(206, {}, True, id="the-rest"),
    pytest.param(
        206, {"content-range": "bytes 40-49/100", "content-length": "10"}, True, id="15.3.7-some-of-it"
    ),
    pytest.param(200, {}, False, id="13.1.5-it-has-changed"),
    pytest.param(206, {"etag": '"2"'}, False, id="another-tag"),
    pytest.param(206, {"etag": 'W/"1"'}, False, id="8.8.3.2-weak-is-not-strong"),
    pytest.param(206, {"content-range": "bytes 39-99/100", "content-length": "61"}, False, id="too-early"),
    pytest.param(206, {"content-range": "bytes 41-99/100", "content-length": "59"}, False, id="a-gap"),
    pytest.param(206, {"content-range": "bytes 40-99/101"}, False, id="another-size"),
    pytest.param(206, {"content-range": "bytes 40-99/*"}, False, id="a-size-that-was-known"),
    pytest.param(206, {"content-range": "bytes 40-100/101", "content-length": "61"}, False, id="too-much"),
    pytest.param(206, {"content-range": "lines 40-99/100"}, False, id="another-unit"),
    pytest.param(206, {"content-length": "59"}, False, id="a-length-that-disagrees"),
    pytest.param(416, {"content-range": "bytes */100"}, False, id="416"),
]


@pytest.mark.parametrize(("status", "other", "expected"), ANSWERS)
def test_what_counts_as_the_rest(status: int, other: dict[str, str], expected: bool) -> None:
    assert is_continued_by(REST.after(40), head(status, TAIL | other)) is expected


def test_a_part_without_a_tag_is_nobodys() -> None:
    untagged = {name: value for name, value in TAIL.items() if name != "etag"}
    assert not is_continued_by(REST.after(40), head(206, untagged))


DATED = Rest(40, 99, 100, None, EARLY.encode())


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        pytest.param({"last-modified": EARLY}, True, id="the-same-date"),
        pytest.param({}, True, id="15.3.7-need-not-be-repeated"),
        pytest.param({"last-modified": LATE}, False, id="another-date"),
        pytest.param({"etag": '"1"'}, False, id="a-tag-that-was-not-there"),
    ],
)
def test_by_date_what_is_said_must_not_disagree(named: dict[str, str], expected: bool) -> None:
    tail = {"content-range": "bytes 40-99/100"} | named
    assert is_continued_by(DATED, head(206, tail)) is expected


def test_byte_after_byte_the_rest_gets_less() -> None:
    rest = REST.after(60)
    assert rest == replace(REST, first=60)
    assert rest.is_any_left
    assert not rest.after(40).is_any_left


def test_a_head_of_many_lines_of_one_field_is_read_as_a_list() -> None:
    twice = ResponseHead(206, fields(content_range="bytes 0-1/2") * 2 + fields(etag='"1"'), 0, 0)
    assert rest_of(b"GET", twice) is None
