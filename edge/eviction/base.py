"""What an eviction policy is: it sees keys and sizes, never bodies, so the edge and a trace run share it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

Key = Hashable


class EvictionPolicy(Protocol):
    """Decides what a tier of `capacity_bytes` holds. Each call is one event of the tier's life."""

    capacity_bytes: int

    def hit(self, key: Key) -> None:
        """`key`, which is held, was asked for again."""

    def admit(self, key: Key, size_bytes: int) -> list[Key]:
        """Take in `key`, which is not held; return the keys to drop. A refused newcomer is among them."""

    def forget(self, key: Key) -> None:
        """`key` left the tier for another reason (purged, replaced). Unknown keys are ignored."""

    @property
    def used_bytes(self) -> int:
        """The sizes of all that is held; never above the capacity."""

    def __contains__(self, key: Key) -> bool: ...

    def __len__(self) -> int: ...
