"""Filling the store: one fetch on behalf of all who want a key, and what its answer decides for whom.

A flight may validate what is stored, fill the store while the bytes go to all who wait, or turn out to be for
one client alone.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from edge.control import control_of
from edge.decision import COVERED_ERRORS, REACH_UPSTREAM, may_serve_on_error
from edge.fields import Fields
from edge.flights import Flight, Flights
from edge.message import Head, Request, ResponseHead, without
from edge.purging import Purger
from edge.slices import Part, aligned, part_of
from edge.store import Store
from edge.stored import Speaker, StoredResponse, groups_of, merged, same_representation
from edge.storing import NOT_SHARED, may_store, refusal, variant_key, vary_names
from edge.upstream.client import Arriving, Upstream, UpstreamError
from edge.upstream.link import OnInterim

_PASS_MEMORY = 10_000  # keys remembered as not worth waiting for, or not to be cut in slices
_PASS_MEMORY_S = 10.0


class Source(Protocol):
    """Where shared fetches go."""

    def send(
        self, request: Request, target: bytes, extra: Fields = (), *, on_interim: OnInterim | None = None
    ) -> AbstractAsyncContextManager[Arriving]: ...


class Memory:
    """Keys remembered for a few seconds. Bounded: it starts anew when it is full."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until_s: dict[bytes, tuple[float, str]] = {}

    def add(self, key: bytes, why: str) -> None:
        if len(self._until_s) >= _PASS_MEMORY:
            self._until_s.clear()
        self._until_s[key] = self._clock() + _PASS_MEMORY_S, why

    def __contains__(self, key: bytes) -> bool:
        return self.why(key) is not None

    def why(self, key: bytes) -> tuple[float, str] | None:
        """Until when the key is remembered, and for what; None if it is not."""
        known = self._until_s.get(key)
        return known if known is not None and known[0] > self._clock() else None


class Filler:
    """Keeps `store` filled from `upstream`."""

    def __init__(
        self,
        store: Store,
        flights: Flights,
        upstream: Upstream,
        source: Source,
        *,
        speaker: Speaker,
        limit_bytes: int,
        slice_bytes: int,
        clock: Callable[[], float],
    ) -> None:
        self.store = store
        self.flights = flights
        self.upstream = upstream
        self._source = source  # whom to ask on behalf of all: upstream, or the worker that owns the key
        self.speaker = speaker
        self.limit_bytes = limit_bytes  # larger bodies are not stored
        self.slice_bytes = slice_bytes
        self.clock = clock
        self.passed = Memory(clock)  # the last answer was for one client alone: waiting would only queue
        self.large = Memory(clock)  # larger than may be stored, but for its slices
        self.unsliced = Memory(clock)  # upstream does not serve this in combinable parts
        self.purger = Purger(store, flights, clock)

    def join(self, key: bytes, request: Request, stored: StoredResponse | None) -> tuple[Flight, bool]:
        """The one fetch of `key`, and whether this request caused it; `stored` is to be validated."""
        wish = _wish(request)
        if wish is not None:  # what this client insists on, another's fetch need not bring
            key = key + b"\n" + wish
        return self.flights.join(key, lambda flight: self._fly(key, flight, request, stored))

    def join_slice(
        self, key: bytes, request: Request, position: int, stored: StoredResponse | None
    ) -> tuple[Flight, bool]:
        """The one fetch of the slice that has the byte at `position`; negative: of so many last bytes."""
        size, wish = self.slice_bytes, _wish(request)
        number = b"%d" % (position // size) if position >= 0 else b"last%d" % -position
        key = b"\n".join((key, b"#" + number) if wish is None else (key, wish, b"#" + number))
        span = (b"range", aligned(position, size))
        return self.flights.join(key, lambda flight: self._fly(key, flight, request, stored, span))

    def refresh(self, request: Request, stored: StoredResponse) -> None:
        """Validate behind the back of a client that was answered already."""
        flight, is_new = self.join(self.store.key_of(request), request, stored)
        if is_new:
            flight.is_for_viewers = False
            flight.handed_over.set()  # nobody waits for what cannot be shared

    def fetch_behind(
        self, key: bytes, request: Request, position: int, stored: StoredResponse | None = None
    ) -> None:
        """Fetch a slice that will be asked for soon, or validate `stored` by it; nobody waits."""
        flight, is_new = self.join_slice(key, request, position, stored)
        if is_new:
            flight.is_for_viewers = False
            flight.handed_over.set()

    async def _fly(
        self,
        key: bytes,
        flight: Flight,
        request: Request,
        stored: StoredResponse | None,
        *span: tuple[bytes, bytes],
    ) -> None:
        """Fetch or validate on behalf of all who wait in `flight`."""
        head = Head.of(_shared_fields(request), keep_alive=True)
        plain = Request(b"GET", request.key, request.key, head, request.version)
        try:
            async with self._source.send(
                plain, request.key, (*_validators(stored), *span), on_interim=flight.tell
            ) as arriving:
                if arriving.head.status == 206 and not span:
                    raise UpstreamError(502, "upstream sent a part, and was asked for the whole")
                if arriving.head.status == 304 and stored is None:
                    raise UpstreamError(502, "upstream sent 304, and was asked without a condition")
                is_of_another = stored is not None and _is_of_another(stored, arriving.head)
                if not is_of_another:
                    await self._take(key, flight, plain, stored, arriving)
        except UpstreamError as error:
            if flight.head is not None or stored is None:
                raise
            if not self._may_stand_in(stored, None):  # what must be validated and cannot be (5.2.2.2)
                raise UpstreamError(504, str(error)) from None
            flight.stand_in(stored, None)
            return
        if is_of_another:
            await self._fly(key, flight, request, None, *span)

    async def _take(
        self, key: bytes, flight: Flight, request: Request, stored: StoredResponse | None, arriving: Arriving
    ) -> None:
        """What the head says decides for whom the answer is."""
        head = arriving.head
        flight.upstream_s = head.received_s - head.requested_s
        if head.status == 304 and stored is not None:
            if flight.may_join:  # else what upstream said may be older than a purge
                self.store.update(stored, merged(stored, head))
            flight.stored, flight.was_validated = stored, True
            return
        if head.status in COVERED_ERRORS and stored is not None and self._may_stand_in(stored, head.status):
            flight.stand_in(stored, head.status)
            return
        if any(not groups.isdisjoint(groups_of(head.fields)) for groups in flight.unwanted):
            self.flights.leave(key, flight)
            flight.may_join = False
        part = part_of(head)
        if head.status == 206:
            if part is None or not may_store(request, part.head, control_of(head.fields)):
                self._decline(key, flight, request, head)
            else:
                await self._take_part(flight, request, part, arriving)
            return
        is_small = (head.content_length or 0) <= self.limit_bytes
        if not is_small or not may_store(request, head, control_of(head.fields)):
            await self._hand_over(key, flight, request, arriving)
            return
        await flight.begin(head, variant_key(request.key, vary_names(head.fields), request))
        with self.store.room_for(head.content_length or 0):
            async for chunk in arriving.chunks:
                await flight.add(chunk)
        if flight.may_join:
            self.store.keep(
                request, StoredResponse(request.key, head, flight.body(), self.speaker.of(request.key))
            )

    async def _take_part(self, flight: Flight, request: Request, part: Part, arriving: Arriving) -> None:
        """One slice: kept beside the others of the same representation, or whole if it is all there is."""
        flight.part = part
        await flight.begin(part.head, variant_key(request.key, vary_names(part.head.fields), request))
        come_bytes = 0
        async for chunk in arriving.chunks:
            come_bytes += len(chunk)
            if come_bytes > part.span.size_bytes:
                break
            await flight.add(chunk)
        if come_bytes != part.span.size_bytes:
            raise UpstreamError(502, "upstream sent another range than it said")
        if not flight.may_join:
            return
        if part.is_whole:
            self.store.keep(
                request, StoredResponse(request.key, part.head, flight.body(), self.speaker.of(request.key))
            )
        else:
            self.store.keep_part(request, part, flight.body(), self.speaker, self.slice_bytes)

    def _decline(self, key: bytes, flight: Flight, request: Request, head: ResponseHead) -> None:
        """A part that cannot be kept is of no use to those who asked for another range: each asks itself."""
        self.flights.leave(key, flight)
        if request.field(b"authorization") is None:  # else it is no other client's
            self.passed.add(request.key, self._why_not(request, head))
        flight.is_declined = True

    async def _hand_over(self, key: bytes, flight: Flight, request: Request, arriving: Arriving) -> None:
        """Not for sharing: the leader reads it from upstream itself, and nobody queues for this key.

        An error is no answer of the resource, one to an authorised request is no other client's, and one to a
        range past the end no other range's: none costs what is stored, nor keeps later requests from sharing.
        """
        self.flights.leave(key, flight)
        head = arriving.head
        if head.status < 500 and head.status != 416 and request.field(b"authorization") is None:
            self.store.drop(self.store.key_of(request))
            is_large = may_store(request, head, control_of(head.fields))
            (self.large if is_large else self.passed).add(request.key, self._why_not(request, head))
        flight.private = arriving
        flight.announce()
        await flight.handed_over.wait()

    def _why_not(self, request: Request, head: ResponseHead) -> str:
        """Why the response is not kept, for an operator who asks."""
        if head.status == 206:
            part = part_of(head)
            if part is None:
                return "its 206 does not say which bytes of how many it brings"
            head = part.head
        reason = refusal(request, head, control_of(head.fields))
        return reason or f"its body is larger than max_object = {self.limit_bytes}"

    def _may_stand_in(self, stored: StoredResponse, status: int | None) -> bool:
        """`status` None: upstream could not be reached."""
        return may_serve_on_error(stored, self.clock(), is_disconnected=status is None)


def _wish(request: Request) -> bytes | None:
    """The request directives that caches further up are to see, too (RFC 9111, 5.2.1)."""
    if not request.head.directives.keys() & REACH_UPSTREAM:
        return None
    return request.field(b"cache-control") or b"no-cache"  # Pragma: no-cache says the same (5.4)


def _shared_fields(request: Request) -> Fields:
    wish = _wish(request)
    fields = without(request.head.fields, *NOT_SHARED)
    return fields if wish is None else (*fields, (b"cache-control", wish))


def _is_of_another(stored: StoredResponse, head: ResponseHead) -> bool:
    """A 304 that confirms something else than `stored` is no answer: it is asked again without conditions."""
    return head.status == 304 and not same_representation(stored, head)


def _validators(stored: StoredResponse | None) -> Fields:
    """The conditions that ask whether `stored` still holds (RFC 9111, 4.3.1)."""
    if stored is None:
        return ()
    pairs = ((b"if-none-match", stored.etag), (b"if-modified-since", stored.modified))
    return tuple((name, value) for name, value in pairs if value is not None)
