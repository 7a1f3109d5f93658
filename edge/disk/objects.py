"""Objects that are open for sending: a descriptor, the parsed head, and who still needs them.

A bounded number stays open when nobody sends from them, so that a repeated hit needs neither thread nor
system call. An object that is evicted meanwhile stays readable until the last of its users lets go.
"""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections import OrderedDict
from collections.abc import Callable
from types import TracebackType

from edge.disk.layout import Front
from edge.message import ResponseHead


class DiskObject:
    """A stored response on disk. Whoever got it calls `release` once, or uses it in a `with`.

    The body is `size_bytes` from `offset` of `descriptor`, for `os.sendfile` or `os.pread`, which take the
    offset as an argument: many may send from one descriptor.
    """

    __slots__ = (
        "_close",
        "body_crc",
        "descriptor",
        "head",
        "is_deleted",
        "is_stale",
        "key",
        "offset",
        "prepared",
        "size_bytes",
        "users",
    )

    def __init__(self, descriptor: int, front: Front, close: Callable[[DiskObject], None]) -> None:
        self.descriptor = descriptor
        self.key = front.key
        self.head: ResponseHead = front.head
        self.offset = front.shape.body_offset
        self.size_bytes = front.body_bytes
        self.body_crc = front.body_crc
        self.is_deleted = False  # so that the last close frees its blocks, which takes time
        self.is_stale = False  # by a soft purge, whatever the head says
        self.prepared: object = None  # what the data plane makes of the head; a newer head clears it
        self.users = 0  # among them the set of open objects
        self._close = close

    def hold(self) -> DiskObject:
        self.users += 1
        return self

    def release(self) -> None:
        self.users -= 1
        if self.users == 0:
            self._close(self)

    def take(self, head: ResponseHead) -> None:
        self.head = head
        self.is_stale = False
        self.prepared = None

    def expire(self) -> None:
        self.is_stale = True
        self.prepared = None

    def __enter__(self) -> DiskObject:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class OpenObjects:
    """The objects kept open, at most `limit`; the one not used for longest goes first."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._objects: OrderedDict[int, DiskObject] = OrderedDict()

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, digest: int) -> DiskObject | None:
        found = self._objects.get(digest)
        if found is not None:
            self._objects.move_to_end(digest)
        return found

    def add(self, digest: int, opened: DiskObject) -> None:
        self.discard(digest)
        self._objects[digest] = opened.hold()
        while len(self._objects) > self.limit:
            self._objects.popitem(last=False)[1].release()

    def discard(self, digest: int) -> None:
        """The object's file is about to be deleted."""
        found = self._objects.pop(digest, None)
        if found is not None:
            found.is_deleted = True
            found.release()

    def clear(self) -> None:
        while self._objects:
            self._objects.popitem()[1].release()


class Opening:
    """A file that is being opened, with all who wait for it."""

    def __init__(self, started_s: float, head: ResponseHead | None) -> None:
        self.started_s = started_s
        self.head = head  # newer than what the file may say
        self.is_void = False  # another object has come under this key, or none
        self._waiting = 0
        self._done: Future[DiskObject | None] = asyncio.get_running_loop().create_future()

    async def join(self) -> DiskObject | None:
        """The object, held once for the caller."""
        self._waiting += 1
        try:
            return await asyncio.shield(self._done)
        except asyncio.CancelledError:
            self._waiting -= 1
            if self._done.done() and (opened := self._done.result()) is not None:
                opened.release()
            raise

    def settle(self, opened: DiskObject | None) -> None:
        if opened is not None:
            for _ in range(self._waiting):
                opened.hold()
        self._done.set_result(opened)
