"""One request that leaves the hot path: look up, decide, and do what was decided.

The rules are in `decision`, `storing` and `reply`; here they meet the store, the flights and upstream.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Protocol

from edge.body import RequestBody
from edge.decision import Fetch, Pass, Refuse, Revalidate, Serve, ServeStale, decide, may_serve_on_error
from edge.fields import Fields, parse_directives
from edge.flights import Flight, Flights
from edge.freshness import initial_age_s
from edge.message import CacheStatus, Head, Request, ResponseHead, without
from edge.ranges import Span
from edge.reply import Plan, error_reply, head_bytes, plan, stored_reply
from edge.store import Store
from edge.stored import StoredResponse, merged
from edge.storing import NOT_SHARED, may_store, variant_key, vary_names
from edge.upstream import Arriving, Upstream, UpstreamError

_SAFE = (b"GET", b"HEAD", b"OPTIONS")  # TRACE is not served
_UNANSWERED = 499  # a status for the log only: the client left before anything was sent
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
    """What became of a request, for log and metrics; filled in while it is answered."""

    __slots__ = ("sent_bytes", "status", "what")

    def __init__(self) -> None:
        self.what = CacheStatus.PASS
        self.status = _UNANSWERED
        self.sent_bytes = 0


@dataclass(slots=True)
class Visit:
    """A request on its way to an answer, and the client that waits for it."""

    request: Request
    client: Client
    body: RequestBody | None
    close: bool  # the connection ends with this answer
    outcome: Outcome = field(default_factory=Outcome)

    @property
    def is_unanswered(self) -> bool:
        return self.outcome.status == _UNANSWERED

    def note(self, what: CacheStatus, status: int, sent_bytes: int = 0) -> None:
        self.outcome.what = what
        self.outcome.status = status
        self.outcome.sent_bytes = sent_bytes


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

    async def answer(self, visit: Visit) -> None:
        """Send the answer. Raises Cut if it broke off; the visit's outcome holds what was done by then."""
        request = visit.request
        now_s = self.clock()
        match decide(request, self.store.lookup(request), now_s):
            case Serve(stored):
                self._serve(visit, stored, CacheStatus.HIT)
            case ServeStale(stored):
                self._refresh(request, stored)
                self._serve(visit, stored, CacheStatus.STALE)
            case Revalidate(stored):
                await self._share(visit, stored)
            case Fetch():
                if self._passed.get(request.key, 0) > now_s:
                    await self._pass(visit, b"fwd=uri-miss")
                else:
                    await self._share(visit, None)
            case Pass():
                await self._pass(visit, b"fwd=request" if request.method == b"GET" else b"fwd=method")
            case Refuse(status):
                self._refuse(visit, status, "nothing fresh is stored")

    def purge(self, key: bytes) -> int:
        """Forget what is stored for `key`, and store nothing that is on its way; returns what was stored."""
        self.flights.discard(key)
        return self.store.purge(key)

    def _serve(self, visit: Visit, stored: StoredResponse, what: CacheStatus) -> None:
        self.store.touch(stored)
        status, head, body = stored_reply(visit.request, stored, self.clock(), what, close=visit.close)
        visit.client.write(head)
        if body:
            visit.client.write(body)
        visit.note(what, status, len(body))

    def _refuse(self, visit: Visit, status: int, reason: str) -> None:
        has_body = visit.request.method != b"HEAD"
        reply = error_reply(status, reason, self.name, self.clock(), close=visit.close, has_body=has_body)
        visit.client.write(reply)
        visit.note(CacheStatus.REFUSED, status)

    # Shared fetches.

    def _refresh(self, request: Request, stored: StoredResponse) -> None:
        """Validate behind the back of a client that was answered already."""
        key = self.store.key_of(request)
        flight, is_new = self.flights.join(key, lambda flight: self._fly(flight, request, stored))
        if is_new:
            flight.handed_over.set()  # nobody waits for what cannot be shared

    async def _share(self, visit: Visit, stored: StoredResponse | None, key: bytes = b"") -> None:
        """Wait for the one fetch of this key, and answer from what it brings, as it comes."""
        request = visit.request
        key = key or self.store.key_of(request)
        flight, is_leader = self.flights.join(key, lambda flight: self._fly(flight, request, stored))
        with flight.seat() as seat:
            try:
                await flight.headed()
                own_key = flight.head and variant_key(request.key, vary_names(flight.head.fields), request)
                if not own_key or own_key == flight.variant or is_leader:
                    await self._answer_from(visit, flight, seat, stored, is_leader=is_leader)
                    return
            finally:
                if is_leader:
                    flight.handed_over.set()
        await self._share(visit, stored, own_key)  # the response varies, and this one is another's

    async def _answer_from(
        self, visit: Visit, flight: Flight, seat: object, stored: StoredResponse | None, *, is_leader: bool
    ) -> None:
        """Answer with what `flight` turned out to bring."""
        why = b"fwd=uri-miss" if stored is None else b"fwd=stale"
        if flight.stored is not None:
            what = CacheStatus.REVALIDATED if flight.was_validated else CacheStatus.STALE
            self._serve(visit, flight.stored, what)
        elif flight.private is not None and is_leader:
            said = self._said(why, flight.private.head.status)
            await self._relay(visit, flight.private, CacheStatus.PASS, said)
        elif flight.private is not None:
            await self._pass(visit, why)
        elif flight.head is not None:
            said = self._said(why, flight.head.status, b"stored" if is_leader else b"collapsed")
            what = CacheStatus.MISS if is_leader else CacheStatus.COLLAPSED
            await self._relay(visit, Arriving(flight.head, flight.read(seat)), what, said)
        else:
            assert flight.error is not None, "a flight ends with a head, a stored response or an error"
            self._refuse(visit, flight.error.status, str(flight.error))

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

    # One client's own.

    async def _pass(self, visit: Visit, why: bytes) -> None:
        """Forward the request and relay the answer. An unsafe one invalidates (RFC 9111, 4.4)."""
        request = visit.request
        try:
            async with self.upstream.send(request, request.target, body=visit.body) as arriving:
                status = arriving.head.status
                if request.method not in _SAFE and 200 <= status < 400:
                    self.purge(request.key)
                await self._relay(visit, arriving, CacheStatus.PASS, self._said(why, status))
        except UpstreamError as error:
            if visit.body is not None and visit.body.is_broken:
                raise Cut("the request broke off") from None
            self._refuse(visit, error.status, str(error))

    async def _relay(self, visit: Visit, arriving: Arriving, what: CacheStatus, said: bytes) -> None:
        """Send a response as it arrives, the part of it that the request wants."""
        request, head = visit.request, arriving.head
        size_bytes = head.content_length
        if what is CacheStatus.PASS:
            has_body = request.method != b"HEAD" and head.status not in (204, 304)
            how = Plan(head.status, head.fields, has_body=has_body)
        else:
            how = plan(request, head.status, without(head.fields, b"age"), size_bytes)
        is_chunked = how.has_body and size_bytes is None and request.is_http11
        visit.close = visit.close or (how.has_body and size_bytes is None and not request.is_http11)
        extra: Fields = ((b"cache-status", _joined_said(head, said)),)
        if what is not CacheStatus.PASS:
            extra = ((b"age", b"%d" % _age_s(head, self.clock())), *extra)
        if is_chunked:
            extra = (*extra, (b"transfer-encoding", b"chunked"))
        how = Plan(how.status, without(how.fields, b"cache-status"), how.span, how.has_body)
        visit.client.write(head_bytes(how, *extra, close=visit.close))
        visit.note(what, how.status)
        if how.has_body:
            await self._stream(visit, how.span, arriving.chunks, is_chunked=is_chunked)

    async def _stream(
        self, visit: Visit, span: Span | None, chunks: AsyncIterator[bytes], *, is_chunked: bool
    ) -> None:
        """Send the chunks, or the part of them that lies in `span`, no faster than the client takes them."""
        position = 0
        try:
            async for chunk in chunks:
                wanted = chunk if span is None else _part(chunk, position, span)
                position += len(chunk)
                if wanted:
                    visit.client.write(b"%x\r\n%b\r\n" % (len(wanted), wanted) if is_chunked else wanted)
                    visit.outcome.sent_bytes += len(wanted)
                if span is not None and position > span.last:
                    break
                await visit.client.drained()
        except UpstreamError as error:
            raise Cut(str(error)) from None
        if is_chunked:
            visit.client.write(b"0\r\n\r\n")

    def _said(self, why: bytes, status: int, *more: bytes) -> bytes:
        """This cache's member of Cache-Status for a forwarded request (RFC 9211, 2)."""
        return b"; ".join((self.name, why, b"fwd-status=%d" % status, *more))


def _part(chunk: bytes, position: int, span: Span) -> bytes:
    """What of a chunk that begins at `position` lies in `span`."""
    return chunk[max(0, span.first - position) : max(0, span.last + 1 - position)]


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
