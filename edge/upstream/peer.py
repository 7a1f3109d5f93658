"""One upstream: its connections, its circuit, and what is counted and said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from edge.fields import Fields, delta_seconds, parse_date
from edge.message import ResponseHead
from edge.upstream.breaker import Breaker, Circuit, Ticket
from edge.upstream.link import Answer, Link, LinkError, Outgoing
from edge.upstream.retry import Failure

_LONGEST_REST_S = 10.0  # whatever Retry-After says: it may speak of one resource, and others are waiting


class Peer:
    """Sends requests over a link, and keeps account of how they fare."""

    def __init__(
        self, link: Link, breaker: Breaker, logger: FilteringBoundLogger, clock: Callable[[], float]
    ) -> None:
        self.place = link.place
        self.link = link
        self.breaker = breaker
        self.requests = 0
        self.failures = 0
        self._logger = logger
        self._clock = clock
        self._rests_until_s = 0.0

    def may_ask(self) -> bool:
        return self.breaker.may_ask(self._clock())

    def is_resting(self) -> bool:
        """It asked for a pause (503 with Retry-After): others come first while there are any."""
        return 0 < self._rests_until_s - self._clock() <= _LONGEST_REST_S

    async def ask(self, outgoing: Outgoing, method: bytes, target: bytes, fields: Fields) -> Reply:
        """Send a request, once. Raises LinkError, or RequestError."""
        ticket = self.breaker.admit(self._clock())
        assert ticket is not None, "ask only where a request is let through"
        self.requests += 1
        try:
            answer = await self.link.send(outgoing, method, target, fields)
        except LinkError as error:
            self.note(ticket, error.kind)
            raise
        except BaseException:
            self.breaker.abandoned(ticket)
            raise
        if ticket.is_probe:  # it has answered: nobody need wait for the end of this body
            self.note(ticket, None)
        self._heed(answer.head)
        return Reply(self, answer, ticket)

    def note(self, ticket: Ticket, failure: Failure | None) -> None:
        """What became of a request; a circuit that opens or closes is one line in the log."""
        before = self.breaker.circuit
        if failure is None:
            self.breaker.succeeded(ticket, self._clock())
        else:
            self.failures += 1
            if failure.is_of_health:
                self.breaker.failed(ticket, self._clock())
            else:
                self.breaker.abandoned(ticket)
        after = self.breaker.circuit
        if after is Circuit.OPEN and before is not after:
            for_s = round(self.breaker.open_for_s(self._clock()), 3)
            why = failure.value if failure else ""
            self._logger.warning("upstream is left alone", upstream=self.place.label, why=why, for_s=for_s)
        elif after is Circuit.CLOSED and before is not after:
            self._logger.info("upstream answers again", upstream=self.place.label)

    def _heed(self, head: ResponseHead) -> None:
        """Retry-After (RFC 9110, 10.2.3), as far as others can take the requests meanwhile."""
        if head.status != 503:
            return
        value = head.field(b"retry-after")
        rest_s: float | None = delta_seconds(value.decode("latin-1").strip()) if value else None
        if rest_s is None and (until_s := parse_date(value, self._clock())) is not None:
            rest_s = until_s - self._clock()
        if rest_s is not None:
            self._rests_until_s = self._clock() + min(rest_s, _LONGEST_REST_S)


@dataclass(eq=False, slots=True)
class Reply:
    """An answer, who gave it, and the right under which it was asked for."""

    peer: Peer
    answer: Answer
    ticket: Ticket
    is_noted: bool = False

    async def read(self) -> bytes:
        """The next piece of the body, or nothing at its end. Raises LinkError."""
        try:
            piece = await self.answer.read()
        except LinkError as error:
            self._note(error.kind)
            raise
        if not piece:
            self._note(None)
        return piece

    def close(self) -> None:
        """Let go of it; a body that nobody read to its end says nothing of the upstream."""
        if not self.is_noted:
            self.is_noted = True
            self.peer.breaker.abandoned(self.ticket)
        self.answer.close()

    def _note(self, failure: Failure | None) -> None:
        if not self.is_noted:
            self.is_noted = True
            self.peer.note(self.ticket, failure)
