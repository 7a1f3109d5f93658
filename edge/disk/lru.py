"""LRU over slot numbers, in arrays: the order of `edge.eviction.lru` at a tenth of its memory.

A disk tier may hold millions of objects. Its index has a small number for each, so that a linked list in two
arrays does for what a general LRU needs dictionaries: 12 bytes an object, where cachetools takes some 300.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from edge.disk.layout import PAGE_BYTES, pages_of
from edge.eviction.base import Key


class SlotLru:
    """An EvictionPolicy whose keys are small positive integers; sizes count in whole pages."""

    def __init__(self, capacity_bytes: int) -> None:
        self.capacity_bytes = capacity_bytes
        self.used_bytes = 0
        # Slot 0 is the ring's fixed point: newer of it is the oldest, older of it the newest.
        self._newer = array("I", [0])
        self._older = array("I", [0])
        self._pages = array("I", [0])  # 0: not held
        self._count = 0

    def hit(self, key: Key) -> None:
        assert isinstance(key, int)
        newer, older = self._newer, self._older
        if key < len(newer) and self._pages[key] and newer[key]:
            after, before = newer[key], older[key]
            older[after], newer[before] = before, after
            self._append(key)

    def admit(self, key: Key, size_bytes: int) -> list[Key]:
        assert isinstance(key, int)
        pages = pages_of(size_bytes) or 1
        taken_bytes = pages * PAGE_BYTES
        if taken_bytes > self.capacity_bytes:
            return [key]
        victims: list[Key] = []
        while self.used_bytes + taken_bytes > self.capacity_bytes:
            victims.append(self._newer[0])
            self.forget(self._newer[0])
        while key >= len(self._pages):
            for column in (self._newer, self._older, self._pages):
                column.append(0)
        self._pages[key] = pages
        self.used_bytes += taken_bytes
        self._count += 1
        self._append(key)
        return victims

    def forget(self, key: Key) -> None:
        if key not in self:
            return
        assert isinstance(key, int)
        after, before = self._newer[key], self._older[key]
        self._older[after], self._newer[before] = before, after
        self.used_bytes -= self._pages[key] * PAGE_BYTES
        self._pages[key] = 0
        self._count -= 1

    def older_slots(self) -> array[int]:
        """For each slot the next older one; entry 0 leads to the newest, and the oldest leads to 0."""
        return self._older[:]

    def newest_first(self) -> Iterator[int]:
        """All that is held; nothing may change meanwhile."""
        slot = self._older[0]
        while slot:
            yield slot
            slot = self._older[slot]

    @property
    def memory_bytes(self) -> int:
        return sum(len(column) * column.itemsize for column in (self._newer, self._older, self._pages))

    def __contains__(self, key: Key) -> bool:
        return isinstance(key, int) and 0 < key < len(self._pages) and self._pages[key] > 0

    def __len__(self) -> int:
        return self._count

    def _append(self, key: int) -> None:
        newest = self._older[0]
        self._newer[newest], self._older[key] = key, newest
        self._newer[key], self._older[0] = 0, key
