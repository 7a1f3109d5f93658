"""The streams of one HTTP/2 connection and whose turn it is to send (RFC 9113, 5; RFC 9218, 10).

Bodies wait by reference, with a position; what a stream may send is bounded by its window and the
connection's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from edge.http2.frames import DATA, END_STREAM, WINDOW_BYTES, frame_header

Buffer = bytes | memoryview
URGENCIES = 8
_LOW_BYTES = 64 * 1024  # below this a sender may go on


class Stream:
    """One request and its answer. `owner` belongs to whoever answers."""

    __slots__ = (
        "_pieces",
        "ends",
        "expected_bytes",
        "has_head",
        "head",
        "head_ends",
        "id",
        "is_closed",
        "is_complete",
        "is_incremental",
        "is_queued",
        "is_waited_for",
        "moved_s",
        "offered_bytes",
        "owner",
        "queued_bytes",
        "urgency",
        "window_bytes",
    )

    def __init__(self, stream_id: int, window_bytes: int, now_s: float) -> None:
        self.id = stream_id
        self.owner: Any = None
        self.is_complete = False  # the client has sent all of its request
        self.is_closed = False
        self.expected_bytes: int | None = None  # of the request's body, still to come
        self.offered_bytes = WINDOW_BYTES  # of the request's body that the client may send unasked
        self.window_bytes = window_bytes  # of the answer's body that the client would take
        self.head = b""  # frames that come before the body
        self.head_ends = False  # and nothing comes after them
        self.has_head = False  # the final head is sent or queued
        self.ends = False  # nothing is queued after what is queued now
        self._pieces: deque[memoryview] = deque()
        self.queued_bytes = 0
        self.is_queued = False  # it has its place in the turns
        self.is_waited_for = False  # its sender waits until less is queued
        self.urgency = 3
        self.is_incremental = True  # shares its turn with its equals; RFC 9218's default is for who signals
        self.moved_s = now_s  # when the client last took or sent something on it

    def put(self, data: Buffer) -> None:
        if data:
            self._pieces.append(memoryview(data))
            self.queued_bytes += len(data)

    @property
    def may_send(self) -> bool:
        """There is something that its own window does not hold back."""
        if self.head:
            return True
        return self.window_bytes > 0 if self._pieces else self.ends

    @property
    def has_more(self) -> bool:
        return bool(self.head or self._pieces or self.ends)

    def cut(self, limit_bytes: int) -> tuple[memoryview, bool]:
        """The next bytes of the body, and whether the stream ends with them."""
        piece = self._pieces[0]
        if len(piece) <= limit_bytes:
            self._pieces.popleft()
        else:
            self._pieces[0] = piece[limit_bytes:]
            piece = piece[:limit_bytes]
        self.queued_bytes -= len(piece)
        self.window_bytes -= len(piece)
        return piece, self.ends and not self._pieces

    def drop(self) -> None:
        """Forget what is queued."""
        self.is_closed = True
        self._pieces.clear()
        self.head = b""
        self.ends = False
        self.queued_bytes = 0


class Turns:
    """Whose turn it is: the most urgent first; equals in order, or in rounds where they are incremental."""

    def __init__(self, on_room: Callable[[Stream], None], on_sent: Callable[[Stream], None]) -> None:
        self._queues: tuple[deque[Stream], ...] = tuple(deque() for _ in range(URGENCIES))
        self._on_room = on_room  # a sender that waits may go on
        self._on_sent = on_sent  # the answer is on its way to the last byte
        self.window_bytes = WINDOW_BYTES  # the connection's

    def add(self, stream: Stream) -> None:
        """Give the stream a place if it may send."""
        if not stream.is_queued and not stream.is_closed and stream.may_send:
            stream.is_queued = True
            self._queues[stream.urgency].append(stream)

    def move(self, stream: Stream, urgency: int, *, is_incremental: bool) -> None:
        if stream.is_queued and urgency != stream.urgency:
            self._queues[stream.urgency].remove(stream)
            self._queues[urgency].append(stream)
        stream.urgency, stream.is_incremental = urgency, is_incremental

    def take(self, out: list[Buffer], limit_bytes: int, frame_bytes: int, now_s: float) -> int:
        """Put frames into `out`; about `limit_bytes` of them at most. Returns how many bytes were put."""
        left_bytes = limit_bytes
        for queue in self._queues:
            while queue and left_bytes > 0:
                stream = queue.popleft()
                if stream.is_closed:
                    stream.is_queued = False
                    continue
                left_bytes -= self._emit(stream, out, frame_bytes, now_s)
                if stream.has_more and stream.may_send and (self.window_bytes > 0 or not stream.queued_bytes):
                    queue.append(stream) if stream.is_incremental else queue.appendleft(stream)
                else:
                    stream.is_queued = False
        return limit_bytes - left_bytes

    def _emit(self, stream: Stream, out: list[Buffer], frame_bytes: int, now_s: float) -> int:
        """One frame of the body at most, after the head. Returns the bytes put."""
        put_bytes = 0
        if stream.head:
            out.append(stream.head)
            put_bytes = len(stream.head)
            stream.head = b""
            stream.moved_s = now_s
        is_last = stream.head_ends
        if stream.queued_bytes:
            limit_bytes = min(stream.window_bytes, self.window_bytes, frame_bytes)
            if limit_bytes > 0:
                piece, is_last = stream.cut(limit_bytes)
                size_bytes = len(piece)
                self.window_bytes -= size_bytes
                stream.moved_s = now_s
                out.append(frame_header(size_bytes, DATA, END_STREAM if is_last else 0, stream.id))
                out.append(piece)
                put_bytes += 9 + size_bytes
        elif stream.ends:
            is_last = True
            out.append(frame_header(0, DATA, END_STREAM, stream.id))
            put_bytes += 9
        if is_last:
            stream.ends = False
            self._on_sent(stream)
        elif stream.is_waited_for and stream.queued_bytes <= _LOW_BYTES:
            stream.is_waited_for = False
            self._on_room(stream)
        return put_bytes
