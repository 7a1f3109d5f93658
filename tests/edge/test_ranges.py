"""Single byte ranges of a representation (RFC 9110, 14)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.ranges import UNSATISFIABLE, Span, Unsatisfiable, requested_span
from tests.edge.messages import request

ETAG, MODIFIED = b'"v1"', b"Tue, 14 Nov 2023 22:13:20 GMT"

RANGES = [  # Range, the span of ten bytes
    pytest.param("bytes=0-3", Span(0, 3), id="14.1.2-first-bytes"),
    pytest.param("bytes=4-6", Span(4, 6), id="14.1.2-middle"),
    pytest.param("bytes=4-", Span(4, 9), id="14.1.2-from-there-on"),
    pytest.param("bytes=-3", Span(7, 9), id="14.1.2-suffix"),
    pytest.param("bytes=-99", Span(0, 9), id="14.1.2-suffix-longer-than-all"),
    pytest.param("bytes=8-99", Span(8, 9), id="14.1.2-cut-at-the-end"),
    pytest.param("bytes=9-9", Span(9, 9), id="last-byte"),
    pytest.param("BYTES=0-0", Span(0, 0), id="14.1-unit-in-any-case"),
    pytest.param("bytes= 0-0 ", Span(0, 0), id="white-space-around"),
    pytest.param("bytes=10-", UNSATISFIABLE, id="14.1.2-past-the-end"),
    pytest.param("bytes=10-12", UNSATISFIABLE, id="14.1.2-wholly-past-the-end"),
    pytest.param("bytes=-0", UNSATISFIABLE, id="14.1.2-no-last-bytes"),
    pytest.param("bytes=5-4", None, id="14.1.1-backwards"),
    pytest.param("bytes=-", None, id="14.1.1-neither"),
    pytest.param("bytes=", None, id="empty"),
    pytest.param("bytes=a-b", None, id="not-numbers"),
    pytest.param("bytes=0-1,3-4", None, id="14.2-several-are-ignored"),
    pytest.param("bytes=0x0-1", None, id="hexadecimal"),
    pytest.param("bytes=+1-2", None, id="signed"),
    pytest.param("bytes=1 - 2", None, id="space-inside"),
    pytest.param("frames=0-1", None, id="14.2-unknown-unit"),
    pytest.param("bytes=0-" + "9" * 30, None, id="a-number-without-end"),
    pytest.param("0-1", None, id="no-unit"),
]


@pytest.mark.parametrize(("value", "span"), RANGES)
def test_which_bytes_a_range_names(value: str, span: Span | Unsatisfiable | None) -> None:
    assert requested_span(request(range=value), 10, ETAG, MODIFIED) == span


@given(
    first=st.none() | st.integers(0, 30), last=st.none() | st.integers(0, 30), size_bytes=st.integers(1, 20)
)
def test_a_span_lies_within_the_representation(first: int | None, last: int | None, size_bytes: int) -> None:
    value = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    span = requested_span(request(range=value), size_bytes, ETAG, MODIFIED)
    if isinstance(span, Span):
        assert 0 <= span.first <= span.last < size_bytes
        assert span.size_bytes == len(range(span.first, span.last + 1))


def test_only_get_has_ranges() -> None:
    assert requested_span(request(method="HEAD", range="bytes=0-1"), 10, ETAG, MODIFIED) is None
    assert requested_span(request(), 10, ETAG, MODIFIED) is None


CONDITIONS = [  # If-Range, ETag, Last-Modified, is the range answered
    pytest.param('"v1"', ETAG, MODIFIED, True, id="13.1.5-same-tag"),
    pytest.param('"v2"', ETAG, MODIFIED, False, id="13.1.5-other-tag"),
    pytest.param('W/"v1"', b'W/"v1"', MODIFIED, False, id="13.1.5-a-weak-tag-never"),
    pytest.param(MODIFIED.decode(), None, MODIFIED, True, id="13.1.5-same-date"),
    pytest.param("Tue, 14 Nov 2023 22:13:21 GMT", None, MODIFIED, False, id="13.1.5-later-date"),
    pytest.param("Tue, 14 Nov 2023 22:13:19 GMT", None, MODIFIED, False, id="13.1.5-earlier-date"),
    pytest.param('"v1"', None, None, False, id="nothing-to-compare-with"),
    pytest.param(
        MODIFIED.decode(),
        ETAG,
        MODIFIED,
        True,
        id="13.1.5-date-beside-a-tag",
    ),
]


@pytest.mark.parametrize(("condition", "etag", "modified", "is_answered"), CONDITIONS)
def test_if_range_decides_between_part_and_whole(
    condition: str, etag: bytes | None, modified: bytes | None, is_answered: bool
) -> None:
    asked = request(range="bytes=0-1", if_range=condition)
    assert requested_span(asked, 10, etag, modified) == (Span(0, 1) if is_answered else None)
