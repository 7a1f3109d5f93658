"""One object on its way to the disk: its bytes are reserved before they are written, whoever brings them."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Sequence
from concurrent.futures import Future as ThreadFuture
from concurrent.futures import wait
from typing import TYPE_CHECKING

from edge.disk.address import Address
from edge.disk.files import TempFile
from edge.disk.layout import PAGE_BYTES, Shape, pages_of
from edge.message import ResponseHead

if TYPE_CHECKING:
    from edge.disk.objects import DiskObject
    from edge.disk.tier import DiskTier

_FLUSH_BYTES = 256 * 1024
_STEP_BYTES = 1024 * 1024  # by which a reservation grows where nobody said how long the body is


class Writing:
    """Got from `DiskTier.begin`. Once it is in vain, `write` and `commit` say False and nothing is kept."""

    def __init__(
        self,
        tier: DiskTier,
        slot: int,
        key: bytes,
        address: Address,
        head: ResponseHead,
        shape: Shape,
        size_bytes: int | None,
        passing: str,
    ) -> None:
        self.slot = slot
        self.key = key
        self.address = address
        self.head = head
        self.is_dead = False  # evicted, purged, refused, failed or given up
        self.is_placed = False  # it took the place of what was there
        self.is_stale = False  # purged softly on its way
        self.copied: DiskObject | None = None  # in whose place alone it may come
        self.room_made: ThreadFuture[None] | None = None  # victims that must be off the disk first
        expected_bytes = _STEP_BYTES if size_bytes is None else size_bytes
        self.reserved_bytes = pages_of(shape.body_offset + expected_bytes) * PAGE_BYTES
        self._tier = tier
        self._shape = shape
        self._promised_bytes = size_bytes
        self._file = TempFile(passing, shape)
        self._pieces: list[bytes] = []
        self._waiting_bytes = 0
        self._come_bytes = 0
        self._job: Future[None] | None = None

    @property
    def passing(self) -> str:
        return self._file.path

    @property
    def pages(self) -> int:
        return pages_of(self._shape.body_offset + self._come_bytes)

    async def write(self, piece: bytes) -> bool:
        """Take in the next bytes of the body; waits now and then, so that no more than 256 KiB gather."""
        self._take(piece)
        if self.is_dead or self._waiting_bytes < _FLUSH_BYTES:
            return not self.is_dead
        return await self._run(is_last=False)

    async def commit(self, last: bytes = b"") -> bool:
        """The body ends with `last`: let it be found. False where it is not whole; nothing is kept then."""
        self._take(last)
        if self._promised_bytes not in (None, self._come_bytes):
            self.abort()
        if self.is_dead or not await self._run(is_last=True):
            return False
        return await self._tier.commit(self)

    def abort(self) -> None:
        """Give up. What was written is deleted, and then its reservation ends."""
        if not self.is_dead:
            self.is_dead = True
            self._tier.give_up(self, self._file, self._job)

    def _take(self, piece: bytes) -> None:
        self._come_bytes += len(piece)
        self._pieces.append(piece)
        self._waiting_bytes += len(piece)
        if self._promised_bytes is not None and self._come_bytes > self._promised_bytes:
            self.abort()

    def _reserve(self, *, is_last: bool) -> bool:
        """Room for all that has come; at the end, for no more than that."""
        needed_bytes = self._shape.body_offset + self._come_bytes
        if is_last or needed_bytes > self.reserved_bytes:
            wanted_bytes = needed_bytes if is_last else needed_bytes + _STEP_BYTES
            if pages_of(wanted_bytes) * PAGE_BYTES != self.reserved_bytes:
                return self._tier.reserve_anew(self, pages_of(wanted_bytes) * PAGE_BYTES)
        if not is_last:
            self._tier.still_coming(self)
        return True

    async def _run(self, *, is_last: bool) -> bool:
        """Hand the gathered pieces to a thread and wait for it."""
        if not self._reserve(is_last=is_last):
            self.abort()
            return False
        pieces, self._pieces, self._waiting_bytes = self._pieces, [], 0
        self._job = self._tier.threads.in_pool(self._work, pieces, self.room_made, is_last)
        try:
            await asyncio.shield(self._job)  # cancelled or not, `abort` waits for the thread's end
        except OSError as error:
            self._tier.write_failed(error, pages_of(sum(map(len, pieces))) * PAGE_BYTES)
            self.abort()
        except asyncio.CancelledError:
            self.abort()
            raise
        return not self.is_dead

    def _work(self, pieces: Sequence[bytes], room_made: ThreadFuture[None] | None, is_last: bool) -> None:
        """In a thread of the pool."""
        if room_made is not None:
            wait([room_made])
        if is_last:
            self._file.finish(pieces, self.key, self.head)
        else:
            self._file.write(pieces)
