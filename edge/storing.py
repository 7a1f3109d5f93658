"""Which responses a shared cache may keep (RFC 9111, 3), and which stored one a request selects (4.1)."""

from __future__ import annotations

from edge.fields import Directives, Fields, joined, list_members
from edge.freshness import HEURISTIC_STATUSES, freshness_lifetime_s
from edge.message import Request, ResponseHead

# Statuses whose caching rules this cache implements (RFC 9111, 3; must-understand). 206 and 304 are not
# among them: they are parts and updates, not responses to keep.
_UNDERSTOOD = frozenset((200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501))
# Fields that concern one client and have no part in a fetch for all: conditions, ranges, directives, CMCD.
NOT_SHARED = frozenset(
    (
        b"if-none-match",
        b"if-modified-since",
        b"if-match",
        b"if-unmodified-since",
        b"if-range",
        b"range",
        b"cache-control",
        b"pragma",
        b"cmcd-request",
        b"cmcd-object",
        b"cmcd-status",
        b"cmcd-session",
    )
)
_MAY_BE_AUTHORIZED = {"public", "s-maxage", "must-revalidate"}  # RFC 9111, 3.5


def may_store(request: Request, head: ResponseHead, directives: Directives) -> bool:
    """The response to `request` may be kept for others."""
    if request.method != b"GET" or head.status in (206, 304) or head.status < 200:
        return False
    if "no-store" in request.head.directives or "private" in directives:
        return False
    if "must-understand" in directives:
        if head.status not in _UNDERSTOOD:
            return False
    elif "no-store" in directives:
        return False
    if request.field(b"authorization") is not None and not directives.keys() & _MAY_BE_AUTHORIZED:
        return False
    if b"*" in vary_names(head.fields):
        return False
    return _has_lifetime(head, directives)


def _has_lifetime(head: ResponseHead, directives: Directives) -> bool:
    """Fresh for a while, or at least of use with a validator."""
    explicit = directives.keys() & {"public", "s-maxage", "max-age"} or head.field(b"expires") is not None
    if not explicit and head.status not in HEURISTIC_STATUSES:
        return False
    has_validator = head.field(b"etag") is not None or head.field(b"last-modified") is not None
    return has_validator or freshness_lifetime_s(head, directives) > 0


def vary_names(fields: Fields) -> tuple[bytes, ...]:
    """The request fields that chose this response, sorted; what no shared fetch carries chose none."""
    return tuple(sorted(set(list_members(joined(fields, b"vary"))) - NOT_SHARED))


def variant_key(key: bytes, names: tuple[bytes, ...], request: Request) -> bytes:
    """The key of the variant that `request` selects; white space around list commas does not count (4.1)."""
    if not names:
        return key
    parts = [b"\n%s:%s" % (name, _normal(request.field(name))) for name in names]
    return key + b"".join(parts)


def _normal(value: bytes | None) -> bytes:
    """An absent field and an empty one differ."""
    return b"\0" if value is None else b",".join(part.strip() for part in value.split(b","))
