"""A body on its way from upstream; where it is cut, the rest is asked for by range, if that is safe."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from edge.message import ResponseHead
from edge.upstream.link import LinkError, UpstreamError
from edge.upstream.peer import Peer, Reply
from edge.upstream.resume import Rest, is_continued_by
from edge.upstream.retry import Failure


class Resumer(Protocol):
    """Asks for the rest of a body."""

    def __call__(self, rest: Rest, peer: Peer, tries: int) -> Awaitable[Reply | None]:
        """An answer from `peer` or another upstream; None if none is to be had. `tries` counts from 0."""
        ...


class Transfer:
    """One body, out of however many answers it comes: no byte twice, and none missing."""

    def __init__(self, reply: Reply, rest: Rest | None, resume: Resumer, *, most_tries: int) -> None:
        self._reply = reply
        self._rest = rest  # what is still to come; None if it could not be asked for
        self._resume = resume
        self._most_tries = most_tries
        self._tries = 0
        self._is_closed = False
        self.head: ResponseHead = reply.answer.head

    async def chunks(self, count: Callable[[int], None]) -> AsyncIterator[bytes]:
        """The body as it comes; `count` is told the bytes. Raises UpstreamError where it stays cut."""
        while True:
            error = UpstreamError(502, "upstream cut the body short")
            try:
                while piece := await self._reply.read():
                    count(len(piece))
                    self._advance(len(piece))
                    yield piece
                if self._rest is None or not self._rest.is_any_left:
                    return
                # An answer may end before the range does (RFC 9110, 15.3.7).
            except LinkError as cut:
                error = cut
            if not await self._goes_on():
                raise error

    def close(self) -> None:
        self._is_closed = True
        self._reply.close()

    def _advance(self, size_bytes: int) -> None:
        if self._rest is not None:
            self._rest = self._rest.after(size_bytes)
            if self._rest.first > self._rest.last + 1:
                raise LinkError(Failure.BROKEN, "upstream sent more than it announced")

    async def _goes_on(self) -> bool:
        """Find who has the rest; True if it is on its way."""
        rest = self._rest
        while rest is not None and rest.is_any_left and self._tries < self._most_tries:
            self._reply.close()
            self._tries += 1
            reply = await self._resume(rest, self._reply.peer, self._tries - 1)
            if reply is None:
                continue
            if self._is_closed or not is_continued_by(rest, reply.answer.head):
                reply.close()
                return False  # it has changed, or is not served by range
            self._reply = reply
            return True
        return False
