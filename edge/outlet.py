"""From a file to a socket: by a mapping of the file, or by `sendfile`.

A mapping goes to the transport like a body in RAM: the kernel copies it out of the page cache once, and
nobody else reads it, so a file that is cut meanwhile costs the connection and no more. Mapped pages count as
memory of the process, so there is a bound on them, and past it `sendfile`, which uvloop has not and which the
kernel paces.
"""

from __future__ import annotations

import asyncio
import mmap
import os
from errno import EIO, EOPNOTSUPP
from types import TracebackType

from edge.visit import Cut

_MOST_BYTES = 32 * 2**20
_LARGEST_BYTES = 2**22
_FLAGS = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)


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


class Mappings:
    """Mapped bodies on their way to sockets, within a bound."""

    def __init__(self) -> None:
        self.lent_bytes = 0

    def lend(self, source: int, offset: int, size_bytes: int) -> mmap.mmap | None:
        """Bytes of a file from a page's begin on, all in the page cache; to be given back once they are sent.

        None if they are not, or there are too many at once, or under way.
        """
        if size_bytes > _LARGEST_BYTES or self.lent_bytes + size_bytes > _MOST_BYTES:
            return None
        if not is_cached(source, offset, size_bytes):
            return None
        try:
            mapping = mmap.mmap(source, size_bytes, flags=_FLAGS, prot=mmap.PROT_READ, offset=offset)
        except (OSError, ValueError):  # ValueError: the file is shorter than it was
            return None
        self.lent_bytes += size_bytes
        return mapping

    def give(self, mapping: mmap.mmap) -> None:
        """It was sent, or its connection is gone: the last reference unmaps it."""
        self.lent_bytes -= len(mapping)


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
