"""What is on disk, for an operator who asks. The index knows digests only: keys stand in the files.

So files are looked into, those that were of use last before the others, and no more than a bounded number.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from edge.disk.address import SLICED
from edge.disk.layout import Front
from edge.ondisk import OnDisk
from edge.slices import Sliced, sliced_in
from edge.stored import Speaker, StoredResponse

_MOST = 20_000  # objects, slices among them, that are looked at for one question
_A_STEP = 64
_NOBODY = Speaker(b"")


class ListedResponse(StoredResponse):
    """A response on disk of which only the head was read."""

    tier = b"disk"
    __slots__ = ("_body_bytes",)

    def __init__(self, front: Front) -> None:
        self._body_bytes = front.body_bytes
        super().__init__(front.key, front.head, b"", b"")

    @property
    def body_bytes(self) -> int:
        return self._body_bytes


class DiskListing:
    """The responses on one disk whose keys begin with `prefix`."""

    def __init__(self, disk: OnDisk, prefix: bytes, most: int = _MOST) -> None:
        self._disk = disk
        self._prefix = prefix
        self._most = most
        self.looked_at = 0  # files
        self.is_complete = False  # no file was left out

    async def found(self) -> AsyncIterator[StoredResponse | Sliced]:
        tier = self._disk.tier
        seen = tier.addresses(self._most + 1)
        self.is_complete = len(seen) <= self._most
        addresses = [address for address in seen[: self._most] if address is not None]
        for first in range(0, len(addresses), _A_STEP):
            fronts = await tier.fronts(addresses[first : first + _A_STEP])
            self.looked_at += len(fronts)
            for front in fronts:
                found = self._judged(front) if front is not None else None
                if found is not None:
                    yield found

    def _judged(self, front: Front) -> StoredResponse | Sliced | None:
        disk = self._disk
        if not front.key.startswith(self._prefix) or not disk.tier.lookup(front.key):
            return None
        key = front.key.removesuffix(SLICED)
        found: StoredResponse | Sliced | None = ListedResponse(front)
        if key != front.key:
            found = sliced_in(key, front.head, _NOBODY)
        head = found.stored if isinstance(found, Sliced) else found
        if found is None or head is None or disk.is_purged(key, head, front.head.requested_s):
            return None
        if disk.tier.is_stale(front.key):
            head.expire(head.received_s)
        return told_of(disk, found) if isinstance(found, Sliced) else found


def told_of(disk: OnDisk, sliced: Sliced) -> Sliced:
    """The same, and which of its slices are on disk."""
    told = Sliced(sliced.stored, sliced.total_bytes, sliced.slice_bytes)
    told.elsewhere = tuple(disk.sheaves.numbers(sliced))
    return told
