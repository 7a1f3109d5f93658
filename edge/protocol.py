"""The data plane: one instance per client connection, on uvloop.

`data_received` is the hot path: a hit is answered there and then, without task, future, or copy of the body.
Whatever else (a first request, a miss, a range, a pipeline) takes the way through the parser below it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, cast

from edge.accesslog import who_part
from edge.body import RequestBody
from edge.exchange import Cut, Visit
from edge.fields import first
from edge.http1 import BadRequest, RequestParser
from edge.message import CacheStatus, Request
from edge.reply import error_reply
from edge.stored import StoredResponse

if TYPE_CHECKING:
    from edge.server import Server

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_QUEUE = 64  # requests that a client may send ahead of their answers
_UNWANTED_BYTES = 16 * 2**20  # of a request body that is read only to get to the next request
_JOIN_BELOW_BYTES = 32 * 1024  # up to here a copy of the body costs less than a second buffer


class Connection(asyncio.Protocol):
    """A client's connection: reads requests, sends answers, in order."""

    __slots__ = (
        "_body",
        "_doom",
        "_drained",
        "_has_ended",
        "_is_idle",
        "_parsed",
        "_parser",
        "_queue",
        "_remote",
        "_server",
        "_tail",
        "_task",
        "_unsent_bytes",
        "_who",
        "active_s",
        "head_since_s",
        "transport",
    )
    transport: asyncio.Transport

    def __init__(self, server: Server) -> None:
        self._server = server
        self._is_idle = True  # neither a request nor an answer is under way
        self._tail = b""  # the header section that this connection repeats, up to its blank line
        self._remote = ""
        self._who = b""  # who asks, in the words of the log, while the head is `_tail`
        self._doom: BadRequest | None = None  # what to say once the answers still owed are sent
        self._has_ended = False  # the client sends no more, but may still read
        self._parser = RequestParser(self._on_begin, self._on_request, self._on_body, self._on_end)
        self._parsed = 0
        self._queue: deque[tuple[Request, RequestBody | None]] = deque()
        self._body: RequestBody | None = None
        self._task: asyncio.Task[None] | None = None
        self._drained: asyncio.Event | None = None
        self._unsent_bytes = 0
        self.active_s = self.head_since_s = server.clock()

    def data_received(self, data: bytes) -> None:
        server = self._server
        self.active_s = now_s = server.clock()
        if self._is_idle:
            end = data.find(b"\r\n")
            if data[end:] == self._tail:
                line = data[:end]
                stored = server.entries.get(server.line_keys.get(line) or server.key_of_line(line))
                if stored is not None and now_s < stored.serve_until_s:
                    self._send_hit(stored, line[4:-9], now_s, self._who)
                    return
        self._feed(data)

    def _send_hit(self, stored: StoredResponse, target: bytes, now_s: float, who: bytes) -> None:
        server = self._server
        body = stored.body
        if len(body) < _JOIN_BELOW_BYTES:
            self.transport.write(stored.wire_head(now_s) + body)
        else:
            self.transport.writelines((stored.wire_head(now_s), body))
        server.hit(stored.key)
        counters = server.counters
        counters.hits += 1
        counters.hit_bytes += len(body)
        if server.log.is_on:
            server.log.lines.append(b'{"time":%.3f,%s"url":"%s",%s' % (now_s, who, target, stored.log_part))

    # Everything below is off the hot path.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._remote = str((transport.get_extra_info("peername") or ("",))[0])
        if not self._server.welcome(self):
            self._refuse(BadRequest(503, "this edge has as many connections as it may"))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._server.farewell(self)
        self._is_idle = False
        self._queue.clear()
        if self._body is not None:
            self._body.end(is_broken=True)
        if self._task is not None:
            self._task.cancel()
        if self._drained is not None:
            self._drained.set()

    def eof_received(self) -> bool:
        """A client may stop sending and still wait for its answers; a request that broke off is dropped."""
        self._has_ended = True
        self._is_idle = False
        if self._body is not None:
            self._body.end(is_broken=True)
        return self._task is not None or bool(self._queue)

    def pause_writing(self) -> None:
        self._drained = asyncio.Event()
        self._is_idle = False
        self._steer_reading()

    def resume_writing(self) -> None:
        if self._drained is not None:
            self._drained.set()
        self._drained = None
        self._go_on()

    def _steer_reading(self) -> None:
        """Read no more while answers wait to be taken, requests to be answered, or a body to be passed on."""
        if self.transport.is_closing():
            return
        body_is_full = self._body is not None and self._body.is_full
        if self._drained is not None or len(self._queue) > _QUEUE or body_is_full:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _feed(self, data: bytes) -> None:
        was_between = not self._parser.in_message
        self._parsed = 0
        try:
            self._parser.feed(data)
        except BadRequest as error:
            if self._body is not None:
                self._body.end(is_broken=True)
                if self._queue and self._queue[-1][1] is self._body:
                    self._queue.pop()  # malformed before it was begun
            self._doom = error
        if was_between and self._parsed == 1 and not self._parser.in_message and self._doom is None:
            self._learn(self._queue[-1][0], data)
        self._go_on()

    def _learn(self, request: Request, data: bytes) -> None:
        """`data` was one plain request: the next one with the same header section takes the hot path."""
        if data[:5] == b"GET /" and request.is_http11 and request.head.is_plain and not _has_body(request):
            self._tail = data[data.find(b"\r\n") :]
            self._who = who_part(self._remote, request.head)

    def _on_begin(self) -> None:
        self.head_since_s = self.active_s

    def _on_request(self, request: Request) -> None:
        self._parsed += 1
        self._body = RequestBody(self._steer_reading) if _has_body(request) else None
        self._queue.append((request, self._body))

    def _on_body(self, chunk: bytes) -> None:
        if self._body is not None:
            self._body.feed(chunk)
            if self._body.is_unwanted and self._body.come_bytes > _UNWANTED_BYTES:
                self.transport.abort()

    def _on_end(self) -> None:
        if self._body is not None:
            self._body.end()
            self._body = None

    def _go_on(self) -> None:
        """Answer what waits in the queue: hits at once, anything else by one task at a time."""
        while self._queue and self._task is None and self._drained is None:
            request, body = self._queue.popleft()
            now_s = self._server.clock()
            stored = self._server.entries.get(request.key)
            is_plain = request.head.is_plain and request.method == b"GET" and body is None
            if is_plain and stored is not None and now_s < stored.serve_until_s:
                self._send_hit(stored, request.target, now_s, who_part(self._remote, request.head))
            else:
                self._task = asyncio.get_running_loop().create_task(self._answer(request, body))
        is_quiet = self._task is None and self._drained is None and not self._queue
        if is_quiet and self._doom is not None:
            self._refuse(self._doom)
        elif is_quiet and self._has_ended:
            self.transport.close()
        self._is_idle = is_quiet and not self._parser.in_message and not self.transport.is_closing()
        self._steer_reading()

    async def _answer(self, request: Request, body: RequestBody | None) -> None:
        server = self._server
        started_s = server.clock()
        close = not request.head.keep_alive or server.is_draining
        if body is not None and (first(request.head.fields, b"expect") or b"").lower() == b"100-continue":
            self.transport.write(_CONTINUE)
        visit = Visit(request, self, body, close)
        may_go_on = False
        try:
            await server.exchange.answer(visit)
            may_go_on = True
        except Cut as cut:
            may_go_on = self._doom is not None and not visit.outcome.is_answered
            if not may_go_on:
                server.logger.warning(
                    "answer cut short", url=request.target.decode("latin-1"), reason=str(cut)
                )
        except Exception:
            server.logger.exception("request failed", url=request.target.decode("latin-1"))
        finally:
            self._task = None
            self._record(visit, started_s)
        if body is not None and not body.has_ended:
            body.drop()
        if not may_go_on:
            self.transport.abort()
        elif visit.close or server.is_draining:
            self.transport.close()
        else:
            self._go_on()

    def _record(self, visit: Visit, started_s: float) -> None:
        """Count and log an answer, also one that broke off."""
        server, outcome = self._server, visit.outcome
        self.active_s = now_s = server.clock()
        server.counters.count(outcome.what, outcome.status, outcome.sent_bytes)
        who = who_part(self._remote, visit.request.head)
        took_s = now_s - started_s
        server.log.write(
            now_s, who, visit.request.target, outcome.status, outcome.sent_bytes, outcome.what, took_s
        )

    def _refuse(self, error: BadRequest) -> None:
        """Say what is wrong and close."""
        self._is_idle = False
        self._queue.clear()
        if not self.transport.is_closing():
            server = self._server
            now_s = server.clock()
            self.transport.write(error_reply(error.status, str(error), server.name, now_s, close=True))
            server.counters.count(CacheStatus.REFUSED, error.status, 0)
            who = who_part(self._remote, None)
            server.log.write(now_s, who, b"-", error.status, 0, CacheStatus.REFUSED, 0.0)
            self.transport.close()

    # What an exchange asks of its client.

    def write(self, data: bytes | memoryview) -> None:
        self.transport.write(data)

    async def drained(self) -> None:
        if self._drained is not None:
            await self._drained.wait()
        if self.transport.is_closing():
            raise Cut("the client left")

    # What the server's beat asks of its connections.

    def beat(self, now_s: float) -> None:
        """Let go of a client that keeps its connection without using it."""
        config = self._server.config
        if self._drained is not None:
            self._watch_sending(now_s)
        elif self._parser.in_head and now_s - self.head_since_s > config.head_timeout_s:
            self._doom = BadRequest(408, "the request head took too long")
            self._go_on()
        elif self._body is not None and not self._body.is_full:
            if now_s - self.active_s > config.idle_timeout_s:
                self._body.end(is_broken=True)
                self._doom = BadRequest(408, "the request body took too long")
                self._go_on()
        elif self._is_idle and now_s - self.active_s > config.idle_timeout_s:
            self.transport.close()

    def _watch_sending(self, now_s: float) -> None:
        unsent_bytes = self.transport.get_write_buffer_size()
        if unsent_bytes != self._unsent_bytes:
            self._unsent_bytes = unsent_bytes
            self.active_s = now_s
        elif now_s - self.active_s > self._server.config.send_timeout_s:
            self.transport.abort()

    def finish(self) -> None:
        """The server ends: close now if nothing is under way, else after the answer."""
        if self._task is None:
            self.transport.close()


def _has_body(request: Request) -> bool:
    return bool(request.field(b"transfer-encoding")) or request.field(b"content-length") not in (None, b"0")
