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

from edge.bans import Bans
from edge.disk.address import vary_names_in
from edge.disk.objects import DiskObject
from edge.disk.tier import DiskTier
from edge.disk.writing import Writing
from edge.message import Request, ResponseHead
from edge.outlet import Mappings, is_cached
from edge.ranges import Span
from edge.stored import Speaker, StoredResponse
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
        self._bans = Bans()
        self._is_ban_unsaved = self._is_saving_bans = False
        self._coming: dict[bytes, Writing] = {}
        self._reading: dict[DiskObject, asyncio.Task[bytes]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> OnDisk:
        await self.tier.__aenter__()
        try:
            self._bans = Bans.loaded(self._bans_path.read_bytes())
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
        if key == request.key and self.tier.has_variants(key):
            key = variant_key(key, await self.tier.vary_names(key), request)
        if not self.tier.lookup(key):
            return None
        source = await self.tier.open(key)
        return None if source is None else self._judged(source)

    def _judged(self, source: DiskObject) -> DiskResponse | None:
        """The response, unless a purge by prefix or group has come since it was stored."""
        stored = source.prepared
        if not isinstance(stored, DiskResponse):
            stored = source.prepared = DiskResponse(source, self._speaker)
        if len(self._bans) and self._bans.cover(source.key, stored.groups, stored.asked_s):
            self.tier.drop(source.key)
            source.release()
            return None
        return stored

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
        return StoredResponse(source.key, source.head, body, self._speaker.of(source.key))

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
            self._spawn(self._rise(source.hold(), take))

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
        if not self._owns(key.partition(b"\n")[0]):
            return
        self.drop(key)
        if self.waiting_bytes + len(body) > _WAITING_BYTES:
            self.tier.counters.refused += 1
            return
        writing = self.tier.begin(key, head, len(body))
        if writing is not None:
            self.waiting_bytes += len(body)
            self._coming[key] = writing
            self._spawn(self._put(key, writing, body))

    async def _put(self, key: bytes, writing: Writing, body: bytes) -> None:
        try:
            await self._drop_others(key)
            await writing.commit(body)
        finally:
            writing.abort()
            self.waiting_bytes -= len(body)
            if self._coming.get(key) is writing:
                del self._coming[key]

    async def _drop_others(self, key: bytes) -> None:
        """Forget variants that were chosen by other request fields than this response is."""
        primary = key.partition(b"\n")[0]
        names = await self.tier.vary_names(primary) if self.tier.has_variants(primary) else ()
        if names and names != vary_names_in(key):
            self.tier.drop_variants(primary)

    def drop(self, key: bytes) -> bool:
        """Forget what is stored under this very key, or about to be; True if there was something."""
        coming = self._coming.pop(key, None)
        if coming is not None:
            coming.abort()
        return self.tier.drop(key) or coming is not None

    def update(self, stored: StoredResponse) -> None:
        """`stored`, which is in RAM, has a newer head."""
        if self.tier.lookup(stored.key):
            self._spawn(self.tier.update(stored.key, stored.head))
        else:  # it was evicted here, or is not complete
            self.keep(stored.key, stored.head, stored.body)

    def update_from(self, old: ResponseHead, stored: StoredResponse) -> None:
        """`stored`, which is not in RAM, has a newer head than `old`: so has the file that it came from."""
        if self.tier.lookup(stored.key):
            self._spawn(self._update_from(old, stored.key, stored.head))

    async def _update_from(self, old: ResponseHead, key: bytes, head: ResponseHead) -> None:
        source = await self.tier.open(key)
        if source is not None:
            with source:
                if (source.head.requested_s, source.head.received_s) == (old.requested_s, old.received_s):
                    await self.tier.update(key, head)

    def ban(self, prefixes: Collection[bytes], groups: Collection[bytes]) -> None:
        """Use nothing any more that is stored by now under one of these; outlives the process."""
        self._bans.add(prefixes, groups, self._clock())
        self._is_ban_unsaved = True
        if not self._is_saving_bans:
            self._save_bans()

    def _save_bans(self) -> None:
        self._is_saving_bans = True  # here too: the task begins later
        self._spawn(self._write_bans())

    async def _write_bans(self) -> None:
        """Write them down; what comes meanwhile is written together."""
        try:
            while self._is_ban_unsaved:
                self._is_ban_unsaved = False
                await self.tier.threads.by_clerk(_write, self._bans_path, self._bans.dumped())
        except OSError as error:  # the purge holds for this process; the next one is written with it
            self._is_ban_unsaved = True
            self.tier.write_failed(error, len(self._bans))
        finally:
            self._is_saving_bans = False

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
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
