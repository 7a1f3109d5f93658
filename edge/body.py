"""The body of a request on its way upstream: a bounded buffer between the client's socket and upstream's."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

_HIGH_BYTES = 256 * 1024


class RequestBody:
    """Chunks in, chunks out; says so when so much is waiting that no more should be read."""

    def __init__(self, on_level: Callable[[], None]) -> None:
        self._on_level = on_level  # told when `is_full` may have changed
        self._chunks: deque[bytes] = deque()
        self._waiting_bytes = 0
        self.come_bytes = 0
        self._news = asyncio.Event()
        self.has_ended = False
        self.is_unwanted = False  # the answer did not need it; what still comes is thrown away
        self.is_broken = False

    def feed(self, chunk: bytes) -> None:
        self.come_bytes += len(chunk)
        if self.is_unwanted:
            return
        self._chunks.append(chunk)
        self._waiting_bytes += len(chunk)
        self._on_level()
        self._news.set()

    def drop(self) -> None:
        """Nobody reads the rest."""
        self.is_unwanted = True
        self._chunks.clear()
        self._waiting_bytes = 0
        self._on_level()

    @property
    def waiting_bytes(self) -> int:
        return self._waiting_bytes

    @property
    def is_full(self) -> bool:
        return self._waiting_bytes > _HIGH_BYTES

    def end(self, *, is_broken: bool = False) -> None:
        self.has_ended = True
        self.is_broken = is_broken
        self._news.set()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._waiting_bytes -= len(chunk)
                self._on_level()
                yield chunk
            if self.is_broken:
                raise ConnectionResetError("the client left in the middle of its request")
            if self.has_ended:
                return
            self._news.clear()
            await self._news.wait()
