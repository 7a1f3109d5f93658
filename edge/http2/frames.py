"""The frames of HTTP/2 (RFC 9113, 4 and 6): their numbers, and how they are cut out and put together."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # what a client says first (RFC 9113, 3.4)
FRAME_BYTES = 16384  # SETTINGS_MAX_FRAME_SIZE as it is where nobody says otherwise: what we take in
WINDOW_BYTES = 65535  # SETTINGS_INITIAL_WINDOW_SIZE, likewise
MAX_WINDOW_BYTES = 2**31 - 1
HEADER_BYTES = 9  # of a frame

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    range(10)
)
PRIORITY_UPDATE = 0x10  # RFC 9218, 7.1

END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
WITH_PRIORITY = 0x20

SETTINGS_ENABLE_PUSH = 0x2
SETTINGS_MAX_CONCURRENT_STREAMS = 0x3
SETTINGS_INITIAL_WINDOW_SIZE = 0x4
SETTINGS_MAX_FRAME_SIZE = 0x5
SETTINGS_MAX_HEADER_LIST_SIZE = 0x6
SETTINGS_NO_RFC7540_PRIORITIES = 0x9  # RFC 9218, 2.1


class ErrorCode(IntEnum):
    """Why a stream or a connection ends (RFC 9113, 7)."""

    NO_ERROR = 0x0
    PROTOCOL_ERROR = 0x1
    INTERNAL_ERROR = 0x2
    FLOW_CONTROL_ERROR = 0x3
    SETTINGS_TIMEOUT = 0x4
    STREAM_CLOSED = 0x5
    FRAME_SIZE_ERROR = 0x6
    REFUSED_STREAM = 0x7
    CANCEL = 0x8
    COMPRESSION_ERROR = 0x9
    ENHANCE_YOUR_CALM = 0xB


class ConnectionFault(Exception):  # noqa: N818 - RFC 9113 calls it a connection error
    """The connection cannot go on (RFC 9113, 5.4.1): GOAWAY with `code`, then the end."""

    def __init__(self, code: ErrorCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class StreamFault(Exception):  # noqa: N818 - RFC 9113 calls it a stream error
    """One stream cannot go on (RFC 9113, 5.4.2): RST_STREAM with `code`; the others do not notice."""

    def __init__(self, stream_id: int, code: ErrorCode) -> None:
        super().__init__(code.name)
        self.stream_id = stream_id
        self.code = code


_header = struct.Struct(">HBBBL")
pack_header = struct.Struct(">BHBBL").pack
_pack_setting = struct.Struct(">HL").pack
iter_settings = struct.Struct(">HL").iter_unpack
_pack_word = struct.Struct(">L").pack


class FrameReader:
    """Cuts what a client sends into frames: type, flags, stream and payload."""

    def __init__(self) -> None:
        self._left = b""
        self._has_preface = False

    @property
    def is_between(self) -> bool:
        """No part of a frame waits for its rest."""
        return self._has_preface and not self._left

    def feed(self, data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
        """Raises ConnectionFault for a wrong preface and for a frame larger than was allowed."""
        if self._left:
            data = self._left + data
            self._left = b""
        position, end = 0, len(data)
        if not self._has_preface:
            if data[:24] != PREFACE[:end]:
                raise ConnectionFault(ErrorCode.PROTOCOL_ERROR, "this is not HTTP/2")
            if end < len(PREFACE):
                self._left = data
                return
            self._has_preface = True
            position = len(PREFACE)
        unpack = _header.unpack_from
        while end - position >= HEADER_BYTES:
            high, low, kind, flags, stream_id = unpack(data, position)
            size_bytes = high << 8 | low
            if size_bytes > FRAME_BYTES:
                raise ConnectionFault(
                    ErrorCode.FRAME_SIZE_ERROR, f"a frame of {size_bytes} bytes is too large"
                )
            start = position + HEADER_BYTES
            if end - start < size_bytes:
                break
            position = start + size_bytes
            yield kind, flags, stream_id & 0x7FFFFFFF, data[start:position]
        self._left = data[position:]


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    return frame_header(len(payload), kind, flags, stream_id) + payload


def frame_header(size_bytes: int, kind: int, flags: int, stream_id: int) -> bytes:
    return pack_header(size_bytes >> 16, size_bytes & 0xFFFF, kind, flags, stream_id)


def headers_frames(stream_id: int, block: bytes, limit_bytes: int, *, ends: bool) -> bytes:
    """A header block as HEADERS and as many CONTINUATION frames as it takes."""
    flags = END_STREAM if ends else 0
    if len(block) <= limit_bytes:
        return frame(HEADERS, flags | END_HEADERS, stream_id, block)
    parts = [block[at : at + limit_bytes] for at in range(0, len(block), limit_bytes)]
    frames = [frame(HEADERS, flags, stream_id, parts[0])]
    frames += [frame(CONTINUATION, 0, stream_id, part) for part in parts[1:-1]]
    return b"".join((*frames, frame(CONTINUATION, END_HEADERS, stream_id, parts[-1])))


def settings_frame(*settings: tuple[int, int]) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join([_pack_setting(*setting) for setting in settings]))


def reset_frame(stream_id: int, code: ErrorCode) -> bytes:
    return frame(RST_STREAM, 0, stream_id, _pack_word(code))


def window_frame(stream_id: int, increment_bytes: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream_id, _pack_word(increment_bytes))


def goaway_frame(last_stream_id: int, code: ErrorCode, reason: str) -> bytes:
    return frame(GOAWAY, 0, 0, _pack_word(last_stream_id) + _pack_word(code) + reason.encode())


def word(payload: bytes) -> int:
    """The 31 bits of a stream or a window increment; the bit above them is reserved."""
    return int.from_bytes(payload[:4], "big") & 0x7FFFFFFF
