"""The body of a request on its way upstream: a bounded buffer between the client's socket and upstream's."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

_HIGH_BYTES = 256 * 1024


class RequestBody:
    """Chunks in, chunks out; asks the connection to stop reading while much is waiting."""

    def __init__(self, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self._pause = pause
        self._resume = resume
        self._chunks: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._news = asyncio.Event()
        self.has_ended = False
        self.is_broken = False

    def feed(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._waiting_bytes += len(chunk)
        if self._waiting_bytes > _HIGH_BYTES:
            self._pause()
        self._news.set()

    def end(self, *, is_broken: bool = False) -> None:
        self.has_ended = True
        self.is_broken = is_broken
        self._news.set()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._waiting_bytes -= len(chunk)
                if self._waiting_bytes <= _HIGH_BYTES:
                    self._resume()
                yield chunk
            if self.is_broken:
                raise ConnectionResetError("the client left in the middle of its request")
            if self.has_ended:
                return
            self._news.clear()
            await self._news.wait()
