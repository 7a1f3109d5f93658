"""Replies made from a response head: whole, ranges, not modified, or an error of the cache's own.

Core: says what is answered; the connection frames it (HTTP/1 or HTTP/2) and sends it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge.conditional import is_not_modified
from edge.fields import Fields, delta_seconds, first, format_date
from edge.freshness import initial_age_s
from edge.message import CacheStatus, Request, ResponseHead, without
from edge.ranges import Cuts, Span, Unsatisfiable, multipart, requested_spans
from edge.stored import StoredResponse

_ALLOW = ((b"allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),)  # RFC 9110, 15.5.6
# RFC 9110, 15.4.5: what a 304 repeats.
_IN_304 = frozenset(
    (b"cache-control", b"content-location", b"date", b"etag", b"expires", b"vary", b"last-modified")
)


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """The head of an answer. Framing is the connection's business: `fields` have none of it."""

    status: int
    fields: Fields
    size_bytes: int | None = None  # of the body, or of what GET would have; None: not known, or not told
    has_body: bool = True

    def with_fields(self, *more: tuple[bytes, bytes]) -> AnswerHead:
        return replace(self, fields=(*self.fields, *more))


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send for a representation: the head, and which parts of the body in what wrapping."""

    head: AnswerHead
    cuts: Cuts | None = None  # None: the body as it is


def plan(request: Request, status: int, fields: Fields, size_bytes: int | None) -> Plan:
    """How the representation of `fields` answers `request`. `size_bytes` None: not known yet."""
    if status == 200 and is_not_modified(request, fields):
        kept = tuple(field for field in fields if _is_in_304(field[0]))
        return Plan(AnswerHead(304, kept, has_body=False))
    fields = without(fields, b"content-length")
    if status == 200 and size_bytes is not None:
        spans = requested_spans(request, size_bytes, fields)
        if spans is not None:
            return _ranged(request, without(fields, b"content-range"), size_bytes, spans)
    has_body = request.method != b"HEAD" and status not in (204, 304)
    return Plan(AnswerHead(status, fields, None if status in (204, 304) else size_bytes, has_body))


def _ranged(request: Request, fields: Fields, size_bytes: int, spans: list[Span] | Unsatisfiable) -> Plan:
    """206 with one part or several, or 416 (RFC 9110, 15.3.7 and 15.5.17)."""
    if isinstance(spans, Unsatisfiable):
        kept = without(fields, b"content-type", b"etag", b"last-modified")
        said = (b"content-range", b"bytes */%d" % size_bytes)
        return Plan(AnswerHead(416, (*kept, said), 0, has_body=False))
    has_body = request.method != b"HEAD"
    if len(spans) == 1:
        (span,) = spans
        fields = (*fields, (b"content-range", span.content_range(size_bytes)))
        return Plan(AnswerHead(206, fields, span.size_bytes, has_body), Cuts(((b"", span),)))
    content_type = first(fields, b"content-type")
    cuts, kind = multipart(spans, size_bytes, content_type)
    fields = (*without(fields, b"content-type"), (b"content-type", kind))
    return Plan(AnswerHead(206, fields, cuts.size_bytes, has_body), cuts)


def _is_in_304(name: bytes) -> bool:
    return name in _IN_304 or name.startswith((b"access-control-", b"cdn-", b"timing-"))


def stored_plan(request: Request, stored: StoredResponse, now_s: float, said: bytes) -> Plan:
    """What a stored response answers to `request`; `said` is for Cache-Status."""
    how = plan(request, stored.status, stored.fields, stored.body_bytes)
    own = ((b"age", b"%d" % stored.age_s(now_s)), (b"cache-status", said))
    return Plan(how.head.with_fields(*own), how.cuts)


def stored_reply(
    request: Request, stored: StoredResponse, now_s: float, said: bytes
) -> tuple[AnswerHead, list[bytes | memoryview]]:
    """Head and body of the answer that a stored response gives to `request`; `said` is for Cache-Status."""
    how = stored_plan(request, stored, now_s, said)
    if not how.head.has_body:
        return how.head, []
    return how.head, [stored.body] if how.cuts is None else how.cuts.of(0, stored.body, is_last=True)


def hit_said(stored: StoredResponse, now_s: float) -> bytes:
    """The Cache-Status member for an answer from the store (RFC 9211, 2)."""
    return b"%s; hit; ttl=%d" % (stored.name, int(stored.fresh_until_s - now_s))


def error_reply(
    status: int, reason: str, name: bytes, now_s: float, *, has_body: bool = True
) -> tuple[AnswerHead, bytes]:
    """A short error of this cache's own; nobody else keeps it."""
    body = f"{status} {reason}\n".encode()
    fields = (
        (b"date", format_date(int(now_s))),
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"access-control-allow-origin", b"*"),
        (b"access-control-expose-headers", b"age, cache-status"),
        *(_ALLOW if status == 405 else ()),
        (b"cache-status", b'%s; detail="%s"' % (name, reason.replace('"', "'").encode())),
    )
    return AnswerHead(status, fields, len(body), has_body), body if has_body else b""


def age_s(head: ResponseHead, now_s: float) -> int:
    return max(0, int(now_s - head.received_s + initial_age_s(head)))


def with_said(head: AnswerHead, received: ResponseHead, said: bytes) -> AnswerHead:
    """With this cache's member of Cache-Status; the caches nearer to the origin come first (RFC 9211, 2)."""
    if received.is_from_worker:  # this cache has spoken already
        return head
    before = received.field(b"cache-status")
    said = said if before is None else before + b", " + said
    kept = without(head.fields, b"cache-status")
    return AnswerHead(head.status, (*kept, (b"cache-status", said)), head.size_bytes, head.has_body)


def last_hop_reply(request: Request, name: bytes, now_s: float) -> AnswerHead | None:
    """What a request that may go no further is answered with (RFC 9110, 7.6.2 and 9.3.7), or None if it may.

    `*` asks what this server can do, whichever upstream stands behind it.
    """
    if _hops(request) != 0 and request.target != b"*":
        return None
    own = ((b"date", format_date(int(now_s))), (b"cache-status", name))
    status, size_bytes = (204, None) if request.method == b"OPTIONS" else (405, 0)
    return AnswerHead(status, (*own, *_ALLOW), size_bytes, has_body=False)


def one_hop_less(request: Request) -> Fields:
    """The field that tells upstream how far a request may go on from there, if there is a limit."""
    hops = _hops(request)
    return () if not hops else ((b"max-forwards", b"%d" % (hops - 1)),)


def _hops(request: Request) -> int | None:
    if request.method not in (b"OPTIONS", b"TRACE"):
        return None
    return delta_seconds((request.field(b"max-forwards") or b"").decode("latin-1"))


def told_by_worker(head: ResponseHead, what: CacheStatus) -> CacheStatus:
    """What became of a request that another worker answered: for the edge as a whole, its hit is a hit."""
    member = (head.field(b"cache-status") or b"").rpartition(b",")[2]
    return CacheStatus.HIT if b"; hit" in member else what
