"""What the tier holds and who must make room: the index and the policy, which know each other by slots."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edge.disk.address import Address
from edge.disk.index import DiskIndex
from edge.disk.layout import PAGE_BYTES
from edge.disk.lru import SlotLru
from edge.disk.records import Columns, Held
from edge.eviction import EvictionPolicy


class Shelf:
    """Core of the tier: every change of what is held, in memory."""

    def __init__(self, policy: EvictionPolicy) -> None:
        self.policy = policy
        self.index = DiskIndex()
        self.find = self.index.find
        self.members = self.index.members

    def fill(self, held: Iterable[Held]) -> list[Address]:
        """Take in what a start found, oldest first; returns what the quota has no place for."""
        dropped: list[Address] = []
        for address, pages, is_stale in held:
            if self.find(address.digest):
                continue
            slot = self.index.allocate(address.digest)
            victims = self.admit(slot, pages * PAGE_BYTES)
            if slot not in victims:
                self.index.place(slot, address.family, pages, is_verified=False, is_stale=is_stale)
            else:
                victims.remove(slot)
                self.index.release(slot)
                dropped.append(address)
            for victim in victims:
                dropped.append(self.index.address(victim))
                self.index.release(victim)
        return dropped

    def admit(self, slot: int, size_bytes: int) -> list[int]:
        """Ask the policy for room; returns the slots to drop, `slot` among them if it is refused."""
        victims = self.policy.admit(slot, size_bytes)
        return [victim for victim in victims if isinstance(victim, int)] if victims else []

    def remove(self, slot: int) -> Address:
        """Nothing is held in `slot` any more; returns where its file was."""
        address = self.index.address(slot)
        self.policy.forget(slot)
        self.index.release(slot)
        return address

    def remove_slices(self, gone: Iterable[Address]) -> list[Address]:
        """What holds for all slices of a response is gone: so are they."""
        digests = [digest for address in gone if address.family for digest in self.members(address.digest)]
        return [self.remove(slot) for slot in map(self.find, digests) if slot]

    def newest(self) -> Iterator[Address | None]:
        """Where things are, newest first where the policy keeps an order; None for what is only a slice."""
        for slot in self.policy.newest_first() if isinstance(self.policy, SlotLru) else self.index.slots():
            address = self.index.address(slot)
            above = self.find(address.family) if address.family else 0
            is_slice = above and self.index.address(above).family
            yield address if self.find(address.digest) == slot and not is_slice else None

    def columns(self) -> Columns:
        """All that is held at this moment, for a snapshot."""
        order = self.policy.older_slots() if isinstance(self.policy, SlotLru) else None
        return Columns(*self.index.columns(), order)

    @property
    def memory_bytes(self) -> int:
        """Of index and order; a policy other than SlotLru costs its own on top."""
        order = self.policy.memory_bytes if isinstance(self.policy, SlotLru) else 0
        return self.index.memory_bytes + order
