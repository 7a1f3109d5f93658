"""An answer put together from slices: what is stored of them, and what is fetched for the rest.

A viewer who asks for a range of a large response costs upstream the slices that it lies in, no more; the next
viewer of the same part costs nothing, and a herd costs one fetch a slice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.conditional import strong_validator
from edge.control import control_of
from edge.decision import Revalidate, Serve, ServeStale, decide
from edge.fields import Fields
from edge.flights import Flight
from edge.message import CacheStatus, Forward, ResponseHead, without
from edge.ranges import Cuts, Span
from edge.reply import Plan, age_s, hit_said, plan, with_said
from edge.slices import Part, Run, Sliced, may_combine
from edge.stored import StoredResponse
from edge.storing import variant_key, vary_names
from edge.upstream.client import UpstreamError
from edge.visit import Cut, Visit

if TYPE_CHECKING:
    from edge.exchange import Exchange


class Slicing:
    """One visit to a response of which parts are stored, or are to be."""

    def __init__(self, exchange: Exchange, visit: Visit, why: Forward) -> None:
        self._exchange = exchange
        self._filler = exchange.filler
        self._store = exchange.store
        self._visit = visit
        self._why = why
        self._fields: Fields = ()  # of the representation that is being sent
        self._total_bytes = 0
        self._position = 0  # of the next byte to send
        self._wanted = 0  # the first byte that is asked for; negative: so many at the end
        self._sliced: Sliced | None = None  # what the answer was begun with
        self._coming: tuple[Flight, object] | None = None  # brings some of it; and our seat there
        self._key = self._store.key_of(visit.request)  # of the variant that is being sent, as far as known

    async def answer(self, wanted: int) -> None:
        """Answer a request for bytes from `wanted` on; negative: for so many at the end."""
        self._wanted = wanted
        request = self._visit.request
        sliced = await self.parts()
        if sliced is None:
            await self._answer_from_upstream(wanted, None)
            return
        wanted = wanted if wanted >= 0 else max(0, sliced.total_bytes + wanted)
        match decide(request, sliced.stored, self._exchange.clock()):
            case Serve():
                await self._answer_with(sliced, CacheStatus.HIT)
            case ServeStale(stored):
                self._filler.fetch_behind(self._key, request, wanted, stored)
                await self._answer_with(sliced, CacheStatus.STALE)
            case Revalidate(stored, why):
                self._why = why
                await self._answer_from_upstream(wanted, stored)
            case other:
                raise AssertionError(f"{other} for a request that may be shared")

    async def answer_from_store(self) -> bool:
        """Answer without a word to upstream; False if something is missing, or may not be used."""
        request, sliced = self._visit.request, await self.parts()
        now_s = self._exchange.clock()
        if sliced is None or not isinstance(decide(request, sliced.stored, now_s), Serve):
            return False
        how = self._plan(sliced.stored.fields, sliced.total_bytes)
        if self._first_missing(sliced, how) is not None:
            return False
        await self._answer_as(sliced, how, CacheStatus.HIT, hit_said(sliced.stored, now_s))
        return True

    async def parts(self) -> Sliced | None:
        """What is stored in parts: in RAM, or else on disk, whose slices complete what RAM has."""
        request, disk, size = self._visit.request, self._store.disk, self._filler.slice_bytes
        sliced = self._store.parts(request)
        if sliced is None and disk is not None and size:
            on_disk = await disk.sheaves.parts(request, self._store.key_of(request), size)
            sliced = self._store.parts(request) or on_disk  # it may have come meanwhile
        if sliced is not None:
            self._key = sliced.stored.key
        return sliced

    def _first_missing(self, sliced: Sliced, how: Plan) -> int | None:
        """The first byte that `how` wants and that is not stored."""
        if how.cuts is None:
            return None
        return sliced.first_missing((span for _, span in how.cuts.parts), self._is_on_disk)

    def _is_on_disk(self, number: int) -> bool:
        disk = self._store.disk
        return disk is not None and disk.sheaves.has(self._key, number)

    async def _answer_with(self, sliced: Sliced, what: CacheStatus, checked: Flight | None = None) -> None:
        """Answer with what is stored, once it is known that what is missing belongs to it.

        `checked` has validated it just now, or failed to.
        """
        stored, now_s = sliced.stored, self._exchange.clock()
        how = self._plan(stored.fields, sliced.total_bytes)
        said = hit_said(stored, now_s)
        if checked is not None:
            status = 304 if checked.was_validated else checked.failed_status
            ttl = b"ttl=%d" % int(stored.fresh_until_s - now_s)
            said = self._exchange.said(self._visit, self._why, status, ttl)
            self._visit.outcome.upstream_s = checked.upstream_s
        missing = self._first_missing(sliced, how)
        if missing is None:
            await self._answer_as(sliced, how, what, said)
        elif strong_validator(stored.fields) is None:  # nothing may be combined with it
            await self._answer_from_upstream(self._wanted, None)
        else:
            await self._complete(sliced, how, missing, None if checked is None else (what, said))

    async def _complete(
        self, sliced: Sliced, how: Plan, missing: int, told: tuple[CacheStatus, bytes] | None
    ) -> None:
        """Answer with what is stored if what brings the byte at `missing` is of the same representation.

        No head is sent before that is known: where it is of another, that one is the answer. `told` is what
        is said of an answer that was validated before.
        """
        visit, size = self._visit, self._filler.slice_bytes
        flight, is_leader = self._filler.join_slice(self._key, visit.request, missing, None)
        with flight.seat() as seat:
            try:
                await flight.headed(visit.client.send_interim)
                if flight.stored is None and await self._is_of_use(flight):
                    self._why = Forward.PARTIAL
                    self._position = missing
                    if flight.part is not None and self._is_continued_by(flight.part):
                        self._coming = flight, seat
                        what, said = told or self._completed(flight, is_leader=is_leader)
                        await self._answer_as(sliced, how, what, said)
                        return
                    if flight.head is not None:
                        await self._drop()
                    is_begin = self._wanted >= 0 and self._wanted // size == missing // size
                    if flight.part is None or is_begin:
                        await self._answer_from(flight, seat, is_leader=is_leader)
                        return
            finally:
                if is_leader:
                    flight.handed_over.set()
        await self.answer(self._wanted)

    def _completed(self, flight: Flight, *, is_leader: bool) -> tuple[CacheStatus, bytes]:
        """What is said of an answer some of which comes with `flight`."""
        self._visit.outcome.upstream_s = flight.upstream_s
        said = self._exchange.said(self._visit, self._why, 206, b"stored" if is_leader else b"collapsed")
        return CacheStatus.MISS if is_leader else CacheStatus.COLLAPSED, said

    async def _answer_as(self, sliced: Sliced, how: Plan, what: CacheStatus, said: bytes) -> None:
        """Send what is stored, and what is on its way to it; `said` is for Cache-Status."""
        visit, stored, now_s = self._visit, sliced.stored, self._exchange.clock()
        visit.outcome.tier = stored.tier.decode() if self._coming is None else "upstream"
        self._sliced = sliced
        own = ((b"age", b"%d" % stored.age_s(now_s)), (b"cache-status", said))
        visit.send_head(what, how.head.with_fields(*own))
        await self._send(how)
        is_hit = visit.outcome.what is CacheStatus.HIT
        if is_hit and visit.outcome.tier == "disk" and self._store.disk is not None:
            self._store.disk.hits += 1

    async def _answer_from_upstream(self, wanted: int, stored: StoredResponse | None) -> None:
        """Nothing fresh is stored: the first slice tells what there is; `stored` is to be validated."""
        flight, is_leader = self._filler.join_slice(self._key, self._visit.request, wanted, stored)
        with flight.seat() as seat:
            try:
                await flight.headed(self._visit.client.send_interim)
                if await self._is_of_use(flight):
                    await self._answer_from(flight, seat, is_leader=is_leader)
                    return
            finally:
                if is_leader:
                    flight.handed_over.set()
        await self._answer_from_upstream(wanted, None)

    async def _is_of_use(self, flight: Flight) -> bool:
        """What it brings is this request's variant; and if it validated something, that is stored still."""
        request, head = self._visit.request, flight.head
        if flight.stored is not None:
            return await self.parts() is not None
        if head is not None:
            self._key = variant_key(request.key, vary_names(head.fields), request)
            return self._key == flight.variant
        return True

    async def _answer_from(self, flight: Flight, seat: object, *, is_leader: bool) -> None:
        sliced = await self.parts() if flight.stored is not None else None
        if flight.stored is not None and sliced is not None:
            what = CacheStatus.REVALIDATED if flight.was_validated else CacheStatus.STALE
            await self._answer_with(sliced, what, flight)
        elif flight.part is None or flight.head is None:
            await self._exchange.answer_from(self._visit, flight, seat, self._why, is_leader=is_leader)
        else:
            await self._answer_with_flight(flight, seat, flight.head, is_leader=is_leader)

    async def _answer_with_flight(
        self, flight: Flight, seat: object, head: ResponseHead, *, is_leader: bool
    ) -> None:
        part = flight.part
        assert part is not None, "a slice came"
        shown = without(head.fields, b"age")
        if not is_leader:  # what is for the first client only
            shown = without(shown, *control_of(head.fields).withheld)
        how = self._plan(shown, part.total_bytes)
        self._fields = head.fields
        if why_not := _why_no_part(part, how):
            self._filler.unsliced.add(self._visit.request.key, why_not)
            await self._exchange.share(self._visit, None, self._why)
            return
        what, said = self._completed(flight, is_leader=is_leader)
        self._visit.outcome.tier = "upstream"
        own = how.head.with_fields((b"age", b"%d" % age_s(head, self._exchange.clock())))
        self._visit.send_head(what, with_said(own, head, said))
        self._coming = flight, seat
        await self._send(how)

    def _plan(self, fields: Fields, total_bytes: int) -> Plan:
        self._fields, self._total_bytes = fields, total_bytes
        how = plan(self._visit.request, 200, fields, total_bytes)
        if how.head.has_body and how.cuts is None:
            return Plan(how.head, Cuts(((b"", Span(0, total_bytes - 1)),)))
        return how

    async def _send(self, how: Plan) -> None:
        """Send the body that `how` wants."""
        client = self._visit.client
        if how.head.has_body and how.cuts is not None:
            for prefix, span in how.cuts.parts:
                if prefix:
                    self._visit.send_body(prefix)
                self._position = span.first
                while self._position <= span.last:
                    await self._send_next(span)
            if how.cuts.tail:
                self._visit.send_body(how.cuts.tail)
        client.send_end()

    async def _send_next(self, span: Span) -> None:
        """Send what lies at the position: out of the store, or from the fetch of its slice."""
        request = self._visit.request
        sliced = self._store.parts(request)
        run = sliced.at(self._position) if sliced and self._is_same(sliced) else None
        if run is not None and sliced is not None:
            self._store.touch_part(sliced, self._position)
            self._send_part(run, span)
            await self._visit.client.drained()
            return
        whole = self._store.lookup(request)
        if whole is not None and self._is_whole(whole):
            self._send_part(Run(0, whole.body), span)
            return
        if self._coming is not None:
            flight, seat = self._coming
            if flight.part is not None and self._is_continued_by(flight.part):
                self._coming = None
                await self._send_flight(flight, seat, span)
                return
        if await self._send_from_disk(span):
            return
        if self._visit.outcome.what is CacheStatus.HIT:  # no more: it was dropped while it was sent
            self._visit.outcome.what, self._visit.outcome.tier = CacheStatus.MISS, "upstream"
        flight, is_leader = self._filler.join_slice(self._key, request, self._position, None)
        with flight.seat() as seat:
            try:
                await flight.headed(_unheard)
                await self._send_flight(flight, seat, span)
            finally:
                if is_leader:
                    flight.handed_over.set()

    async def _send_from_disk(self, span: Span) -> bool:
        """Send what of `span` lies in the slice at the position; False if that is not on disk."""
        disk, size = self._store.disk, self._filler.slice_bytes
        if disk is None or not size:
            return False
        found = await disk.sheaves.open(self._key, self._position, size, self._total_bytes, self._fields)
        if found is None:
            return False
        source, part = found
        first, last = part.span.first, min(span.last, part.span.last)
        with source:
            if self._visit.outcome.tier == "ram":
                self._visit.outcome.tier = "disk"
            await disk.send(self._visit, source, Span(self._position - first, last - first))
        self._position = last + 1
        return True

    async def _send_flight(self, flight: Flight, seat: object, span: Span) -> None:
        """Send what of `span` comes with `flight`. Raises Cut if it is of another representation."""
        part = flight.part
        if flight.error is not None:
            raise Cut(str(flight.error))
        if part is None or not self._is_continued_by(part):
            raise await self._cut(flight)
        self._look_ahead(part.span, span)
        come = part.span.first
        try:
            async for chunk in flight.read(seat):
                self._send_part(Run(come, chunk), span)
                come += len(chunk)
                if self._position > span.last:
                    return
                await self._visit.client.drained()
        except UpstreamError as error:
            raise Cut(str(error)) from None

    def _look_ahead(self, coming: Span, span: Span) -> None:
        """Fetch the next slice while this one is sent; a viewer who leaves costs one slice too many."""
        ahead = coming.last + 1
        sliced = self._store.parts(self._visit.request)
        is_here = sliced is not None and sliced.at(ahead) is not None
        if ahead <= span.last and not is_here and not self._is_on_disk(ahead // self._filler.slice_bytes):
            self._filler.fetch_behind(self._key, self._visit.request, ahead)

    def _is_continued_by(self, part: Part) -> bool:
        """`part` has the next byte of the representation that is being sent."""
        is_same = part.head.fields is self._fields or may_combine(part.head.fields, self._fields)
        return is_same and part.total_bytes == self._total_bytes and part.has(self._position)

    async def _cut(self, flight: Flight) -> Cut:
        """Upstream has another response now: what it brings takes the place of what is stored."""
        flight.is_for_viewers = False
        await self._drop()
        return Cut("upstream has another response now")

    async def _drop(self) -> None:
        """Forget the parts of what is not upstream's response any more."""
        sliced = await self.parts()
        if sliced is not None and self._is_same(sliced):
            self._store.drop(sliced.stored.key)

    def _send_part(self, run: Run, span: Span) -> None:
        """Send the bytes of `run` from the position on, up to the end of `span`."""
        piece = memoryview(run.data)[max(0, self._position - run.first) : span.last + 1 - run.first]
        if piece and run.end > self._position:
            self._visit.send_body(piece)
            self._position += len(piece)

    def _is_same(self, sliced: Sliced) -> bool:
        if sliced is self._sliced:
            return True
        return sliced.total_bytes == self._total_bytes and may_combine(sliced.stored.fields, self._fields)

    def _is_whole(self, whole: StoredResponse) -> bool:
        is_same = whole.status == 200 and len(whole.body) == self._total_bytes
        return is_same and may_combine(whole.fields, self._fields)


def _why_no_part(part: Part, how: Plan) -> str:
    """Why no answer can be begun with `part`; empty if one can."""
    spans = [span for _, span in how.cuts.parts] if how.cuts else []
    if len(spans) == 1 and not part.has(spans[0].first):
        return "upstream sends other ranges than it is asked for"
    is_within = all(part.has(span.first) and part.has(span.last) for span in spans)
    if not is_within and strong_validator(part.head.fields) is None:
        return "it has no strong validator: nothing may be combined with a part of it"
    return ""


def _unheard(status: int, fields: Fields) -> None:
    """An interim response that comes after the head was sent is for nobody."""
