"""What a disk tier holds, in memory: digests and sizes in arrays, some 20 bytes an object.

Each object has a slot, a small number. 1024 little hash tables with linear probing lead from digest to slot;
each grows on its own, so that no insertion ever moves more than a thousandth of the whole.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from edge.disk.address import Address

_TABLES = 1024
_TABLE_BITS = 10
_PLACED, _VERIFIED = 1, 2
STALE = 4  # in the flags of a slot


class DiskIndex:
    """Slots by digest. A slot is allocated for a flight first, and found only once it is placed."""

    def __init__(self) -> None:
        self._digests = array("Q", [0])
        self._pages = array("I", [0])
        self._flags = bytearray(1)
        self._free = array("I")
        self._tables = [array("I", bytes(4 * 4)) for _ in range(_TABLES)]
        self._counts = array("I", bytes(4 * _TABLES))
        self._family_of: dict[int, int] = {}  # of the few that are variants
        self._members: dict[int, set[int]] = {}  # digests by family
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def find(self, digest: int) -> int:
        """The slot that is placed for `digest`; 0 where none is."""
        table = self._tables[digest & (_TABLES - 1)]
        mask = len(table) - 1
        at = (digest >> _TABLE_BITS) & mask
        digests = self._digests
        while slot := table[at]:
            if digests[slot] == digest:
                return slot
            at = (at + 1) & mask
        return 0

    def allocate(self, digest: int) -> int:
        """A slot for what is on its way; it is not found before it is placed."""
        if self._free:
            slot = self._free.pop()
        else:
            slot = len(self._digests)
            self._digests.append(0)
            self._pages.append(0)
            self._flags.append(0)
        self._digests[slot] = digest
        return slot

    def place(self, slot: int, family: int, pages: int, *, is_verified: bool, is_stale: bool = False) -> None:
        """Let `slot` be found; nothing may be placed for its digest yet."""
        digest = self._digests[slot]
        number = digest & (_TABLES - 1)
        if 3 * (self._counts[number] + 1) > 2 * len(self._tables[number]):
            self._grow(number)
        table = self._tables[number]
        mask = len(table) - 1
        at = (digest >> _TABLE_BITS) & mask
        while table[at]:
            at = (at + 1) & mask
        table[at] = slot
        self._counts[number] += 1
        self._count += 1
        self._pages[slot] = pages
        self._flags[slot] = _PLACED | (_VERIFIED if is_verified else 0) | (STALE if is_stale else 0)
        if family:
            self._family_of[digest] = family
            self._members.setdefault(family, set()).add(digest)

    def release(self, slot: int) -> None:
        """The slot is free again; what was placed in it is found no more."""
        if self._flags[slot]:
            self._unlink(slot)
        self._flags[slot] = 0
        self._free.append(slot)

    def address(self, slot: int) -> Address:
        digest = self._digests[slot]
        return Address(digest, self._family_of.get(digest, 0))

    def is_verified(self, slot: int) -> bool:
        """The body's checksum was right since this process began, or the body came from it."""
        return bool(self._flags[slot] & _VERIFIED)

    def verified(self, slot: int) -> None:
        self._flags[slot] |= _VERIFIED

    def is_stale(self, slot: int) -> bool:
        """A soft purge took its freshness, whatever its head says."""
        return bool(self._flags[slot] & STALE)

    def set_stale(self, slot: int, *, is_stale: bool) -> None:
        self._flags[slot] = self._flags[slot] & ~STALE | (STALE if is_stale else 0)

    def members(self, family: int) -> list[int]:
        """The digests of a primary key's variants."""
        return list(self._members.get(family, ()))

    def columns(self) -> tuple[array[int], array[int], bytes, array[int]]:
        """A copy for a snapshot: digests, pages and flags by slot, and pairs of variant and family."""
        pairs = array("Q", [each for pair in self._family_of.items() for each in pair])
        return self._digests[:], self._pages[:], bytes(self._flags), pairs

    def slots(self) -> Iterator[int]:
        return (slot for slot, flags in enumerate(self._flags) if flags & _PLACED)

    @property
    def memory_bytes(self) -> int:
        """Of the columns and tables; variants cost more, some 300 bytes each."""
        columns = (self._digests, self._pages, self._free, *self._tables)
        return sum(len(column) * column.itemsize for column in columns) + len(self._flags)

    def _grow(self, number: int) -> None:
        old = self._tables[number]
        self._tables[number] = table = array("I", bytes(4 * 2 * len(old)))
        mask = len(table) - 1
        for slot in filter(None, old):
            at = (self._digests[slot] >> _TABLE_BITS) & mask
            while table[at]:
                at = (at + 1) & mask
            table[at] = slot

    def _unlink(self, slot: int) -> None:
        """Empty the slot's place, and move back those that had probed past it (Knuth, 6.4, R)."""
        digest = self._digests[slot]
        number = digest & (_TABLES - 1)
        table = self._tables[number]
        mask = len(table) - 1
        hole = (digest >> _TABLE_BITS) & mask
        while table[hole] != slot:
            hole = (hole + 1) & mask
        at = hole
        while follower := table[at := (at + 1) & mask]:
            home = (self._digests[follower] >> _TABLE_BITS) & mask
            if (at - home) & mask >= (at - hole) & mask:
                table[hole], hole = follower, at
        table[hole] = 0
        self._counts[number] -= 1
        self._count -= 1
        family = self._family_of.pop(digest, 0)
        if family:
            self._members[family].discard(digest)
            if not self._members[family]:
                del self._members[family]
