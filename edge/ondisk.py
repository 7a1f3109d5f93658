"""The disk tier under the rules: what it holds is found, judged, kept, and forgotten like what is in RAM.

Fresh responses are sent from their files. What must be validated first moves into RAM, where validation is.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any

from edge.bans import Bans, dumped, loaded
from edge.disk.address import sliced_key, vary_names_in
from edge.disk.objects import DiskObject
from edge.disk.tier import DiskTier
from edge.disk.writing import Writing
from edge.fields import Fields
from edge.message import Request, ResponseHead
from edge.outlet import Mappings, is_cached
from edge.ranges import Span
from edge.sheaves import Sheaves
from edge.stored import Speaker, StoredResponse, groups_of
from edge.storing import variant_key
from edge.visit import Cut, Visit

_WAITING_BYTES = 64 * 2**20  # of bodies that wait for the disk; more are not kept there
_RISING_BYTES = 64 * 2**20  # of bodies on their way to RAM; who comes then is served from the file
_PIECE_BYTES = 256 * 1024
_STEP_BYTES = 2**20  # sent before others have their turn
_BANS = "bans.json"


class DiskResponse(StoredResponse):
    """A stored response whose body is in a file."""

    __slots__ = ("asked_s", "source")
    tier = b"disk"

    def __init__(self, source: DiskObject, speaker: Speaker) -> None:
        self.source = source
        self.asked_s = source.head.requested_s
        super().__init__(source.key, source.head, b"", speaker.of(source.key))

    @property
    def body_bytes(self) -> int:
        return self.source.size_bytes


class OnDisk:
    """The disk tier of one edge. Open for the length of an `async with`; entering raises DiskError."""

    def __init__(
        self, tier: DiskTier, speaker: Speaker, clock: Callable[[], float], owns: Callable[[bytes], bool]
    ) -> None:
        """`owns`: whether a cache key has its place on this disk, or on another worker's."""
        self.tier = tier
        self._owns = owns
        self.mappings = Mappings()
        self.waiting_bytes = 0
        self.hits = 0  # answers whose body came from a file
        self._speaker = speaker
        self._clock = clock
        self._bans, self._soft_bans = Bans(), Bans()
        self._has_bans = False
        self.sheaves = Sheaves(self, speaker)
        self._is_ban_unsaved = self._is_saving_bans = False
        self._coming: dict[bytes, Writing] = {}
        self._reading: dict[DiskObject, asyncio.Task[bytes]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> OnDisk:
        await self.tier.__aenter__()
        try:
            self._bans, self._soft_bans = loaded(self._bans_path.read_bytes())
            if not len(self.tier):  # nothing is left of what they were about
                self._bans, self._soft_bans = Bans(), Bans()
                self._is_ban_unsaved = True
            self._has_bans = len(self._bans) + len(self._soft_bans) > 0
        except FileNotFoundError:
            pass
        except (OSError, ValueError):  # something was purged, and nobody knows what
            self.ban([b""], ())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_ban_unsaved:
            self._save_bans()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.tier.__aexit__(kind, error, trace)

    def opened(self, key: bytes) -> DiskResponse | None:
        """A response whose file is open, held for the caller, who releases its source."""
        source = self.tier.opened(key)
        return None if source is None else self._judged(source)

    async def find(self, request: Request, key: bytes) -> DiskResponse | None:
        """What is stored for `request`, held for the caller; `key` is the variant's if RAM knows that."""
        key = await self.variant(request, key)
        if not self.tier.lookup(key):
            return None
        source = await self.tier.open(key)
        return None if source is None else self._judged(source)

    async def variant(self, request: Request, key: bytes) -> bytes:
        """The key of what the disk has for `request`, which knows by what it varies, if RAM does not."""
        is_known = key != request.key or not self.tier.has_variants(key)
        if is_known or self.tier.lookup(sliced_key(key)):
            return key
        return variant_key(key, await self.tier.vary_names(key), request)

    def _judged(self, source: DiskObject) -> DiskResponse | None:
        """The response, unless a purge by prefix or group has come since it was stored."""
        stored = source.prepared
        if not isinstance(stored, DiskResponse):
            stored = source.prepared = DiskResponse(source, self._speaker)
            if source.is_stale:
                stored.expire(stored.received_s)
        if self._has_bans and self.is_purged(source.key, stored, stored.asked_s):
            self.tier.drop(source.key)
            source.release()
            return None
        return stored

    def is_purged(self, key: bytes, stored: StoredResponse, asked_s: float) -> bool:
        """A purge by prefix or group has come since it was asked for; a soft one takes its freshness only."""
        if self._bans.cover(key, stored.groups, asked_s):
            return True
        if self._soft_bans.cover(key, stored.groups, asked_s):
            stored.expire(stored.received_s)
        return False

    def is_banned(self, key: bytes, fields: Fields, asked_s: float) -> bool:
        """What was asked for then has been purged since by prefix or group."""
        return self._has_bans and self._bans.cover(key, groups_of(fields), asked_s)

    async def send(self, visit: Visit, source: DiskObject, span: Span) -> None:
        """Send bytes of a file: from the file to the socket where that can be, else by way of memory.

        Raises Cut if the client left, or the disk failed.
        """
        first, end = span.first, span.last + 1
        may_send_file = True
        try:
            while first < end:
                size_bytes, sent_bytes = min(_STEP_BYTES, end - first), 0
                # What must come from the disk itself would keep the loop waiting in sendfile.
                if may_send_file and is_cached(source.descriptor, source.offset + first, size_bytes):
                    sent_bytes = await visit.client.send_file(
                        source.descriptor, source.offset + first, size_bytes
                    )
                    visit.outcome.sent_bytes += sent_bytes
                    may_send_file = sent_bytes > 0
                if sent_bytes == 0:
                    piece = await self.tier.read(source, first, min(_PIECE_BYTES, size_bytes))
                    visit.send_body(piece)
                    sent_bytes = len(piece)
                    await visit.client.drained()
                first += sent_bytes
        except OSError as error:
            self.tier.read_failed(source, error)
            raise Cut(f"the disk failed: {error.strerror or error}") from None

    async def in_memory(self, stored: DiskResponse) -> StoredResponse | None:
        """The response with its body, read once for all who want it now; None where the disk failed."""
        source = stored.source
        try:
            body = await asyncio.shield(self._reading.get(source) or self._read(source))
        except OSError as error:
            self.tier.read_failed(source, error)
            return None
        risen = StoredResponse(source.key, source.head, body, self._speaker.of(source.key))
        risen.expire(stored.fresh_until_s)  # it may have been purged softly
        return risen

    def _read(self, source: DiskObject) -> asyncio.Task[bytes]:
        """Read a whole body; the source is held, whoever of those who wait for it leaves."""
        source.hold()
        task = asyncio.ensure_future(self.tier.read(source, 0, source.size_bytes))
        self._reading[source] = task

        def end(done: asyncio.Task[bytes]) -> None:
            del self._reading[source]
            source.release()
            if not done.cancelled():
                done.exception()  # was told to whoever still waits

        task.add_done_callback(end)
        return task

    def rise(self, stored: DiskResponse, take: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Let `take` read the response into RAM behind the client's back; once, and few at a time."""
        source = stored.source
        bytes_under_way = sum(each.size_bytes for each in self._reading)
        if source not in self._reading and bytes_under_way + source.size_bytes <= _RISING_BYTES:
            self._read(source)
            self.spawn(self._rise(source.hold(), take))

    async def _rise(self, source: DiskObject, take: Callable[[], Coroutine[Any, Any, object]]) -> None:
        with source:
            await take()

    def is_current(self, stored: DiskResponse) -> bool:
        """`stored` is stored still, with this head: it was neither purged nor replaced since it was found."""
        found = self.opened(stored.key)
        if found is not None:
            found.source.release()
        return found is stored

    def keep(self, key: bytes, head: ResponseHead, body: bytes) -> None:
        """Write a response behind everyone's back, unless the disk is too slow for what comes.

        What was stored under the key is gone at once: it is older.
        """
        if not self.owns(key):
            return
        self.drop(key)
        if not self.may_wait(len(body)):
            return
        writing = self.tier.begin(key, head, len(body))
        if writing is not None:
            self.waiting_bytes += len(body)
            self._coming[key] = writing
            self.spawn(self._put(key, writing, body))

    def owns(self, key: bytes) -> bool:
        """A variant's key has its place on this disk."""
        return self._owns(key.partition(b"\n")[0])

    def may_wait(self, size_bytes: int) -> bool:
        """A body may wait in memory for the disk; if not, the disk is too slow for what comes."""
        if self.waiting_bytes + size_bytes <= _WAITING_BYTES:
            return True
        self.tier.counters.refused += 1
        return False

    async def _put(self, key: bytes, writing: Writing, body: bytes) -> None:
        try:
            await self.drop_others(key)
            await writing.commit(body)
        finally:
            writing.abort()
            self.waiting_bytes -= len(body)
            if self._coming.get(key) is writing:
                del self._coming[key]

    async def drop_others(self, key: bytes) -> None:
        """Forget variants that were chosen by other request fields than this response is."""
        primary = key.partition(b"\n")[0]
        names = await self.tier.vary_names(primary) if self.tier.has_variants(primary) else ()
        if names and names != vary_names_in(key):
            self.tier.drop_variants(primary)

    def drop(self, key: bytes) -> bool:
        """Forget what is stored under this very key, whole or in slices, or about to be; True if it was."""
        is_sliced = self.sheaves.drop(key)
        return self.drop_whole(key) or is_sliced

    def drop_whole(self, key: bytes) -> bool:
        coming = self._coming.pop(key, None)
        if coming is not None:
            coming.abort()
        return self.tier.drop(key) or coming is not None

    def purge(self, key: bytes) -> int:
        """Forget all that is stored for a cache key, every variant; returns how many there were."""
        self.sheaves.purge(key)
        return self.tier.purge(key)

    def expire(self, key: bytes, now_s: float) -> int:
        """Let all that is stored for a cache key be stale from now on; returns how many there were."""
        self.sheaves.expire(key, now_s)
        return self.tier.expire(key)

    def update(self, stored: StoredResponse) -> None:
        """`stored`, which is in RAM, has a newer head."""
        if self.tier.lookup(stored.key):
            self.spawn(self.tier.update(stored.key, stored.head))
        else:  # it was evicted here, or is not complete
            self.keep(stored.key, stored.head, stored.body)

    def update_from(self, old: ResponseHead, stored: StoredResponse) -> None:
        """`stored`, which is not in RAM, has a newer head than `old`: so has the file that it came from."""
        if self.tier.lookup(stored.key):
            self.spawn(self._update_from(old, stored.key, stored.head))

    async def _update_from(self, old: ResponseHead, key: bytes, head: ResponseHead) -> None:
        source = await self.tier.open(key)
        if source is not None:
            with source:
                if (source.head.requested_s, source.head.received_s) == (old.requested_s, old.received_s):
                    await self.tier.update(key, head)

    def ban(self, prefixes: Collection[bytes], groups: Collection[bytes], *, is_soft: bool = False) -> None:
        """Use nothing any more that is stored by now under one of these; outlives the process.

        `is_soft`: not before it has been validated.
        """
        (self._soft_bans if is_soft else self._bans).add(prefixes, groups, self._clock())
        self._has_bans = True
        self._is_ban_unsaved = True
        if not self._is_saving_bans:
            self._save_bans()

    def _save_bans(self) -> None:
        self._is_saving_bans = True  # here too: the task begins later
        self.spawn(self._write_bans())

    async def _write_bans(self) -> None:
        """Write them down; what comes meanwhile is written together."""
        try:
            while self._is_ban_unsaved:
                self._is_ban_unsaved = False
                await self.tier.threads.by_clerk(_write, self._bans_path, dumped(self._bans, self._soft_bans))
        except OSError as error:  # the purge holds for this process; the next one is written with it
            self._is_ban_unsaved = True
            self.tier.write_failed(error, len(self._bans) + len(self._soft_bans))
        finally:
            self._is_saving_bans = False

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def _bans_path(self) -> Path:
        return self.tier.folder / _BANS


def _write(path: Path, text: bytes) -> None:
    passing = path.with_suffix(".new")
    with passing.open("wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    passing.replace(path)
