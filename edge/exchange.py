"""One request that leaves the hot path: look up, decide, and do what was decided.

The rules are in `decision` and `reply`; `filling` fetches what more than one client may want.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Protocol

from edge.body import RequestBody
from edge.decision import Fetch, Pass, Refuse, Revalidate, Serve, ServeStale, decide
from edge.fields import Fields
from edge.filling import Filler
from edge.flights import Flight
from edge.freshness import initial_age_s
from edge.message import CacheStatus, Request, ResponseHead, without
from edge.ranges import Span
from edge.reply import Plan, error_reply, head_bytes, plan, stored_reply
from edge.stored import StoredResponse
from edge.storing import variant_key, vary_names
from edge.upstream import Arriving, UpstreamError

_SAFE = (b"GET", b"HEAD", b"OPTIONS")  # TRACE is not served
_UNANSWERED = 499  # a status for the log only: the client left before anything was sent


class Client(Protocol):
    """The way back to whoever asked."""

    def write(self, data: bytes | memoryview) -> None: ...

    async def drained(self) -> None:
        """Returns when little of what was written still waits to be sent. Raises Cut if the client left."""


class Cut(Exception):  # noqa: N818
    """The answer broke off after its head was sent: only closing the connection can tell the client."""


class Outcome:
    """What became of a request, for log and metrics; filled in while it is answered."""

    __slots__ = ("is_answered", "sent_bytes", "status", "what")

    def __init__(self) -> None:
        self.what = CacheStatus.PASS
        self.status = _UNANSWERED
        self.is_answered = False  # its head was sent
        self.sent_bytes = 0


@dataclass(slots=True)
class Visit:
    """A request on its way to an answer, and the client that waits for it."""

    request: Request
    client: Client
    body: RequestBody | None
    close: bool  # the connection ends with this answer
    outcome: Outcome = field(default_factory=Outcome)

    def note(self, what: CacheStatus, status: int, sent_bytes: int = 0) -> None:
        self.outcome.is_answered = True
        self.outcome.what = what
        self.outcome.status = status
        self.outcome.sent_bytes = sent_bytes


class Exchange:
    """Answers requests out of the store, or from upstream on their behalf."""

    def __init__(self, filler: Filler, *, name: str, clock: Callable[[], float]) -> None:
        self.filler = filler
        self.store = filler.store
        self.name = name.encode()
        self.clock = clock

    async def answer(self, visit: Visit) -> None:
        """Send the answer. Raises Cut if it broke off; the visit's outcome holds what was done by then."""
        request = visit.request
        match decide(request, self.store.lookup(request), self.clock()):
            case Serve(stored):
                self._serve(visit, stored, CacheStatus.HIT)
            case ServeStale(stored):
                self.filler.refresh(request, stored)
                self._serve(visit, stored, CacheStatus.STALE)
            case Revalidate(stored):
                await self._share(visit, stored)
            case Fetch():
                if self.filler.is_passed(request.key):
                    await self._pass(visit, b"fwd=uri-miss")
                else:
                    await self._share(visit, None)
            case Pass():
                await self._pass(visit, b"fwd=request" if request.method == b"GET" else b"fwd=method")
            case Refuse(status):
                self._refuse(visit, status, "nothing fresh is stored")

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

    async def _share(self, visit: Visit, stored: StoredResponse | None, key: bytes = b"") -> None:
        """Wait for the one fetch of this key, and answer from what it brings, as it comes."""
        request = visit.request
        key = key or self.store.key_of(request)
        flight, is_leader = self.filler.join(key, request, stored)
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

    # One client's own.

    async def _pass(self, visit: Visit, why: bytes) -> None:
        """Forward the request and relay the answer. An unsafe one invalidates (RFC 9111, 4.4)."""
        request = visit.request
        try:
            async with self.filler.upstream.send(request, request.target, body=visit.body) as arriving:
                status = arriving.head.status
                if request.method not in _SAFE and 200 <= status < 400:
                    self.filler.purge(request.key)
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


def _age_s(head: ResponseHead, now_s: float) -> int:
    return max(0, int(now_s - head.received_s + initial_age_s(head)))


def _joined_said(head: ResponseHead, said: bytes) -> bytes:
    """The caches nearer to the origin come first (RFC 9211, 2)."""
    before = head.field(b"cache-status")
    return said if before is None else before + b", " + said
