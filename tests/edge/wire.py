"""An edge between a scripted origin and a raw client, on loopback, in one loop, on a clock of the test's.

Origin and client speak HTTP byte by byte, so that a test can say what no library would.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from structlog.testing import capture_logs

from edge.config import EdgeConfig
from edge.server import Server
from service.units import Address
from tests.edge.messages import NOW_S, date

PATIENCE_S = 10.0  # a bound for what must come; nothing is measured by it
HERE = Address("127.0.0.1", 0)


class Clock:
    """Wall-clock seconds that pass only when the test says so."""

    def __init__(self) -> None:
        self.now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Message:
    """A request or an answer, as it came."""

    start: str
    fields: dict[str, str]
    reader: asyncio.StreamReader  # whence it came, and what comes next
    body: bytes = b""

    @property
    def status(self) -> int:
        return int(self.start.split(" ")[1])

    @property
    def method(self) -> str:
        return self.start.split(" ")[0]

    @property
    def target(self) -> str:
        return self.start.split(" ")[1]

    @property
    def cache(self) -> str:
        return self.fields["cache-status"]


@dataclass
class Asked(Message):
    """A request as the origin got it."""

    clock: Clock = field(default_factory=Clock)

    def reply(self, body: bytes = b"", status: int = 200, *, is_dated: bool = True, **named: str) -> bytes:
        """An answer with a length and, unless told otherwise, a Date by the test's clock."""
        fields = {name.replace("_", "-"): value for name, value in named.items()}
        if is_dated:
            fields.setdefault("date", date(self.clock()))
        if status not in (204, 304) and "transfer-encoding" not in fields:
            fields.setdefault("content-length", str(len(body)))
        return head_of(f"HTTP/1.1 {status} Said", fields) + (b"" if self.method == "HEAD" else body)


async def read_head(reader: asyncio.StreamReader) -> Message:
    start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
    fields: dict[str, str] = {}
    for name, _, value in (line.partition(": ") for line in lines):
        name = name.lower()
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return Message(start, fields, reader)


async def pieces(message: Message, *, until_close: bool) -> AsyncIterator[bytes]:
    """The body as it comes. Raises IncompleteReadError where it is cut short."""
    reader = message.reader
    if "chunked" in message.fields.get("transfer-encoding", ""):
        while size_bytes := int(await reader.readuntil(b"\r\n"), 16):
            yield (await reader.readexactly(size_bytes + 2))[:-2]
        await reader.readexactly(2)
    elif "content-length" in message.fields:
        left_bytes = int(message.fields["content-length"])
        while left_bytes:
            piece = await reader.read(left_bytes)
            if not piece:
                raise asyncio.IncompleteReadError(b"", left_bytes)
            left_bytes -= len(piece)
            yield piece
    elif until_close:
        yield await reader.read()


def echo(asked: Asked) -> bytes:
    """Target and body of the request; fresh for a minute unless the target is /private."""
    control = "no-store" if asked.target.startswith("/private") else "max-age=60"
    return asked.reply(asked.target.encode() + asked.body, cache_control=control)


class Held:
    """An origin that answers when it may."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()

    async def __call__(self, asked: Asked) -> AsyncIterator[bytes]:
        await self.may_answer.wait()
        yield asked.reply(asked.target.encode(), cache_control="max-age=60")


class HangUp(Exception):  # noqa: N818
    """Raised by a script that breaks off its answer."""


Script = Callable[[Asked], bytes | AsyncIterator[bytes]]


class Origin:
    """Answers as `script` says, and keeps what it was asked."""

    def __init__(self, script: Script, clock: Clock) -> None:
        self.script = script
        self.clock = clock
        self.asked: list[Asked] = []
        self.sent_bytes = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Origin:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = "http://{}:{}".format(*self._server.sockets[0].getsockname()[:2])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.die()

    async def die(self) -> None:
        """Close the port and every connection."""
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with suppress(asyncio.IncompleteReadError, ConnectionError, HangUp, asyncio.CancelledError):
            while await self._answer(reader, writer):
                pass
        self._tasks.discard(task)
        writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; True if the connection goes on."""
        head = await read_head(reader)
        asked = Asked(head.start, head.fields, reader, clock=self.clock)
        self.asked.append(asked)
        asked.body = b"".join([piece async for piece in pieces(asked, until_close=False)])
        answer = self.script(asked)
        if isinstance(answer, bytes):
            writer.write(answer)
            await writer.drain()
            return "close" not in asked.fields.get("connection", "")
        async for piece in answer:
            writer.write(piece)
            await writer.drain()
            self.sent_bytes += len(piece)
        return True


def head_of(start: str, fields: Mapping[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{start}\r\n{lines}\r\n".encode("latin-1")


def ask(target: str = "/x", method: str = "GET", body: bytes = b"", /, **named: str) -> bytes:
    """A request on the wire, with Host and, for a body, its length."""
    fields = {"host": "edge.example"} | {name.replace("_", "-"): value for name, value in named.items()}
    if body and "transfer-encoding" not in fields:
        fields["content-length"] = str(len(body))
    return head_of(f"{method} {target} HTTP/1.1", fields) + body


class Client:
    """A connection to an edge."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> Message:
        async with asyncio.timeout(PATIENCE_S):
            return await read_head(self.reader)

    async def answer(self, method: str = "GET") -> Message:
        """The next whole answer; interim ones are passed over."""
        async with asyncio.timeout(PATIENCE_S):
            answer = await read_head(self.reader)
            while answer.status < 200:
                answer = await read_head(self.reader)
            if method != "HEAD" and answer.status not in (204, 304):
                answer.body = b"".join([piece async for piece in pieces(answer, until_close=True)])
            return answer

    async def get(self, target: str = "/x", method: str = "GET", **named: str) -> Message:
        self.send(ask(target, method, **named))
        return await self.answer(method)

    async def post(self, target: str, body: bytes, **named: str) -> Message:
        self.send(ask(target, "POST", body, **named))
        return await self.answer()

    async def rest(self) -> bytes:
        """What still comes until the edge closes the connection."""
        async with asyncio.timeout(PATIENCE_S):
            with suppress(ConnectionError):
                return await self.reader.read()
        return b""

    def leave(self) -> None:
        self.writer.transport.abort()


@asynccontextmanager
async def connected(server: Server, limit_bytes: int = 2**20) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(*server.address, limit=limit_bytes)
    client = Client(reader, writer)
    try:
        yield client
    finally:
        client.leave()


async def get(server: Server, target: str = "/x", method: str = "GET", **named: str) -> Message:
    """One request on a connection of its own."""
    async with connected(server) as client:
        return await client.get(target, method, **named)


@asynccontextmanager
async def serving(upstream: str | tuple[str, ...], clock: Clock, **settings: Any) -> AsyncIterator[Server]:
    """An edge in front of `upstream`. Whatever it is sent, it logs no error and raises nothing."""
    loop = asyncio.get_running_loop()
    surprises: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: surprises.append(context))
    with capture_logs() as events:
        async with Server(EdgeConfig(upstream=upstream, listen=HERE, **settings), clock) as server:
            yield server
    loop.set_exception_handler(None)
    assert [event for event in events if event["log_level"] not in ("info", "warning")] == []
    assert surprises == []


async def so(condition: Callable[[], bool]) -> None:
    """Returns when `condition` holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)
