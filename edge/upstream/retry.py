"""When a request that failed is sent again, and how often that may happen in all. The core of `upstream`.

The budget is that of Finagle and of Google's Site Reliability Engineering (Handling Overload): repeats are a
share of the requests, so an upstream in trouble is never asked much more than it would be without them.
"""

from __future__ import annotations

import random
from enum import Enum

from edge.upstream.window import Window

IDEMPOTENT = frozenset(
    (b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE")
)  # RFC 9110, 9.2.2; TRACE is not served
_WINDOW_S = 10.0
_PAUSE_S = 0.05


class Failure(Enum):
    """How an upstream failed to answer; the values are words for the log."""

    UNREACHED = "unreached"  # there was no connection: nothing was sent
    DROPPED = "dropped"  # a connection kept from before had been closed (RFC 9112, 9.3.1)
    BROKEN = "broken"  # the connection broke, or what came is no HTTP
    SILENT = "silent"  # nothing came in time, or nothing was taken
    BUSY = "busy"  # it answered 502, 503 or 504

    @property
    def is_of_health(self) -> bool:
        """It says something of the upstream's health: a kept connection may close at any time."""
        return self in (Failure.UNREACHED, Failure.BROKEN, Failure.SILENT)


BUSY_STATUSES = (502, 503, 504)


def may_repeat(method: bytes, failure: Failure, *, is_body_gone: bool) -> bool:
    """A request may be sent again: it cannot have been acted upon, or acting twice is as once (9.2.2)."""
    if is_body_gone:
        return False
    if failure is Failure.UNREACHED:
        return True
    if failure is Failure.BUSY:
        return method in (b"GET", b"HEAD")
    return method in IDEMPOTENT


def may_repeat_here(failure: Failure, tries: int) -> bool:
    """The same upstream may be asked a second time: what is slow or busy is not hurried."""
    return tries < 2 and failure in (Failure.UNREACHED, Failure.DROPPED, Failure.BROKEN)


def pause_s(failure: Failure, chance: random.Random) -> float:
    """How long to wait before the same upstream is asked again; jittered, so that a herd comes apart."""
    return 0.0 if failure is Failure.DROPPED else _PAUSE_S * chance.uniform(0.5, 1.5)


class RetryBudget:
    """Repeats: at most `ratio` of the requests of the last ten seconds, and `floor` more."""

    def __init__(self, ratio: float, floor: int) -> None:
        self.ratio = ratio
        self.floor = floor
        self._requests = Window(_WINDOW_S)
        self._repeats = Window(_WINDOW_S)
        self.granted = 0
        self.refused = 0

    def asked(self, now_s: float) -> None:
        self._requests.add(now_s)

    def take(self, now_s: float) -> bool:
        """Whether one more repeat fits; if so it is counted."""
        allowed = self.floor + self.ratio * self._requests.total(now_s)
        if self._repeats.total(now_s) + 1 > allowed:
            self.refused += 1
            return False
        self._repeats.add(now_s)
        self.granted += 1
        return True
