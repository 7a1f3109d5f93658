"""One object's file in a thread: opened and checked, written under a passing name, given a newer head.

Any process may open a file by its key alone: the file says itself whose it is and whether it is whole.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from zlib import crc32

from edge.disk.layout import (
    PAGE_BYTES,
    CorruptError,
    Front,
    Shape,
    body_offset_in,
    front_bytes,
    parse_front,
    update_of,
)
from edge.message import ResponseHead

_PIECE_BYTES = 256 * 1024
_MOST_PIECES = 512  # of one pwritev; the system's limit is 1024
_READ_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_WRITE_FLAGS = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
_NEW_FLAGS = _WRITE_FLAGS | os.O_CREAT | os.O_EXCL


class OtherKeyError(LookupError):
    """The file is whole, and another key's with the same digest."""


def open_object(path: str, key: bytes, *, is_verified: bool) -> tuple[int, Front]:
    """A descriptor for reading, and what stands before the body; reads the body once unless it `is_verified`.

    Raises CorruptError, OtherKeyError or OSError.
    """
    descriptor = os.open(path, _READ_FLAGS)
    try:
        front = _read_front(descriptor, key)
        if not is_verified:
            _check_body(descriptor, front)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, front


def rewrite_head(path: str, key: bytes, head: ResponseHead, *, is_durable: bool) -> None:
    """Put `head` in the slot that is not in use. Raises UnfitError, or as `open_object`."""
    descriptor = os.open(path, _WRITE_FLAGS)
    try:
        at, slot = update_of(_read_front(descriptor, key), head)
        _write_all(descriptor, [slot], at)
        if is_durable:
            os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def key_in(path: str) -> bytes:
    """Whose the file is. Raises CorruptError or OSError."""
    descriptor = os.open(path, _READ_FLAGS)
    try:
        return _parse(descriptor).key
    finally:
        os.close(descriptor)


def front_in(path: str) -> Front | None:
    """What stands before the body; None where it cannot be read, or is not whole."""
    try:
        descriptor = os.open(path, _READ_FLAGS)
        try:
            return _parse(descriptor)
        finally:
            os.close(descriptor)
    except (OSError, CorruptError):
        return None


def read_body(descriptor: int, at: int, size_bytes: int) -> bytes:
    """Exactly so many bytes. Raises CorruptError where the file ends before."""
    data = os.pread(descriptor, size_bytes, at)
    while len(data) < size_bytes:
        more = os.pread(descriptor, size_bytes - len(data), at + len(data))
        if not more:
            raise CorruptError("the file ends in its body")
        data += more
    return data


class TempFile:
    """An object's file before it has its name. Its methods are called one after another, in any thread."""

    def __init__(self, path: str, shape: Shape) -> None:
        self.path = path
        self.body_bytes = 0
        self._shape = shape
        self._crc = 0
        self._descriptor: int | None = None

    def write(self, pieces: Sequence[bytes]) -> None:
        if self._descriptor is None:
            self._descriptor = os.open(self.path, _NEW_FLAGS, 0o644)
        _write_all(self._descriptor, pieces, self._shape.body_offset + self.body_bytes)
        self._count(pieces)

    def finish(self, pieces: Sequence[bytes], key: bytes, head: ResponseHead) -> None:
        """Write the last pieces, and the front, which needs the body's length and checksum."""
        if self._descriptor is not None:
            self.write(pieces)
            _write_all(self._descriptor, [self._front(key, head)], 0)
        else:
            self._count(pieces)
            self._descriptor = os.open(self.path, _NEW_FLAGS, 0o644)
            _write_all(self._descriptor, [self._front(key, head), *pieces], 0)
        self._close()

    def discard(self) -> None:
        self._close()
        with suppress(OSError):
            Path(self.path).unlink(missing_ok=True)

    def _front(self, key: bytes, head: ResponseHead) -> bytes:
        return front_bytes(key, head, self._shape, self.body_bytes, self._crc)

    def _count(self, pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            self._crc = crc32(piece, self._crc)
            self.body_bytes += len(piece)

    def _close(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)


def probe(path: str, size_bytes: int) -> None:
    """Write, flush and read back a file of that size. Raises OSError if the disk does not do that."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, _WRITE_FLAGS | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        _write_all(descriptor, [b"\xa5" * size_bytes], 0)
        os.fsync(descriptor)
        if read_body(descriptor, 0, size_bytes) != b"\xa5" * size_bytes:
            raise OSError(f"{path}: reads other bytes than were written")
    except CorruptError as error:
        raise OSError(f"{path}: {error}") from None
    finally:
        os.close(descriptor)
        Path(path).unlink()


def _read_front(descriptor: int, key: bytes) -> Front:
    try:
        front = _parse(descriptor)
    except CorruptError:
        front = _parse(descriptor)  # its owner may have written a newer head just then
    if front.key != key:
        raise OtherKeyError(key)
    if os.fstat(descriptor).st_size != front.shape.body_offset + front.body_bytes:
        raise CorruptError("the file has not the length that it should have")
    return front


def _parse(descriptor: int) -> Front:
    data = os.pread(descriptor, PAGE_BYTES, 0)
    body_offset = body_offset_in(data)
    if body_offset > len(data):
        data += os.pread(descriptor, body_offset - len(data), len(data))
    return parse_front(data)


def _check_body(descriptor: int, front: Front) -> None:
    """Read it in pieces, so that memory does not grow with it."""
    at, left_bytes, crc = front.shape.body_offset, front.body_bytes, 0
    buffer = memoryview(bytearray(min(left_bytes, _PIECE_BYTES)))
    while left_bytes:
        read_bytes = os.preadv(descriptor, [buffer[: min(left_bytes, _PIECE_BYTES)]], at)
        if not read_bytes:
            raise CorruptError("the file ends in its body")
        crc = crc32(buffer[:read_bytes], crc)
        at += read_bytes
        left_bytes -= read_bytes
    if crc != front.body_crc:
        raise CorruptError("the body fails its check")


def _write_all(descriptor: int, pieces: Sequence[bytes], at: int) -> None:
    """Write at `at`, however often the system takes only a part."""
    for first in range(0, len(pieces), _MOST_PIECES):
        views = [memoryview(piece) for piece in pieces[first : first + _MOST_PIECES] if piece]
        while views:
            taken = os.pwritev(descriptor, views, at)
            at += taken
            while views and taken >= len(views[0]):
                taken -= len(views.pop(0))
            if taken:
                views[0] = views[0][taken:]
