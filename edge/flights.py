"""Collapsed forwarding: one upstream fetch per key, its bytes handed to all who wait as they arrive.

A flight belongs to nobody: a viewer who leaves cancels nothing that others, or the store, wait for. What
turns out not to be storable is handed to the viewer who caused the flight, and the others are let go.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from edge.message import ResponseHead
from edge.stored import StoredResponse
from edge.upstream import Arriving, UpstreamError

_WINDOW_BYTES = 1024**2  # how far a body that outgrew the store may run ahead of its slowest reader


class Flight:
    """One fetch on its way. One of `head`, `stored`, `private` and `error` says how it answers."""

    def __init__(self, limit_bytes: int) -> None:
        self.head: ResponseHead | None = None  # of a body that `read` gives
        self.stored: StoredResponse | None = None  # the answer lies in the store
        self.was_validated = False  # and upstream confirmed it
        self.private: Arriving | None = None  # not to be shared: for the leader alone
        self.error: UpstreamError | None = None
        self.variant = b""  # the key of the variant that `head` belongs to
        self.is_complete = False
        self.may_join = True  # not once the body outgrew the store, or its key was purged
        self.handed_over = asyncio.Event()  # the leader has done with `private`
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        self._chunks: list[bytes] = []
        self._first = 0  # number of the first chunk still kept
        self._readers: dict[object, int] = {}  # reader -> number of the chunk it wants next
        self._waiting: list[asyncio.Future[None]] = []

    async def headed(self) -> None:
        """Returns when it is known how the fetch answers."""
        while not (self.head or self.stored or self.private or self.error):
            await self._changed()

    def announce(self) -> None:
        """Wake all who wait; each looks at what has changed."""
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def begin(self, head: ResponseHead, variant: bytes) -> None:
        """The body is coming: let every waiter send its head before the first copies a large chunk."""
        self.head = head
        self.variant = variant
        self.announce()
        await asyncio.sleep(0)

    def land(self, error: UpstreamError | None = None) -> None:
        self.error = error
        self.is_complete = True
        self.announce()

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
    def seat(self) -> Iterator[object]:
        """A reader's place: from here on nothing is forgotten that it has not read."""
        reader = object()
        self._readers[reader] = 0
        try:
            yield reader
        finally:
            del self._readers[reader]
            self.announce()

    async def read(self, reader: object) -> AsyncIterator[bytes]:
        """The body from its first byte, as it arrives. Raises UpstreamError where it is cut short."""
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
                if not self.may_join:
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

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._flights: dict[bytes, Flight] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._flights)

    def join(self, key: bytes, fly: Callable[[Flight], Coroutine[Any, Any, None]]) -> tuple[Flight, bool]:
        """The flight for `key` and whether this caller started it; `fly` runs as a task of its own."""
        flight = self._flights.get(key)
        if flight is not None and flight.may_join:
            return flight, False
        flight = self._flights[key] = Flight(self._limit_bytes)
        task = asyncio.create_task(self._fly(key, flight, fly))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return flight, True

    def leave(self, key: bytes, flight: Flight) -> None:
        """Nobody joins `flight` from now on."""
        if self._flights.get(key) is flight:
            del self._flights[key]

    def discard(self, key: bytes) -> None:
        """What is on its way for `key`, in any variant, reaches those who wait and nobody else."""
        for each in [each for each in self._flights if each == key or each.startswith(key + b"\n")]:
            self._flights.pop(each).may_join = False

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
