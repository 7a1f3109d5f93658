"""A client that speaks HTTP/2 to an edge over loopback, by the h2 library: an implementation not ours."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    InformationalResponseReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)
from hyperframe.frame import Frame, GoAwayFrame

from edge.server import Server
from service.units import Address
from tests.edge.wire import PATIENCE_S


class _Patient(H2Connection):
    """h2 takes any GOAWAY for the end; without an error, the streams before it finish (RFC 9113, 6.8)."""

    def _receive_goaway_frame(self, frame: GoAwayFrame) -> tuple[list[Frame], list[Event]]:
        before = self.state_machine.state
        told = super()._receive_goaway_frame(frame)
        if frame.error_code == 0:
            self.state_machine.state = before
        return told


@dataclass
class Answer:
    """What came on one stream so far."""

    status: int = 0
    fields: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    interim: list[int] = field(default_factory=list)
    is_whole: bool = False
    reset: int | None = None  # the error code

    @property
    def cache(self) -> str:
        return self.fields["cache-status"]


def _texts(headers: Iterable[Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in headers}


class Client:
    """One connection. It takes what comes at once, unless `takes` is False: then no window opens again."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.h2 = _Patient(H2Configuration(client_side=True, header_encoding="latin-1"))
        self.answers: dict[int, Answer] = {}
        self.takes = True
        self.goaway: ConnectionTerminated | None = None
        self.has_ended = False  # the edge closed the connection
        self.order: list[int] = []  # the streams of the DATA frames, as they came
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())

    def raw(self, data: bytes) -> None:
        """Bytes that no library would send."""
        self.flush()
        self.writer.write(data)

    def ask(self, target: str = "/x", method: str = "GET", *, ends: bool = True, **named: str) -> int:
        """Send a request's head; returns its stream."""
        stream_id = self.h2.get_next_available_stream_id()
        pseudo = [(":method", method), (":scheme", "http"), (":authority", "edge.example"), (":path", target)]
        fields = [(name.replace("_", "-"), value) for name, value in named.items()]
        self.h2.send_headers(stream_id, [*pseudo, *fields], end_stream=ends)
        self.answers[stream_id] = Answer()
        self.flush()
        return stream_id

    async def send(self, stream_id: int, body: bytes, *, ends: bool = True) -> None:
        """Send a body as the edge has room for it."""
        while body and not self.has_ended:
            room = min(self.h2.local_flow_control_window(stream_id), self.h2.max_outbound_frame_size)
            if room == 0:
                await self.take()
                continue
            part, body = body[:room], body[room:]
            self.h2.send_data(stream_id, part, end_stream=ends and not body)
            self.flush()

    async def take(self) -> None:
        """Take in what comes next."""
        self.flush()
        async with asyncio.timeout(PATIENCE_S):
            data = b""
            with suppress(ConnectionError):
                data = await self.reader.read(65536)
        if not data:
            self.has_ended = True
            for answer in self.answers.values():
                answer.reset = answer.reset if answer.is_whole or answer.reset is not None else -1
            return
        for event in self.h2.receive_data(data):
            self._note(event)
        self.flush()

    def _note(self, event: Event) -> None:
        if isinstance(event, ConnectionTerminated):
            self.goaway = event
            return
        answer = self.answers.setdefault(getattr(event, "stream_id", None) or 0, Answer())
        if isinstance(event, InformationalResponseReceived):
            answer.interim.append(int(_texts(event.headers)[":status"]))
        elif isinstance(event, ResponseReceived):
            answer.fields = _texts(event.headers)
            answer.status = int(answer.fields.pop(":status"))
        elif isinstance(event, DataReceived):
            answer.body += event.data
            self.order.append(event.stream_id)
            if self.takes and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            answer.is_whole = True
        elif isinstance(event, StreamReset):
            answer.reset = int(event.error_code)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Take in what comes until `condition` holds, or the edge closes the connection."""
        while not condition() and not self.has_ended:
            await self.take()

    async def answer(self, stream_id: int) -> Answer:
        """The answer on a stream: whole, or broken off."""
        answer = self.answers[stream_id]
        await self.until(lambda: answer.is_whole or answer.reset is not None)
        return answer

    async def get(self, target: str = "/x", method: str = "GET", **named: Any) -> Answer:
        return await self.answer(self.ask(target, method, **named))

    async def end(self) -> int | None:
        """The code of the GOAWAY with which the edge closes the connection."""
        await self.until(lambda: False)
        return None if self.goaway is None else int(self.goaway.error_code or ErrorCodes.NO_ERROR)

    def stop_reading(self) -> None:
        """Leave what comes in the kernel's buffers, which are soon full."""
        cast(asyncio.Transport, self.writer.transport).pause_reading()

    def leave(self) -> None:
        self.writer.transport.abort()


@asynccontextmanager
async def connected2(
    server: Server, *, tls: ssl.SSLContext | None = None, address: Address | None = None
) -> AsyncIterator[Client]:
    """A connection that begins with HTTP/2's preface."""
    where = address or (server.address if tls is None else server.tls_address)
    assert where is not None
    reader, writer = await asyncio.open_connection(
        *where, ssl=tls, server_hostname="edge.example" if tls else None, limit=2**22
    )
    client = Client(reader, writer)
    try:
        yield client
    finally:
        client.leave()
