"""A stored response: what was received, what follows from it, and its head ready for the wire.

The head of a hit changes once a second (Age, ttl), so it is put together once a second at most.
"""

from __future__ import annotations

from http import HTTPStatus

from edge.fields import Directives, Fields, first, format_date, joined, parse_directives
from edge.freshness import freshness_lifetime_s, initial_age_s
from edge.message import ResponseHead, without

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}
_OVERHEAD_BYTES = 1024  # of the objects around a body: measured, and rounded up


def status_line(status: int) -> bytes:
    return b"HTTP/1.1 %d %s\r\n" % (status, _REASONS.get(status, b"Unknown"))


def lines(fields: Fields) -> bytes:
    return b"".join([b"%s: %s\r\n" % field for field in fields])


class StoredResponse:
    """A complete response that this cache may use again. Times are wall-clock seconds."""

    __slots__ = (
        "_wire_head",
        "_wire_second",
        "body",
        "born_s",
        "directives",
        "etag",
        "fields",
        "fresh_until_s",
        "key",
        "log_part",
        "modified",
        "name",
        "prefix",
        "received_s",
        "serve_until_s",
        "status",
    )

    def __init__(self, key: bytes, head: ResponseHead, body: bytes, name: bytes) -> None:
        self.key = key
        self.body = body
        self.name = name  # this cache's, for Cache-Status
        self.take(head)

    def take(self, head: ResponseHead) -> None:
        """Set status, fields and times to those of `head`, as received or as merged with a 304."""
        self.status = head.status
        fields = without(head.fields, b"age", b"cache-status", b"content-length")
        if first(fields, b"date") is None:  # RFC 9110, 6.6.1
            fields = (*fields, (b"date", format_date(int(head.received_s))))
        self.fields: Fields = fields
        self.directives: Directives = parse_directives(joined(fields, b"cache-control"))
        self.received_s = head.received_s
        self.born_s = head.received_s - initial_age_s(head)
        # Fresh while the age is below the lifetime (RFC 9111, 4.2).
        self.fresh_until_s = self.born_s + freshness_lifetime_s(head, self.directives)
        # What the hot path asks: until when the response may be served without a thought.
        self.serve_until_s = 0.0 if "no-cache" in self.directives else self.fresh_until_s
        self.etag = first(fields, b"etag")
        self.modified = first(fields, b"last-modified")
        # RFC 9110, 8.6: a 204 has no length to tell.
        length = b"" if self.status == 204 else b"content-length: %d\r\n" % len(self.body)
        self.prefix = status_line(self.status) + lines(fields) + length
        self.log_part = b'"status":%d,"bytes":%d,"cache":"hit"}\n' % (self.status, len(self.body))
        self._wire_second = -1
        self._wire_head = b""

    @property
    def size_bytes(self) -> int:
        """What it costs in the RAM tier."""
        return len(self.body) + len(self.prefix) + len(self.key) + _OVERHEAD_BYTES

    def age_s(self, now_s: float) -> int:
        return max(0, int(now_s - self.born_s))

    def wire_head(self, now_s: float) -> bytes:
        """The complete head of a hit on the whole body."""
        second = int(now_s)
        if second != self._wire_second:
            self._wire_head = b"%sage: %d\r\ncache-status: %s; hit; ttl=%d\r\n\r\n" % (
                self.prefix,
                self.age_s(now_s),
                self.name,
                int(self.fresh_until_s - now_s),
            )
            self._wire_second = second
        return self._wire_head


def merged(stored: StoredResponse, update: ResponseHead) -> ResponseHead:
    """The stored head with the fields of a 304 in place of its own (RFC 9111, 3.2 and 4.3.4)."""
    kept_names = {b"content-length", b"content-encoding", b"content-type", b"content-range"}
    news = tuple(field for field in update.fields if field[0] not in kept_names)
    replaced = {name for name, _ in news} | {b"date"}  # without a Date of its own, it is dated on arrival
    old = tuple(field for field in stored.fields if field[0] not in replaced)
    return ResponseHead(stored.status, old + news, update.requested_s, update.received_s)
