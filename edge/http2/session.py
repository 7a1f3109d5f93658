"""One HTTP/2 connection without its socket (RFC 9113): bytes in, calls to its owner; answers in, frames out.

Each frame type has one method, which says what of that frame is a fault of the stream and what of the
connection. What a client can make the edge do for nothing (resets, pings, settings, empty frames) is on a
budget.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from edge.fields import Fields
from edge.http2 import frames as wire
from edge.http2.frames import ConnectionFault, ErrorCode, StreamFault, word
from edge.http2.head import Asked, Malformed, check_trailers, read_head
from edge.http2.hpack import CompressionError, Decoder, Field, encode
from edge.http2.priority import read_priority
from edge.http2.streams import Buffer, Stream, Turns

MAX_STREAMS = 100  # at one time
MAX_HEAD_BYTES = 32 * 1024  # names and values; and of the block that they come in
_INTAKE_BYTES = 2**20  # the connection's window for request bodies, given back as they arrive
_GRANT_BYTES = wire.WINDOW_BYTES // 2  # a window is given back in no smaller steps
_BURST, _PER_S = 500.0, 50.0  # frames that only cost: so many at once, and so many in a second
_SMALL_BYTES = 256  # a window opened by less than this is one of them
_REMEMBERED = 256  # streams that ended not long ago


class Owner(Protocol):
    """Who answers the requests of a session."""

    def on_request(self, stream: Stream, asked: Asked | None) -> None:
        """A request's head; `asked` is None where it was larger than MAX_HEAD_BYTES."""

    def on_body(self, stream: Stream, data: bytes) -> None: ...

    def on_end(self, stream: Stream) -> None:
        """The request is complete; not called for one without a body."""

    def on_reset(self, stream: Stream) -> None:
        """Nobody wants the answer any more."""

    def on_room(self, stream: Stream) -> None:
        """Little of the answer still waits to be sent, where `is_waited_for` was set."""

    def on_sent(self, stream: Stream) -> None:
        """The answer was handed out to its last byte."""


class Session:
    """The server's side. Times are seconds of the caller's clock."""

    def __init__(self, owner: Owner, now_s: float) -> None:
        self._owner = owner
        self.now_s = now_s
        self.streams: dict[int, Stream] = {}
        self.turns = Turns(owner.on_room, self._on_sent)
        self.last_id = 0  # the highest that the client has used
        self.fault: ConnectionFault | None = None  # what ended the connection
        self.is_leaving = False  # GOAWAY is sent: streams beyond it are not served
        self.control: list[Buffer] = []  # frames that do not wait for their turn
        self._reader = wire.FrameReader()
        self._decoder = Decoder()
        self._block: bytearray | None = None  # of a head whose CONTINUATION is still to come
        self._block_flags = self._block_id = 0
        self.block_since_s = 0.0
        self._has_settings = False
        self._first_window_bytes = wire.WINDOW_BYTES  # of a new stream, as the client set it
        self._frame_bytes = wire.FRAME_BYTES  # the largest that the client takes, as far as we go
        self._intake_bytes = _INTAKE_BYTES
        self._closed: dict[int, bool] = {}  # streams that ended; True: by us, so the client may not know
        self._urgencies: dict[int, bytes] = {}  # priorities of streams still to come
        self._budget, self._budget_s = _BURST, now_s
        self._handlers: tuple[Callable[[int, int, bytes], None], ...] = (
            self._on_data,
            self._on_headers,
            self._on_priority,
            self._on_rst_stream,
            self._on_settings,
            self._on_push_promise,
            self._on_ping,
            self._on_goaway,
            self._on_window_update,
            self._on_continuation,
        )
        self.control.append(
            wire.settings_frame(
                (wire.SETTINGS_MAX_CONCURRENT_STREAMS, MAX_STREAMS),
                (wire.SETTINGS_MAX_HEADER_LIST_SIZE, MAX_HEAD_BYTES),
                (wire.SETTINGS_NO_RFC7540_PRIORITIES, 1),
            )
        )
        self.control.append(wire.window_frame(0, _INTAKE_BYTES - wire.WINDOW_BYTES))

    # In.

    def feed(self, data: bytes, now_s: float) -> None:
        """Take in what came. After a fault of the connection, `fault` is set and nothing more is read."""
        self.now_s = now_s
        if self.fault is not None:
            return
        try:
            for kind, flags, stream_id, payload in self._reader.feed(data):
                self._take_in(kind, flags, stream_id, payload)
        except ConnectionFault as fault:
            self.end(fault)

    def _take_in(self, kind: int, flags: int, stream_id: int, payload: bytes) -> None:
        if self._block is not None and (kind != wire.CONTINUATION or stream_id != self._block_id):
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a header block was interrupted")
        if not self._has_settings and kind != wire.SETTINGS:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "SETTINGS come first")
        try:
            if kind < len(self._handlers):
                self._handlers[kind](flags, stream_id, payload)
            elif kind == wire.PRIORITY_UPDATE:
                self._on_priority_update(stream_id, payload)
            else:
                self._spend()  # an extension that is not known is ignored (RFC 9113, 5.5)
        except StreamFault as fault:
            self._spend()
            self._break(fault)

    def _break(self, fault: StreamFault) -> None:
        """End one stream for a fault of the client's."""
        stream = self.streams.get(fault.stream_id)
        if stream is None:
            self.control.append(wire.reset_frame(fault.stream_id, fault.code))
            self._remember(fault.stream_id, is_ours=True)
        else:
            self.reset(stream, fault.code)
            self._owner.on_reset(stream)

    def _spend(self) -> None:
        """Charge for a frame that is cheap to send and not so cheap to receive."""
        self._budget -= 1
        if self._budget < 0:
            earned = (self.now_s - self._budget_s) * _PER_S
            self._budget, self._budget_s = min(_BURST, self._budget + earned), self.now_s
            if self._budget < 0:
                raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "too much of what nobody needs")

    def _open(self, stream_id: int) -> Stream | None:
        """The stream of a frame; None where it ended. Raises ConnectionFault where it never began."""
        stream = self.streams.get(stream_id)
        if stream is None and (self._is_beyond(stream_id) or stream_id % 2 == 0):
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, f"stream {stream_id} is idle")
        return stream

    def _is_beyond(self, stream_id: int) -> bool:
        """It was never begun; after GOAWAY the client may not know that what it began was not."""
        return stream_id > self.last_id and not self.is_leaving

    def _on_data(self, flags: int, stream_id: int, payload: bytes) -> None:
        stream = self._open(stream_id)
        size_bytes = len(payload)
        self._intake_bytes -= size_bytes
        if self._intake_bytes < 0:
            raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "more was sent than was asked for")
        if self._intake_bytes < _INTAKE_BYTES // 2:
            self.control.append(wire.window_frame(0, _INTAKE_BYTES - self._intake_bytes))
            self._intake_bytes = _INTAKE_BYTES
        if stream is None:
            self._late(stream_id)
            return
        if stream.is_complete:
            raise StreamFault(stream_id, ErrorCode.STREAM_CLOSED)
        stream.offered_bytes -= size_bytes
        if stream.offered_bytes < 0:
            raise StreamFault(stream_id, ErrorCode.FLOW_CONTROL_ERROR)
        data = _unpadded(payload) if flags & wire.PADDED else payload
        if stream.expected_bytes is not None:
            stream.expected_bytes -= len(data)
            is_short = flags & wire.END_STREAM and stream.expected_bytes > 0
            if stream.expected_bytes < 0 or is_short:
                raise StreamFault(stream_id, ErrorCode.PROTOCOL_ERROR)
        stream.moved_s = self.now_s
        if data:
            self._owner.on_body(stream, data)
        elif not flags & wire.END_STREAM:
            self._spend()
        if flags & wire.END_STREAM:
            self._complete(stream)

    def _late(self, stream_id: int) -> None:
        """A frame for a stream that ended: expected where the client could not know (RFC 9113, 5.1)."""
        self._spend()
        if not self._closed.get(stream_id) and stream_id <= self.last_id:
            raise ConnectionFault(ErrorCode.STREAM_CLOSED, f"stream {stream_id} has ended")

    def _complete(self, stream: Stream) -> None:
        stream.is_complete = True
        self._owner.on_end(stream)

    def _on_headers(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id % 2 == 0:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, f"a client opens no stream {stream_id}")
        if flags & wire.PADDED:
            payload = _unpadded(payload)
        depends_on = -1
        if flags & wire.WITH_PRIORITY:
            if len(payload) < 5:
                raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "HEADERS end in their priority")
            depends_on = word(payload)
            payload = payload[5:]
        if flags & wire.END_HEADERS:
            self._on_block(flags, stream_id, payload)
        else:
            self._block = bytearray(payload)
            self._block_flags, self._block_id = flags, stream_id
            self.block_since_s = self.now_s
        if depends_on == stream_id:
            raise StreamFault(stream_id, ErrorCode.PROTOCOL_ERROR)

    def _on_continuation(self, flags: int, stream_id: int, payload: bytes) -> None:
        if self._block is None:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "CONTINUATION continues nothing")
        self._spend()
        self._block += payload
        if len(self._block) > MAX_HEAD_BYTES:
            raise ConnectionFault(ErrorCode.ENHANCE_YOUR_CALM, "a header block is too large")
        if flags & wire.END_HEADERS:
            block, self._block = bytes(self._block), None
            self._on_block(self._block_flags, stream_id, block)

    def _on_block(self, flags: int, stream_id: int, block: bytes) -> None:
        """A complete header block. It is decoded in any case: later ones build on it."""
        try:
            fields, is_whole = self._decoder.decode(block, MAX_HEAD_BYTES)
        except CompressionError as error:
            raise ConnectionFault(ErrorCode.COMPRESSION_ERROR, str(error)) from None
        stream = self.streams.get(stream_id)
        if stream is not None:
            self._on_trailers(stream, fields, ends=bool(flags & wire.END_STREAM))
        elif stream_id > self.last_id:
            self._on_new(stream_id, fields, is_whole=is_whole, ends=bool(flags & wire.END_STREAM))
        elif stream_id in self._closed:
            self._late(stream_id)
        else:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "streams are opened in order")

    def _on_new(self, stream_id: int, fields: list[Field], *, is_whole: bool, ends: bool) -> None:
        if self.is_leaving:
            return  # beyond the GOAWAY: the client asks again elsewhere
        self.last_id = stream_id
        if len(self.streams) >= MAX_STREAMS:
            raise StreamFault(stream_id, ErrorCode.REFUSED_STREAM)
        try:
            asked = read_head(fields) if is_whole else None
        except Malformed:
            raise StreamFault(stream_id, ErrorCode.PROTOCOL_ERROR) from None
        length_bytes = asked and asked.length_bytes
        if ends and length_bytes:
            raise StreamFault(stream_id, ErrorCode.PROTOCOL_ERROR)
        stream = Stream(stream_id, self._first_window_bytes, self.now_s)
        stream.is_complete = ends
        stream.expected_bytes = length_bytes
        signal = self._urgencies.pop(stream_id, None)
        if signal is None and asked is not None:
            signal = asked.priority
        if signal is not None:
            stream.urgency, stream.is_incremental = read_priority(signal)
        self.streams[stream_id] = stream
        self._owner.on_request(stream, asked)

    def _on_trailers(self, stream: Stream, fields: list[Field], *, ends: bool) -> None:
        if stream.is_complete:
            raise StreamFault(stream.id, ErrorCode.STREAM_CLOSED)
        try:
            check_trailers(fields)
        except Malformed:
            raise StreamFault(stream.id, ErrorCode.PROTOCOL_ERROR) from None
        if not ends or stream.expected_bytes:
            raise StreamFault(stream.id, ErrorCode.PROTOCOL_ERROR)
        self._complete(stream)

    def _on_priority(self, flags: int, stream_id: int, payload: bytes) -> None:  # noqa: ARG002
        """RFC 7540's priorities are read past, but not their mistakes."""
        if stream_id == 0:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "PRIORITY is for a stream")
        self._spend()
        if len(payload) != 5:
            raise StreamFault(stream_id, ErrorCode.FRAME_SIZE_ERROR)
        if word(payload) == stream_id:
            raise StreamFault(stream_id, ErrorCode.PROTOCOL_ERROR)

    def _on_priority_update(self, stream_id: int, payload: bytes) -> None:
        """RFC 9218, 7.1."""
        self._spend()
        about = word(payload)
        if stream_id != 0 or len(payload) < 4 or about % 2 == 0:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "PRIORITY_UPDATE names a request on stream 0")
        stream = self.streams.get(about)
        if stream is not None:
            urgency, is_incremental = read_priority(payload[4:])
            self.turns.move(stream, urgency, is_incremental=is_incremental)
        elif about > self.last_id and len(self._urgencies) < MAX_STREAMS:
            self._urgencies[about] = payload[4:]

    def _on_rst_stream(self, flags: int, stream_id: int, payload: bytes) -> None:  # noqa: ARG002
        if len(payload) != 4:
            raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "RST_STREAM has four bytes")
        self._spend()
        stream = self._open(stream_id)
        if stream is not None:
            self._close(stream, is_ours=False)
            self._owner.on_reset(stream)

    def _on_settings(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id != 0:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "SETTINGS are the connection's")
        self._spend()
        if flags & wire.ACK:
            if payload:
                raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "an acknowledgement is empty")
            return
        if len(payload) % 6:
            raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "a setting has six bytes")
        self._has_settings = True
        for name, value in wire.iter_settings(payload):
            self._set(name, value)
        self.control.append(wire.frame(wire.SETTINGS, wire.ACK, 0))

    def _set(self, name: int, value: int) -> None:
        if name == wire.SETTINGS_ENABLE_PUSH and value > 1:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "ENABLE_PUSH is 0 or 1")
        if name == wire.SETTINGS_MAX_FRAME_SIZE:
            if not wire.FRAME_BYTES <= value < 2**24:
                raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "MAX_FRAME_SIZE is out of bounds")
            self._frame_bytes = wire.FRAME_BYTES  # larger frames would let one stream hold up the others
        elif name == wire.SETTINGS_INITIAL_WINDOW_SIZE:
            if value > wire.MAX_WINDOW_BYTES:
                raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE is out of bounds")
            change_bytes = value - self._first_window_bytes
            self._first_window_bytes = value
            for stream in self.streams.values():
                stream.window_bytes += change_bytes
                if stream.window_bytes > wire.MAX_WINDOW_BYTES:
                    raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "a window is out of bounds")
                self.turns.add(stream)

    def _on_push_promise(self, flags: int, stream_id: int, payload: bytes) -> None:  # noqa: ARG002
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a client pushes nothing")

    def _on_ping(self, flags: int, stream_id: int, payload: bytes) -> None:
        if stream_id != 0:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "PING is the connection's")
        if len(payload) != 8:
            raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "PING has eight bytes")
        self._spend()
        if not flags & wire.ACK:
            self.control.append(wire.frame(wire.PING, wire.ACK, 0, payload))

    def _on_goaway(self, flags: int, stream_id: int, payload: bytes) -> None:  # noqa: ARG002
        """The client opens no more streams; it closes when it has its answers."""
        if stream_id != 0:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "GOAWAY is the connection's")
        if len(payload) < 8:
            raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "GOAWAY has eight bytes")
        self._spend()

    def _on_window_update(self, flags: int, stream_id: int, payload: bytes) -> None:  # noqa: ARG002
        if len(payload) != 4:
            raise ConnectionFault(ErrorCode.FRAME_SIZE_ERROR, "WINDOW_UPDATE has four bytes")
        increment_bytes = word(payload)
        if increment_bytes < _SMALL_BYTES:
            self._spend()
        if stream_id == 0:
            self._open_all(increment_bytes)
            return
        stream = self._open(stream_id)
        if stream is None:
            return
        if increment_bytes == 0:
            raise StreamFault(stream_id, ErrorCode.PROTOCOL_ERROR)
        stream.window_bytes += increment_bytes
        if stream.window_bytes > wire.MAX_WINDOW_BYTES:
            raise StreamFault(stream_id, ErrorCode.FLOW_CONTROL_ERROR)
        self.turns.add(stream)

    def _open_all(self, increment_bytes: int) -> None:
        if increment_bytes == 0:
            raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "a window grows by more than nothing")
        was_shut = self.turns.window_bytes <= 0
        self.turns.window_bytes += increment_bytes
        if self.turns.window_bytes > wire.MAX_WINDOW_BYTES:
            raise ConnectionFault(ErrorCode.FLOW_CONTROL_ERROR, "the window is out of bounds")
        if was_shut:
            for stream in self.streams.values():
                self.turns.add(stream)

    # Out.

    def send_interim(self, stream: Stream, status: int, fields: Fields) -> None:
        block = encode(((b":status", b"%d" % status), *fields))
        stream.head += wire.headers_frames(stream.id, block, self._frame_bytes, ends=False)
        self.turns.add(stream)

    def send_head(self, stream: Stream, block: bytes, *, ends: bool) -> None:
        stream.has_head = True
        stream.head_ends = ends
        stream.head += wire.headers_frames(stream.id, block, self._frame_bytes, ends=ends)
        self.turns.add(stream)

    def answer(self, stream: Stream, block: bytes, body: bytes) -> None:
        """A whole answer at once."""
        self.send_head(stream, block, ends=not body)
        stream.put(body)
        stream.ends = bool(body)

    def send_body(self, stream: Stream, data: Buffer) -> None:
        if not stream.is_closed:
            stream.put(data)
            self.turns.add(stream)

    def send_end(self, stream: Stream) -> None:
        if not stream.is_closed and not stream.head_ends:
            stream.ends = True
            self.turns.add(stream)

    def take(self, limit_bytes: int) -> list[Buffer]:
        """The next frames to go on the wire, about `limit_bytes` of bodies at most."""
        out, self.control = self.control, []
        self.turns.take(out, limit_bytes, self._frame_bytes, self.now_s)
        if self.control:
            out += self.control
            self.control = []
        return out

    def grant(self, stream: Stream, waiting_bytes: int) -> None:
        """Let the client send more of a body of which so much still waits here."""
        increment_bytes = wire.WINDOW_BYTES - waiting_bytes - stream.offered_bytes
        if increment_bytes >= _GRANT_BYTES and not stream.is_complete and not stream.is_closed:
            stream.offered_bytes += increment_bytes
            self.control.append(wire.window_frame(stream.id, increment_bytes))

    def reset(self, stream: Stream, code: ErrorCode) -> None:
        """Break the stream off; only it."""
        if not stream.is_closed:
            self._close(stream, is_ours=True)
            self.control.append(wire.reset_frame(stream.id, code))

    def leave(self) -> None:
        """Serve what has been asked, and nothing that is asked later."""
        if not self.is_leaving:
            self.is_leaving = True
            self.control.append(wire.goaway_frame(self.last_id, ErrorCode.NO_ERROR, ""))

    def end(self, fault: ConnectionFault) -> None:
        """Say why the connection ends, and end every stream."""
        self.fault = fault
        for stream in list(self.streams.values()):
            self._close(stream, is_ours=True)
            self._owner.on_reset(stream)
        self.control.append(wire.goaway_frame(self.last_id, fault.code, str(fault)))

    def is_in_head(self) -> bool:
        """Part of a head has come, and the client owes the rest."""
        return self._block is not None

    def _on_sent(self, stream: Stream) -> None:
        """An answer that did not need the whole request lets the client off the rest (RFC 9113, 8.1)."""
        self._owner.on_sent(stream)
        if stream.is_complete:
            self._close(stream, is_ours=False)
        else:
            self.reset(stream, ErrorCode.NO_ERROR)

    def _close(self, stream: Stream, *, is_ours: bool) -> None:
        stream.drop()
        self.streams.pop(stream.id, None)
        self._remember(stream.id, is_ours=is_ours)

    def _remember(self, stream_id: int, *, is_ours: bool) -> None:
        self._closed[stream_id] = is_ours
        if len(self._closed) > _REMEMBERED:
            del self._closed[next(iter(self._closed))]


def _unpadded(payload: bytes) -> bytes:
    """Without padding (RFC 9113, 6.1). Raises ConnectionFault where it is longer than the frame."""
    if not payload or payload[0] >= len(payload):
        raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "there is more padding than frame")
    return payload[1 : len(payload) - payload[0]]
