"""Slices on disk: each is an object of its own, and one small object more says what holds for all of them.

A slice's record names its bytes, of how many, and the representation by its validator: only what agrees with
the head is used. A validation rewrites that head alone. Slices without a head are not used, and go before
another comes. What is on its way to the disk for one response is a sheaf: as long as there is one, it speaks
for the response.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from edge.conditional import strong_validator
from edge.disk.address import slice_key, sliced_key
from edge.disk.objects import DiskObject
from edge.disk.writing import Writing
from edge.fields import Fields
from edge.message import Request, ResponseHead
from edge.slices import (
    Part,
    Run,
    Sliced,
    SlicedHead,
    head_record,
    is_same,
    may_combine,
    part_of,
    slice_record,
    sliced_in,
)
from edge.stored import Speaker

if TYPE_CHECKING:
    from edge.ondisk import OnDisk


class Sheaf:
    """What is on its way to the disk for one response in slices."""

    def __init__(self, sliced: Sliced, *, may_replace: bool) -> None:
        self.sliced = sliced  # the newest head; no runs
        self.may_replace = may_replace  # what the disk has of another representation
        self.is_settled = False  # nothing of another is there any more
        self.is_stale = False  # purged softly since its head came
        self.is_void = False
        self.waiting: deque[tuple[int, Run]] = deque()
        self.written: ResponseHead | None = None  # of the heads, the one on disk
        self.writing: Writing | None = None

    @property
    def key(self) -> bytes:
        return self.sliced.stored.key

    def take(self, head: ResponseHead) -> None:
        self.sliced.stored.take(head)
        self.is_stale = False

    @property
    def is_head_due(self) -> bool:
        return not self.is_stale and self.written is not self.sliced.stored.head


class Sheaves:
    """The slices on one disk. A response is named by its variant's key throughout."""

    def __init__(self, disk: OnDisk, speaker: Speaker) -> None:
        self._disk = disk
        self._tier = disk.tier
        self._speaker = speaker
        self._sheaves: dict[bytes, Sheaf] = {}

    # Reading

    async def parts(self, request: Request, key: bytes, slice_bytes: int) -> Sliced | None:
        """Head and length of what is stored in slices for `request`; `has` says which slices there are."""
        key = await self._disk.variant(request, key)
        source = await self._tier.open(sliced_key(key)) if self._tier.lookup(sliced_key(key)) else None
        sheaf = self._sheaves.get(key)  # it may have come while the file was opened
        if source is not None:
            with source:
                sliced = self._read(key, source) if sheaf is None else sheaf.sliced
        else:
            sliced = None if sheaf is None else sheaf.sliced
        if sliced is None:
            return None
        is_purged = self._disk.is_purged(key, sliced.stored, sliced.stored.head.requested_s)
        if is_purged or sliced.slice_bytes != slice_bytes:
            self.drop(key)
            return None
        return sliced

    def _read(self, key: bytes, source: DiskObject) -> Sliced | None:
        sliced = source.prepared
        if not isinstance(sliced, Sliced):
            sliced = source.prepared = sliced_in(key, source.head, self._speaker)
            if sliced is not None and source.is_stale:
                sliced.stored.expire(source.head.received_s)
        return sliced

    def has(self, key: bytes, number: int) -> bool:
        """The slice is on disk, and of the representation that is stored now."""
        sheaf = self._sheaves.get(key)
        is_settled = sheaf is None or sheaf.is_settled
        return is_settled and self._tier.lookup(slice_key(key, number)) and self._tier.lookup(sliced_key(key))

    @property
    def under_way(self) -> Collection[bytes]:
        """The keys of responses of which something is on its way to the disk."""
        return self._sheaves.keys()

    def numbers(self, sliced: Sliced) -> Iterator[int]:
        """The slices that are on disk, in order."""
        count = -(-sliced.total_bytes // sliced.slice_bytes)
        return (number for number in range(count) if self.has(sliced.stored.key, number))

    async def open(
        self, key: bytes, position: int, slice_bytes: int, total_bytes: int, fields: Fields
    ) -> tuple[DiskObject, Part] | None:
        """That response's slice with the byte at `position`, held for the caller; None if it is not there."""
        number = position // slice_bytes
        if not self.has(key, number):
            return None
        source = await self._tier.open(slice_key(key, number))
        if source is None:
            return None
        self._tier.touch(sliced_key(key))  # it is never older than its slices
        part = source.prepared
        if not isinstance(part, Part):
            part = source.prepared = part_of(source.head)
        if isinstance(part, Part) and part.has(position) and part.span.size_bytes == source.size_bytes:
            is_ours = part.total_bytes == total_bytes and may_combine(part.head.fields, fields)
            if is_ours and not self._disk.is_banned(key, fields, part.head.requested_s):
                return source, part
        source.release()
        return None

    # Writing

    def keep(self, sliced: Sliced, runs: Sequence[tuple[int, Run]]) -> None:
        """Write the complete slices, behind everyone's back, under the head that `sliced` has now."""
        key = sliced.stored.key
        if not self._disk.owns(key):
            return
        if strong_validator(sliced.stored.fields) is None:  # nothing may be combined with it
            self.drop(key)
            return
        sheaf = self._joined(sliced, may_replace=True)
        for number, run in runs:
            if sliced.is_complete(number, run) and self._disk.may_wait(len(run.data)):
                self._disk.waiting_bytes += len(run.data)
                sheaf.waiting.append((number, run))

    def renew(self, sliced: Sliced) -> None:
        """`sliced`, which is in RAM or came from the disk, has a newer head: so has what is on the disk."""
        key = sliced.stored.key
        sheaf = self._sheaves.get(key)
        if sheaf is None and self._tier.lookup(sliced_key(key)):
            self._joined(sliced, may_replace=False)
        elif sheaf is not None and is_same(sheaf.sliced, sliced):
            sheaf.take(sliced.stored.head)

    def _joined(self, sliced: Sliced, *, may_replace: bool) -> Sheaf:
        """The sheaf of this representation, with this head; one of another is void."""
        sheaf = self._sheaves.get(sliced.stored.key)
        if sheaf is not None and is_same(sheaf.sliced, sliced):
            sheaf.take(sliced.stored.head)
            sheaf.may_replace = sheaf.may_replace or may_replace
            return sheaf
        if sheaf is not None:
            self._void(sheaf)
        head = SlicedHead(sliced, self._speaker)
        sheaf = Sheaf(Sliced(head, sliced.total_bytes, sliced.slice_bytes), may_replace=may_replace)
        self._sheaves[sheaf.key] = sheaf
        source = self._tier.opened(sliced_key(sheaf.key))
        if source is not None:
            with source:
                sheaf.is_settled = self._is_of(sheaf, source)
        self._disk.spawn(self._write(sheaf))
        return sheaf

    def drop(self, key: bytes) -> bool:
        """Forget what is stored in slices under this very key, or about to be; True if it was."""
        sheaf = self._sheaves.get(key)
        if sheaf is not None:
            self._void(sheaf)
        return self._tier.drop(sliced_key(key)) or sheaf is not None

    def purge(self, primary: bytes) -> None:
        """Give up what is on its way for a cache key, in every variant."""
        for sheaf in self._of(primary):
            self._void(sheaf)

    def expire(self, primary: bytes, now_s: float) -> None:
        """Let what is on its way for a cache key be stale, in every variant."""
        for sheaf in self._of(primary):
            sheaf.sliced.stored.expire(now_s)
            sheaf.is_stale = True

    def _of(self, primary: bytes) -> list[Sheaf]:
        begin = primary + b"\n"
        return [each for key, each in self._sheaves.items() if key == primary or key.startswith(begin)]

    def _void(self, sheaf: Sheaf) -> None:
        sheaf.is_void = True
        if sheaf.writing is not None:
            sheaf.writing.abort()
        self._end(sheaf)

    def _end(self, sheaf: Sheaf) -> None:
        if self._sheaves.get(sheaf.key) is sheaf:
            del self._sheaves[sheaf.key]
        self._disk.waiting_bytes -= sum(len(run.data) for _, run in sheaf.waiting)
        sheaf.waiting.clear()

    async def _write(self, sheaf: Sheaf) -> None:
        """Write down what comes to `sheaf`, one thing after the other, until nothing does."""
        try:
            if not sheaf.is_settled:
                await self._settle(sheaf)
            while not sheaf.is_void and (sheaf.waiting or sheaf.is_head_due):
                if sheaf.waiting:
                    await self._write_slice(sheaf)
                else:
                    sheaf.written = sheaf.sliced.stored.head
                    await self._tier.update(sliced_key(sheaf.key), head_record(sheaf.sliced))
        finally:
            self._end(sheaf)

    async def _settle(self, sheaf: Sheaf) -> None:
        """Let nothing be on the disk of another representation, and a head of this one."""
        key = sliced_key(sheaf.key)
        source = await self._tier.open(key) if self._tier.lookup(key) else None
        is_there = False
        if source is not None:
            with source:
                is_there = self._is_of(sheaf, source)
        if not is_there and not sheaf.is_void:
            if not sheaf.may_replace:
                self._void(sheaf)
                return
            await self._disk.drop_others(sheaf.key)
            if not sheaf.is_void:
                self._tier.drop(key)
                self._tier.drop_slices(key)
                sheaf.written = sheaf.sliced.stored.head
                if not await self._put(sheaf, key, head_record(sheaf.sliced), b"") and not sheaf.is_void:
                    self._void(sheaf)
        if sheaf.is_stale and not sheaf.is_void:
            self._tier.expire(sheaf.key)
        sheaf.is_settled = True

    def _is_of(self, sheaf: Sheaf, source: DiskObject) -> bool:
        """The head on disk is of the sheaf's representation; then the newer of both wins."""
        old = self._read(sheaf.key, source)
        if old is None or not is_same(old, sheaf.sliced) or old.slice_bytes != sheaf.sliced.slice_bytes:
            return False
        if self._disk.is_purged(sheaf.key, old.stored, source.head.requested_s):
            return False
        if source.head.received_s > sheaf.sliced.stored.head.received_s:
            sheaf.sliced.stored.take(old.stored.head)
            sheaf.written = sheaf.sliced.stored.head
        return True

    async def _write_slice(self, sheaf: Sheaf) -> None:
        number, run = sheaf.waiting.popleft()
        try:
            await self._put(sheaf, slice_key(sheaf.key, number), slice_record(sheaf.sliced, run), run.data)
        finally:
            self._disk.waiting_bytes -= len(run.data)
        head_key = sliced_key(sheaf.key)
        self._tier.touch(head_key)
        if not sheaf.is_void and not self._tier.lookup(head_key):  # it had to make room
            self._tier.drop_slices(head_key)
            self._void(sheaf)

    async def _put(self, sheaf: Sheaf, key: bytes, record: ResponseHead, data: bytes) -> bool:
        sheaf.writing = writing = self._tier.begin(key, record, len(data))
        if writing is None:
            return False
        try:
            return await writing.commit(data)
        finally:
            writing.abort()
            sheaf.writing = None
