from __future__ import annotations

import pytest

from origin.ranges import ByteRange, UnsatisfiableRangeError, content_range, select_range

SELECTED = [  # field, first and last byte of 1000, or None for the whole: RFC 9110
    pytest.param(None, None, id="14.2-no-field"),
    pytest.param("bytes=0-499", (0, 499), id="14.1.2-first-500"),
    pytest.param("bytes=500-999", (500, 999), id="14.1.2-second-500"),
    pytest.param("bytes=-500", (500, 999), id="14.1.2-final-500"),
    pytest.param("bytes=9500-", "unsatisfiable", id="14.1.2-open-end-behind-the-end"),
    pytest.param("bytes=950-", (950, 999), id="14.1.2-open-end"),
    pytest.param("bytes=0-0", (0, 0), id="14.1.2-first-byte"),
    pytest.param("bytes=-1", (999, 999), id="14.1.2-last-byte"),
    pytest.param("bytes=0-", (0, 999), id="14.1.2-all-by-range"),
    pytest.param("bytes=990-5000", (990, 999), id="14.1.2-last-is-clipped"),
    pytest.param("bytes=-5000", (0, 999), id="14.1.2-suffix-longer-than-the-object"),
    pytest.param("bytes=1000-", "unsatisfiable", id="14.1.2-starts-at-the-end"),
    pytest.param("bytes=1000-1001", "unsatisfiable", id="14.1.2-starts-behind-the-end"),
    pytest.param("bytes=-0", "unsatisfiable", id="14.1.2-empty-suffix"),
    pytest.param("bytes=500-499", None, id="14.1.1-ends-before-it-starts"),
    pytest.param("BYTES=0-1", (0, 1), id="14.1-unit-in-any-case"),
    pytest.param("bytes= 0-1 ", (0, 1), id="5.6.1-white-space"),
    pytest.param("bytes=0-1,5-9", None, id="14.2-several-are-answered-with-the-whole"),
    pytest.param("seconds=0-1", None, id="14.2-unknown-unit"),
    pytest.param("bytes=", None, id="14.2-nothing"),
    pytest.param("bytes=-", None, id="14.2-no-numbers"),
    pytest.param("bytes=a-b", None, id="14.2-no-digits"),
    pytest.param("bytes=0x0-1", None, id="14.2-hexadecimal"),
    pytest.param("bytes=-1-5", None, id="14.2-negative"),
    pytest.param("bytes=٠-١", None, id="14.2-digits-of-another-script"),
    pytest.param(f"bytes=0-{'9' * 5000}", None, id="14.2-a-number-out-of-all-bounds"),
]


@pytest.mark.parametrize(("field", "expected"), SELECTED)
def test_a_range_field_selects_bytes(field: str | None, expected: ByteRange | str | None) -> None:
    if expected == "unsatisfiable":
        with pytest.raises(UnsatisfiableRangeError):
            select_range(field, 1000)
    else:
        assert select_range(field, 1000) == expected


@pytest.mark.parametrize("field", ["bytes=0-", "bytes=0-0", "bytes=-1"])
def test_nothing_can_be_selected_from_an_empty_object(field: str) -> None:
    with pytest.raises(UnsatisfiableRangeError):
        select_range(field, 0)


def test_the_answer_names_what_was_selected_and_of_how_much() -> None:
    assert content_range((0, 499), 1000) == "bytes 0-499/1000"
    assert content_range(None, 1000) == "bytes */1000"
