"""One request that leaves the hot path: look up, decide, and do what was decided.

The rules are in `decision`, `storing` and `reply`; here they meet the store, the flights and upstream.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from edge.decision import Fetch, Pass, Refuse, Revalidate, Serve, ServeStale, decide, may_serve_on_error
from edge.fields import Fields, parse_directives
from edge.flights import Flight, Flights
from edge.freshness import initial_age_s
from edge.message import CacheStatus, Head, Request, ResponseHead, without
from edge.reply import Plan, error_reply, head_bytes, plan, stored_reply
from edge.store import Store
from edge.stored import StoredResponse, merged
from edge.storing import may_store, variant_key, vary_names
from edge.upstream import Arriving, Upstream, UpstreamError

# Fields that concern one client and have no part in a fetch for all: conditions, ranges, directives, CMCD.
_NOT_SHARED = (
    b"if-none-match",
    b"if-modified-since",
    b"if-match",
    b"if-unmodified-since",
    b"if-range",
    b"range",
    b"cache-control",
    b"pragma",
    b"cmcd-request",
    b"cmcd-object",
    b"cmcd-status",
    b"cmcd-session",
)
_PASS_MEMORY = 10_000  # keys remembered as not worth waiting for
_PASS_MEMORY_S = 10.0


class Client(Protocol):
    """The way back to whoever asked."""

    def write(self, data: bytes | memoryview) -> None: ...

    async def drained(self) -> None:
        """Returns when little of what was written still waits to be sent. Raises Cut if the client left."""


class Cut(Exception):  # noqa: N818
    """The answer broke off after its head was sent: only closing the connection can tell the client."""


class Outcome:
    """What became of a request, for log and metrics."""

    __slots__ = ("sent_bytes", "status", "what")

    def __init__(self, what: CacheStatus, status: int, sent_bytes: int = 0) -> None:
        self.what = what
        self.status = status
        self.sent_bytes = sent_bytes


class Exchange:
    """Answers requests out of the store, or from upstream on their behalf."""

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

    async def answer(
        self, request: Request, body: AsyncIterator[bytes] | None, client: Client, *, close: bool
    ) -> Outcome:
        """Send the answer to `request`. Raises Cut if it broke off."""
        now_s = self.clock()
        stored = self.store.lookup(request)
        match decide(request, stored, now_s):
            case Serve(stored):
                return self._serve(request, stored, client, CacheStatus.HIT, close=close)
            case ServeStale(stored):
                self._refresh(request, stored)
                return self._serve(request, stored, client, CacheStatus.STALE, close=close)
            case Revalidate(stored):
                return await self._share(request, stored, client, close=close)
            case Fetch():
                if self._passed.get(request.key, 0) > now_s:
                    return await self._pass(request, None, client, b"fwd=uri-miss", close=close)
                return await self._share(request, None, client, close=close)
            case Pass():
                why = b"fwd=request" if request.method == b"GET" else b"fwd=method"
                return await self._pass(request, body, client, why, close=close)
            case Refuse(status):
                return self._refuse(request, status, "nothing fresh is stored", client, close=close)

    def _serve(
        self, request: Request, stored: StoredResponse, client: Client, what: CacheStatus, *, close: bool
    ) -> Outcome:
        self.store.touch(stored)
        status, head, body = stored_reply(request, stored, self.clock(), what, close=close)
        client.write(head)
        if body:
            client.write(body)
        return Outcome(what, status, len(body))

    def _refuse(self, request: Request, status: int, reason: str, client: Client, *, close: bool) -> Outcome:
        has_body = request.method != b"HEAD"
        client.write(error_reply(status, reason, self.name, self.clock(), close=close, has_body=has_body))
        return Outcome(CacheStatus.REFUSED, status)

    # Shared fetches.

    def _refresh(self, request: Request, stored: StoredResponse) -> None:
        """Validate behind the back of a client that was answered already."""
        self.flights.join(self.store.key_of(request), lambda flight: self._fly(flight, request, stored))

    async def _share(
        self,
        request: Request,
        stored: StoredResponse | None,
        client: Client,
        *,
        close: bool,
        key: bytes = b"",
    ) -> Outcome:
        """Wait for the one fetch of this key, and answer from what it brings, as it comes."""
        key = key or self.store.key_of(request)
        flight, is_leader = self.flights.join(key, lambda flight: self._fly(flight, request, stored))
        try:
            await flight.headed()
            if flight.head is not None and not is_leader:
                own_key = variant_key(request.key, vary_names(flight.head.fields), request)
                if own_key != flight.variant:  # the response varies, and this one is another's
                    return await self._share(request, stored, client, close=close, key=own_key)
            return await self._answer_from(flight, request, stored, client, is_leader=is_leader, close=close)
        finally:
            if is_leader:
                flight.handed_over.set()

    async def _answer_from(
        self,
        flight: Flight,
        request: Request,
        stored: StoredResponse | None,
        client: Client,
        *,
        is_leader: bool,
        close: bool,
    ) -> Outcome:
        """Answer with what `flight` turned out to bring."""
        why = b"fwd=uri-miss" if stored is None else b"fwd=stale"
        if flight.stored is not None:
            is_valid = flight.stored.is_fresh(self.clock())
            what = CacheStatus.REVALIDATED if is_valid else CacheStatus.STALE
            return self._serve(request, flight.stored, client, what, close=close)
        if flight.private is not None and is_leader:
            said = self._said(why, flight.private.head.status)
            return await self._relay(request, flight.private, client, CacheStatus.PASS, said, close=close)
        if flight.private is not None:
            return await self._pass(request, None, client, why, close=close)
        if flight.head is None:
            assert flight.error is not None, "a flight ends with a head, a stored response or an error"
            return self._refuse(request, flight.error.status, str(flight.error), client, close=close)
        said = self._said(why, flight.head.status, b"stored" if is_leader else b"collapsed")
        arriving = Arriving(flight.head, flight.read())
        what = CacheStatus.MISS if is_leader else CacheStatus.COLLAPSED
        return await self._relay(request, arriving, client, what, said, close=close)

    async def _fly(self, flight: Flight, request: Request, stored: StoredResponse | None) -> None:
        """Fetch or validate on behalf of all who wait in `flight`."""
        head = Head.of(without(request.head.fields, *_NOT_SHARED), keep_alive=True)
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
            flight.stored = stored
            return
        if head.status >= 500 and stored is not None and self._may_stand_in(stored, is_disconnected=False):
            flight.stored = stored
            return
        directives = parse_directives(head.field(b"cache-control"))
        is_small = (head.content_length or 0) <= self.limit_bytes
        if not is_small or not may_store(request, head, directives):
            await self._hand_over(flight, request, arriving)
            return
        flight.head = head
        flight.variant = variant_key(request.key, vary_names(head.fields), request)
        flight.announce()
        await asyncio.sleep(0)  # every waiter gets its head before the first copies a large chunk
        async for chunk in arriving.chunks:
            await flight.add(chunk)
        if flight.may_join:
            self.store.keep(request, StoredResponse(request.key, head, flight.body(), self.name))

    async def _hand_over(self, flight: Flight, request: Request, arriving: Arriving) -> None:
        """Not for sharing: the leader reads it from upstream itself, and nobody queues for this key."""
        key = self.store.key_of(request)
        self.store.drop(key)
        self.flights.leave(key, flight)
        if len(self._passed) >= _PASS_MEMORY:
            self._passed.clear()
        self._passed[request.key] = self.clock() + _PASS_MEMORY_S
        flight.private = arriving
        flight.announce()
        await flight.handed_over.wait()

    def _may_stand_in(self, stored: StoredResponse, *, is_disconnected: bool) -> bool:
        return may_serve_on_error(stored, self.clock(), is_disconnected=is_disconnected)

    # One client's own.

    async def _pass(
        self, request: Request, body: AsyncIterator[bytes] | None, client: Client, why: bytes, *, close: bool
    ) -> Outcome:
        """Forward the request and relay the answer. An unsafe one invalidates (RFC 9111, 4.4)."""
        try:
            async with self.upstream.send(request, request.target, body=body) as arriving:
                status = arriving.head.status
                if request.method not in (b"GET", b"HEAD", b"OPTIONS") and 200 <= status < 400:
                    self.store.purge(request.key)
                said = self._said(why, status)
                return await self._relay(request, arriving, client, CacheStatus.PASS, said, close=close)
        except UpstreamError as error:
            return self._refuse(request, error.status, str(error), client, close=close)

    async def _relay(
        self,
        request: Request,
        arriving: Arriving,
        client: Client,
        what: CacheStatus,
        said: bytes,
        *,
        close: bool,
    ) -> Outcome:
        """Send a response as it arrives, the part of it that `request` wants."""
        head = arriving.head
        size_bytes = head.content_length
        if what is CacheStatus.PASS or request.method == b"HEAD":
            how = Plan(
                head.status, head.fields, has_body=request.method != b"HEAD" and head.status not in (204, 304)
            )
        else:
            how = plan(request, head.status, without(head.fields, b"age"), size_bytes)
        is_chunked = how.has_body and size_bytes is None and request.is_http11
        close = close or (how.has_body and size_bytes is None and not request.is_http11)
        extra: Fields = ((b"cache-status", _joined_said(head, said)),)
        if what is not CacheStatus.PASS:
            extra = ((b"age", b"%d" % _age_s(head, self.clock())), *extra)
        if is_chunked:
            extra = (*extra, (b"transfer-encoding", b"chunked"))
        how = Plan(how.status, without(how.fields, b"cache-status"), how.span, how.has_body)
        client.write(head_bytes(how, *extra, close=close))
        if not how.has_body:
            return Outcome(what, how.status)
        sent_bytes = await self._stream(how, arriving.chunks, client, is_chunked=is_chunked)
        return Outcome(what, how.status, sent_bytes)

    async def _stream(
        self, how: Plan, chunks: AsyncIterator[bytes], client: Client, *, is_chunked: bool
    ) -> int:
        position = sent_bytes = 0
        try:
            async for chunk in chunks:
                wanted: bytes | memoryview = chunk
                if how.span is not None:
                    start = max(0, how.span.first - position)
                    wanted = memoryview(chunk)[start : max(start, how.span.last + 1 - position)]
                position += len(chunk)
                if wanted:
                    client.write(b"%x\r\n%b\r\n" % (len(wanted), bytes(wanted)) if is_chunked else wanted)
                    sent_bytes += len(wanted)
                if how.span is not None and position > how.span.last:
                    break
                await client.drained()
        except UpstreamError as error:
            raise Cut(str(error)) from None
        if is_chunked:
            client.write(b"0\r\n\r\n")
        return sent_bytes

    def _said(self, why: bytes, status: int, *more: bytes) -> bytes:
        """This cache's member of Cache-Status for a forwarded request (RFC 9211, 2)."""
        return b"; ".join((self.name, why, b"fwd-status=%d" % status, *more))


def _validators(stored: StoredResponse | None) -> Fields:
    """The conditions that ask whether `stored` still holds (RFC 9111, 4.3.1)."""
    if stored is None:
        return ()
    pairs = ((b"if-none-match", stored.etag), (b"if-modified-since", stored.modified))
    return tuple((name, value) for name, value in pairs if value is not None)


def _age_s(head: ResponseHead, now_s: float) -> int:
    return max(0, int(now_s - head.received_s + initial_age_s(head)))


def _joined_said(head: ResponseHead, said: bytes) -> bytes:
    """The caches nearer to the origin come first (RFC 9211, 2)."""
    before = head.field(b"cache-status")
    return said if before is None else before + b", " + said
