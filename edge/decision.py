"""The cache's one decision: what to do for a request, given what is stored (RFC 9111, 4).

Pure: the same function answers on the wire and in virtual time.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.fields import delta_seconds
from edge.freshness import grace_s, may_be_stale
from edge.message import Forward, Request
from edge.stored import StoredResponse

# Directives of a request that every cache on the way is to see (RFC 9111, 5.2.1).
REACH_UPSTREAM = frozenset(("no-cache", "max-age", "min-fresh"))
COVERED_ERRORS = frozenset((500, 502, 503, 504))  # what stale-if-error is about (RFC 5861, 4)
_ORIGIN_ONLY = (b"if-match", b"if-unmodified-since")  # conditions that no cache judges (RFC 9111, 4.3.2)


@dataclass(frozen=True, slots=True)
class Serve:
    """Answer with the stored response."""

    stored: StoredResponse


@dataclass(frozen=True, slots=True)
class ServeStale:
    """Answer with the stored response at once, and validate it behind (RFC 5861, 3)."""

    stored: StoredResponse


@dataclass(frozen=True, slots=True)
class Revalidate:
    """Ask upstream whether the stored response still holds."""

    stored: StoredResponse
    why: Forward


@dataclass(frozen=True, slots=True)
class Fetch:
    """Ask upstream; the answer may serve others too."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Forward the request as it is; the answer is for this client alone."""

    why: Forward


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with an error of this cache's own."""

    status: int
    reason: str


Decision = Serve | ServeStale | Revalidate | Fetch | Pass | Refuse


def decide(request: Request, stored: StoredResponse | None, now_s: float) -> Decision:
    """What to do for `request`; `stored` is the response its key selects, if there is one."""
    if request.method not in (b"GET", b"HEAD"):
        return Pass(Forward.METHOD)
    wishes = request.head.directives
    if stored is not None and _satisfies(request, stored, now_s):
        return Serve(stored)
    if "only-if-cached" in wishes:
        return Refuse(504, "nothing fresh is stored")  # RFC 9111, 5.2.1.7
    if "no-store" in wishes or any(request.field(name) is not None for name in _ORIGIN_ONLY):
        return Pass(Forward.REQUEST)
    if stored is None:
        return Pass(Forward.URI_MISS) if request.method == b"HEAD" else Fetch()
    has_wish = bool(wishes.keys() & REACH_UPSTREAM)
    if not has_wish and now_s < stale_until_s(stored):
        return ServeStale(stored)
    why = Forward.STALE if now_s >= stored.serve_until_s else Forward.REQUEST
    # What a HEAD brings updates what is stored.
    return Pass(why) if request.method == b"HEAD" else Revalidate(stored, why)


def stale_until_s(stored: StoredResponse) -> float:
    """Until when it may be served while it is validated (RFC 5861, 3)."""
    return stored.serve_until_s + grace_s(stored.control, "stale-while-revalidate")


def _satisfies(request: Request, stored: StoredResponse, now_s: float) -> bool:
    """The stored response may be used without a word to upstream, as client and origin see it."""
    wishes = request.head.directives
    if "no-cache" in stored.control or "no-cache" in wishes:
        return False
    if any(request.field(name) is not None for name in _ORIGIN_ONLY):
        return False
    left_s = stored.fresh_until_s - now_s
    if "max-age" in wishes and now_s - stored.born_s > (delta_seconds(wishes["max-age"]) or 0):
        return False
    if "min-fresh" in wishes and left_s < (delta_seconds(wishes["min-fresh"]) or 0):
        return False
    if left_s > 0:
        return True
    if "max-stale" in wishes and may_be_stale(stored.control):
        limit = wishes["max-stale"]
        return limit is None or -left_s <= (delta_seconds(limit) or 0)
    return False


def may_serve_on_error(stored: StoredResponse, now_s: float, *, is_disconnected: bool) -> bool:
    """A stale response may stand in for a failed upstream.

    A disconnected cache may use what nothing forbids (RFC 9111, 4.2.4); an upstream that answers with an
    error is replaced only as far as stale-if-error allows (RFC 5861, 4).
    """
    if is_disconnected and may_be_stale(stored.control):
        return True
    return now_s < stored.serve_until_s + grace_s(stored.control, "stale-if-error")
