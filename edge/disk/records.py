"""The index on disk: a snapshot of all that is held, and a journal of what came and went since.

Both are of one machine: a snapshot is the index's columns as they are in memory, so that writing one costs no
loop over the objects. What fails its check is no snapshot; a journal ends at the first record that fails.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple
from zlib import crc32

from edge.disk.address import Address
from edge.disk.index import STALE
from edge.disk.layout import CorruptError

_RECORD = struct.Struct("<QQII")  # digest, family, pages, change
_CHECK = struct.Struct("<I")
RECORD_BYTES = _RECORD.size + _CHECK.size
_HEADER = struct.Struct("<8sHHQQQ")  # magic, version, byte order, slots, pairs, whether there is an order
_MAGIC = b"pensnaps"
_VERSION = 1
_ORDER_MARK = 1 if sys.byteorder == "little" else 2


class Change(IntEnum):
    CAME = 1
    WENT = 2
    STALED = 3  # by a soft purge
    RENEWED = 4  # by a newer head


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the journal. `pages`: what the file takes on the disk."""

    change: Change
    address: Address
    pages: int = 0


class Held(NamedTuple):
    """One object of the inventory."""

    address: Address
    pages: int
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class Columns:
    """The index by slot; `older` leads from each slot to the next older, where the policy keeps an order."""

    digests: array[int]
    pages: array[int]
    flags: bytes  # 0: the slot is free or on its way; else as in the index
    pairs: array[int]  # variant and family by turns
    older: array[int] | None


NOTHING = Columns(array("Q"), array("I"), b"", array("Q"), None)


def record_bytes(record: Record, generation: int) -> bytes:
    content = _RECORD.pack(*record.address, record.pages, record.change)
    return content + _CHECK.pack(crc32(content, generation & 0xFFFFFFFF))


def read_records(data: bytes, generation: int) -> Iterator[Record]:
    """The records of a journal up to where it was torn."""
    for at in range(0, len(data) - RECORD_BYTES + 1, RECORD_BYTES):
        content = data[at : at + _RECORD.size]
        digest, family, pages, change = _RECORD.unpack(content)
        if _CHECK.unpack_from(data, at + _RECORD.size)[0] != crc32(content, generation & 0xFFFFFFFF):
            return
        yield Record(Change(change), Address(digest, family), pages)


def snapshot_parts(columns: Columns) -> list[bytes]:
    """The pieces of a snapshot's file, in order."""
    older = columns.older
    header = _HEADER.pack(
        _MAGIC, _VERSION, _ORDER_MARK, len(columns.digests), len(columns.pairs), older is not None
    )
    arrays = [columns.digests, columns.pages, columns.pairs, *([] if older is None else [older])]
    parts = [header, *(column.tobytes() for column in arrays), columns.flags]
    check = 0
    for part in parts:
        check = crc32(part, check)
    return [*parts, _CHECK.pack(check)]


def read_snapshot(data: bytes) -> Columns:
    """Raises CorruptError for what is no whole snapshot of this version and byte order."""
    if len(data) < _HEADER.size + _CHECK.size or crc32(data[:-4]) != _CHECK.unpack(data[-4:])[0]:
        raise CorruptError("the snapshot fails its check")
    magic, version, order_mark, slots, pairs, has_order = _HEADER.unpack_from(data)
    if (magic, version, order_mark) != (_MAGIC, _VERSION, _ORDER_MARK):
        raise CorruptError("the snapshot is not one of this version")
    at = _HEADER.size
    columns = []
    for code, count in (("Q", slots), ("I", slots), ("Q", pairs), ("I", slots if has_order else 0)):
        column = array(code)
        end = at + count * column.itemsize
        column.frombytes(data[at:end])
        columns.append(column)
        at = end
    digests, pages, of_pairs, older = columns
    return Columns(digests, pages, data[at:-4], of_pairs, older if has_order else None)


def oldest_first(columns: Columns) -> Iterator[Held]:
    """What a snapshot holds, in the policy's order where it kept one, else by slot."""
    families = dict(zip(columns.pairs[::2], columns.pairs[1::2], strict=True))
    for slot in _order(columns):
        if columns.flags[slot]:
            digest = columns.digests[slot]
            is_stale = bool(columns.flags[slot] & STALE)
            yield Held(Address(digest, families.get(digest, 0)), columns.pages[slot], is_stale)


def stale_digests(columns: Columns, records: Iterable[Record]) -> set[int]:
    """What has been purged softly by a snapshot and the journal after it."""
    stale = {digest for digest, flags in zip(columns.digests, columns.flags, strict=True) if flags & STALE}
    for record in records:
        (stale.add if record.change is Change.STALED else stale.discard)(record.address.digest)
    return stale


def _order(columns: Columns) -> Iterator[int]:
    if columns.older is None:
        return iter(range(1, len(columns.digests)))
    newest_first = array("I")
    slot = columns.older[0]
    while slot:
        newest_first.append(slot)
        slot = columns.older[slot]
    return reversed(newest_first)
