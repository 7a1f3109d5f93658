"""Collapsed forwarding: one upstream fetch per key, its bytes handed to all who wait as they arrive.

A flight belongs to nobody: a viewer who leaves cancels nothing that others, or the store, wait for. What
turns out not to be storable is handed to the viewer who caused the flight, and the others are let go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from edge.burst import Burst, Wire
from edge.fields import Fields
from edge.message import CacheStatus, ResponseHead
from edge.reply import AnswerHead
from edge.slices import Part
from edge.stored import StoredResponse, groups_of
from edge.upstream.client import Arriving, UpstreamError

_WINDOW_BYTES = 1024**2  # how far a body that outgrew the store may run ahead of its slowest reader


@dataclass(frozen=True, slots=True)
class Shared:
    """The answer that every plain request gets which waits for the same."""

    what: CacheStatus
    head: AnswerHead
    wire: Wire


class Flight:
    """One fetch on its way; `head`, `stored`, `private`, `is_declined` or `error` says how it answers."""

    def __init__(self, limit_bytes: int, finish_share: float) -> None:
        self.head: ResponseHead | None = None  # of a body that `read` gives
        self.part: Part | None = None  # the bytes are these of a larger body
        self.interims: list[tuple[int, Fields]] = []  # 1xx, before the head
        self.stored: StoredResponse | None = None  # the answer lies in the store
        self.was_validated = False  # and upstream confirmed it
        self.failed_status: int | None = None  # or it stands in for this failure
        self.private: Arriving | None = None  # not to be shared: for the leader alone
        self.is_declined = False  # of no use to anybody: each asks for itself
        self.error: UpstreamError | None = None
        self.upstream_s: float | None = None  # from the request to the head
        self.variant = b""  # the key of the variant that `head` belongs to
        self.answers: dict[object, Shared] = {}  # for those who get the same
        self.is_complete = False
        self.may_join = True  # not once the body outgrew the store, or its key was purged
        self.unwanted: list[Set[bytes]] = []  # groups that were purged before it was known what this is
        self.handed_over = asyncio.Event()  # the leader has done with `private`
        self.is_for_viewers = True  # and ends with the last of them, unless it is worth finishing
        self.give_up: Callable[[], object] = _nothing
        self._limit_bytes = limit_bytes
        self._finish_share = finish_share
        self._size_bytes = 0
        self._chunks: list[bytes] = []
        self._first = 0  # number of the first chunk still kept
        self._readers: dict[object, int] = {}  # reader -> number of the chunk it wants next
        self._greetings: dict[object, Callable[[Burst], None]] = {}
        self._waiting: list[asyncio.Future[None]] = []

    async def headed(self, on_interim: Callable[[int, Fields], None]) -> None:
        """Returns when it is known how the fetch answers; tells of interim responses before."""
        told = 0
        while True:
            for status, fields in self.interims[told:]:
                on_interim(status, fields)
            told = len(self.interims)
            if self.head or self.stored or self.private or self.is_declined or self.error:
                return
            await self._changed()

    def tell(self, status: int, fields: Fields) -> None:
        """An interim response came (RFC 9110, 15.2)."""
        self.interims.append((status, fields))
        self.announce()

    def stand_in(self, stored: StoredResponse, failed_status: int | None) -> None:
        """Upstream failed, with a status or without an answer; `stored`, stale, is the answer."""
        self.stored, self.failed_status = stored, failed_status

    def announce(self) -> None:
        """Wake all who wait; each looks at what has changed."""
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def begin(self, head: ResponseHead, variant: bytes) -> None:
        """The body is coming: every waiter's head is sent before the first copies a large chunk."""
        self.head = head
        self.variant = variant
        self._greet()
        self.announce()
        await asyncio.sleep(0)

    def _greet(self) -> None:
        """Answer all who wait in one burst, without a task's turn for each.

        The last of a thousand has its first byte in a seventh of the time.
        """
        greetings, self._greetings = self._greetings, {}
        if self.interims:  # they come first, in each one's turn
            return
        burst = Burst()
        for greet in greetings.values():
            greet(burst)
        burst.send()

    def land(self, error: UpstreamError | None = None) -> None:
        self.error = error
        self.is_complete = True
        if self.head is None:  # it is what lies in the store, or an error
            self._greet()
        self.give_up = _nothing  # it leads back to this flight, which then nothing would let go
        self.announce()
        self._let_go()

    @property
    def come_bytes(self) -> int:
        """Of the body, so far."""
        return self._size_bytes

    @property
    def viewers(self) -> int:
        """Who read it now."""
        return len(self._readers)

    async def add(self, chunk: bytes) -> None:
        """Hand a chunk to the readers. A body that outgrew the store waits for the slowest of them."""
        self._chunks.append(chunk)
        self._size_bytes += len(chunk)
        self.announce()
        if self._size_bytes > self._limit_bytes:
            self.may_join = False
            await self._wait_for_readers()

    async def _wait_for_readers(self) -> None:
        while self._readers and self._drop_read() > _WINDOW_BYTES:
            await self._changed()
        if not self._readers:
            raise UpstreamError(502, "nobody waits for the rest of the body")

    def body(self) -> bytes:
        return b"".join(self._chunks)

    @contextmanager
    def seat(self, greet: Callable[[Burst], None] | None = None) -> Iterator[object]:
        """A reader's place: from here on nothing is forgotten that it has not read.

        `greet` is called when it is known how the fetch answers, before any of a body goes to anybody.
        """
        reader = object()
        self._readers[reader] = 0
        if greet is not None and self.head is None:
            self._greetings[reader] = greet
        try:
            yield reader
            self.is_for_viewers = False  # one has had what it wanted: others will want the same
        finally:
            del self._readers[reader]
            self._greetings.pop(reader, None)
            self.announce()
            if not self._readers and self.is_for_viewers and not self._is_worth_finishing():
                self.give_up()
            self._let_go()

    def _let_go(self) -> None:
        """Free the body once nobody reads it any more: the last reference to the flight may stay a while."""
        if self.is_complete and not self._readers:
            self._chunks = []

    def _is_worth_finishing(self) -> bool:
        """Nobody waits any more: a body of which enough has come is still wanted for the store."""
        if self.is_complete or self.private is not None:
            return True
        if self.head is None or not self.may_join:
            return False
        size_bytes = self.part.span.size_bytes if self.part else self.head.content_length
        return size_bytes is None or self._size_bytes >= self._finish_share * size_bytes

    async def read(self, reader: object) -> AsyncIterator[bytes]:
        """The body from its first byte, as it arrives. Raises UpstreamError where it is cut short."""
        told = -1
        while True:
            number = self._readers[reader]
            if number < self._first + len(self._chunks):
                chunk = self._chunks[number - self._first]
                self._readers[reader] = number + 1
                yield chunk
            elif self.error is not None:
                raise self.error
            elif self.is_complete:
                return
            else:
                if not self.may_join and told < number:  # once: two readers would wake each other for ever
                    told = number
                    self.announce()  # the fetch may wait for its readers
                await self._changed()

    async def _changed(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        await waiter

    def _drop_read(self) -> int:
        """Forget the chunks that every reader has had; returns the bytes that are left."""
        slowest = min(self._readers.values(), default=self._first + len(self._chunks))
        del self._chunks[: slowest - self._first]
        self._first = slowest
        return sum(map(len, self._chunks))


class Flights:
    """The fetches on their way, by key."""

    def __init__(self, limit_bytes: int, finish_share: float) -> None:
        self._limit_bytes = limit_bytes
        self.finish_share = finish_share  # of the flights to come
        self._flights: dict[bytes, Flight] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._flights)

    def join(self, key: bytes, fly: Callable[[Flight], Coroutine[Any, Any, None]]) -> tuple[Flight, bool]:
        """The flight for `key` and whether this caller started it; `fly` runs as a task of its own."""
        flight = self._flights.get(key)
        if flight is not None and flight.may_join:
            return flight, False
        flight = self._flights[key] = Flight(self._limit_bytes, self.finish_share)
        task = asyncio.create_task(self._fly(key, flight, fly))
        flight.give_up = lambda: self._give_up(key, flight, task)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return flight, True

    def leave(self, key: bytes, flight: Flight) -> None:
        """Nobody joins `flight` from now on."""
        if self._flights.get(key) is flight:
            del self._flights[key]

    def _give_up(self, key: bytes, flight: Flight, task: asyncio.Task[None]) -> None:
        self.leave(key, flight)
        task.cancel()

    def discard(self, is_meant: Callable[[bytes], bool]) -> None:
        """What is on its way for such cache keys, in any variant, reaches those who wait and nobody else."""
        for key in [key for key in self._flights if is_meant(key.partition(b"\n")[0])]:
            self._flights.pop(key).may_join = False

    def discard_groups(self, groups: Set[bytes]) -> None:
        """The same for members of groups; what has no head yet may turn out to be one."""
        for key, flight in list(self._flights.items()):
            if flight.head is None:
                flight.unwanted.append(groups)
            elif not groups.isdisjoint(groups_of(flight.head.fields)):
                self._flights.pop(key).may_join = False

    def of_key(self, key: bytes) -> list[Flight]:
        """What is on its way for a cache key, in any variant."""
        return [flight for each, flight in self._flights.items() if each.partition(b"\n")[0] == key]

    async def close(self) -> None:
        """Cancel what is on its way and wait until it has ended."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _fly(
        self, key: bytes, flight: Flight, fly: Callable[[Flight], Coroutine[Any, Any, None]]
    ) -> None:
        error: UpstreamError | None = UpstreamError(502, "the fetch was cancelled")
        try:
            await fly(flight)
            error = None
        except UpstreamError as failure:
            error = failure
        finally:
            self.leave(key, flight)
            flight.land(error)


def _nothing() -> None:
    pass
