"""The bytes before a body: what was put in comes out, and no flipped bit goes unseen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.disk.layout import (
    PAGE_BYTES,
    CorruptError,
    UnfitError,
    body_offset_in,
    front_bytes,
    parse_front,
    shape_of,
    update_of,
)
from edge.message import ResponseHead
from tests.edge.disk.objects import head

TEXT = st.binary(max_size=40).map(lambda raw: raw.translate(None, b"\r\n\0"))
HEADS = st.builds(
    ResponseHead,
    status=st.integers(200, 599),
    fields=st.lists(st.tuples(TEXT, TEXT), max_size=30).map(tuple),
    requested_s=st.floats(0, 4e9),
    received_s=st.floats(0, 4e9),
)


def front(key: bytes = b"/k", of: ResponseHead | None = None) -> bytes:
    told = of or head()
    return front_bytes(key, told, shape_of(key, told), 123, 0xABCD)


@given(st.binary(max_size=9000), HEADS)
def test_what_was_put_in_comes_out(key: bytes, told: ResponseHead) -> None:
    data = front(key, told)
    found = parse_front(data)
    assert (found.key, found.head, found.body_bytes, found.body_crc) == (key, told, 123, 0xABCD)
    assert len(data) == found.shape.body_offset == body_offset_in(data)
    assert len(data) % PAGE_BYTES == 0


def test_a_usual_head_takes_one_page() -> None:
    usual = tuple((b"x-field-%d" % n, b"v" * 60) for n in range(12))
    told = replace(head(), fields=usual)
    assert len(front(b"/v/" + b"k" * 200, told)) == PAGE_BYTES


@pytest.mark.parametrize("bit", range(8))
def test_a_flipped_bit_gives_the_same_front_or_none(bit: int) -> None:
    data = front()
    right = parse_front(data)
    seen = 0
    for at in range(len(data)):
        flipped = bytearray(data)
        flipped[at] ^= 1 << bit
        try:
            assert parse_front(bytes(flipped)) == right, at
        except CorruptError:
            seen += 1
    assert seen > 100


def test_a_newer_head_goes_to_the_other_slot_and_an_older_one_stands_in_for_a_torn_one() -> None:
    data = bytearray(front())
    for merged in range(1, 6):
        before = parse_front(bytes(data))
        at, slot = update_of(before, head(merged=merged))
        torn = bytearray(data)
        torn[at : at + len(slot) - 1] = slot[:-1]
        assert parse_front(bytes(torn)).head == before.head
        data[at : at + len(slot)] = slot
        assert parse_front(bytes(data)).head == head(merged=merged)
        assert parse_front(bytes(data)).sequence == merged


def test_the_slot_of_another_file_is_none() -> None:
    data = bytearray(front(b"/k"))
    at, slot = update_of(parse_front(front(b"/j")), head(merged=1))
    data[at : at + len(slot)] = slot
    assert parse_front(bytes(data)).head == head()


def test_there_is_room_for_what_a_304_adds_and_an_end_to_it() -> None:
    first = parse_front(front())
    update_of(first, head(x="v" * 200))
    with pytest.raises(UnfitError, match="outgrown"):
        update_of(first, head(x="v" * 5000))


@pytest.mark.parametrize("field", [(b"a\n", b"b"), (b"a", b"b\nc"), (b"a", b"b\r"), (b"a", b"\0")])
def test_a_field_with_a_break_in_it_is_not_kept(field: tuple[bytes, bytes]) -> None:
    with pytest.raises(UnfitError, match="break"):
        shape_of(b"/k", replace(head(), fields=(field,)))


def test_a_head_without_end_is_not_kept() -> None:
    with pytest.raises(UnfitError, match="too large"):
        shape_of(b"/k", head(x="v" * 2**20))


@pytest.mark.parametrize("size_bytes", [0, 1, 43, 100, PAGE_BYTES - 1])
def test_a_file_that_ends_too_early_is_corrupt(size_bytes: int) -> None:
    with pytest.raises(CorruptError):
        parse_front(front()[:size_bytes])
