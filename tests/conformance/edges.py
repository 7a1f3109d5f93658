"""The two edges under test. The one module here that knows the product: renamings end here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from edge.body import RequestBody
from edge.burst import Burst, Wire
from edge.config import EdgeConfig
from edge.fields import Fields, end_to_end
from edge.flights import Flights
from edge.framing import chunk_bytes, ends_by_close, head_bytes, interim_bytes, is_chunked
from edge.http1 import BadRequest, RequestParser
from edge.message import Request, ResponseHead
from edge.reply import AnswerHead, error_reply
from edge.server import Server
from edge.upstream.link import Answer as LinkAnswer
from edge.upstream.link import Link, LinkError, Outgoing
from edge.upstream.retry import Failure
from edge.visit import Cut, Visit
from tests.conformance.telling import Asked, Clock, Got, Script, field_lines
from tests.conformance.words import Answer
from tests.edge import wire
from tests.edge.messages import date

_NAME = "penstock"
_SETTINGS: dict[str, Any] = {
    "name": _NAME,
    "loop_id": _NAME,
    "slice": 4096,
    "idle_timeout_s": 1e12,  # rows let years pass between two requests
}


# Over sockets.


class OverSockets:
    """A whole edge on loopback, between a raw client and a raw origin."""

    def __init__(self, script: Script, server: Server, origin: wire.Origin) -> None:
        self.script = script
        self._server = server
        self._origin = origin
        self._client: wire.Client | None = None

    async def ask(self, request: bytes, method: str) -> Got:
        """On the connection of the last request, as a player does, so that the hot path has its part."""
        if self._client is None:
            reader, writer = await asyncio.open_connection(*self._server.address, limit=2**20)
            self._client = wire.Client(reader, writer)
        self._client.send(request)
        async with asyncio.timeout(wire.PATIENCE_S):
            got = await _read(self._client.reader, method, may_stay_open=True)
        if got.is_closed or got.is_cut:
            self.leave()
        return got

    def leave(self) -> None:
        if self._client is not None:
            self._client.leave()
        self._client = None

    async def kill_origin(self) -> None:
        await self._origin.die()

    async def rest(self, asked: int, patience_s: float) -> None:
        await _rest(self.script, self._server.flights, asked, patience_s)


@asynccontextmanager
async def over_sockets() -> AsyncIterator[OverSockets]:
    clock = Clock()
    script = Script(clock)
    origin = wire.Origin(lambda asked: _said(script, asked), wire.Clock())
    async with origin, wire.serving(origin.url, clock, **_SETTINGS) as server:  # type: ignore[arg-type]
        edge = OverSockets(script, server, origin)
        try:
            yield edge
        finally:
            edge.leave()


def _said(script: Script, asked: wire.Asked) -> AsyncIterator[bytes]:
    return _pieces(script.answer(Asked(asked.method, asked.target, asked.fields, asked.body)), asked, script)


async def _pieces(answer: Answer, asked: wire.Asked, script: Script) -> AsyncIterator[bytes]:
    for status, (name, value) in answer.interim:
        yield f"HTTP/1.1 {status} Meanwhile\r\n{name}: {value}\r\n\r\n".encode()
    if answer.raw:
        yield answer.raw
        if answer.cut_after is not None:
            raise wire.HangUp
        return
    lines = "".join(f"{name}: {value}\r\n" for name, value in _fields(answer, script))
    head = f"HTTP/1.1 {answer.status} Said\r\n{lines}\r\n".encode("latin-1")
    if asked.method == "HEAD" or answer.status in (204, 304):
        yield head
        return
    body = answer.body[: answer.cut_after]
    if answer.is_chunked:
        body = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        body += b"0\r\n\r\n" if answer.cut_after is None else b""
    yield head + body
    if answer.cut_after is not None:
        raise wire.HangUp


async def _read(reader: asyncio.StreamReader, method: str, *, may_stay_open: bool) -> Got:
    """The next final answer and what went before it."""
    interim: list[tuple[int, Mapping[str, str]]] = []
    head = await wire.read_head(reader)
    while head.status < 200 and head.status != 101:
        interim.append((head.status, head.fields))
        head = await wire.read_head(reader)
    got = Got(head.status, head.fields, interim=interim)
    if method != "HEAD" and head.status not in (204, 304):
        says_its_end = {"content-length", "transfer-encoding"} & head.fields.keys()
        is_ending = head.fields.get("connection") == "close"
        assert says_its_end or is_ending, "an answer does not say where it ends (RFC 9112, 6.3)"
        try:
            async for piece in wire.pieces(head, until_close=True):
                got.body += piece
        except (asyncio.IncompleteReadError, ConnectionError):
            got.is_cut = True
    if head.fields.get("connection") == "close" or not may_stay_open:
        with suppress(ConnectionError):
            rest = await reader.read()
            assert rest == b"", f"after the answer came {rest[:80]!r}"
        got.is_closed = True
    return got


# Through the core.


class ThroughTheCore:
    """A whole edge that never opens: everything between the two ends is the product's own.

    It is asked at the exchange, where HTTP/1 and HTTP/2 meet, so plain hits come through `decide` and
    `stored_reply` here, while over sockets they take the hot path. Upstream's part ends at its link.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self._server = Server(EdgeConfig(upstream="http://origin.example", **_SETTINGS), script.clock)
        (peer,) = self._server.upstream.peers
        self._link = peer.link = InMemoryLink(peer.link, script)

    async def ask(self, request: bytes, method: str) -> Got:
        client = InMemoryClient()
        is_cut = False
        try:
            parsed, body = self._parsed(request)
            client.is_http11 = parsed.is_http11
            client.is_closing = not parsed.head.keep_alive
            await self._server.exchange.answer(Visit(parsed, client, body))
        except BadRequest as error:
            client.is_closing = True
            head, text = error_reply(error.status, str(error), _NAME.encode(), self.script.clock.now_s)
            client.send_head(head)
            client.send_body(text)
        except Cut:
            is_cut = True
        client.reader.feed_eof()
        got = await _read(client.reader, method, may_stay_open=False)
        got.is_cut = got.is_cut or is_cut
        got.is_closed = client.is_closing
        return got

    def _parsed(self, data: bytes) -> tuple[Request, RequestBody | None]:
        """The request in `data`, through the product's own parser. Raises BadRequest."""
        requests: list[Request] = []
        body = RequestBody(lambda: None)
        parser = RequestParser(self._server.keys, lambda: None, requests.append, body.feed, body.end)
        parser.feed(data)
        has_body = requests[0].field(b"transfer-encoding") or requests[0].field(b"content-length")
        return requests[0], body if has_body not in (None, b"0") else None

    async def kill_origin(self) -> None:
        self._link.is_dead = True

    async def rest(self, asked: int, patience_s: float) -> None:
        await _rest(self.script, self._server.flights, asked, patience_s)

    async def close(self) -> None:
        await self._server.flights.close()


@asynccontextmanager
async def through_the_core() -> AsyncIterator[ThroughTheCore]:
    edge = ThroughTheCore(Script(Clock()))
    try:
        yield edge
    finally:
        await edge.close()


class InMemoryClient:
    """Keeps what it is sent, framed as a connection would, and never makes anyone wait."""

    def __init__(self) -> None:
        self.reader = asyncio.StreamReader()
        self.is_http11 = True
        self.is_closing = False
        self._is_chunked = False

    def send_interim(self, status: int, fields: Fields) -> None:
        if self.is_http11:
            self.reader.feed_data(interim_bytes(status, fields))

    def send_head(self, head: AnswerHead) -> None:
        self._is_chunked = is_chunked(head, is_http11=self.is_http11)
        self.is_closing = self.is_closing or ends_by_close(head, is_http11=self.is_http11)
        self.reader.feed_data(head_bytes(head, is_http11=self.is_http11, close=self.is_closing))

    def send_body(self, data: bytes | memoryview) -> None:
        self.reader.feed_data(chunk_bytes(data) if self._is_chunked else bytes(data))

    def join(self, burst: Burst, wire: Wire) -> bool:  # noqa: ARG002
        return False

    async def send_file(self, descriptor: int, offset: int, size_bytes: int) -> int:  # noqa: ARG002
        return 0

    def send_end(self) -> None:
        if self._is_chunked:
            self.reader.feed_data(b"0\r\n\r\n")

    @property
    def is_ready(self) -> bool:
        return True

    async def drained(self) -> None:
        return


class InMemoryLink(Link):
    """The seam between edge and network on the side of upstream: what aiohttp would be asked for."""

    def __init__(self, replaced: Link, script: Script) -> None:
        super().__init__(replaced.place, replaced.patience, script.clock)
        self.is_dead = False
        self._script = script

    async def send(self, outgoing: Outgoing, method: bytes, target: bytes, fields: Fields) -> LinkAnswer:
        if self.is_dead:
            raise LinkError(Failure.UNREACHED, "upstream cannot be reached")
        requested_s = self._script.clock.now_s
        outgoing.is_body_gone = outgoing.body is not None
        body = b"" if outgoing.body is None else b"".join([piece async for piece in outgoing.body])
        answer = self._script.answer(Asked(method.decode(), target.decode(), _joined(fields), body))
        for status, line in answer.interim:
            if outgoing.on_interim is not None and status != 100:
                outgoing.on_interim(status, _raw([line]))
        said = _raw(_fields(answer, self._script))
        head = ResponseHead(answer.status, end_to_end(said), requested_s, self._script.clock.now_s)
        has_body = method != b"HEAD" and answer.status not in (204, 304)
        return InMemoryAnswer(head, answer.body if has_body else b"", answer.cut_after)


class InMemoryAnswer(LinkAnswer):
    """A body that comes in two pieces, or breaks off."""

    def __init__(self, head: ResponseHead, body: bytes, cut_after: int | None) -> None:
        self.head = head
        half = len(body) // 2
        self._pieces = [body[:half], body[half:]] if cut_after is None else [body[:cut_after]]
        self._is_cut = cut_after is not None

    async def read(self) -> bytes:
        while self._pieces:
            if piece := self._pieces.pop(0):
                return piece
        if self._is_cut:
            raise LinkError(Failure.BROKEN, "upstream cut the body short")
        return b""

    def close(self) -> None:
        self._pieces.clear()


# Both.


def _fields(answer: Answer, script: Script) -> list[tuple[str, str]]:
    """The fields of `answer` as they are sent, with Date and what frames its body."""
    fields = field_lines(answer.fields)
    if answer.is_dated and "date" not in answer.fields:
        fields.append(("date", date(script.clock.now_s)))
    if answer.is_chunked:
        fields.append(("transfer-encoding", "chunked"))
    elif answer.status not in (204, 304) and "content-length" not in answer.fields:
        fields.append(("content-length", str(len(answer.body))))
    return fields


def _raw(fields: list[tuple[str, str]]) -> Fields:
    return tuple((name.encode(), value.encode("latin-1")) for name, value in fields)


def _joined(fields: Fields) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name, value = raw_name.decode(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


async def _rest(script: Script, flights: Flights, asked: int, patience_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(patience_s):
            while len(script.asked) < asked:  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.001)
    await wire.so(lambda: len(flights) == 0)
