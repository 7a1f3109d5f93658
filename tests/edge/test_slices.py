"""Parts of a large representation: which may be combined, and how they lie beside each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.conditional import strong_validator
from edge.fields import Fields
from edge.ranges import Span
from edge.slices import Run, Sliced, aligned, may_combine, part_of, wanted_first
from tests.edge.messages import NOW_S, date, fields, head, request, stored

SIZE, SLICE = 100, 16
BODY = bytes(range(SIZE))


def sliced() -> Sliced:
    return Sliced(stored(b"", etag='"v1"', cache_control="max-age=60"), SIZE, SLICE)


def put(into: Sliced, span: Span, data: bytes = BODY) -> None:
    into.runs.update(dict(into.pieces(span, data[span.first : span.last + 1])))


def test_a_part_is_cut_at_the_borders_of_slices() -> None:
    held = sliced()
    put(held, Span(10, 40))
    assert {number: (run.first, run.end) for number, run in held.runs.items()} == {
        0: (10, 16),
        1: (16, 32),
        2: (32, 41),
    }


def test_what_touches_in_a_slice_becomes_one_run_and_what_does_not_keeps_the_longer() -> None:
    held = sliced()
    for span, run in (
        (Span(2, 4), (2, 5)),
        (Span(5, 6), (2, 7)),
        (Span(9, 15), (9, 16)),
        (Span(1, 3), (9, 16)),
        (Span(7, 9), (7, 16)),
        (Span(0, 15), (0, 16)),
        (Span(4, 5), (0, 16)),
    ):
        put(held, span)
        assert (held.runs[0].first, held.runs[0].end) == run
        assert held.runs[0].data == BODY[run[0] : run[1]]


def nowhere(_: int) -> bool:
    return False


@given(st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(1, 50)), max_size=12))
def test_every_run_has_the_right_bytes_and_lies_in_its_slice(parts: list[tuple[int, int]]) -> None:
    held = sliced()
    for start, size_bytes in parts:
        span = Span(start, min(SIZE, start + size_bytes) - 1)
        put(held, span)
        for number, run in held.runs.items():
            assert run.data == BODY[run.first : run.end] != b""
            assert number * SLICE <= run.first < run.end <= (number + 1) * SLICE
    for position in range(SIZE):
        run_at = held.at(position)
        assert run_at is None or run_at.first <= position < run_at.end
    for first in range(0, SIZE, 7):
        span = Span(first, min(SIZE - 1, first + 20))
        all_there = all(held.at(position) for position in range(span.first, span.last + 1))
        assert (held.first_missing([span], nowhere) is None) is all_there


def test_the_newest_bytes_of_a_slice_are_not_lost_where_it_was_empty() -> None:
    held = sliced()
    put(held, Span(48, 63))
    assert held.first_missing([Span(48, 63)], nowhere) is None
    assert held.first_missing([Span(47, 63)], nowhere) == 47
    assert held.first_missing([Span(50, 60), Span(48, 64)], nowhere) == 64


PARTS = [  # status, fields of a 206, span and size or nothing
    pytest.param(206, {"content_range": "bytes 0-9/100"}, (Span(0, 9), 100), id="a-part"),
    pytest.param(
        206,
        {"content_range": "bytes 0-9/100", "content_length": "10"},
        (Span(0, 9), 100),
        id="with-its-length",
    ),
    pytest.param(
        206, {"content_range": "bytes 0-9/100", "content_length": "9"}, None, id="contradicts-itself"
    ),
    pytest.param(206, {"content_range": "bytes 0-9/*"}, None, id="of-unknown-size"),
    pytest.param(206, {"content_type": "multipart/byteranges; boundary=x"}, None, id="several-parts"),
    pytest.param(206, {}, None, id="says-nothing"),
    pytest.param(200, {"content_range": "bytes 0-9/100"}, None, id="a-200-is-whole"),
]


@pytest.mark.parametrize(("status", "named", "what"), PARTS)
def test_what_a_206_brings(status: int, named: dict[str, str], what: tuple[Span, int] | None) -> None:
    part = part_of(head(status, named, etag='"v1"'))
    assert (part and (part.span, part.total_bytes)) == what
    if part is not None:
        assert (part.head.status, part.head.fields) == (200, fields(etag='"v1"')), "the head of the whole"
        assert not part.is_whole


def test_a_206_may_bring_the_whole() -> None:
    part = part_of(head(206, content_range="bytes 0-9/10"))
    assert part is not None
    assert part.is_whole
    assert [part.has(position) for position in (0, 9, 10)] == [True, True, False]


OLD, YOUNG, NOW = date(NOW_S - 60), date(NOW_S - 0.5), date(NOW_S)
VALIDATORS = [  # fields, what is strong of them
    pytest.param({"etag": '"v1"'}, b'"v1"', id="8.8.3-a-tag"),
    pytest.param({"etag": 'W/"v1"'}, None, id="8.8.3-a-weak-tag"),
    pytest.param({"etag": "v1"}, None, id="8.8.3-no-tag"),
    pytest.param(
        {"etag": 'W/"v1"', "last_modified": OLD, "date": NOW},
        None,
        id="8.8.3-a-weak-tag-beside-a-strong-date",
    ),
    pytest.param({"last_modified": OLD, "date": NOW}, OLD.encode(), id="8.8.2.2-a-date-of-long-ago"),
    pytest.param({"last_modified": NOW, "date": NOW}, None, id="8.8.2.2-a-date-of-this-second"),
    pytest.param({"last_modified": OLD}, None, id="8.8.2.2-no-date-to-compare-with"),
    pytest.param({"last_modified": "long ago", "date": NOW}, None, id="no-date"),
    pytest.param({"cache_control": "max-age=9"}, None, id="nothing"),
]


@pytest.mark.parametrize(("named", "validator"), VALIDATORS)
def test_parts_are_combined_under_a_strong_validator_only(
    named: dict[str, str], validator: bytes | None
) -> None:
    told: Fields = fields(**named)
    assert strong_validator(told) == validator
    assert may_combine(told, told) is (validator is not None)
    assert not may_combine(told, fields(etag='"v2"'))


WANTED = [  # request's fields, its first byte
    pytest.param({"range": "bytes=100-200"}, 100, id="a-range"),
    pytest.param({"range": "bytes=0-0"}, 0, id="the-first-byte"),
    pytest.param({"range": "bytes=100-"}, 100, id="to-the-end"),
    pytest.param({"range": "bytes=-9"}, -9, id="the-last-ones"),
    pytest.param({"range": "bytes=0-"}, None, id="all-of-it"),
    pytest.param({"range": "bytes=-0"}, None, id="none"),
    pytest.param({"range": "bytes=0-1,5-6"}, None, id="several"),
    pytest.param({"range": "bytes=9-1"}, None, id="malformed"),
    pytest.param({"range": "bytes=1-2", "if_range": '"v1"'}, None, id="on-a-condition"),
    pytest.param({}, None, id="the-whole"),
]


@pytest.mark.parametrize(("named", "first"), WANTED)
def test_which_request_begins_with_a_slice(named: dict[str, str], first: int | None) -> None:
    assert wanted_first(request(**named)) == first


@pytest.mark.parametrize(
    ("position", "asked"),
    [(0, b"bytes=0-15"), (15, b"bytes=0-15"), (16, b"bytes=16-31"), (-9, b"bytes=-9"), (10**17, None)],
)
def test_upstream_is_asked_for_the_slice_around_a_byte(position: int, asked: bytes | None) -> None:
    start = position // 16 * 16
    assert aligned(position, SLICE) == (asked or b"bytes=%d-%d" % (start, start + 15))


def test_a_run_knows_its_end() -> None:
    assert Run(5, b"abc").end == 8
