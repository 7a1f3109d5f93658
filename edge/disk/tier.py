"""The disk tier: responses by key within a quota, found without I/O, read and written in threads.

`lookup` and `opened` answer at once from memory. A failing disk costs its objects and nothing else: what
cannot be read is not there, what cannot be written is not kept, and the tier comes back when the disk does.

A kill at any moment loses what was being written. Power loss may lose the last seconds (only snapshots and
purges are flushed); what it tears fails its checksum. The head is checked whenever a file is opened, the body
at the first time in the life of the process; from then on the kernel is trusted, as sendfile must.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
from asyncio import Future
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future as ThreadFuture
from contextlib import suppress
from errno import EDQUOT, EIO, EMFILE, ENFILE, ENOMEM, ENOSPC
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType

from structlog.typing import FilteringBoundLogger

from edge.disk.address import Address, address_of, digest_of, sliced_key, vary_names_in
from edge.disk.clerk import Clerk
from edge.disk.counters import DiskCounters
from edge.disk.files import OtherKeyError, TempFile, front_in, key_in, open_object, probe, read_body
from edge.disk.folder import Folder, Inventory
from edge.disk.health import Fitness, Health
from edge.disk.journal import write_snapshot
from edge.disk.layout import PAGE_BYTES, CorruptError, Front, UnfitError, shape_of
from edge.disk.lru import SlotLru
from edge.disk.objects import DiskObject, Opening, OpenObjects
from edge.disk.shelf import Shelf
from edge.disk.threads import Threads
from edge.disk.writing import Writing
from edge.eviction import EvictionPolicy
from edge.message import ResponseHead

_SNAPSHOT_RECORDS = 65_536  # in the journal; bounds what a start must look at
_SNAPSHOT_S = 900.0
_PATIENCE_S = 10.0  # a disk that gives no answer for so long has failed
_PROBE_BYTES = 2**20
_PIECE_BYTES = 256 * 1024
_OF_THE_PROCESS = (EMFILE, ENFILE, ENOMEM)  # no fault of the disk's
_MAY_HEAL = (ENOSPC, EDQUOT, EIO)  # an edge starts in spite of them


class DiskTier:
    """Works within `async with`, in one event loop; entering raises DiskError, one line for the operator.

    `policy` sees slots (small integers) as keys; `edge.eviction.POLICIES` fit too, at the cost of their
    dictionaries. Its capacity is the quota, in which what is on its way counts before its first byte.
    """

    def __init__(
        self,
        folder: Path,
        capacity_bytes: int,
        *,
        clock: Callable[[], float],
        logger: FilteringBoundLogger,
        policy: Callable[[int], EvictionPolicy] = SlotLru,
        max_open: int = 1024,
        threads: int = 4,
    ) -> None:
        self.folder = folder
        self.counters = DiskCounters()
        self.health = Health()
        self.how_started = ""  # new, snapshot, journal or scan
        self.strays = 0  # files in the folders that are none of ours, as a scan found them
        self.threads = Threads(threads)
        self._clock = clock
        self._logger = logger
        self._shelf = Shelf(policy(capacity_bytes))
        self._hit = self._shelf.policy.hit
        self._folder = Folder(folder)
        self._clerk = Clerk(folder)
        self._open = OpenObjects(max_open)
        self._opening: dict[int, Opening] = {}  # by digest, as the next two
        self._committing: dict[int, Writing] = {}  # whose files have no name yet
        self._rewriting: dict[int, ResponseHead] = {}  # newer than what the files say
        self._writings: dict[int, Writing] = {}  # by slot
        self._passing_names = 0
        self._snapshot_s = clock()
        self._probe_bytes = PAGE_BYTES
        self._is_saving = self._is_probing = self._is_open = False

    # Life

    async def __aenter__(self) -> DiskTier:
        try:
            victims = await self.threads.by_clerk(self._start)
        except BaseException:
            self.threads.close()
            raise
        self._is_open = True
        self._remove(victims)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give up what is being written, and leave a snapshot for a quick start."""
        self._is_open = False
        for digest in list(self._opening):
            self._end_opening(digest)
        for writing in list(self._writings.values()):
            writing.abort()
        self._open.clear()
        await self.threads.settled()
        with suppress(OSError):  # then the next start reads the journal
            await self.threads.by_clerk(self._finish)
        self.threads.close()
        self._folder.release()

    def beat(self) -> None:
        """Look after disk and journal; to be called every second or so."""
        now_s = self._clock()
        if any(now_s - opening.started_s > _PATIENCE_S for opening in self._opening.values()):
            self._failed(Fitness.OUT, TimeoutError(f"no answer for {_PATIENCE_S:.0f} s"))
            for digest in list(self._opening):
                self._end_opening(digest)
        if self.health.is_probe_due(now_s) and not self._is_probing:
            self._is_probing = True
            self.threads.spawn(self._probe())
        records = self._clerk.journal.records
        is_time = records > 0 and now_s - self._snapshot_s >= _SNAPSHOT_S
        if self.health.may_write and (records >= _SNAPSHOT_RECORDS or is_time):
            self.save()

    # Answers at once

    def __len__(self) -> int:
        return len(self._shelf.index)

    @property
    def used_bytes(self) -> int:
        """On the disk and on its way there; never above the quota."""
        return self._shelf.policy.used_bytes

    @property
    def capacity_bytes(self) -> int:
        return self._shelf.policy.capacity_bytes

    @property
    def memory_bytes(self) -> int:
        """What the index costs in RAM, whatever is served."""
        return self._shelf.memory_bytes

    def lookup(self, key: bytes) -> bool:
        """Something is stored for `key` (or, once in 2⁶⁴, for another with its digest)."""
        return self.health.may_read and self._slot_of(digest_of(key)) != 0

    def has_variants(self, primary: bytes) -> bool:
        """Responses are stored that `primary` alone does not choose; `vary_names` says what does."""
        return self.health.may_read and bool(self._shelf.index.members(digest_of(primary)))

    def touch(self, key: bytes) -> None:
        """It was of use, though nobody opened it."""
        slot = self._shelf.find(digest_of(key))
        if slot:
            self._hit(slot)

    def opened(self, key: bytes) -> DiskObject | None:
        """The object if it is open already, held for the caller, who releases it."""
        digest = digest_of(key)
        found = self._open.get(digest)
        if found is None or found.key != key or not self.health.may_read:
            return None
        self._hit(self._shelf.find(digest))
        return found.hold()

    # Reading

    async def open(self, key: bytes) -> DiskObject | None:
        """The object, checked, and held for the caller, who releases it; None where there is none."""
        address = address_of(key)
        while self._is_open and self.health.may_read and (slot := self._slot_of(address.digest)):
            found = self.opened(key)
            if found is not None:
                return found
            self._hit(slot)
            opening = self._opening.get(address.digest) or self._begin_opening(key, address, slot)
            found = await opening.join()
            if found is not None and found.key == key:
                return found
            if found is not None:
                found.release()
            if not opening.is_void:
                break
        return None

    async def read(self, source: DiskObject, first: int, size_bytes: int) -> bytes:
        """A part of the body, for connections that sendfile cannot serve. OSError: tell `read_failed`."""
        try:
            return await self.threads.in_pool(read_body, source.descriptor, source.offset + first, size_bytes)
        except CorruptError as error:
            raise OSError(str(error)) from None

    def read_failed(self, source: DiskObject, error: OSError) -> None:
        """Sending from `source` failed for the disk's sake: forget the object, and take the disk out."""
        self.drop(source.key)
        self.counters.read_errors += 1
        self._failed(Fitness.OUT, error)

    async def vary_names(self, primary: bytes) -> tuple[bytes, ...]:
        """The request fields that choose among the responses stored for `primary`; none where none do."""
        for digest in self._shelf.index.members(digest_of(primary)):
            slot = self._slot_of(digest)
            if slot and self.health.may_read:
                path = f"{self.folder}/{self._shelf.index.address(slot).path}"
                with suppress(OSError, CorruptError):
                    key = await self.threads.in_pool(key_in, path)
                    if key.partition(b"\n")[0] == primary:
                        return vary_names_in(key)
        return ()

    def addresses(self, most: int) -> list[Address | None]:
        """Where objects are, those of use last before the others; None for slices and what is on its way."""
        return list(islice(self._shelf.newest(), most))

    async def fronts(self, addresses: Sequence[Address]) -> list[Front | None]:
        """What stands before the bodies; None where it cannot be read."""
        paths = [f"{self.folder}/{address.path}" for address in addresses]
        return await self.threads.in_pool(_fronts, paths)

    def is_stale(self, key: bytes) -> bool:
        """A soft purge has come since the object had its head."""
        slot = self._shelf.find(digest_of(key))
        return slot != 0 and self._shelf.index.is_stale(slot)

    # Writing

    def begin(self, key: bytes, head: ResponseHead, size_bytes: int | None) -> Writing | None:
        """Reserve room for an object whose body comes piece by piece; None where it will not be kept."""
        try:
            shape = shape_of(key, head)
        except UnfitError:
            shape = None
        if shape is None or not self._is_open or not self.health.may_write:
            self.counters.refused += 1
            return None
        address = address_of(key)
        slot = self._shelf.index.allocate(address.digest)
        self._passing_names += 1
        passing = f"{self.folder}/tmp/{os.getpid()}-{self._passing_names}"
        writing = Writing(self, slot, key, address, head, shape, size_bytes, passing)
        self._writings[slot] = writing
        if not self._admit(writing, writing.reserved_bytes):
            writing.is_dead = True
            del self._writings[slot]
            self._shelf.index.release(slot)
            return None
        return writing

    async def put(self, key: bytes, head: ResponseHead, body: bytes) -> bool:
        """Keep a complete response; True once it can be found. False: an older one is not kept either."""
        writing = self.begin(key, head, len(body))
        try:
            if writing is not None and await writing.commit(body):
                return True
        finally:
            if writing is not None:
                writing.abort()
        if writing is None or not writing.is_placed:
            self.drop(key)
        return False

    async def update(self, key: bytes, head: ResponseHead, *, is_durable: bool = False) -> bool:
        """Give a stored object the head that a 304 made (RFC 9111, 4.3.4).

        Whoever asks from now on gets it. True: it is on the disk, safe from power loss too if `is_durable`.
        False: the object is not stored any more, or will have its older head after the next start.
        """
        address = address_of(key)
        slot = self._slot_of(address.digest)
        found = self._open.get(address.digest)
        if found is not None and found.key == key:
            found.take(head)
        if not slot or not self.health.may_write:
            return False
        was_stale, is_written = self._shelf.index.is_stale(slot), False
        self._shelf.index.set_stale(slot, is_stale=False)
        self._rewriting[address.digest] = head
        if address.digest in self._opening:
            self._opening[address.digest].head = head
        try:
            rewrite = partial(self._clerk.rewrite, is_durable=is_durable, was_stale=was_stale)
            await self.threads.by_clerk(rewrite, address, key, head)
            is_written = True
        except UnfitError:
            is_written = self._shelf.find(address.digest) == slot and await self._write_anew(key, head)
            return is_written
        except OtherKeyError:
            return False
        except (FileNotFoundError, CorruptError) as error:
            if self._rewriting.get(address.digest) is head:
                self._open_failed(error, slot, address.digest)
            return False
        except OSError as error:
            self.write_failed(error, PAGE_BYTES)
            return False
        finally:
            if self._rewriting.get(address.digest) is head:
                del self._rewriting[address.digest]
            if was_stale and not is_written and self._shelf.find(address.digest) == slot:
                self._shelf.index.set_stale(slot, is_stale=True)
        self.counters.rewritten_heads += 1
        return True

    def drop(self, key: bytes) -> bool:
        """Forget what is stored for this very key, and what hangs on it; True if there was something."""
        return self._forget([digest_of(key)]) > 0

    def drop_slices(self, key: bytes) -> None:
        """Forget the slices of what `sliced_key` gave, whether or not it is there itself."""
        self._forget(self._shelf.members(digest_of(key)))

    def drop_variants(self, primary: bytes) -> None:
        """Forget what is stored for a primary key and other fields; not what is on its way."""
        self._forget(self._shelf.index.members(digest_of(primary)))

    def purge(self, primary: bytes) -> int:
        """Forget all that is stored for a primary key, every variant, and what is on its way.

        In force at once; `settled` says when it will outlast this process and the machine.
        """
        count = self._forget(self._all_of(primary))
        for writing in self._coming_for(primary):
            writing.abort()
        self.counters.purged += count
        return count

    def expire(self, primary: bytes) -> int:
        """Let all that is stored for a primary key be stale until it has a newer head; returns how many."""
        slots = [slot for slot in map(self._shelf.find, self._all_of(primary)) if slot]
        for slot in slots:
            self._shelf.index.set_stale(slot, is_stale=True)
            found = self._open.get(self._shelf.index.address(slot).digest)
            if found is not None:
                found.expire()
        for writing in self._coming_for(primary):
            writing.is_stale = True
        if slots:
            addresses = [self._shelf.index.address(slot) for slot in slots]
            self.threads.by_clerk(self._clerk.expire, addresses).add_done_callback(self._removed)
        return len(slots)

    def _all_of(self, primary: bytes) -> list[int]:
        """Digests of a key, of its variants, and of what it has in slices."""
        digest, sliced = digest_of(primary), digest_of(sliced_key(primary))
        return [digest, *dict.fromkeys([*self._shelf.members(digest), sliced])]

    def _coming_for(self, primary: bytes) -> list[Writing]:
        """What is on its way for a key, its variants and its slices."""
        begin = primary + b"\n"
        return [each for each in self._writings.values() if each.key == primary or each.key.startswith(begin)]

    async def settled(self) -> bool:
        """All that was dropped and purged before is gone for good; False where the disk refused."""
        try:
            await self.threads.by_clerk(self._clerk.sync)
        except OSError:
            return False
        return True

    def save(self) -> None:
        """Write a snapshot of the index, behind everyone's back."""
        if not self._is_saving:
            self._is_saving = True  # here too: the task begins later
            self.threads.spawn(self._save())

    # What a Writing asks of its tier

    def still_coming(self, writing: Writing) -> None:
        """A flight is no old object, however long it takes."""
        self._hit(writing.slot)

    def reserve_anew(self, writing: Writing, size_bytes: int) -> bool:
        """Another size for the same flight; False where there is no room."""
        self._shelf.policy.forget(writing.slot)
        return self._admit(writing, size_bytes)

    def write_failed(self, error: OSError, size_bytes: int) -> None:
        self.counters.write_errors += 1
        self._probe_bytes = max(PAGE_BYTES, min(size_bytes, _PROBE_BYTES))
        self._failed(Fitness.NO_WRITING, error)

    async def commit(self, writing: Writing) -> bool:
        """Let a finished file be found under its key, in place of what was there."""
        address, slot = writing.address, writing.slot
        old = self._shelf.find(address.digest)
        if writing.copied is not None and (writing.copied.is_deleted or not old):
            writing.abort()
            return False
        if old:
            self._shelf.remove(old)
            self._closed(address.digest)
        del self._writings[slot]
        writing.is_dead = writing.is_placed = True
        stale = writing.is_stale
        self._shelf.index.place(slot, address.family, writing.pages, is_verified=True, is_stale=stale)
        self._committing[address.digest] = writing
        name = partial(self._clerk.commit, writing.passing, address, writing.pages, is_stale=stale)
        job = self.threads.by_clerk(name)
        job.add_done_callback(partial(self._committed, writing))
        await asyncio.wait([job])
        return job.exception() is None and self._shelf.find(address.digest) == slot

    def give_up(self, writing: Writing, file: TempFile, job: Future[None] | None) -> None:
        """Delete what was written once nobody writes any more, and end the reservation then."""
        self.threads.spawn(self._give_up(writing, file, job))

    # Within

    def _start(self) -> list[Address]:
        """In the clerk's thread: claim the folder and learn what it holds; returns what is over the quota."""
        self._folder.claim()
        try:
            inventory = self._folder.take_inventory()
            victims = self._shelf.fill(inventory.held)
            _give_back_memory()
            self.how_started, self.strays = inventory.how, inventory.strays
            self._begin_journal(inventory)
        except OSError as error:
            self._clerk.journal.close()
            self._folder.release()
            raise self._folder.unusable(error) from None
        return victims

    def _begin_journal(self, inventory: Inventory) -> None:
        """A disk that is full now can be read all the same."""
        try:
            if inventory.how == "snapshot":
                self._clerk.journal.begin(inventory.generation)
            else:
                self._clerk.journal.begin(inventory.generation + 1)
                write_snapshot(self.folder, inventory.generation + 1, self._shelf.columns())
            self._folder.begin()
        except OSError as error:
            if error.errno not in _MAY_HEAL:
                raise
            self.write_failed(error, PAGE_BYTES)

    def _finish(self) -> None:
        """In the clerk's thread, as its last work."""
        journal = self._clerk.journal
        try:
            self._clerk.sync()
            if journal.records:
                write_snapshot(self.folder, journal.generation + 1, self._shelf.columns())
            self._folder.end()
        finally:
            journal.close()

    def _slot_of(self, digest: int) -> int:
        return 0 if digest in self._committing else self._shelf.find(digest)

    def _admit(self, writing: Writing, size_bytes: int) -> bool:
        """Ask for room; those who make it go at once, and off the disk before others come."""
        writing.reserved_bytes = size_bytes
        victims = self._shelf.admit(writing.slot, size_bytes)
        is_admitted = writing.slot not in victims
        for victim in [victim for victim in victims if victim in self._writings and victim != writing.slot]:
            self._writings[victim].abort()
        gone = [self._shelf.remove(victim) for victim in victims if victim not in self._writings]
        gone += self._shelf.remove_slices(gone)
        for address in gone:
            self._closed(address.digest)
        self.counters.evicted += len(gone)
        if gone:
            writing.room_made = self._remove(gone)
        if not is_admitted:
            self.counters.refused += 1
        return is_admitted

    def _forget(self, digests: Iterable[int]) -> int:
        gone = [self._shelf.remove(slot) for slot in map(self._shelf.find, digests) if slot]
        count = len(gone)
        gone += self._shelf.remove_slices(gone)
        for address in gone:
            self._closed(address.digest)
        self._remove(gone)
        return count

    def _closed(self, digest: int) -> None:
        """What was open, or about to be, under that digest is not what is stored there any more."""
        self._open.discard(digest)
        self._committing.pop(digest, None)
        self._rewriting.pop(digest, None)
        self._end_opening(digest, is_void=True)

    def _remove(self, gone: list[Address]) -> ThreadFuture[None] | None:
        if not gone:
            return None
        removal, job = self.threads.by_clerk_for_pool(self._clerk.remove, gone)
        job.add_done_callback(self._removed)
        return removal

    def _removed(self, job: Future[None]) -> None:
        error = job.exception()
        if isinstance(error, OSError):
            self.write_failed(error, PAGE_BYTES)

    def _begin_opening(self, key: bytes, address: Address, slot: int) -> Opening:
        opening = Opening(self._clock(), self._rewriting.get(address.digest))
        self._opening[address.digest] = opening
        path, is_verified = f"{self.folder}/{address.path}", self._shelf.index.is_verified(slot)
        job = self.threads.in_pool(open_object, path, key, is_verified=is_verified)
        job.add_done_callback(partial(self._opened, opening, address.digest, slot))
        return opening

    def _end_opening(self, digest: int, *, is_void: bool = False) -> None:
        opening = self._opening.pop(digest, None)
        if opening is not None:
            opening.is_void = is_void
            opening.settle(None)

    def _opened(self, opening: Opening, digest: int, slot: int, job: Future[tuple[int, Front]]) -> None:
        is_wanted = self._opening.get(digest) is opening
        try:
            descriptor, front = job.result()
        except (OSError, CorruptError, OtherKeyError) as error:
            if is_wanted:
                self._end_opening(digest)
                self._open_failed(error, slot, digest)
            return
        with DiskObject(descriptor, front, self._close).hold() as opened:
            if is_wanted:
                self._take_opened(opening, digest, slot, opened)

    def _take_opened(self, opening: Opening, digest: int, slot: int, opened: DiskObject) -> None:
        del self._opening[digest]
        if opening.head is not None:
            opened.take(opening.head)
        opened.is_stale = self._shelf.index.is_stale(slot)
        self.counters.opened += 1
        self._shelf.index.verified(slot)
        self._open.add(digest, opened)
        opening.settle(opened)

    def _open_failed(self, error: Exception, slot: int, digest: int) -> None:
        """Forget what cannot be had, unless another has taken its place meanwhile."""
        if isinstance(error, OtherKeyError) or getattr(error, "errno", 0) in _OF_THE_PROCESS:
            return
        if self._shelf.find(digest) == slot:
            self._forget([digest])
        if isinstance(error, FileNotFoundError):
            self.counters.lost += 1
        elif isinstance(error, OSError):
            self.counters.read_errors += 1
            self._failed(Fitness.OUT, error)
        else:
            self.counters.corrupt += 1

    def _close(self, opened: DiskObject) -> None:
        if opened.is_deleted and self._is_open:
            self.threads.in_pool(os.close, opened.descriptor)
        else:
            os.close(opened.descriptor)

    def _committed(self, writing: Writing, job: Future[None]) -> None:
        is_current = self._committing.get(writing.address.digest) is writing
        if is_current:
            del self._committing[writing.address.digest]
        error = job.exception()
        if error is None:
            self.counters.written += 1
            self.counters.written_bytes += writing.pages * PAGE_BYTES
        elif is_current:
            self._shelf.remove(writing.slot)
        if isinstance(error, OSError):
            self.write_failed(error, PAGE_BYTES)

    async def _give_up(self, writing: Writing, file: TempFile, job: Future[None] | None) -> None:
        if job is not None:
            await asyncio.wait([job])
            job.exception()  # was told already
        await self.threads.in_pool(file.discard)
        del self._writings[writing.slot]
        self._shelf.remove(writing.slot)

    async def _write_anew(self, key: bytes, head: ResponseHead) -> bool:
        """A head that has outgrown its slot: copy the body to a new file."""
        source = await self.open(key)
        if source is None:
            return False
        with source:
            writing = self.begin(key, head, source.size_bytes)
            if writing is None:
                return False
            writing.copied = source
            try:
                for first in range(0, source.size_bytes, _PIECE_BYTES):
                    size_bytes = min(_PIECE_BYTES, source.size_bytes - first)
                    if not await writing.write(await self.read(source, first, size_bytes)):
                        return False
                return await writing.commit()
            except OSError as error:
                self.read_failed(source, error)
                return False
            finally:
                writing.abort()

    async def _save(self) -> bool:
        """The journal changes at the very moment of which the columns tell: the clerk is told at once."""
        self._is_saving = True
        generation = self._clerk.journal.generation + 1
        columns = self._shelf.columns()
        self._snapshot_s = self._clock()
        try:
            await self.threads.by_clerk(self._clerk.journal.begin, generation)
            await self.threads.in_pool(write_snapshot, self.folder, generation, columns)
        except OSError as error:
            self.write_failed(error, PAGE_BYTES)
            return False
        finally:
            self._is_saving = False
        self.counters.snapshots += 1
        return True

    async def _probe(self) -> None:
        path = f"{self.folder}/tmp/{os.getpid()}-probe"
        try:
            await self.threads.in_pool(probe, path, self._probe_bytes)
            await self.threads.by_clerk(self._folder.mend)
            is_well = not self._is_saving and await self._save()  # the journal may have missed something
            await self.threads.by_clerk(self._clerk.finish_undone)
        except OSError:
            is_well = False
        self._is_probing = False
        self.health.probed(self._clock(), is_well=is_well)
        if is_well:
            self.counters.recovered += 1
            self._logger.info("disk tier recovered", folder=str(self.folder))

    def _failed(self, fitness: Fitness, error: OSError) -> None:
        if error.errno in _OF_THE_PROCESS or not self.health.failed(fitness, self._clock()):
            return
        self.counters.degraded += 1
        why = error.strerror or str(error)
        self._logger.warning("disk tier degraded", folder=str(self.folder), state=fitness.value, error=why)


def _fronts(paths: Sequence[str]) -> list[Front | None]:
    return [front_in(path) for path in paths]


def _give_back_memory() -> None:
    """Reading a snapshot takes as much again as the index; glibc would keep that for later."""
    with suppress(AttributeError, OSError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
