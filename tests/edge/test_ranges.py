"""Byte ranges of a representation (RFC 9110, 14): which are asked for, and how a body is cut into them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.ranges import (
    UNSATISFIABLE,
    Cuts,
    Span,
    Unsatisfiable,
    content_range,
    multipart,
    requested_spans,
)
from tests.edge.messages import fields, request

ETAG, MODIFIED = '"v1"', "Tue, 14 Nov 2023 22:13:20 GMT"
LATER = "Tue, 14 Nov 2023 22:13:21 GMT"
NAMED = fields(etag=ETAG, last_modified=MODIFIED, date=LATER)

Spans = list[Span] | Unsatisfiable | None

RANGES: list[Any] = [  # Range, the spans of ten bytes
    pytest.param("bytes=0-3", [Span(0, 3)], id="14.1.2-first-bytes"),
    pytest.param("bytes=4-6", [Span(4, 6)], id="14.1.2-middle"),
    pytest.param("bytes=4-", [Span(4, 9)], id="14.1.2-from-there-on"),
    pytest.param("bytes=-3", [Span(7, 9)], id="14.1.2-suffix"),
    pytest.param("bytes=-99", [Span(0, 9)], id="14.1.2-suffix-longer-than-all"),
    pytest.param("bytes=8-99", [Span(8, 9)], id="14.1.2-cut-at-the-end"),
    pytest.param("bytes=9-9", [Span(9, 9)], id="last-byte"),
    pytest.param("bytes=0-" + "9" * 18, [Span(0, 9)], id="a-large-number"),
    pytest.param("BYTES=0-0", [Span(0, 0)], id="14.1-unit-in-any-case"),
    pytest.param("bytes= 0-0 ", [Span(0, 0)], id="white-space-around"),
    pytest.param("bytes=,0-0,,", [Span(0, 0)], id="5.6.1-empty-members"),
    pytest.param("bytes=0-1,3-4", [Span(0, 4)], id="15.3.7.2-near-ones-are-one"),
    pytest.param("bytes=3-4,0-1", [Span(0, 4)], id="14.2-in-their-order"),
    pytest.param("bytes=0-5,2-9", [Span(0, 9)], id="14.2-overlapping"),
    pytest.param("bytes=0-0,-1", [Span(0, 9)], id="first-and-last"),
    pytest.param("bytes=2-3,10-", [Span(2, 3)], id="14.1.2-one-of-two-past-the-end"),
    pytest.param("bytes=10-", UNSATISFIABLE, id="14.1.2-past-the-end"),
    pytest.param("bytes=10-12", UNSATISFIABLE, id="14.1.2-wholly-past-the-end"),
    pytest.param("bytes=10-,20-30", UNSATISFIABLE, id="14.1.2-both-past-the-end"),
    pytest.param("bytes=-0", UNSATISFIABLE, id="14.1.2-no-last-bytes"),
    pytest.param("bytes=5-4", None, id="14.1.1-backwards"),
    pytest.param("bytes=0-1,5-4", None, id="14.1.1-one-of-two-backwards"),
    pytest.param("bytes=-", None, id="14.1.1-neither"),
    pytest.param("bytes=", None, id="empty"),
    pytest.param("bytes=,", None, id="nothing-but-commas"),
    pytest.param("bytes=a-b", None, id="not-numbers"),
    pytest.param("bytes=0x0-1", None, id="hexadecimal"),
    pytest.param("bytes=+1-2", None, id="signed"),
    pytest.param("bytes=1 - 2", None, id="space-inside"),
    pytest.param("bytes=0-1;3-4", None, id="another-separator"),
    pytest.param("frames=0-1", None, id="14.2-unknown-unit"),
    pytest.param("bytes=0-" + "9" * 30, [Span(0, 9)], id="14.1.2-a-last-byte-beyond-any-number"),
    pytest.param("bytes=-" + "9" * 6000, [Span(0, 9)], id="14.1.2-a-suffix-beyond-any-number"),
    pytest.param("bytes=" + "9" * 6000 + "-", UNSATISFIABLE, id="14.1.2-a-first-byte-beyond-any-number"),
    pytest.param("bytes=4-" + "0" * 30 + "6", [Span(4, 6)], id="zeros-before-a-number"),
    pytest.param("bytes=" + "9" * 30 + "-6", None, id="14.1.1-an-end-before-a-start-beyond-any-number"),
    pytest.param("0-1", None, id="no-unit"),
]


@pytest.mark.parametrize(("value", "spans"), RANGES)
def test_which_bytes_a_range_names(value: str, spans: Spans) -> None:
    assert requested_spans(request(range=value), 10, NAMED) == spans


MIB = 2**20
SEVERAL: list[Any] = [  # Range, the spans of a mebibyte
    pytest.param("bytes=0-9,1000-1009", [Span(0, 9), Span(1000, 1009)], id="two"),
    pytest.param("bytes=1000-1009,0-9", [Span(0, 9), Span(1000, 1009)], id="14.2-any-order"),
    pytest.param("bytes=0-9,0-9,0-9", [Span(0, 9)], id="one-thrice"),
    pytest.param(
        "bytes=0-9,90-99,-10", [Span(0, 9), Span(90, 99), Span(MIB - 10, MIB - 1)], id="and-a-suffix"
    ),
    pytest.param(
        "bytes=0-9,10-19,5-30,500-", [Span(0, 30), Span(500, MIB - 1)], id="joined-where-they-touch"
    ),
    pytest.param("bytes=0-,500-600", [Span(0, MIB - 1)], id="all-of-it-and-some"),
    pytest.param("bytes=" + "0-," * 32, [Span(0, MIB - 1)], id="17.15-all-of-it-32-times"),
    pytest.param("bytes=" + "0-," * 33, None, id="17.15-all-of-it-33-times"),
    pytest.param("bytes=" + ",".join(f"{n}-{n}" for n in range(0, 3300, 100)), None, id="17.15-too-many"),
    pytest.param("bytes=" + "," * 100_000 + "0-0", [Span(0, 0)], id="hundred-thousand-commas"),
]


@pytest.mark.parametrize(("value", "spans"), SEVERAL)
def test_which_bytes_several_ranges_name(value: str, spans: Spans) -> None:
    assert requested_spans(request(range=value), MIB, NAMED) == spans


def test_in_parts_it_is_never_larger_than_the_whole() -> None:
    assert requested_spans(request(range="bytes=0-9,100-199"), 200, NAMED) is None


POSITIONS = st.none() | st.integers(0, 400)


@given(
    asked=st.lists(st.tuples(POSITIONS, POSITIONS), min_size=1, max_size=6), size_bytes=st.integers(1, 300)
)
def test_spans_have_every_byte_that_was_asked_for_in_their_order_and_few_others(
    asked: list[tuple[int | None, int | None]], size_bytes: int
) -> None:
    texts = [f"{'' if first is None else first}-{'' if last is None else last}" for first, last in asked]
    spans = requested_spans(request(range="bytes=" + ",".join(texts)), size_bytes, NAMED)
    wanted: set[int] = set()
    for first, last in asked:
        if first is None:
            wanted |= set(range(max(0, size_bytes - (last or 0)), size_bytes))
        else:
            wanted |= set(range(first, min(size_bytes, size_bytes if last is None else last + 1)))
    is_malformed = any(
        (first is None and last is None) or (first is not None and last is not None and last < first)
        for first, last in asked
    )
    if is_malformed:
        assert spans is None
    elif not wanted:
        assert spans is UNSATISFIABLE
    elif spans is not None:
        assert isinstance(spans, list)
        told = [set(range(span.first, span.last + 1)) for span in spans]
        assert wanted <= set().union(*told) <= set(range(size_bytes))
        assert all(one.last + 1 < other.first for one, other in pairwise(spans)), "apart, in order"


def test_only_get_has_ranges() -> None:
    assert requested_spans(request(method="HEAD", range="bytes=0-1"), 10, NAMED) is None
    assert requested_spans(request(), 10, NAMED) is None


CONDITIONS = [  # If-Range, fields of the response, is the range answered
    pytest.param('"v1"', {"etag": ETAG}, True, id="13.1.5-same-tag"),
    pytest.param('"v2"', {"etag": ETAG}, False, id="13.1.5-other-tag"),
    pytest.param('W/"v1"', {"etag": 'W/"v1"'}, False, id="13.1.5-a-weak-tag-never"),
    pytest.param(MODIFIED, {"last_modified": MODIFIED, "date": LATER}, True, id="13.1.5-same-date"),
    pytest.param(LATER, {"last_modified": MODIFIED, "date": LATER}, False, id="13.1.5-later-date"),
    pytest.param(
        "Tue, 14 Nov 2023 22:13:19 GMT",
        {"last_modified": MODIFIED, "date": LATER},
        False,
        id="13.1.5-earlier-date",
    ),
    pytest.param(MODIFIED, {"last_modified": MODIFIED, "date": MODIFIED}, False, id="8.8.2.2-a-weak-date"),
    pytest.param(MODIFIED, {"last_modified": MODIFIED}, False, id="8.8.2.2-nobody-knows-how-strong"),
    pytest.param("soon", {"last_modified": "soon", "date": LATER}, False, id="what-is-no-date"),
    pytest.param('"v1"', {}, False, id="nothing-to-compare-with"),
    pytest.param(
        MODIFIED,
        {"etag": ETAG, "last_modified": MODIFIED, "date": LATER},
        True,
        id="13.1.5-date-beside-a-tag",
    ),
]


@pytest.mark.parametrize(("condition", "named", "is_answered"), CONDITIONS)
def test_if_range_decides_between_part_and_whole(
    condition: str, named: dict[str, str], is_answered: bool
) -> None:
    asked = request(range="bytes=0-1", if_range=condition)
    assert requested_spans(asked, 10, fields(**named)) == ([Span(0, 1)] if is_answered else None)


SIZE_BYTES = 1000
BODY = bytes(number % 251 for number in range(SIZE_BYTES))


@given(
    positions=st.lists(st.integers(0, SIZE_BYTES - 1), min_size=2, max_size=8, unique=True),
    ends=st.lists(st.integers(1, SIZE_BYTES), max_size=12),
    is_multipart=st.booleans(),
)
def test_a_body_is_cut_alike_in_whatever_chunks_it_comes(
    positions: list[int], ends: list[int], is_multipart: bool
) -> None:
    positions = sorted(positions[: len(positions) // 2 * 2])
    spans = [Span(first, last) for first, last in batched(positions)]
    cuts = multipart(spans, SIZE_BYTES, b"video/mp4")[0] if is_multipart else Cuts((((b""), spans[0]),))
    whole = b"".join(cuts.of(0, BODY, is_last=True))
    marks = sorted({0, SIZE_BYTES, *ends})
    pieces = [cuts.of(first, BODY[first:end]) for first, end in pairwise(marks)]
    assert b"".join(part for piece in pieces for part in piece) == whole
    assert len(whole) == cuts.size_bytes


def batched(numbers: list[int]) -> list[tuple[int, int]]:
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def test_the_boundary_of_several_parts_is_in_none_of_them_by_chance() -> None:
    """The same request has the same answer: a resumed download goes on where it was."""
    spans = [Span(0, 9), Span(500, 509)]
    assert multipart(spans, 1000, None) == multipart(spans, 1000, None)
    _, kind = multipart(spans, 1000, None)
    _, other = multipart(spans, 1001, None)
    assert kind != other
    assert len(kind.partition(b"boundary=")[2]) <= 70  # RFC 2046, 5.1.1


TOLD = [  # Content-Range, the span and the size of the whole
    pytest.param("bytes 0-9/100", (Span(0, 9), 100), id="14.4-a-part"),
    pytest.param("bytes 0-99/100", (Span(0, 99), 100), id="14.4-all-of-it"),
    pytest.param("BYTES 5-5/6", (Span(5, 5), 6), id="14.1-unit-in-any-case"),
    pytest.param("bytes 0-9/*", (Span(0, 9), None), id="14.4-of-unknown-size"),
    pytest.param("bytes */100", None, id="14.4-unsatisfied"),
    pytest.param("bytes 9-0/100", None, id="14.4-backwards"),
    pytest.param("bytes 0-100/100", None, id="14.4-past-its-end"),
    pytest.param("bytes 0-9/0", None, id="14.4-of-nothing"),
    pytest.param("bytes=0-9/100", None, id="as-in-a-request"),
    pytest.param("frames 0-9/100", None, id="another-unit"),
    pytest.param("bytes 0-9", None, id="no-size"),
    pytest.param("bytes -9/100", None, id="no-first"),
    pytest.param("bytes 0-9/1" + "0" * 20, None, id="a-number-without-end"),
    pytest.param("", None, id="empty"),
]


@pytest.mark.parametrize(("value", "part"), TOLD)
def test_which_bytes_a_206_says_it_has(value: str, part: tuple[Span, int | None] | None) -> None:
    assert content_range(fields(content_range=value)) == part


def test_a_206_without_content_range_says_nothing() -> None:
    assert content_range(()) is None
