"""TLS between a socket and an HTTP connection: the protocol of the one and the transport of the other.

Bodies are sealed slice by slice, as the socket takes them: a slow reader costs a slice of ciphertext, not a
copy of its body. ALPN says which protocol stands above (RFC 7301).
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from edge.certificates import Certificates
from edge.http2.connection import Connection as Http2Connection
from edge.protocol import Connection

if TYPE_CHECKING:
    from edge.server import Server

Buffer = bytes | bytearray | memoryview

_RECORD_BYTES = 16 * 1024  # the most that one record holds (RFC 8446, 5.1)
# Sealed at a time, two records: small enough that what is sealed is still in the processor's cache when the
# socket takes it. And a socket that holds back more than the second number is full.
_SLICE_BYTES, _FULL_BYTES = 32 * 1024, 8 * 1024
_AT_ONCE = 32  # slices; then other connections have their turn


class TlsConnection(asyncio.Transport, asyncio.Protocol):
    """A client's connection in TLS. Below is a socket's transport, above an HTTP connection."""

    __slots__ = (
        "_backlog",
        "_backlog_bytes",
        "_incoming",
        "_is_blocked",
        "_is_closing",
        "_is_due",
        "_is_reading",
        "_is_upper_paused",
        "_outgoing",
        "_server",
        "_tls",
        "_upper",
        "active_s",
        "transport",
    )
    transport: asyncio.Transport

    def __init__(self, server: Server, certificates: Certificates) -> None:
        super().__init__()
        self._server = server
        self.active_s = server.clock()
        self._incoming = ssl.MemoryBIO()
        self._outgoing = certificates.outgoing
        self._tls = certificates.context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._upper: asyncio.Protocol | None = None  # once hands are shaken
        self._backlog: deque[memoryview] = deque()  # not sealed yet
        self._backlog_bytes = 0
        self._is_blocked = False  # the socket has no room
        self._is_upper_paused = False
        self._is_reading = True
        self._is_closing = False
        self._is_due = False  # `_push` will run again

    # What the socket tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=_FULL_BYTES)
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_closing = True
        self._drop()
        if self._upper is None:
            self._server.farewell(self)
        else:
            self._upper.connection_lost(exc)
        self._upper = None

    def data_received(self, data: bytes) -> None:
        self._incoming.write(data)
        if self._upper is not None or self._shake_hands():
            self._read()

    def eof_received(self) -> bool:
        """Also without a farewell of TLS: HTTP's own framing says whether a message is whole."""
        self._incoming.write_eof()
        if self._upper is None or not self._upper.eof_received():
            self.close()
        return True

    def pause_writing(self) -> None:
        self._is_blocked = True

    def resume_writing(self) -> None:
        self._is_blocked = False
        self._push()

    def _shake_hands(self) -> bool:
        """Go on with the handshake; True once it is done, and then there is a connection above."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return False
        except (ssl.SSLError, ssl.CertificateError):
            self._flush()  # the alert that says why
            self.transport.close()
            return False
        self._flush()
        is_http2 = self._tls.selected_alpn_protocol() == "h2"
        self._upper = Http2Connection(self._server) if is_http2 else Connection(self._server)
        self._server.connections.discard(self)
        self._upper.connection_made(self)
        return True

    def _read(self) -> None:
        """Open what has come and hand it up, as long as it is wanted."""
        while self._is_reading and not self._is_closing and self._upper is not None:
            try:
                data = self._tls.read(_RECORD_BYTES)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLError:
                self._flush()
                self.abort()
                return
            if not data:  # the client's farewell
                if not self._upper.eof_received():
                    self.close()
                return
            self._upper.data_received(data)
            if not self._incoming.pending and not self._tls.pending():
                break
        self._flush()  # what TLS itself has to say

    def _flush(self) -> None:
        """Take the records out of the buffer that all connections share: nothing may be left in it."""
        if self._outgoing.pending:
            self.transport.write(self._outgoing.read())

    def _push(self) -> None:
        """Seal and send what waits, until the socket is full."""
        self._is_due = False
        for _ in range(_AT_ONCE):
            if not self._backlog or self._is_blocked:
                break
            self._seal(self._next_slice())
        else:
            if not self._is_due:
                self._is_due = True
                asyncio.get_running_loop().call_soon(self._push)
        if self._backlog or self._is_blocked:
            return
        if self._is_closing:
            self._say_farewell()
        elif self._is_upper_paused and self._upper is not None:
            self._is_upper_paused = False
            self._upper.resume_writing()

    def _seal(self, data: Buffer) -> None:
        try:
            self._tls.write(data)
        except ssl.SSLError:
            self._flush()
            self.abort()
        else:
            self.transport.write(self._outgoing.read())

    def _next_slice(self) -> Buffer:
        """Large pieces as they are, small ones joined: every record is full but the last."""
        parts: list[memoryview] = []
        room_bytes = _SLICE_BYTES
        while self._backlog and room_bytes:
            piece = self._backlog[0]
            if len(piece) <= room_bytes:
                self._backlog.popleft()
            else:
                self._backlog[0] = piece[room_bytes:]
                piece = piece[:room_bytes]
            parts.append(piece)
            room_bytes -= len(piece)
        self._backlog_bytes -= _SLICE_BYTES - room_bytes
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _say_farewell(self) -> None:
        """RFC 8446, 6.1; the client's own need not be awaited."""
        with suppress(ssl.SSLError):
            self._tls.unwrap()
        self._flush()
        self.transport.close()

    def _drop(self) -> None:
        self._backlog.clear()
        self._backlog_bytes = 0

    # What the connection above asks of its transport.

    def write(self, data: Buffer) -> None:
        self.writelines((data,))

    def writelines(self, list_of_data: Iterable[Buffer]) -> None:
        if self._is_closing:
            return
        for data in list_of_data:
            if data:
                self._backlog.append(memoryview(data))
                self._backlog_bytes += len(data)
        if not self._is_due:
            self._push()
        if (self._backlog or self._is_blocked) and not self._is_upper_paused and self._upper is not None:
            self._is_upper_paused = True
            self._upper.pause_writing()

    def pause_reading(self) -> None:
        if self._is_reading and not self._is_closing:
            self._is_reading = False
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        if not self._is_reading and not self._is_closing:
            self._is_reading = True
            self.transport.resume_reading()
            asyncio.get_running_loop().call_soon(self._read)

    def is_reading(self) -> bool:
        return self._is_reading

    def is_closing(self) -> bool:
        return self._is_closing or self.transport.is_closing()

    def close(self) -> None:
        """After what was written is sent."""
        if not self._is_closing:
            self._is_closing = True
            if not self._backlog and not self._is_blocked:
                self._say_farewell()

    def abort(self) -> None:
        self._is_closing = True
        self._drop()
        self.transport.abort()

    def get_write_buffer_size(self) -> int:
        return self._backlog_bytes + self.transport.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.transport.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._upper = cast(asyncio.Protocol, protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        assert self._upper is not None, "hands are not shaken yet"
        return self._upper

    # What the server's beat asks, until there is a connection above.

    def beat(self, now_s: float) -> None:
        if now_s - self.active_s > self._server.config.head_timeout_s:
            self.transport.abort()

    def finish(self) -> None:
        self.transport.close()
