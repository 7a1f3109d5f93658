"""The data plane in HTTP/2 (RFC 9113): one instance per client connection.

A fresh hit is answered where its request is read, without a task; its head is the HTTP/1 one, coded once a
second. All that is sent goes through `_pump`, which takes from the session what the socket has room for.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from edge.accesslog import before_url, who_part
from edge.body import RequestBody
from edge.burst import Burst, Wire
from edge.fields import Fields, first
from edge.hot import CMCD, LONGEST_BYTES, PLAIN
from edge.http1 import MAX_FIELDS
from edge.http2.frames import ConnectionFault, ErrorCode
from edge.http2.head import Asked
from edge.http2.hpack import encode
from edge.http2.session import MAX_HEAD_BYTES, Session
from edge.http2.streams import Stream
from edge.key import MAX_TARGET_BYTES, TargetError, request_target
from edge.message import CacheStatus, Head, Request
from edge.reply import AnswerHead, error_reply
from edge.visit import Cut, Outcome, Visit

if TYPE_CHECKING:
    from edge.server import Server

_BATCH_BYTES = 256 * 1024  # of frames at a time
_JOIN_BELOW_BYTES = 32 * 1024  # up to here a copy costs less than many small buffers
_HIGH_BYTES = 128 * 1024  # of an answer under way; above, its sender waits
_MOST_UNSENT_BYTES = 2**20  # a client that asks and asks and reads nothing is let go


class Connection(asyncio.Protocol):
    """A client's connection: reads requests, sends answers, as the client has room for them."""

    __slots__ = (
        "_fields",
        "_head",
        "_idle_since_s",
        "_is_due",
        "_is_paused",
        "_remote",
        "_server",
        "_unsent_bytes",
        "_who",
        "_who_hit",
        "active_s",
        "session",
        "transport",
    )
    transport: asyncio.Transport

    def __init__(self, server: Server) -> None:
        self._server = server
        self.active_s = self._idle_since_s = now_s = server.clock()
        self.session = Session(self, now_s)
        self._remote = ""
        self._fields: Fields = ()  # what this connection's requests repeat, and what follows from it
        self._head = Head(())
        self._who = self._who_hit = b""
        self._is_paused = False  # the socket has no room
        self._is_due = False  # `_pump` will run in this turn of the loop
        self._unsent_bytes = 0

    def take_over(self, transport: asyncio.Transport) -> None:
        """Go on with a connection that the server knows already."""
        self.transport = transport
        self._remote = str((transport.get_extra_info("peername") or ("",))[0])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.take_over(cast(asyncio.Transport, transport))
        if not self._server.welcome(self):
            self._end(ErrorCode.ENHANCE_YOUR_CALM, "this edge has as many connections as it may")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._server.farewell(self)
        self._let_go()

    def data_received(self, data: bytes) -> None:
        self.active_s = now_s = self._server.clock()
        self.session.feed(data, now_s)
        self._pump()

    def eof_received(self) -> bool:
        """Who sends no more opens no more windows either: the client has left."""
        self._let_go()
        return False

    def _let_go(self) -> None:
        for stream in list(self.session.streams.values()):
            stream.drop()
            self.on_reset(stream)
        self.session.streams.clear()

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        self._pump()

    def _pump(self) -> None:
        """Send what the client's windows and the socket have room for; control frames in any case."""
        session, transport = self.session, self.transport
        self._is_due = False
        if transport.is_closing():
            return
        while out := session.take(0 if self._is_paused else _BATCH_BYTES):
            if sum(map(len, out)) < _JOIN_BELOW_BYTES:
                transport.write(b"".join(out))
            else:
                transport.writelines(out)
        if not session.streams:
            if session.fault is not None or session.is_leaving:
                transport.close()
        elif self._is_paused and transport.get_write_buffer_size() > _MOST_UNSENT_BYTES:
            transport.abort()

    def _pump_soon(self) -> None:
        """Once in this turn of the loop, for all that is sent in it."""
        if not self._is_due:
            self._is_due = True
            self.session.now_s = self._server.clock()
            asyncio.get_running_loop().call_soon(self._pump)

    def _end(self, code: ErrorCode, reason: str) -> None:
        self.session.end(ConnectionFault(code, reason))
        self._pump()

    # What the session tells.

    def on_request(self, stream: Stream, asked: Asked | None) -> None:
        if asked is None:
            self._refuse(stream, None, 431, f"the request head is larger than {MAX_HEAD_BYTES} bytes")
            return
        if asked.fields is not self._fields:
            self._fields = asked.fields
            self._head = Head.of(asked.fields, keep_alive=True)
            self._who = who_part(self._remote, self._head, "h2")
            self._who_hit = before_url(self._who)
        if (
            asked.method == b"GET"
            and stream.is_complete
            and self._head.is_plain
            and self._is_hit(stream, asked)
        ):
            return
        self._begin(stream, asked)

    def _is_hit(self, stream: Stream, asked: Asked) -> bool:
        """Answer from the store if what is there is fresh; as HTTP/1's hot path does."""
        server, now_s = self._server, self.active_s
        line = b"GET " + (asked.path or b"")
        before, mark, query = line.partition(CMCD)
        key = server.line_keys.get(before)
        if key is None or query.translate(PLAIN) != query or len(line) > LONGEST_BYTES:
            before, mark, query = line, b"", b""
            key = server.key_of_line(line)
        stored = server.entries.get(key)
        if stored is None or now_s >= stored.serve_until_s or asked.authority is None:
            return False
        body = stored.body
        self.session.answer(stream, _coded(stored.wire_head(now_s)), body)
        server.hit(key)
        counters = server.counters
        counters.hits += 1
        counters.hit_bytes += len(body)
        if server.log.is_on:
            server.log.hit(now_s, self._who_hit, before[4:], mark, query, stored.log_part)
        return True

    def _begin(self, stream: Stream, asked: Asked) -> None:
        """Check what HTTP/1's parser checks, and leave the answer to a task of its own."""
        path = asked.path
        if path is None:
            self._refuse(stream, asked, 405, "CONNECT is not served here")
        elif asked.authority is None:
            self._refuse(stream, asked, 400, "a request needs an authority")
        elif len(asked.fields) > MAX_FIELDS:
            self._refuse(stream, asked, 431, f"the request has more than {MAX_FIELDS} header fields")
        elif len(path) > MAX_TARGET_BYTES:
            self._refuse(stream, asked, 414, f"the request target is longer than {MAX_TARGET_BYTES} bytes")
        else:
            try:
                target = request_target(asked.method, path)
            except TargetError as error:
                self._refuse(stream, asked, 400, str(error))
                return
            request = Request(asked.method, target, self._server.keys.key(target), self._head, b"2")
            stream.owner = Answer(self, self._server, stream, request, self._who)

    def _refuse(self, stream: Stream, asked: Asked | None, status: int, reason: str) -> None:
        server, now_s = self._server, self.active_s
        head, body = error_reply(status, reason, server.name, now_s)
        self.session.send_head(stream, coded_head(head), ends=False)
        self.session.send_body(stream, body)
        self.session.send_end(stream)
        server.counters.count(CacheStatus.REFUSED, status, 0)
        who = self._who if asked is not None else who_part(self._remote, None, "h2")
        method, target = (asked and asked.method) or b"-", (asked and asked.path) or b"-"
        server.log.write(now_s, who, method, target, Outcome(CacheStatus.REFUSED, status), 0.0)

    def on_body(self, stream: Stream, data: bytes) -> None:
        if stream.owner is not None:
            stream.owner.take_in(data)

    def on_end(self, stream: Stream) -> None:
        if stream.owner is not None:
            stream.owner.take_end(is_broken=False)

    def on_reset(self, stream: Stream) -> None:
        self._idle_since_s = self.active_s
        if stream.owner is not None:
            stream.owner.leave()

    def on_room(self, stream: Stream) -> None:
        if stream.owner is not None:
            stream.owner.room.set()

    def on_sent(self, stream: Stream) -> None:  # noqa: ARG002
        self._idle_since_s = self.session.now_s

    # What answers ask.

    def send(self) -> None:
        """Something was queued."""
        self._pump_soon()

    # What the server's beat asks of its connections.

    def beat(self, now_s: float) -> None:
        """Let go of a client that keeps its connection, or a stream, without using it."""
        config, session = self._server.config, self.session
        session.now_s = now_s
        if self._is_paused:
            self._watch_sending(now_s)
        elif session.is_in_head() and now_s - session.block_since_s > config.head_timeout_s:
            self._end(ErrorCode.ENHANCE_YOUR_CALM, "a request head took too long")
        elif not session.streams:
            if now_s - self._idle_since_s > config.idle_timeout_s:
                session.leave()
                self._pump()
        else:
            for stream in [each for each in session.streams.values() if self._is_stuck(each, now_s)]:
                session.reset(stream, ErrorCode.CANCEL)
                self.on_reset(stream)
                self._pump_soon()

    def _is_stuck(self, stream: Stream, now_s: float) -> bool:
        """The client opens no window for its answer, or sends no more of its request."""
        config = self._server.config
        if stream.has_more:
            return now_s - stream.moved_s > config.send_timeout_s
        is_asked = not stream.is_complete and stream.offered_bytes > 0
        return is_asked and now_s - stream.moved_s > config.idle_timeout_s

    def _watch_sending(self, now_s: float) -> None:
        unsent_bytes = self.transport.get_write_buffer_size()
        if unsent_bytes != self._unsent_bytes:
            self._unsent_bytes = unsent_bytes
            self.active_s = now_s
        elif now_s - self.active_s > self._server.config.send_timeout_s:
            self.transport.abort()

    def finish(self) -> None:
        """The server ends: no more requests; close when the last answer is sent."""
        self.session.leave()
        self._pump()


class Answer:
    """One stream's request on its way to its answer: what an exchange sees of its client."""

    __slots__ = ("_connection", "_server", "_stream", "_visit", "_who", "body", "room", "task")

    def __init__(
        self, connection: Connection, server: Server, stream: Stream, request: Request, who: bytes
    ) -> None:
        self._connection = connection
        self._server = server
        self._stream = stream
        self._who = who
        self.room = asyncio.Event()
        self.body = None if stream.is_complete else RequestBody(self._grant)
        self._visit = Visit(request, self, self.body)
        self.task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        server, visit, stream = self._server, self._visit, self._stream
        started_s = server.clock()
        if self.body is not None and (first(visit.request.head.fields, b"expect") or b"").lower() == (
            b"100-continue"
        ):
            self.send_interim(100, ())
        try:
            await server.exchange.answer(visit)
        except Cut as cut:
            self._break_off()
            if not stream.is_closed or not visit.outcome.is_answered:
                server.logger.warning(
                    "answer cut short", url=visit.request.target.decode("latin-1"), reason=str(cut)
                )
        except Exception:
            self._break_off()
            server.logger.exception("request failed", url=visit.request.target.decode("latin-1"))
        finally:
            self._record(started_s)
        if self.body is not None and not self.body.has_ended:
            self.body.drop()

    def _break_off(self) -> None:
        self._connection.session.reset(self._stream, ErrorCode.INTERNAL_ERROR)
        self._connection.send()

    def _record(self, started_s: float) -> None:
        """Count and log an answer, also one that broke off."""
        server, outcome = self._server, self._visit.outcome
        now_s = server.clock()
        request, took_s = self._visit.request, now_s - started_s
        server.counters.count(outcome.what, outcome.status, outcome.sent_bytes, took_s)
        server.log.write(now_s, self._who, request.method, request.target, outcome, took_s)

    # What the connection tells.

    def take_in(self, data: bytes) -> None:
        if self.body is not None:
            self.body.feed(data)

    def take_end(self, *, is_broken: bool) -> None:
        if self.body is not None:
            self.body.end(is_broken=is_broken)

    def leave(self) -> None:
        """The client no longer wants it."""
        self.take_end(is_broken=True)
        self.task.cancel()

    def _grant(self) -> None:
        body = self.body
        if body is not None:
            self._connection.session.grant(self._stream, body.waiting_bytes)
            self._connection.send()

    # What an exchange asks of its client.

    def send_interim(self, status: int, fields: Fields) -> None:
        self._connection.session.send_interim(self._stream, status, fields)
        self._connection.send()

    def send_head(self, head: AnswerHead) -> None:
        self._connection.session.send_head(self._stream, coded_head(head), ends=not head.has_body)
        self._connection.send()

    def send_body(self, data: bytes | memoryview) -> None:
        self._connection.session.send_body(self._stream, data)
        self._connection.send()

    def join(self, burst: Burst, wire: Wire) -> bool:  # noqa: ARG002
        return False  # it sends frames

    async def send_file(self, descriptor: int, offset: int, size_bytes: int) -> int:  # noqa: ARG002
        return 0  # frames are between the file's bytes

    def send_end(self) -> None:
        self._connection.session.send_end(self._stream)
        self._connection.send()

    @property
    def is_ready(self) -> bool:
        return self._stream.queued_bytes <= _HIGH_BYTES and not self._stream.is_closed

    async def drained(self) -> None:
        stream = self._stream
        if stream.queued_bytes > _HIGH_BYTES:
            self.room.clear()
            stream.is_waited_for = True
            await self.room.wait()
        if stream.is_closed:
            raise Cut("the client left")


def coded_head(head: AnswerHead) -> bytes:
    """The header block of an answer."""
    length: Fields = () if head.size_bytes is None else ((b"content-length", b"%d" % head.size_bytes),)
    return encode(((b":status", b"%d" % head.status), *head.fields, *length))


@lru_cache(maxsize=4096)
def _coded(wire_head: bytes) -> bytes:
    """The header block that says what the head of a hit says on HTTP/1; one a second for each response."""
    start, *lines = wire_head[:-4].split(b"\r\n")
    pairs = [line.split(b": ", 1) for line in lines]
    return encode(((b":status", start[9:12]), *((pair[0], pair[1]) for pair in pairs)))
