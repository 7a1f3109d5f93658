"""How long a response is fresh and how old it is (RFC 9111, 4.2), and when staleness is allowed (4.2.4)."""

from __future__ import annotations

from edge.control import Control
from edge.fields import delta_seconds, parse_date
from edge.message import ResponseHead

# RFC 9110, 15.1: a cache may guess a lifetime for these.
HEURISTIC_STATUSES = frozenset((200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501))
_HEURISTIC_FRACTION = 0.1  # of the time since Last-Modified (RFC 9111, 4.2.2)
_HEURISTIC_LIMIT_S = 86_400.0


def freshness_lifetime_s(head: ResponseHead, control: Control) -> float:
    """Seconds for which the response is fresh in a shared cache (RFC 9111, 4.2.1)."""
    for name in ("s-maxage", "max-age"):
        if name in control:
            return delta_seconds(control.directives[name]) or 0
    expires = None if control.is_targeted else head.field(b"expires")
    if expires is not None:
        expires_s = parse_date(expires, head.received_s)
        return 0 if expires_s is None else max(0.0, expires_s - _date_s(head))
    return _heuristic_s(head, control)


def initial_age_s(head: ResponseHead) -> float:
    """The corrected initial age: what upstream said, or what the clocks say if that is more (4.2.3)."""
    apparent_s = max(0.0, head.received_s - _date_s(head))
    told = (head.field(b"age") or b"").split(b",")[0].strip().decode("latin-1")
    corrected_s = (delta_seconds(told) or 0) + head.received_s - head.requested_s
    return max(apparent_s, corrected_s)


def may_be_stale(control: Control) -> bool:
    """Nothing in the response forbids its use once it is stale (RFC 9111, 4.2.4 and 5.2.2)."""
    return not control.directives.keys() & {"must-revalidate", "proxy-revalidate", "s-maxage", "no-cache"}


def grace_s(control: Control, name: str) -> float:
    """Seconds past the lifetime that `stale-while-revalidate` or `stale-if-error` allow (RFC 5861)."""
    return (delta_seconds(control.directives.get(name)) or 0) if may_be_stale(control) else 0


def _date_s(head: ResponseHead) -> float:
    date_s = parse_date(head.field(b"date"), head.received_s)
    return head.received_s if date_s is None else date_s


def _heuristic_s(head: ResponseHead, control: Control) -> float:
    modified_s = parse_date(head.field(b"last-modified"), head.received_s)
    if modified_s is None or (head.status not in HEURISTIC_STATUSES and "public" not in control):
        return 0
    return min(max(0.0, (_date_s(head) - modified_s) * _HEURISTIC_FRACTION), _HEURISTIC_LIMIT_S)
