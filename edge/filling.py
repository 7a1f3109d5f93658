"""Filling the store: one fetch on behalf of all who want a key, and what its answer decides for whom.

A flight may validate what is stored, fill the store while the bytes go to all who wait, or turn out to be for
one client alone.
"""

from __future__ import annotations

from collections.abc import Callable

from edge.decision import may_serve_on_error
from edge.fields import Fields, parse_directives
from edge.flights import Flight, Flights
from edge.message import Head, Request, without
from edge.store import Store
from edge.stored import StoredResponse, merged
from edge.storing import NOT_SHARED, may_store, variant_key, vary_names
from edge.upstream import Arriving, Upstream, UpstreamError

_PASS_MEMORY = 10_000  # keys remembered as not worth waiting for
_PASS_MEMORY_S = 10.0


class Filler:
    """Keeps `store` filled from `upstream`."""

    def __init__(
        self,
        store: Store,
        flights: Flights,
        upstream: Upstream,
        *,
        name: str,
        limit_bytes: int,
        clock: Callable[[], float],
    ) -> None:
        self.store = store
        self.flights = flights
        self.upstream = upstream
        self.name = name.encode()
        self.limit_bytes = limit_bytes  # larger bodies are not stored
        self.clock = clock
        self._passed: dict[bytes, float] = {}  # key -> until when it is fetched without waiting for others

    def join(self, key: bytes, request: Request, stored: StoredResponse | None) -> tuple[Flight, bool]:
        """The one fetch of `key`, and whether this request caused it; `stored` is to be validated."""
        return self.flights.join(key, lambda flight: self._fly(flight, request, stored))

    def is_passed(self, key: bytes) -> bool:
        """The last answer for `key` was for one client alone; waiting for the next would only queue."""
        return self._passed.get(key, 0) > self.clock()

    def refresh(self, request: Request, stored: StoredResponse) -> None:
        """Validate behind the back of a client that was answered already."""
        key = self.store.key_of(request)
        flight, is_new = self.join(key, request, stored)
        if is_new:
            flight.handed_over.set()  # nobody waits for what cannot be shared

    def purge(self, key: bytes) -> int:
        """Forget what is stored for `key`, and store nothing that is on its way; returns what was stored."""
        self.flights.discard(key)
        return self.store.purge(key)

    async def _fly(self, flight: Flight, request: Request, stored: StoredResponse | None) -> None:
        """Fetch or validate on behalf of all who wait in `flight`."""
        head = Head.of(without(request.head.fields, *NOT_SHARED), keep_alive=True)
        plain = Request(b"GET", request.key, request.key, head)
        try:
            async with self.upstream.send(plain, request.key, _validators(stored)) as arriving:
                await self._take(flight, plain, stored, arriving)
        except UpstreamError:
            if (
                flight.head is None
                and stored is not None
                and self._may_stand_in(stored, is_disconnected=True)
            ):
                flight.stored = stored
                return
            raise

    async def _take(
        self, flight: Flight, request: Request, stored: StoredResponse | None, arriving: Arriving
    ) -> None:
        """What the head says decides for whom the answer is."""
        head = arriving.head
        if head.status == 304 and stored is not None:
            stored.take(merged(stored, head))
            flight.stored, flight.was_validated = stored, True
            return
        if head.status >= 500 and stored is not None and self._may_stand_in(stored, is_disconnected=False):
            flight.stored = stored
            return
        directives = parse_directives(head.field(b"cache-control"))
        is_small = (head.content_length or 0) <= self.limit_bytes
        if not is_small or not may_store(request, head, directives):
            await self._hand_over(flight, request, arriving)
            return
        await flight.begin(head, variant_key(request.key, vary_names(head.fields), request))
        async for chunk in arriving.chunks:
            await flight.add(chunk)
        if flight.may_join:
            self.store.keep(request, StoredResponse(request.key, head, flight.body(), self.name))

    async def _hand_over(self, flight: Flight, request: Request, arriving: Arriving) -> None:
        """Not for sharing: the leader reads it from upstream itself, and nobody queues for this key.

        An error is no answer of the resource, and one to an authorised request is no other client's: neither
        costs what is stored, nor keeps later requests from sharing.
        """
        key = self.store.key_of(request)
        self.flights.leave(key, flight)
        if arriving.head.status < 500 and request.field(b"authorization") is None:
            self.store.drop(key)
            if len(self._passed) >= _PASS_MEMORY:
                self._passed.clear()
            self._passed[request.key] = self.clock() + _PASS_MEMORY_S
        flight.private = arriving
        flight.announce()
        await flight.handed_over.wait()

    def _may_stand_in(self, stored: StoredResponse, *, is_disconnected: bool) -> bool:
        return may_serve_on_error(stored, self.clock(), is_disconnected=is_disconnected)


def _validators(stored: StoredResponse | None) -> Fields:
    """The conditions that ask whether `stored` still holds (RFC 9111, 4.3.1)."""
    if stored is None:
        return ()
    pairs = ((b"if-none-match", stored.etag), (b"if-modified-since", stored.modified))
    return tuple((name, value) for name, value in pairs if value is not None)
