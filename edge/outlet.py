"""From a file to a socket: by `sendfile`, or by way of memory that is used again and again.

`sendfile` needs no memory, but uvloop has neither it nor the wait for room, and the kernel paces its steps. A
copy costs less as long as few bytes are under way; so there is a bound on these, and `sendfile` past it.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from errno import EIO, EOPNOTSUPP
from types import TracebackType

from edge.visit import Cut

_MOST_BYTES = 32 * 2**20
_LEAST_BYTES = 2**17
_LARGEST_BYTES = 2**22


class Outlet:
    """A socket that takes what is in files; within a `with`. The socket is the transport's and stays open."""

    def __init__(self, descriptor: int) -> None:
        self._socket = descriptor
        self._watched = -1  # a duplicate: uvloop watches the original itself

    def __enter__(self) -> Outlet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watched >= 0:
            asyncio.get_running_loop().remove_writer(self._watched)
            os.close(self._watched)

    def take(self, source: int, offset: int, size_bytes: int) -> int:
        """Bytes that the socket took; 0: it has no room. Raises Cut, or OSError for the file's sake."""
        try:
            taken = os.sendfile(self._socket, source, offset, size_bytes)
        except BlockingIOError:
            return 0
        except ConnectionError:
            raise Cut("the client left") from None
        if taken == 0:
            raise OSError(EIO, "the file is shorter than it was")
        return taken

    async def room(self) -> None:
        """Returns when the socket takes more, or will say that it never does."""
        loop = asyncio.get_running_loop()
        waiter = loop.create_future()
        if self._watched < 0:
            self._watched = os.dup(self._socket)
        loop.add_writer(self._watched, _wake, waiter)
        try:
            await waiter
        finally:
            loop.remove_writer(self._watched)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class Buffers:
    """Memory for bodies on their way from files to sockets; bounded, and kept for the next."""

    def __init__(self) -> None:
        self._free: defaultdict[int, list[bytearray]] = defaultdict(list)  # by size, a power of two
        self._bytes = 0  # of all there are

    def read(self, source: int, offset: int, size_bytes: int) -> tuple[bytearray, memoryview] | None:
        """Bytes of a file that lie in the page cache, and the buffer to give back once they are sent.

        None if they do not, or there are too many under way, or too many at once.
        """
        room = max(_LEAST_BYTES, 1 << (size_bytes - 1).bit_length())
        if room > _LARGEST_BYTES:
            return None
        if self._free[room]:
            buffer = self._free[room].pop()
        elif self._has_room(room):
            buffer = bytearray(room)
            self._bytes += room
        else:
            return None
        view = memoryview(buffer)[:size_bytes]
        try:
            come_bytes = os.preadv(source, [view], offset, os.RWF_NOWAIT)
        except OSError:
            come_bytes = 0
        if come_bytes < size_bytes:
            self.give(buffer)
            return None
        return buffer, view

    def _has_room(self, size_bytes: int) -> bool:
        """So many bytes more are within the bound; free buffers of other sizes make way for them."""
        for free in self._free.values():
            while free and self._bytes + size_bytes > _MOST_BYTES:
                self._bytes -= len(free.pop())
        return self._bytes + size_bytes <= _MOST_BYTES

    @property
    def bytes(self) -> int:
        """Of all there are, free and lent."""
        return self._bytes

    @property
    def lent_bytes(self) -> int:
        return self._bytes - sum(size_bytes * len(free) for size_bytes, free in self._free.items())

    def give(self, buffer: bytearray) -> None:
        """Take a buffer back of which nothing waits to be sent any more."""
        self._free[len(buffer)].append(buffer)

    def lose(self, buffer: bytearray) -> None:
        """A buffer went with its connection."""
        self._bytes -= len(buffer)


def is_cached(source: int, offset: int, size_bytes: int) -> bool:
    """Bytes of a file lie in the page cache, as far as the first and the last tell."""
    byte = bytearray(1)
    try:
        for at in (offset, offset + size_bytes - 1):
            os.preadv(source, [byte], at, os.RWF_NOWAIT)
    except BlockingIOError:
        return False
    except OSError as error:
        return error.errno == EOPNOTSUPP  # this file system cannot tell
    return True
