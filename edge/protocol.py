"""The data plane: one instance per client connection, on uvloop.

`data_received` is the hot path: a hit is answered there and then, without task, future, or copy of the body.
Whatever else (a first request, a miss, a range, a pipeline) takes the way through the parser below it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from mmap import mmap
from os import sendfile
from typing import TYPE_CHECKING, cast

from edge.accesslog import before_url, who_part
from edge.body import RequestBody
from edge.burst import Burst, Wire
from edge.fields import Fields, first
from edge.framing import chunk_bytes, ends_by_close, head_bytes, interim_bytes, is_chunked
from edge.hot import CMCD, LONGEST_BYTES, PLAIN
from edge.http1 import BadRequest, RequestParser
from edge.http2.connection import Connection as Http2Connection
from edge.http2.frames import PREFACE
from edge.message import CacheStatus, Head, Request
from edge.outlet import Outlet
from edge.reply import AnswerHead, error_reply
from edge.stored import StoredResponse
from edge.visit import Cut, Outcome, Visit

if TYPE_CHECKING:
    from edge.ondisk import DiskResponse, OnDisk
    from edge.server import Server

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_QUEUE = 64  # requests that a client may send ahead of their answers
_UNWANTED_BYTES = 16 * 2**20  # of a request body that is read only to get to the next request


class Connection(asyncio.Protocol):
    """A client's connection: reads requests, sends answers, in order."""

    __slots__ = (
        "_answered",
        "_body",
        "_close",
        "_doom",
        "_drained",
        "_greeting",
        "_has_ended",
        "_head",
        "_held",
        "_is_bare",
        "_is_chunked",
        "_is_idle",
        "_lent",
        "_line_end",
        "_parsed",
        "_parser",
        "_queue",
        "_remote",
        "_server",
        "_socket",
        "_stalled_s",
        "_tail",
        "_task",
        "_unsent_bytes",
        "_who",
        "active_s",
        "head_since_s",
        "transport",
    )
    transport: asyncio.Transport

    def __init__(self, server: Server, *, is_bare: bool = False) -> None:
        """`is_bare`: the transport sends what it is given as it is, without TLS between."""
        self._server = server
        self._is_idle = True  # neither a request nor an answer is under way
        # What this connection repeats: the HTTP version and the header section, up to its blank line.
        self._tail = b""
        self._head: Head | None = None  # what the header section says
        self._line_end = 0  # counted from the end: where the request line's target ends before the tail
        self._remote = ""
        self._who = b""  # who asks, in the words of the log, while the head is in `_tail`
        self._is_bare = is_bare
        self._socket = -1  # its descriptor, if nothing stands between this protocol and it
        self._doom: BadRequest | None = None  # what to say once the answers still owed are sent
        self._has_ended = False  # the client sends no more, but may still read
        self._greeting: bytes | None = b""  # what came first, while that may still be HTTP/2's preface
        self._parser = RequestParser(
            server.keys, self._on_begin, self._on_request, self._on_body, self._on_end
        )
        self._parsed = 0
        self._queue: deque[tuple[Request, RequestBody | None]] = deque()
        self._body: RequestBody | None = None
        self._task: asyncio.Task[None] | None = None
        self._answered: Request | None = None  # what is being answered
        self._close = False  # the connection ends with this answer
        self._is_chunked = False
        self._held = b""  # an answer's head that waits for the body, until the loop's next turn
        self._drained: asyncio.Event | None = None
        self._unsent_bytes = 0
        self._lent: mmap | None = None  # a body from disk, until it is sent
        self._stalled_s = 0.0  # since when the client takes nothing of a file; 0: it does
        self.active_s = self.head_since_s = server.clock()

    def data_received(self, data: bytes) -> None:
        server = self._server
        self.active_s = now_s = server.clock()
        if self._is_idle and data.endswith(self._tail):
            line = data[: self._line_end]
            before, mark, query = line.partition(CMCD)
            key = server.line_keys.get(before)
            if key is None or query.translate(PLAIN) != query or len(line) > LONGEST_BYTES:
                before, mark, query = line, b"", b""
                key = server.key_of_line(line)
            stored = server.entries.get(key)
            if stored is not None and (
                stored.wire_from_s <= now_s < stored.wire_until_s or server.wires.renew(stored, now_s)
            ):
                if stored.is_joined:
                    self.transport.write(stored.wire)
                else:
                    self._send_large(stored)
                server.hit(key)
                counters = server.counters
                counters.hits += 1
                counters.hit_bytes += len(stored.body)
                log = server.log
                if log.is_on:  # what its `hit` does, without the call
                    if not log.stamp_from_s <= now_s < log.stamp_until_s:
                        log.stamp_at(now_s)
                    log.lines += (log.stamp, self._who, before[4:], mark, query, stored.log_part)
                return
            if stored is None and key and server.disk is not None and self._socket >= 0:
                on_disk = self._send_from_disk(server.disk, key, now_s)
                if on_disk is not None:
                    if server.log.is_on:
                        server.log.hit(now_s, self._who, before[4:], mark, query, on_disk.log_part)
                    return
        self._feed(data)

    def _send_large(self, stored: StoredResponse) -> None:
        """Send head and body; the body is not copied."""
        sent_bytes, head = 0, stored.wire
        if stored.wire_file < 0:
            self._server.wires.count(stored)
        elif self._socket >= 0 and self.transport.get_write_buffer_size() == 0:
            size_bytes = len(head) + len(stored.body)
            try:
                sent_bytes = sendfile(self._socket, stored.wire_file, stored.wire_offset, size_bytes)
            except BlockingIOError:
                pass
            except OSError:
                self.transport.abort()
                return
            if sent_bytes == size_bytes:
                return
        if sent_bytes < len(head):
            self.transport.writelines((head[sent_bytes:], stored.body))
        else:
            self.transport.write(memoryview(stored.body)[sent_bytes - len(head) :])

    def _send_from_disk(self, disk: OnDisk, key: bytes, now_s: float) -> DiskResponse | None:
        """Send a fresh response whose file is open, and in the page cache."""
        found = disk.opened(key)
        if found is None:
            return None
        with found.source as source:
            if now_s >= found.serve_until_s or not source.size_bytes:
                return None
            self._lent = disk.mappings.lend(source.descriptor, source.offset, source.size_bytes)
        if self._lent is None:
            return None
        if self.transport.get_write_buffer_limits()[1]:
            self.transport.set_write_buffer_limits(high=0)  # to be told of the very last byte
        self.transport.writelines((found.wire_head(now_s), memoryview(self._lent)))
        if self._drained is None:
            self._give_back()
        disk.hits += 1
        self._server.counters.hits += 1
        self._server.counters.hit_bytes += found.body_bytes
        return found

    def _give_back(self) -> None:
        """Nothing waits to be sent any more of what was read from a file."""
        if self._lent is not None and self._server.disk is not None:
            self._server.disk.mappings.give(self._lent)
        self._lent = None

    # Everything below is off the hot path.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._remote = str((transport.get_extra_info("peername") or ("",))[0])
        if self._is_bare:
            self._socket = transport.get_extra_info("socket").fileno()
        if not self._server.welcome(self):
            self._refuse(BadRequest(503, "this edge has as many connections as it may"))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._server.farewell(self)
        self._is_idle = False
        self._socket = -1
        self._give_back()
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
        """Reading is steered when more comes: few clients send while they have an answer to take."""
        self._drained = asyncio.Event()
        self._is_idle = False

    def resume_writing(self) -> None:
        if self._drained is not None:
            self._drained.set()
        self._drained = None
        self._give_back()
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
        if self._greeting is not None:
            data = self._greeting + data
            if PREFACE.startswith(data[: len(PREFACE)]):
                self._greeting = data
                if len(data) >= len(PREFACE):
                    self._hand_over(data)
                return
            self._greeting = None
        known = self._known(data) if self._is_idle else None
        if known is not None:
            self._queue.append((known, None))
            self._go_on()
            return
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

    def _hand_over(self, data: bytes) -> None:
        """The client knows beforehand that HTTP/2 is spoken here (RFC 9113, 3.3)."""
        self._is_idle = False
        successor = Http2Connection(self._server)
        self._server.replace(self, successor)
        self.transport.set_protocol(successor)
        successor.take_over(self.transport)
        successor.data_received(data)

    def _learn(self, request: Request, data: bytes) -> None:
        """`data` was one plain request: the next one with the same header section takes the hot path."""
        line = data[: data.find(b"\r\n")]
        is_usual = line[:5] == b"GET /" and line[-9:] == b" HTTP/1.1" and b"\n" not in line
        if is_usual and request.head.is_plain and not _has_body(request):
            self._keep(data[len(line) - 9 :], request.head)
            self._server.heads.keep(self._tail, request.head)

    def _keep(self, tail: bytes, head: Head) -> None:
        self._tail = tail
        self._line_end = -len(tail)
        self._head = head
        self._who = before_url(who_part(self._remote, head))

    def _known(self, data: bytes) -> Request | None:
        """The one request in `data`, if a client sent the same header section before: it needs no parser."""
        line_end = data.find(b" HTTP/1.1\r\n")
        tail = data[line_end:]
        head = self._server.heads.get(tail) if line_end > 0 else None
        key = self._server.key_of_line(data[:line_end]) if head is not None else b""
        if head is None or not key:
            return None
        if head is not self._head:
            self._keep(tail, head)
        return Request(b"GET", data[4:line_end], key, head)

    def _who_asks(self, request: Request) -> bytes:
        """In the words of the log."""
        if request.head is self._head:
            return self._who.removesuffix(before_url(b""))
        return who_part(self._remote, request.head)

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
            if is_plain and stored is not None and self._server.wires.is_ready(stored, now_s):
                self._send_hit(request, stored, now_s)
            elif is_plain and stored is not None and self._send_stale(request, stored, now_s):
                continue
            elif body is not None or not self._answer_at_once(request, now_s):
                self._task = asyncio.get_running_loop().create_task(self._answer(request, body))
        is_quiet = self._task is None and self._drained is None and not self._queue
        if is_quiet and self._doom is not None:
            self._refuse(self._doom)
        elif is_quiet and self._has_ended:
            self.transport.close()
        self._is_idle = is_quiet and not self._parser.in_message and not self.transport.is_closing()
        self._steer_reading()

    def _send_hit(self, request: Request, stored: StoredResponse, now_s: float) -> None:
        """What the hot path does, for a request that the parser has read."""
        server = self._server
        if stored.is_joined:
            self.transport.write(stored.wire)
        else:
            self._send_large(stored)
        server.hit(stored.key)
        server.counters.hits += 1
        server.counters.hit_bytes += len(stored.body)
        if server.log.is_on:
            who = before_url(self._who_asks(request))
            server.log.hit(now_s, who, request.target, b"", b"", stored.log_part)

    def _send_stale(self, request: Request, stored: StoredResponse, now_s: float) -> bool:
        """Send what may be served while it is validated; False if it may not, or not here."""
        server = self._server
        if server.is_draining or not server.wires.is_ready_stale(stored, now_s):
            return False
        if not server.exchange.refresh_behind(request, stored):
            return False
        if stored.is_joined:
            self.transport.write(stored.wire)
        else:
            self._send_large(stored)
        server.hit(stored.key)
        outcome = Outcome(CacheStatus.STALE, stored.status)
        outcome.sent_bytes, outcome.tier = len(stored.body), "ram"
        self._record(request, outcome, now_s)
        return True

    def _answer_at_once(self, request: Request, now_s: float) -> bool:
        """Answer without a task what RAM has: a range, a condition, HEAD, a stale response."""
        server = self._server
        visit = self._begin(request, None)
        try:
            if not server.exchange.answer_at_once(visit):
                return False
        except Exception:
            server.logger.exception("request failed", url=request.target.decode("latin-1"))
            self.transport.abort()
            return True
        self._record(request, visit.outcome, now_s)
        if self._close:
            self._queue.clear()
            self.transport.close()
        return True

    def _begin(self, request: Request, body: RequestBody | None) -> Visit:
        self._answered = request
        self._close = not request.head.keep_alive or self._server.is_draining
        return Visit(request, self, body)

    async def _answer(self, request: Request, body: RequestBody | None) -> None:
        server = self._server
        started_s = server.clock()
        visit = self._begin(request, body)
        if body is not None and (first(request.head.fields, b"expect") or b"").lower() == b"100-continue":
            self.transport.write(_CONTINUE)
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
            self._record(request, visit.outcome, started_s)
        if body is not None and not body.has_ended:
            body.drop()
        if not may_go_on:
            self.transport.abort()
        elif self._close or server.is_draining:
            self.transport.close()
        else:
            self._go_on()

    def _record(self, request: Request, outcome: Outcome, started_s: float) -> None:
        """Count and log an answer, also one that broke off."""
        server = self._server
        self.active_s = now_s = server.clock()
        took_s = now_s - started_s
        server.counters.count(outcome.what, outcome.status, outcome.sent_bytes, took_s)
        if server.log.is_on:
            who = self._who_asks(request)
            server.log.write(now_s, who, request.method, request.target, outcome, took_s)

    def _refuse(self, error: BadRequest) -> None:
        """Say what is wrong and close."""
        self._is_idle = False
        self._queue.clear()
        if not self.transport.is_closing():
            server = self._server
            now_s = server.clock()
            head, body = error_reply(error.status, str(error), server.name, now_s)
            self.transport.write(head_bytes(head, is_http11=True, close=True) + body)
            server.counters.count(CacheStatus.REFUSED, error.status, 0)
            who = who_part(self._remote, None)
            server.log.write(now_s, who, b"-", b"-", Outcome(CacheStatus.REFUSED, error.status), 0.0)
            self.transport.close()

    # What an exchange asks of its client.

    def send_interim(self, status: int, fields: Fields) -> None:
        if self._answered is not None and self._answered.is_http11:
            self.transport.write(interim_bytes(status, fields))

    def send_head(self, head: AnswerHead) -> None:
        assert self._answered is not None, "a request is being answered"
        is_http11 = self._answered.is_http11
        self._is_chunked = is_chunked(head, is_http11=is_http11)
        self._close = self._close or ends_by_close(head, is_http11=is_http11)
        self._held = head_bytes(head, is_http11=is_http11, close=self._close)
        if head.has_body:
            asyncio.get_running_loop().call_soon(self._let_go)
        else:
            self._let_go()

    def _let_go(self) -> None:
        """Send a head whose body is not there yet."""
        held, self._held = self._held, b""
        if held and not self.transport.is_closing():
            self.transport.write(held)

    def send_body(self, data: bytes | memoryview) -> None:
        if self._is_chunked:
            data = chunk_bytes(data)
        if self._held:
            self.transport.writelines((self._held, data))
            self._held = b""
        else:
            self.transport.write(data)

    def join(self, burst: Burst, wire: Wire) -> bool:
        is_free = self._socket >= 0 and self.transport.get_write_buffer_size() == 0
        if self._close or not is_free or self._answered is None or not self._answered.is_http11:
            return False
        self._is_chunked = wire.is_chunked
        burst.add(wire, self._socket, self.transport)
        return True

    async def send_file(self, descriptor: int, offset: int, size_bytes: int) -> int:
        if self._socket < 0:
            return 0
        with Outlet(self._socket) as outlet:
            await self._flushed()
            sent_bytes = 0
            while sent_bytes < size_bytes:
                self._stalled_s = 0.0
                taken = outlet.take(descriptor, offset + sent_bytes, size_bytes - sent_bytes)
                if taken == 0:
                    self._stalled_s = self._server.clock()
                    await outlet.room()
                sent_bytes += taken
        self._stalled_s = 0.0
        return sent_bytes

    async def _flushed(self) -> None:
        """Returns when all that was written before has been sent."""
        self._let_go()
        if self.transport.get_write_buffer_size() > 0:
            self.transport.set_write_buffer_limits(high=0)
            await self.drained()

    def send_end(self) -> None:
        self._let_go()
        if self._is_chunked:
            self.transport.write(b"0\r\n\r\n")

    @property
    def is_ready(self) -> bool:
        return self._drained is None and not self.transport.is_closing()

    async def drained(self) -> None:
        if self._drained is not None:
            await self._drained.wait()
        if self.transport.is_closing():
            raise Cut("the client left")

    # What the server's beat asks of its connections.

    def beat(self, now_s: float) -> None:
        """Let go of a client that keeps its connection without using it."""
        config = self._server.config
        if self._stalled_s and now_s - self._stalled_s > config.send_timeout_s:
            self.transport.abort()
        elif self._drained is not None:
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
