"""The upstream side: which upstream is asked, what a failure leads to, and how a cut body goes on.

The one place for retries and fallback; time limits are in `link`. Hosts come from configuration only; a
client's Host never reaches upstream.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from secrets import token_hex

from edge.config import EdgeConfig
from edge.counters import Histogram
from edge.fields import Fields, end_to_end, first, format_date, joined
from edge.loops import is_loop, own_id, with_own
from edge.message import Request, ResponseHead, without
from edge.upstream.breaker import Breaker, BreakerRules
from edge.upstream.link import Link, LinkError, OnInterim, Patience, UpstreamError
from edge.upstream.peer import Peer, Reply
from edge.upstream.place import Place
from edge.upstream.rendezvous import ranked
from edge.upstream.resume import Rest, asking, rest_of
from edge.upstream.retry import BUSY_STATUSES, Failure, RetryBudget, may_repeat, may_repeat_here, pause_s
from edge.upstream.transfer import Transfer
from service.log import get_logger

__all__ = ["Arriving", "Upstream", "UpstreamError", "is_loop", "with_cors"]


@dataclass(frozen=True, slots=True)
class Arriving:
    """A response whose head is here and whose body is on its way."""

    head: ResponseHead
    chunks: AsyncIterator[bytes]


@dataclass(slots=True)
class _Errand:
    """What is to be asked, and of whom."""

    method: bytes
    target: bytes
    fields: Fields
    peers: list[Peer]  # in the order in which they are asked
    body: AsyncIterable[bytes] | None = None
    on_interim: OnInterim | None = None
    is_body_gone: bool = False


class Upstream:
    """Requests to whatever stands behind this edge. Open for the length of an `async with`."""

    def __init__(self, config: EdgeConfig, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._random = random.Random()
        self._resume_tries = config.resume_tries
        self._name = config.name.encode()
        self.loop_id = (config.loop_id or _own_id(config)).encode()
        self.budget = RetryBudget(config.retry_ratio, config.retry_floor)
        self._logger = get_logger(config.name)
        self._by_place: dict[Place, Peer] = {}  # also those that are not asked any more
        self.peers = self._peers(config)
        self._is_hashed = config.upstream_choice == "hash" and len(self.peers) > 1
        self._links = AsyncExitStack()
        self.requests = 0
        self.took = Histogram()  # seconds from a request to the head of its answer
        self.received_bytes = 0
        self.resumed = 0  # answers by which a cut body went on

    async def __aenter__(self) -> Upstream:
        for peer in self.peers:
            await self._links.enter_async_context(peer.link)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._links.aclose()

    async def reconfigure(self, config: EdgeConfig) -> None:
        """Go on as `config` says, with what is known of the upstreams it names again.

        One that it no longer names keeps its link: answers may still be on their way, and it may come back.
        """
        known = set(self._by_place)
        self.peers = self._peers(config)
        for place in self._by_place.keys() - known:
            await self._links.enter_async_context(self._by_place[place].link)
        self._is_hashed = config.upstream_choice == "hash" and len(self.peers) > 1
        self._resume_tries = config.resume_tries
        self.budget.ratio, self.budget.floor = config.retry_ratio, config.retry_floor

    def _peers(self, config: EdgeConfig) -> list[Peer]:
        """The upstreams that `config` names, in its order, with its limits."""
        patience, rules = _patience(config), _rules(config)
        for place in config.upstreams:
            if place not in self._by_place:
                link = Link(place, patience, self._clock)
                self._by_place[place] = Peer(link, Breaker(rules, self._random), self._logger, self._clock)
        for peer in self._by_place.values():
            peer.link.patience, peer.breaker.rules = patience, rules
        return [self._by_place[place] for place in config.upstreams]

    @property
    def failures(self) -> int:
        return sum(peer.failures for peer in self.peers)

    @asynccontextmanager
    async def send(
        self,
        request: Request,
        target: bytes,
        extra: Fields = (),
        body: AsyncIterable[bytes] | None = None,
        *,
        on_interim: OnInterim | None = None,
    ) -> AsyncIterator[Arriving]:
        """Ask upstream for `target` with `request`'s fields and `extra`; `on_interim` hears of 1xx but 100.

        Raises UpstreamError, also out of `chunks` when the body is cut short and cannot go on.
        """
        fields = self._fields(request, extra, has_body=body is not None)
        errand = _Errand(request.method, target, fields, self._ranked(request.key), body, on_interim)
        self.budget.asked(self._clock())
        reply = await self._ask(errand)
        head = reply.answer.head
        self.took.add(head.received_s - head.requested_s)
        rest = rest_of(request.method, head) if body is None else None
        transfer = Transfer(reply, rest, partial(self._ask_rest, errand), most_tries=self._resume_tries)
        try:
            fields = _dated(head)
            if head.status != 304:  # what a 304 says replaces what is stored: nothing of ours is to do so
                fields = with_cors(fields)
            head = ResponseHead(head.status, fields, head.requested_s, head.received_s)
            yield Arriving(head, transfer.chunks(self._count))
        finally:
            transfer.close()

    def _ranked(self, key: bytes) -> list[Peer]:
        """The upstreams in the order in which they are asked for `key`."""
        peers = self.peers
        if self._is_hashed:
            peers = [self._by_place[place] for place in ranked(key, [peer.place for peer in peers])]
        return peers if len(peers) == 1 else sorted(peers, key=Peer.is_resting)

    async def _ask(self, errand: _Errand) -> Reply:
        """Ask one upstream after the other, as far as the failures allow. Raises UpstreamError."""
        tries: dict[Peer, int] = {}
        error: UpstreamError | None = None
        with ExitStack() as spare:  # an answer that will do if there is no better one
            busy: Reply | None = None
            peer = _untried(errand, tries)
            while peer is not None:
                tries[peer] = tries.get(peer, 0) + 1
                try:
                    reply = await self._ask_one(errand, peer)
                except LinkError as failed:
                    failure, error = failed.kind, failed
                else:
                    if reply.answer.head.status not in BUSY_STATUSES:
                        return reply
                    spare.close()
                    spare.callback(reply.close)
                    failure, busy = Failure.BUSY, reply
                peer = await self._another(errand, tries, peer, failure)
            if busy is not None:
                spare.pop_all()
                return busy
        raise error or self._all_out(errand)

    async def _ask_one(self, errand: _Errand, peer: Peer) -> Reply:
        self.requests += 1
        outgoing = peer.link.request(errand.body, errand.on_interim)
        # A socket leads to another process of this same cache, which is no loop.
        fields = errand.fields if peer.place.socket else with_own(errand.fields, self.loop_id)
        try:
            return await peer.ask(outgoing, errand.method, errand.target, fields)
        finally:
            errand.is_body_gone = errand.is_body_gone or outgoing.is_body_gone

    async def _another(
        self, errand: _Errand, tries: dict[Peer, int], peer: Peer, failure: Failure
    ) -> Peer | None:
        """Whom to ask after `peer` failed, once it is time to; None if that was all."""
        if not may_repeat(errand.method, failure, is_body_gone=errand.is_body_gone):
            return None
        other = _untried(errand, tries)
        if failure is Failure.DROPPED and tries[peer] == 1:
            other = None  # nothing is wrong with this one: a new connection will do
        if other is None and not may_repeat_here(failure, tries[peer]):
            return None
        # Where nothing was sent, the next upstream gets the request once, as if it had been asked first.
        is_free = other is not None and failure is Failure.UNREACHED
        if not is_free and not self.budget.take(self._clock()):
            return None
        if other is None:
            await asyncio.sleep(pause_s(failure, self._random))
            other = peer if peer.may_ask() else None
        return other

    async def _ask_rest(self, errand: _Errand, rest: Rest, peer: Peer, tries: int) -> Reply | None:
        """Ask for what a cut body lacks; a date is strong only with the upstream that gave it."""
        if not self.budget.take(self._clock()):
            return None
        await asyncio.sleep(pause_s(Failure.BROKEN, self._random) * 2**tries)
        peers = errand.peers if rest.etag is not None else [peer]
        fields = asking(errand.fields, rest)
        try:
            reply = await self._ask(replace(errand, fields=fields, peers=peers, on_interim=None))
        except UpstreamError:
            return None
        if reply.answer.head.status in BUSY_STATUSES:
            reply.close()
            return None
        self.resumed += reply.answer.head.status == 206
        return reply

    def _all_out(self, errand: _Errand) -> UpstreamError:
        left_s = min(peer.breaker.open_for_s(self._clock()) for peer in errand.peers)
        return UpstreamError(503, f"upstream failed too often and is left alone for another {left_s:.1f} s")

    def _count(self, size_bytes: int) -> None:
        self.received_bytes += size_bytes

    def _fields(self, request: Request, extra: Fields, *, has_body: bool) -> Fields:
        fields = without(end_to_end(request.head.fields), b"host", b"expect")
        if not has_body:
            fields = without(fields, b"content-length")
        via = joined(fields, b"via")
        own = request.version + b" " + self._name  # the version that was received (RFC 9110, 7.6.3)
        said = own if via is None else via + b", " + own
        return (*without(fields, b"via", *[name for name, _ in extra]), *extra, (b"via", said))


def _untried(errand: _Errand, tries: dict[Peer, int]) -> Peer | None:
    """The first upstream that was not asked yet and whose circuit lets a request through."""
    return next((peer for peer in errand.peers if peer not in tries and peer.may_ask()), None)


def _patience(config: EdgeConfig) -> Patience:
    return Patience(
        connect_s=config.connect_timeout_s,
        upload_s=config.upload_timeout_s,
        first_byte_s=config.first_byte_timeout_s,
        read_s=config.read_timeout_s,
    )


def _rules(config: EdgeConfig) -> BreakerRules:
    return BreakerRules(
        failures=config.breaker_failures,
        ratio=config.breaker_ratio,
        pause_s=config.breaker_pause_s,
        longest_pause_s=config.breaker_longest_pause_s,
    )


def _own_id(config: EdgeConfig) -> str:
    """Host and port tell this edge from others of its name; a port that the system chooses does not."""
    host, port = config.listen
    return own_id(config.name, socket.gethostname(), host, str(port) if port else token_hex(8))


def _dated(head: ResponseHead) -> Fields:
    """With a Date, of the arrival if it came without one (RFC 9110, 6.6.1)."""
    if first(head.fields, b"date") is not None:
        return head.fields
    return (*head.fields, (b"date", format_date(int(head.received_s))))


def with_cors(fields: Fields) -> Fields:
    """Players on other sites may read the response, and the fields that caches add to it (Fetch, 3.2)."""
    if first(fields, b"access-control-allow-origin") is not None:
        return fields
    exposed = b"age, cache-status, content-length, content-range"
    return (*fields, (b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", exposed))
