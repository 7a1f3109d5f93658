"""A circuit breaker: an upstream that fails again and again is left alone (Nygard, Release It!, 2007).

Closed: everything may pass. Open: nothing may, until a jittered pause is over. Half-open: one probe may, and
closes the circuit or opens it for twice as long. The core of `upstream`; time and randomness are handed in.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum

from edge.upstream.window import Window

_WINDOW_S = 10.0
_LEAST = 20  # outcomes in the window, below which a share says nothing


class Circuit(Enum):
    """The values are those of the metric."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRules:
    """When a circuit opens, and for how long."""

    failures: int = 5  # so many in a row open it
    ratio: float = 0.5  # as does this share of the outcomes of ten seconds, once there were twenty
    pause_s: float = 0.5  # the first; each failed probe doubles it
    longest_pause_s: float = 10.0


class Ticket:
    """The right to one request. Its outcome counts only until the circuit moves on."""

    __slots__ = ("is_probe", "moves")

    def __init__(self, moves: int, *, is_probe: bool) -> None:
        self.moves = moves
        self.is_probe = is_probe


class Breaker:
    """The circuit to one upstream."""

    def __init__(self, rules: BreakerRules, chance: random.Random) -> None:
        self.rules = rules
        self.circuit = Circuit.CLOSED
        self._random = chance
        self._moves = 0  # of the circuit from state to state
        self._in_a_row = 0
        self._good = Window(_WINDOW_S)
        self._bad = Window(_WINDOW_S)
        self._openings = 0  # in a row, without a success between them
        self._opened_s = 0.0
        self._until_s = 0.0
        self._is_probing = False

    def may_ask(self, now_s: float) -> bool:
        """A request would be let through."""
        if self.circuit is Circuit.CLOSED:
            return True
        if self.circuit is Circuit.HALF_OPEN:
            return not self._is_probing
        return self.open_for_s(now_s) == 0

    def open_for_s(self, now_s: float) -> float:
        """For how long nothing is let through yet; 0 too if the clock was set back behind the opening."""
        if self.circuit is not Circuit.OPEN or now_s < self._opened_s:
            return 0.0
        return max(0.0, self._until_s - now_s)

    def admit(self, now_s: float) -> Ticket | None:
        """Let a request through, or None. Whoever has the ticket says what became of it."""
        if not self.may_ask(now_s):
            return None
        if self.circuit is Circuit.OPEN:
            self._move(Circuit.HALF_OPEN)
        self._is_probing = self.circuit is Circuit.HALF_OPEN
        return Ticket(self._moves, is_probe=self._is_probing)

    def succeeded(self, ticket: Ticket, now_s: float) -> None:
        if ticket.moves != self._moves:
            return
        self._in_a_row = 0
        if ticket.is_probe:
            self._openings = 0
            self._move(Circuit.CLOSED)
        else:
            self._good.add(now_s)

    def failed(self, ticket: Ticket, now_s: float) -> None:
        if ticket.moves != self._moves:
            return
        self._in_a_row += 1
        self._bad.add(now_s)
        if ticket.is_probe or self._in_a_row >= self.rules.failures or self._is_mostly_bad(now_s):
            self._open(now_s)

    def abandoned(self, ticket: Ticket) -> None:
        """Nobody waited for the outcome: another request may probe."""
        if ticket.moves == self._moves:
            self._is_probing = False

    def _is_mostly_bad(self, now_s: float) -> bool:
        bad = self._bad.total(now_s)
        every = bad + self._good.total(now_s)
        return every >= _LEAST and bad >= self.rules.ratio * every

    def _open(self, now_s: float) -> None:
        longest_s = min(self.rules.longest_pause_s, self.rules.pause_s * 2.0 ** min(self._openings, 64))
        self._openings += 1
        self._opened_s = now_s
        # Edges that lost the same upstream at once must not come back to it at once.
        self._until_s = now_s + longest_s * self._random.uniform(0.5, 1.0)
        self._move(Circuit.OPEN)

    def _move(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self._moves += 1
        self._is_probing = False
        self._in_a_row = 0
        self._good.clear()
        self._bad.clear()
