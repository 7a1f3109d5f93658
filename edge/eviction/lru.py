"""LRU by bytes, on cachetools. The order is exact; the work of keeping it is done in batches.

A hit only notes its key. The notes are settled before anything that looks at the order: since only the last
touch of each key counts, a thousand hits on one hot segment cost one touch.
"""

from __future__ import annotations

from cachetools import LRUCache

from edge.eviction.base import Key

_SETTLE_AFTER = 4096  # notes; bounds their memory between two admissions


class Lru:
    """Least recently used goes first."""

    def __init__(self, capacity_bytes: int) -> None:
        self.capacity_bytes = capacity_bytes
        self._cache: LRUCache[Key, int] = LRUCache(capacity_bytes, getsizeof=lambda size_bytes: size_bytes)
        self._noted: list[Key] = []

    def hit(self, key: Key) -> None:
        self._noted.append(key)
        if len(self._noted) >= _SETTLE_AFTER:
            self._settle()

    def admit(self, key: Key, size_bytes: int) -> list[Key]:
        if size_bytes > self.capacity_bytes:
            return [key]
        self._settle()
        victims = []
        while self._cache.currsize + size_bytes > self.capacity_bytes:
            victim, _ = self._cache.popitem()
            victims.append(victim)
        self._cache[key] = size_bytes
        return victims

    def forget(self, key: Key) -> None:
        self._settle()
        self._cache.pop(key, None)

    @property
    def used_bytes(self) -> int:
        return int(self._cache.currsize)

    def __contains__(self, key: Key) -> bool:
        return key in self._cache

    def __len__(self) -> int:
        return len(self._cache)

    def _settle(self) -> None:
        """Touch each noted key once, in the order of the last notes."""
        last_first = dict.fromkeys(reversed(self._noted))
        for key in reversed(last_first):
            self._cache.get(key)
        self._noted.clear()
