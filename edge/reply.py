"""Replies made from a response head: whole, a range, not modified, or an error of the cache's own.

Core: says which bytes go on the wire; the protocol sends them.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.conditional import is_not_modified
from edge.fields import Fields, first, format_date
from edge.message import CacheStatus, Request, without
from edge.ranges import Span, Unsatisfiable, requested_span
from edge.stored import StoredResponse, lines, status_line

_ALLOW = ((b"allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),)  # RFC 9110, 15.5.6
_CLOSE = b"connection: close\r\n"
# RFC 9110, 15.4.5: what a 304 repeats.
_IN_304 = frozenset(
    (b"cache-control", b"content-location", b"date", b"etag", b"expires", b"vary", b"last-modified")
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send for a representation: the status, the fields, and which part of the body."""

    status: int
    fields: Fields
    span: Span | None = None  # None: the whole body
    has_body: bool = True


def plan(request: Request, status: int, fields: Fields, size_bytes: int | None) -> Plan:
    """How the representation of `fields` answers `request`. `size_bytes` None: not known yet."""
    etag, modified = first(fields, b"etag"), first(fields, b"last-modified")
    if status == 200 and is_not_modified(request, etag, modified):
        return Plan(304, tuple(field for field in fields if _is_in_304(field[0])), has_body=False)
    fields = without(fields, b"content-length", b"content-range")
    if status == 200 and size_bytes is not None:
        span = requested_span(request, size_bytes, etag, modified)
        if isinstance(span, Unsatisfiable):
            said = (b"content-range", b"bytes */%d" % size_bytes), (b"content-length", b"0")
            return Plan(
                416, (*without(fields, b"content-type", b"etag", b"last-modified"), *said), has_body=False
            )
        if span is not None:
            part = b"bytes %d-%d/%d" % (span.first, span.last, size_bytes)
            length = (b"content-length", b"%d" % span.size_bytes)
            return Plan(206, (*fields, (b"content-range", part), length), span)
    if size_bytes is not None and status not in (204, 304):
        fields = (*fields, (b"content-length", b"%d" % size_bytes))
    return Plan(status, fields, has_body=request.method != b"HEAD" and status not in (204, 304))


def _is_in_304(name: bytes) -> bool:
    return name in _IN_304 or name.startswith((b"access-control-", b"cdn-", b"timing-"))


def head_bytes(plan: Plan, *extra: tuple[bytes, bytes], close: bool = False) -> bytes:
    """The head on the wire, with this cache's own fields after the origin's."""
    return b"%s%s%s%s\r\n" % (
        status_line(plan.status),
        lines(plan.fields),
        lines(extra),
        _CLOSE if close else b"",
    )


def stored_reply(
    request: Request, stored: StoredResponse, now_s: float, status: CacheStatus, *, close: bool
) -> tuple[int, bytes, memoryview]:
    """Status, head and body of the answer that a stored response gives to `request`."""
    how = plan(request, stored.status, stored.fields, len(stored.body))
    said = hit_said(stored, now_s, status)
    head = head_bytes(how, (b"age", b"%d" % stored.age_s(now_s)), (b"cache-status", said), close=close)
    if not how.has_body:
        return how.status, head, memoryview(b"")
    body = memoryview(stored.body)
    return how.status, head, body if how.span is None else body[how.span.first : how.span.last + 1]


def hit_said(stored: StoredResponse, now_s: float, status: CacheStatus) -> bytes:
    """The Cache-Status member for an answer from the store (RFC 9211, 2)."""
    ttl = b"ttl=%d" % int(stored.fresh_until_s - now_s)
    if status is CacheStatus.REVALIDATED:
        return b"%s; fwd=stale; fwd-status=304; %s" % (stored.name, ttl)
    return b"%s; hit; %s" % (stored.name, ttl)


def error_reply(
    status: int, reason: str, name: bytes, now_s: float, *, close: bool, has_body: bool = True
) -> bytes:
    """A short error of this cache's own; nobody else keeps it."""
    body = f"{status} {reason}\n".encode()
    fields = (
        (b"date", format_date(int(now_s))),
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"access-control-allow-origin", b"*"),
        (b"access-control-expose-headers", b"age, cache-status"),
        (b"content-length", b"%d" % len(body)),
        *(_ALLOW if status == 405 else ()),
        (b"cache-status", b'%s; detail="%s"' % (name, reason.replace('"', "'").encode())),
    )
    head = head_bytes(Plan(status, fields), close=close)
    return head + body if has_body else head
