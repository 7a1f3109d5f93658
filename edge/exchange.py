"""One request that leaves the hot path: look up, decide, and do what was decided.

The rules are in `decision` and `reply`; `filling` fetches what more than one client may want; `slicing` puts
answers together from parts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from functools import partial

from edge.burst import Burst, Wire
from edge.control import control_of
from edge.decision import (
    Decision,
    Fetch,
    Pass,
    Refuse,
    Revalidate,
    Serve,
    ServeStale,
    decide,
    may_serve_on_error,
)
from edge.filling import Filler
from edge.flights import Flight, Shared
from edge.invalidation import groups, invalidates, other_targets
from edge.key import KeyRules
from edge.loops import is_loop
from edge.message import CacheStatus, Forward, Request, ResponseHead, without
from edge.ondisk import DiskResponse, OnDisk
from edge.pace import paced
from edge.ranges import Cuts, Span
from edge.reply import (
    AnswerHead,
    Plan,
    age_s,
    error_reply,
    hit_said,
    last_hop_reply,
    one_hop_less,
    plan,
    stored_plan,
    stored_reply,
    told_by_worker,
    with_said,
)
from edge.slices import wanted_first
from edge.slicing import Slicing
from edge.stored import StoredResponse, merged, same_representation, tells_of
from edge.storing import may_store, variant_key, vary_names
from edge.upstream.client import Arriving, UpstreamError
from edge.visit import Cut, Visit
from edge.workers.team import Team

# What is small moves from disk into RAM. A large body costs as little from its file.
_RISE_BYTES = 32 * 1024


class Exchange:
    """Answers requests out of the store, or from upstream on their behalf."""

    def __init__(
        self,
        filler: Filler,
        *,
        name: str,
        loop_id: bytes,
        keys: KeyRules,
        clock: Callable[[], float],
        team: Team | None = None,
    ) -> None:
        self.filler = filler
        self.store = filler.store
        self.name = name.encode()
        self._speaker = filler.speaker
        self.clock = clock
        self._loop_id = loop_id
        self._keys = keys
        self._team = team  # the other workers

    async def answer(self, visit: Visit) -> None:
        """Send the answer. Raises Cut if it broke off; the visit's outcome holds what was done by then."""
        request = visit.request
        if is_loop(request.head.fields, self._loop_id):
            self.refuse(visit, 508, "this request has been here before (CDN-Loop)")
            return
        last_hop = last_hop_reply(request, self.name, self.clock())
        if last_hop is not None:
            visit.send_head(CacheStatus.REFUSED, last_hop)
            visit.client.send_end()
            return
        await self.answer_checked(visit)

    def answer_at_once(self, visit: Visit) -> bool:
        """Answer with what is in RAM, if no word to upstream and no file is needed; False if one is."""
        request = visit.request
        stored = self.store.lookup(request)
        if stored is None or is_loop(request.head.fields, self._loop_id):
            return False
        return self._serve_at_once(visit, decide(request, stored, self.clock()))

    def _serve_at_once(self, visit: Visit, decision: Decision) -> bool:
        match decision:
            case Serve(stored):
                self.serve(visit, stored, CacheStatus.HIT, hit_said(stored, self.clock()))
            case ServeStale(stored):
                self.filler.refresh(visit.request, stored)
                self.serve(visit, stored, CacheStatus.STALE, hit_said(stored, self.clock()))
            case _:
                return False
        return True

    def refresh_behind(self, request: Request, stored: StoredResponse) -> bool:
        """Validate what was decided to be served stale; False if the request may not be answered here."""
        if is_loop(request.head.fields, self._loop_id):
            return False
        self.filler.refresh(request, stored)
        return True

    async def answer_checked(self, visit: Visit) -> None:
        """Answer a request that may be answered here."""
        request = visit.request
        stored = self.store.lookup(request)
        if stored is None and self.store.disk is not None:
            stored, is_answered = await self._look_on_disk(visit, self.store.disk)
            if is_answered:
                return
        decision = decide(request, stored, self.clock())
        if self._serve_at_once(visit, decision):
            return
        match decision:
            case Revalidate(stored, why):
                await self.share(visit, stored, why)
            case Fetch():
                await self._fetch(visit)
            case Pass(why):
                await self.pass_on(visit, why)
            case Refuse(status, reason):
                if not await Slicing(self, visit, Forward.URI_MISS).answer_from_store():
                    self.refuse(visit, status, reason)

    async def _fetch(self, visit: Visit) -> None:
        """Nothing whole is stored: put the answer together from parts, or fetch it."""
        request = visit.request
        why = Forward.VARY_MISS if self.store.varies(request.key) else Forward.URI_MISS
        position = wanted_first(request)
        is_cuttable = self.filler.slice_bytes > 0 and request.key not in self.filler.unsliced
        slicing = Slicing(self, visit, why)
        is_cut = is_cuttable and (position is not None or await slicing.parts() is not None)
        if request.key in self.filler.passed or (not is_cut and request.key in self.filler.large):
            await self.pass_on(visit, why)
        elif is_cut:
            await slicing.answer(position or 0)
        else:
            await self.share(visit, None, why)

    def serve(self, visit: Visit, stored: StoredResponse, what: CacheStatus, said: bytes) -> None:
        """Answer with what is stored."""
        self.store.touch(stored)
        visit.outcome.tier = "ram"
        head, pieces = stored_reply(visit.request, stored, self.clock(), said)
        visit.send_head(what, head)
        for piece in pieces:
            visit.send_body(piece)
        visit.client.send_end()

    async def _look_on_disk(self, visit: Visit, disk: OnDisk) -> tuple[StoredResponse | None, bool]:
        """Answer from a file if that may be done at once; else take into RAM what is to be validated."""
        request = visit.request
        if request.method not in (b"GET", b"HEAD") or self.store.parts(request) is not None:
            return None, False
        found = await disk.find(request, self.store.key_of(request))
        newer = self.store.lookup(request)  # it may have come while the file was opened
        if found is None:
            return newer, False
        with found.source:
            if newer is not None:
                return newer, False
            if isinstance(decide(request, found, self.clock()), Serve):
                await self._serve_from_disk(visit, disk, found)
                return None, True
            return await self._risen(request, disk, found), False

    async def _risen(self, request: Request, disk: OnDisk, found: DiskResponse) -> StoredResponse | None:
        """What is in RAM now for `request`: `found`, unless it was purged or replaced meanwhile."""
        risen = await disk.in_memory(found)
        newer = self.store.lookup(request)
        if newer is not None or risen is None or not disk.is_current(found):
            return newer
        self.store.keep(request, risen, is_from_disk=True)
        return risen

    async def _serve_from_disk(self, visit: Visit, disk: OnDisk, stored: DiskResponse) -> None:
        """Send a response from its file, no faster than the client takes it."""
        now_s = self.clock()
        how = stored_plan(visit.request, stored, now_s, hit_said(stored, now_s))
        visit.outcome.tier = "disk"
        disk.hits += 1
        visit.send_head(CacheStatus.HIT, how.head)
        if how.head.has_body:
            cuts = how.cuts or Cuts(((b"", Span(0, stored.body_bytes - 1)),))
            for prefix, span in cuts.parts:
                if prefix:
                    visit.send_body(prefix)
                await disk.send(visit, stored.source, span)
            if cuts.tail:
                visit.send_body(cuts.tail)
        visit.client.send_end()
        if stored.body_bytes <= _RISE_BYTES or self.store.has_room(stored.body_bytes):
            disk.rise(stored, partial(self._risen, visit.request, disk, stored))

    def refuse(self, visit: Visit, status: int, reason: str) -> None:
        has_body = visit.request.method != b"HEAD"
        head, body = error_reply(status, reason, self.name, self.clock(), has_body=has_body)
        visit.send_head(CacheStatus.REFUSED, head)
        if body:
            visit.send_body(body)
        visit.client.send_end()

    # Shared fetches.

    async def share(
        self, visit: Visit, stored: StoredResponse | None, why: Forward, key: bytes = b""
    ) -> None:
        """Wait for the one fetch of this key, and answer from what it brings, as it comes."""
        request = visit.request
        flight, is_leader = self.filler.join(key or self.store.key_of(request), request, stored)
        greet = partial(self._greet, visit, flight, why, is_leader=is_leader)
        with flight.seat(greet if request.head.is_plain else None) as seat:
            try:
                await flight.headed(visit.client.send_interim)
                own_key = flight.head and variant_key(request.key, vary_names(flight.head.fields), request)
                if not own_key or own_key == flight.variant or is_leader:
                    await self.answer_from(visit, flight, seat, why, is_leader=is_leader)
                    return
            finally:
                if is_leader:
                    flight.handed_over.set()
        await self.share(visit, stored, why, own_key)  # the response varies, and this one is another's

    async def answer_from(
        self, visit: Visit, flight: Flight, seat: object, why: Forward, *, is_leader: bool
    ) -> None:
        """Answer with what `flight` turned out to bring."""
        visit.outcome.upstream_s = flight.upstream_s
        if flight.stored is not None:
            if not visit.outcome.is_answered:
                self._serve_checked(visit, flight, flight.stored, why)
        elif flight.private is not None and is_leader:
            said = self.said(visit, why, flight.private.head.status)
            await self._relay(visit, flight.private, said)
        elif flight.private is not None or flight.is_declined:
            await self.pass_on(visit, why)
        elif flight.head is not None:
            cuts = None
            if not visit.outcome.is_answered:
                cuts = self._send_head_of(visit, flight, flight.head, why, is_leader=is_leader)
            if visit.outcome.has_body:
                await self._stream(visit, cuts, flight.read(seat))
            visit.client.send_end()
        elif not visit.outcome.is_answered:
            assert flight.error is not None, "a flight ends with a head, a stored response or an error"
            self.refuse(visit, flight.error.status, str(flight.error))

    def _greet(self, visit: Visit, flight: Flight, why: Forward, burst: Burst, *, is_leader: bool) -> None:
        """Send what every plain request gets; who is not ready for it, or varies, takes a turn."""
        is_of_another = flight.head is not None and flight.variant != visit.request.key
        if is_of_another or not visit.client.is_ready:
            return
        shared = self._shared(visit.request, flight, why, is_leader=is_leader)
        if shared is not None:
            self._note(visit, flight, why)
            visit.send_with(burst, shared.what, shared.head, shared.wire)

    def _shared(self, request: Request, flight: Flight, why: Forward, *, is_leader: bool) -> Shared | None:
        """What every plain request like this one gets in this second; None: each is for itself."""
        wanted = why, is_leader, int(self.clock())
        shared = flight.answers.get(wanted)
        if shared is None:
            shared = self._make_shared(request, flight, why, is_leader=is_leader)
            if shared is not None:
                flight.answers[wanted] = shared
        return shared

    def _make_shared(
        self, request: Request, flight: Flight, why: Forward, *, is_leader: bool
    ) -> Shared | None:
        if flight.stored is not None:
            what, said = self._checked(request, flight, flight.stored, why)
            answer, pieces = stored_reply(request, flight.stored, self.clock(), said)
            return Shared(what, answer, Wire.of(answer, b"".join(pieces)))
        if flight.head is not None:
            answer = self._plan_shared(request, flight.head, why, is_leader=is_leader).head
            return Shared(_came_as(flight.head, is_leader=is_leader), answer, Wire.of(answer, None))
        if flight.error is not None:
            answer, body = error_reply(flight.error.status, str(flight.error), self.name, self.clock())
            return Shared(CacheStatus.REFUSED, answer, Wire.of(answer, body))
        return None

    def _note(self, visit: Visit, flight: Flight, why: Forward) -> None:
        """Whence the answer comes, for the log."""
        if flight.stored is not None:
            self.store.touch(flight.stored)
            visit.outcome.tier = "ram"
            visit.outcome.forwarded(why, 304 if flight.was_validated else flight.failed_status)
        elif flight.head is not None:
            visit.outcome.tier = "upstream"
            visit.outcome.forwarded(why, flight.head.status)

    def _send_head_of(
        self, visit: Visit, flight: Flight, head: ResponseHead, why: Forward, *, is_leader: bool
    ) -> Cuts | None:
        """Send the head of a body that comes; returns what of the body is wanted."""
        request = visit.request
        self._note(visit, flight, why)
        shared = self._shared(request, flight, why, is_leader=is_leader) if request.head.is_plain else None
        if shared is not None:
            visit.send_head(shared.what, shared.head)
            return None
        how = self._plan_shared(request, head, why, is_leader=is_leader)
        visit.send_head(_came_as(head, is_leader=is_leader), how.head)
        return how.cuts

    def _plan_shared(self, request: Request, head: ResponseHead, why: Forward, *, is_leader: bool) -> Plan:
        """What of a response that many wait for answers this request."""
        fields = without(head.fields, b"age")
        if not is_leader:  # what is for the first client only
            fields = without(fields, *control_of(fields).withheld)
        how = plan(request, head.status, fields, head.content_length)
        own = how.head.with_fields((b"age", b"%d" % age_s(head, self.clock())))
        said = self._said_of(request, why, head.status, b"stored" if is_leader else b"collapsed")
        return Plan(with_said(own, head, said), how.cuts)

    def _serve_checked(self, visit: Visit, flight: Flight, stored: StoredResponse, why: Forward) -> None:
        """Answer with a response that upstream has confirmed, or that stands in for its failure."""
        what, said = self._checked(visit.request, flight, stored, why)
        visit.outcome.forwarded(why, 304 if flight.was_validated else flight.failed_status)
        self.serve(visit, stored, what, said)

    def _checked(
        self, request: Request, flight: Flight, stored: StoredResponse, why: Forward
    ) -> tuple[CacheStatus, bytes]:
        """What such an answer is, and what Cache-Status says of it."""
        ttl = b"ttl=%d" % int(stored.fresh_until_s - self.clock())
        if flight.was_validated:
            return CacheStatus.REVALIDATED, self._said_of(request, why, 304, ttl)
        return CacheStatus.STALE, self._said_of(request, why, flight.failed_status, ttl)

    # One client's own.

    async def pass_on(self, visit: Visit, why: Forward) -> None:
        """Forward the request and relay the answer."""
        request = visit.request
        try:
            async with self.filler.upstream.send(
                request,
                request.target,
                one_hop_less(request),
                visit.body,
                on_interim=visit.client.send_interim,
            ) as arriving:
                await self._learn(request, arriving.head)
                said = self.said(visit, why, arriving.head.status)
                visit.outcome.upstream_s = arriving.head.received_s - arriving.head.requested_s
                arriving = self._kept_if_post(request, arriving)
                await self._relay(visit, arriving, said)
        except UpstreamError as error:
            if visit.body is not None and visit.body.is_broken:
                raise Cut("the request broke off") from None
            stored = self.store.lookup(request) if request.method == b"HEAD" else None
            if stored is not None and may_serve_on_error(stored, self.clock(), is_disconnected=True):
                ttl = b"ttl=%d" % int(stored.fresh_until_s - self.clock())
                self.serve(visit, stored, CacheStatus.STALE, self.said(visit, why, None, ttl))
            else:  # 504 for what must be validated and cannot be (RFC 9111, 5.2.2.2)
                self.refuse(visit, error.status if stored is None else 504, str(error))

    async def _learn(self, request: Request, head: ResponseHead) -> None:
        """Is what is stored invalid now, or does it hold after all (RFC 9111, 4.4, 4.3.4 and 4.3.5)?"""
        if invalidates(request, head):
            targets = (request.target, *other_targets(request, head))
            await self.invalidate({self._keys.key(target) for target in targets}, groups(head))
        stored = self.store.lookup(request)
        if stored is None or request.method not in (b"GET", b"HEAD"):
            return
        if head.status == 304 and not tells_of(stored, head):
            return
        if head.status == 304 or (head.status == 200 and request.method == b"HEAD"):
            if same_representation(stored, head):
                self.store.update(stored, merged(stored, head))
            elif head.status == 200:
                self.store.expire(request.key, self.clock())

    async def invalidate(self, keys: Collection[bytes], in_groups: Collection[bytes]) -> None:
        """Forget what is not valid any more, here and where else this edge has it."""
        await self.forget(keys, in_groups)
        if self._team is not None:
            await self._team.tell(keys, in_groups)
            await self.forget(keys, in_groups)  # what was asked of their owners before these knew

    async def forget(self, keys: Collection[bytes], in_groups: Collection[bytes]) -> None:
        """Forget responses by key and by group."""
        await paced(self.filler.purger.invalidate(keys, in_groups))

    def _kept_if_post(self, request: Request, arriving: Arriving) -> Arriving:
        """A POST's answer that is what GET would bring is kept for GET, too (RFC 9110, 9.3.3)."""
        head = arriving.head
        purger, rounds = self.filler.purger, self.filler.purger.rounds
        if request.method != b"POST" or not may_store(request, head, control_of(head.fields)):
            return arriving

        async def chunks() -> AsyncIterator[bytes]:
            come, size_bytes = [], 0
            async for chunk in arriving.chunks:
                size_bytes += len(chunk)
                if size_bytes <= self.filler.limit_bytes:
                    come.append(chunk)
                yield chunk
            if size_bytes <= self.filler.limit_bytes and purger.rounds == rounds:
                self.store.keep(
                    request, StoredResponse(request.key, head, b"".join(come), self._speaker.of(request.key))
                )

        return Arriving(head, chunks())

    async def _relay(self, visit: Visit, arriving: Arriving, said: bytes) -> None:
        """Send this client's own answer as it arrives."""
        head = arriving.head
        what = CacheStatus.PASS if not head.is_from_worker else told_by_worker(head, CacheStatus.PASS)
        has_body = visit.request.method != b"HEAD" and head.status not in (204, 304)
        fields = without(head.fields, b"content-length")
        answer = AnswerHead(head.status, fields, head.content_length, has_body)
        visit.outcome.tier = "upstream"
        visit.send_head(what, with_said(answer, head, said))
        if has_body:
            await self._stream(visit, None, arriving.chunks)
        visit.client.send_end()

    async def _stream(self, visit: Visit, cuts: Cuts | None, chunks: AsyncIterator[bytes]) -> None:
        """Send the chunks, or what `cuts` wants of them, no faster than the client takes them."""
        position = 0
        try:
            async for chunk in chunks:
                for piece in [chunk] if cuts is None else cuts.of(position, chunk):
                    visit.send_body(piece)
                position += len(chunk)
                if cuts is not None and position > cuts.last:
                    break
                await visit.client.drained()
        except UpstreamError as error:
            raise Cut(str(error)) from None

    def said(self, visit: Visit, why: Forward, status: int | None, *more: bytes) -> bytes:
        """This cache's member of Cache-Status for a forwarded request (RFC 9211, 2); also for the log."""
        visit.outcome.forwarded(why, status)
        return self._said_of(visit.request, why, status, *more)

    def _said_of(self, request: Request, why: Forward, status: int | None, *more: bytes) -> bytes:
        answered = () if status is None else (b"fwd-status=%d" % status,)
        return b"; ".join((self._speaker.of(request.key), b"fwd=" + why.value.encode(), *answered, *more))


def _came_as(head: ResponseHead, *, is_leader: bool) -> CacheStatus:
    """What a fetch is to who caused it, and to who joined it."""
    what = CacheStatus.MISS if is_leader else CacheStatus.COLLAPSED
    return told_by_worker(head, what) if head.is_from_worker else what
