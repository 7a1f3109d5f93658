"""A request on its way to an answer: who waits for it, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from edge.body import RequestBody
from edge.burst import Burst, Wire
from edge.fields import Fields
from edge.message import CacheStatus, Forward, Request
from edge.reply import AnswerHead

_UNANSWERED = 499  # a status for the log only: the client left before anything was sent


class Client(Protocol):
    """The way back to whoever asked. Framing is its business: HTTP/1 or HTTP/2."""

    def send_interim(self, status: int, fields: Fields) -> None:
        """A 1xx response; nothing for a client that knows none (RFC 9110, 15.2)."""

    def send_head(self, head: AnswerHead) -> None: ...

    def send_body(self, data: bytes | memoryview) -> None: ...

    async def send_file(self, descriptor: int, offset: int, size_bytes: int) -> int:
        """Send bytes straight from a file; returns how many, 0 where this connection cannot do that.

        Raises Cut if the client left, OSError if the file cannot be read.
        """

    def join(self, burst: Burst, wire: Wire) -> bool:
        """Be sent `wire` with the others of `burst`; False where an answer needs another form or way."""

    def send_end(self) -> None:
        """The answer is complete, with or without a body."""

    @property
    def is_ready(self) -> bool:
        """It is there, and little of what was sent still waits."""

    async def drained(self) -> None:
        """Returns when little of what was sent still waits. Raises Cut if the client left."""


class Cut(Exception):  # noqa: N818
    """The answer broke off after its head was sent: only closing the connection can tell the client."""


class Outcome:
    """What became of a request, for log and metrics; filled in while it is answered."""

    __slots__ = (
        "forward_status",
        "has_body",
        "is_answered",
        "sent_bytes",
        "status",
        "tier",
        "upstream_s",
        "what",
        "why",
    )

    def __init__(self, what: CacheStatus = CacheStatus.PASS, status: int = _UNANSWERED) -> None:
        self.what = what
        self.status = status
        self.is_answered = False  # its head was sent
        self.has_body = False  # and a body follows
        self.sent_bytes = 0
        self.why: Forward | None = None  # it went upstream
        self.forward_status: int | None = None  # what upstream answered
        self.upstream_s: float | None = None  # from the request there to the head
        self.tier: str | None = None  # whence the body came: ram, disk or upstream

    def forwarded(self, why: Forward, status: int | None) -> None:
        self.why, self.forward_status = why, status


@dataclass(slots=True)
class Visit:
    """A request, the client that waits for its answer, and the outcome."""

    request: Request
    client: Client
    body: RequestBody | None
    outcome: Outcome = field(default_factory=Outcome)

    def send_head(self, what: CacheStatus, head: AnswerHead) -> None:
        self.client.send_head(head)
        self._head_sent(what, head)

    def send_with(self, burst: Burst, what: CacheStatus, head: AnswerHead, wire: Wire) -> None:
        """Send what many get at this moment: `wire`, where this client can take it as it is."""
        if self.client.join(burst, wire):
            self._head_sent(what, head)
            self.outcome.sent_bytes += len(wire.body)
            return
        self.send_head(what, head)
        if wire.body:
            self.send_body(wire.body)
        if wire.is_whole:
            self.client.send_end()

    def _head_sent(self, what: CacheStatus, head: AnswerHead) -> None:
        self.outcome.is_answered = True
        self.outcome.has_body = head.has_body
        self.outcome.what = what
        self.outcome.status = head.status

    def send_body(self, data: bytes | memoryview) -> None:
        self.client.send_body(data)
        self.outcome.sent_bytes += len(data)
