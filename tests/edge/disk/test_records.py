"""Snapshot and journal as bytes: read back whole, up to where they were torn, or not at all."""

from __future__ import annotations

import random
from array import array

import pytest

from edge.disk.address import Address
from edge.disk.layout import CorruptError
from edge.disk.records import (
    RECORD_BYTES,
    Change,
    Columns,
    Held,
    Record,
    oldest_first,
    read_records,
    read_snapshot,
    record_bytes,
    snapshot_parts,
)

RECORDS = [Record(Change.CAME, Address(2**64 - 1, 3), 17), Record(Change.WENT, Address(5, 0))]
COLUMNS = Columns(
    array("Q", [0, 11, 12, 13, 14]),
    array("I", [0, 1, 2, 3, 4]),
    bytes([0, 1, 0, 3, 1]),  # slot 2 is on its way
    array("Q", [13, 99]),
    array("I", [2, 0, 3, 4, 1]),  # newest first: 2, 3, 4, 1
)


def test_a_journal_is_read_up_to_where_it_was_torn() -> None:
    data = b"".join(record_bytes(record, 4) for record in RECORDS)
    for cut in range(len(data) + 1):
        assert list(read_records(data[:cut], 4)) == RECORDS[: cut // RECORD_BYTES]


def test_a_journal_ends_at_a_record_that_is_wrong_or_of_another_journal() -> None:
    data = b"".join(record_bytes(record, 4) for record in RECORDS)
    for at in range(RECORD_BYTES, len(data)):
        flipped = bytearray(data)
        flipped[at] ^= 4
        assert list(read_records(bytes(flipped), 4)) == RECORDS[:1]
    assert list(read_records(data, 5)) == []


def test_a_snapshot_lists_what_is_held_oldest_first() -> None:
    found = read_snapshot(b"".join(snapshot_parts(COLUMNS)))
    assert found == COLUMNS
    assert list(oldest_first(found)) == [
        Held(Address(11, 0), 1),
        Held(Address(14, 0), 4),
        Held(Address(13, 99), 3),
    ]


def test_without_an_order_it_lists_by_slot() -> None:
    columns = Columns(COLUMNS.digests, COLUMNS.pages, COLUMNS.flags, COLUMNS.pairs, None)
    found = read_snapshot(b"".join(snapshot_parts(columns)))
    assert [held.address.digest for held in oldest_first(found)] == [11, 13, 14]


def test_a_snapshot_that_was_cut_or_flipped_is_none() -> None:
    data = b"".join(snapshot_parts(COLUMNS))
    rng = random.Random(1)
    for cut in range(len(data)):
        with pytest.raises(CorruptError):
            read_snapshot(data[:cut])
    for at in range(len(data)):
        flipped = bytearray(data)
        flipped[at] ^= 1 << rng.randrange(8)
        with pytest.raises(CorruptError):
            read_snapshot(bytes(flipped))
