"""Plays a session over real HTTP, in real time: the player's door to aiohttp.

The link is the same Trace as in virtual time: a request waits for the trace's latency, and bytes are taken
from the socket no faster than the trace gives them, so that TCP's flow control slows the server down.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import aiohttp
from yarl import URL

from media.manifest import ManifestError
from player_sim.abr.base import AbrRule
from player_sim.addresses import Edges, Wanted, wanted
from player_sim.cmcd import Cmcd, CmcdData, header_fields, query_argument
from player_sim.manifests import Document, load
from player_sim.network import Trace
from player_sim.reporting import Reporter
from player_sim.result import Delivery, SessionResult
from player_sim.schedule import PlayError, schedule_of
from player_sim.session import Done, PlayerSettings, Request, Session, Wait

_SHORT_S = 0.002  # not worth a timer: the next wait makes up for it


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    attempts: int = 8  # at one object, over all edges
    timeout_s: float = 10.0  # to connect, and between two reads
    backoff_s: float = 0.05  # before the second attempt, jittered; doubles each time
    cmcd: Cmcd = Cmcd.QUERY


async def play(
    urls: Sequence[str],
    rule: AbrRule,
    settings: PlayerSettings,
    *,
    trace: Trace | None = None,
    http: HttpSettings = HttpSettings(),
    rng: random.Random,
) -> SessionResult:
    """Play the stream at `urls[0]`; the others name it through other edges, to go on when one fails.

    Without a trace the link is as fast as it is. `rng` jitters the back-off and makes the session id. What
    goes wrong on the way is the result's `failure`; PlayError is raised only for `urls` that cannot be meant.
    """
    edges = Edges(urls)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=http.timeout_s, sock_read=http.timeout_s)
    # Sizes are those on the wire, so nothing may be compressed.
    headers = {"Accept-Encoding": "identity", "User-Agent": "penstock-player"}
    async with aiohttp.ClientSession(timeout=timeout, headers=headers) as client:
        wire = _Wire(client, edges, trace, http, rng)
        reporter = Reporter(str(uuid.UUID(int=rng.getrandbits(128), version=4)))

        async def document(url: str) -> Document:
            return await wire.document(wanted(url), reporter.manifest)

        try:
            presentation, reporter.format = await load(document, urls[0])
            session = Session(schedule_of(presentation, urls[0]), rule, settings)
        except (ManifestError, PlayError) as error:
            return SessionResult(
                start_s=0.0,
                end_s=wire.now_s(),
                startup_delay_s=None,
                played_s=0.0,
                stalls=(),
                segments=(),
                failure=str(error),
            )
        return await _play(session, wire, reporter)


async def _play(session: Session, wire: _Wire, reporter: Reporter) -> SessionResult:
    while True:
        match session.next_action(wire.now_s()):
            case Request() as request:
                await _download(request, session, wire, reporter)
            case Wait(until_s):
                await wire.until(until_s)
            case Done():
                return session.result(wire.now_s())


async def _download(request: Request, session: Session, wire: _Wire, reporter: Reporter) -> None:
    segment = request.segment
    try:
        if request.init is not None:
            init = wanted(request.init.uri, request.init.byte_range, request.init.size_bytes)
            await wire.fetch(init, lambda: reporter.init(session))
            session.attempt(wire.now_s())
        media = wanted(segment.uri, segment.byte_range, segment.size_bytes)
        answer = await wire.fetch(media, lambda: reporter.media(session, request), session)
    except PlayError as error:
        session.failed(wire.now_s(), str(error))
    else:
        session.completed(wire.now_s(), answer.size_bytes, answer.delivery)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    url: URL  # after redirects
    content_type: str
    size_bytes: int
    delivery: Delivery


class _AttemptError(Exception):
    """One attempt came to nothing; another edge, or a later moment, may do better."""


class _Wire:
    """One player's way to its edges: pacing, failover, attempts. Its clock starts at 0 when it is made."""

    def __init__(
        self,
        client: aiohttp.ClientSession,
        edges: Edges,
        trace: Trace | None,
        settings: HttpSettings,
        rng: random.Random,
    ) -> None:
        self._client = client
        self._edges = edges
        self._trace = trace
        self._settings = settings
        self._rng = rng
        self._loop = asyncio.get_running_loop()
        self._origin_s = self._loop.time()

    def now_s(self) -> float:
        return self._loop.time() - self._origin_s

    async def until(self, time_s: float) -> None:
        await asyncio.sleep(time_s - self.now_s())

    async def document(self, what: Wanted, describe: Callable[[], CmcdData]) -> Document:
        body = bytearray()
        answer = await self.fetch(what, describe, body=body)
        return Document(
            url=str(answer.url.without_query_params("CMCD")),
            content_type=answer.content_type,
            text=body.decode("utf-8", errors="replace"),
        )

    async def fetch(
        self,
        what: Wanted,
        describe: Callable[[], CmcdData],
        session: Session | None = None,
        body: bytearray | None = None,
    ) -> _Answer:
        """All of `what`, from whichever edge gives it. Tells `session` how it goes; fills `body` if given.

        Raises PlayError when an edge refuses it (4xx), or no attempt was left.
        """
        for attempt in range(1, self._settings.attempts + 1):
            edge = self._edges.in_use
            try:
                return await self._attempt(what, attempt, describe(), session, body)
            except (_AttemptError, aiohttp.ClientError, TimeoutError) as error:
                reason = str(error) or type(error).__name__
            self._edges.move_on_from(edge)
            if attempt < self._settings.attempts:
                await asyncio.sleep(
                    self._settings.backoff_s * 2 ** (attempt - 1) * self._rng.uniform(0.5, 1.5)
                )
                if session is not None:
                    session.attempt(self.now_s())
        raise PlayError(f"{self._edges.via(what.url)}: {reason}; gave up after {attempt} attempts")

    async def _attempt(
        self,
        what: Wanted,
        attempt: int,
        data: CmcdData,
        session: Session | None,
        body: bytearray | None,
    ) -> _Answer:
        url, headers = self._addressed(what, data)
        sent_s = self.now_s()
        if body is not None:
            body.clear()
        async with self._client.get(url, headers=headers) as response:
            _check_status(response, what)
            if self._trace is not None:
                await self.until(self._trace.first_byte_s(sent_s))
            first_byte_s = self.now_s()
            if session is not None:
                session.first_byte(first_byte_s)
            size_bytes = await self._read(response.content, first_byte_s, session, body)
        expected = what.expected_bytes
        if expected is not None and size_bytes != expected:
            raise _AttemptError(f"{size_bytes} bytes came where the manifest promises {expected}")
        age = response.headers.get("Age", "")
        return _Answer(
            url=response.url,
            content_type=response.headers.get("Content-Type", ""),
            size_bytes=size_bytes,
            delivery=Delivery(
                edge=str(response.url.origin()),
                attempts=attempt,
                cache_status=response.headers.get("Cache-Status"),
                age_s=int(age) if age.isdecimal() else None,
            ),
        )

    async def _read(
        self,
        content: aiohttp.StreamReader,
        first_byte_s: float,
        session: Session | None,
        body: bytearray | None,
    ) -> int:
        """Take the body as fast as the trace allows; its size."""
        size_bytes = 0
        while chunk := await content.readany():
            size_bytes += len(chunk)
            if body is not None:
                body += chunk
            if self._trace is not None:
                due_s = self._trace.end_s(first_byte_s, size_bytes)
                if due_s - self.now_s() > _SHORT_S:
                    await self.until(due_s)
            if session is not None:
                session.progress(self.now_s())
        if self._trace is not None:
            await self.until(self._trace.end_s(first_byte_s, size_bytes))
        return size_bytes

    def _addressed(self, what: Wanted, data: CmcdData) -> tuple[URL, dict[str, str]]:
        address = str(self._edges.via(what.url).with_fragment(None))
        headers = {}
        if what.byte_range is not None:
            headers["Range"] = "bytes={}-{}".format(*what.byte_range)
        if self._settings.cmcd is Cmcd.HEADERS:
            headers |= header_fields(data)
        elif self._settings.cmcd is Cmcd.QUERY:
            address += ("&" if "?" in address else "?") + query_argument(data)
        return URL(address, encoded=True), headers


def _check_status(response: aiohttp.ClientResponse, what: Wanted) -> None:
    if response.status >= 500:
        raise _AttemptError(f"answered {response.status}")
    if response.status != what.expected_status:
        asked = "" if what.byte_range is None else " to a range request"
        raise PlayError(f"{response.url.with_query(None)}: answered {response.status}{asked}")
