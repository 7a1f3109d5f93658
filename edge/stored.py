"""A stored response: what was received, what follows from it, and its head ready for the wire.

The head of a hit changes once a second (Age, ttl), so it is put together once a second at most.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus

from edge.control import Control, control_of
from edge.fields import Fields, first, format_date, joined
from edge.freshness import freshness_lifetime_s, initial_age_s
from edge.message import ResponseHead, without
from edge.structured import parse_strings

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}
_MOST_GROUPS = 128  # RFC 9875, 2 asks for 32 at least
_OVERHEAD_BYTES = 1024  # of the objects around a body: measured, and rounded up


def status_line(status: int) -> bytes:
    return b"HTTP/1.1 %d %s\r\n" % (status, _REASONS.get(status, b"Unknown"))


def lines(fields: Fields) -> bytes:
    return b"".join([b"%s: %s\r\n" % field for field in fields])


class StoredResponse:
    """A complete response that this cache may use again. Times are wall-clock seconds."""

    tier = b"ram"  # where the body is, in the words of the log

    __slots__ = (
        "_serve_until_s",
        "_wire_head",
        "_wire_second",
        "body",
        "born_s",
        "control",
        "etag",
        "fields",
        "fresh_until_s",
        "groups",
        "head",
        "hits",
        "is_joined",
        "key",
        "log_part",
        "modified",
        "name",
        "prefix",
        "received_s",
        "stale_from_s",
        "stale_until_s",
        "status",
        "wire",
        "wire_file",
        "wire_from_s",
        "wire_offset",
        "wire_until_s",
    )

    def __init__(self, key: bytes, head: ResponseHead, body: bytes, name: bytes) -> None:
        self.key = key
        self.body = body
        self.name = name  # this cache's, for Cache-Status
        # What a hit sends in this second; `wires` makes it and lets go of it.
        self.wire = b""  # head and body, or the head alone where it is not joined
        self.is_joined = False
        self.wire_file = -1  # the descriptor of a memory file that holds head and body,
        self.wire_offset = 0  # from here on
        self.hits = 0  # in this second, sent in two pieces
        self.take(head)

    def take(self, head: ResponseHead) -> None:
        """Set status, fields and times to those of `head`, as received or as merged with a 304."""
        self.status = head.status
        control = control_of(head.fields)
        if control.withheld:
            head = replace(head, fields=without(head.fields, *control.withheld))
        self.head = head  # as received, for whoever keeps it elsewhere
        fields = without(head.fields, b"age", b"cache-status", b"content-length")
        if first(fields, b"date") is None:  # RFC 9110, 6.6.1
            fields = (*fields, (b"date", format_date(int(head.received_s))))
        self.fields: Fields = fields
        self.control: Control = control
        self.groups = groups_of(fields)
        self.received_s = head.received_s
        self.born_s = head.received_s - initial_age_s(head)
        # Fresh while the age is below the lifetime (RFC 9111, 4.2).
        self.fresh_until_s = self.born_s + freshness_lifetime_s(head, control)
        self.serve_until_s = 0.0 if "no-cache" in control else self.fresh_until_s
        self.etag = first(fields, b"etag")
        self.modified = first(fields, b"last-modified")
        # RFC 9110, 8.6: a 204 has no length to tell.
        length = b"" if self.status == 204 else b"content-length: %d\r\n" % self.body_bytes
        self.prefix = status_line(self.status) + lines(fields) + length
        self.log_part = b'","method":"GET","status":%d,"bytes":%d,"cache":"hit","tier":"%s","ms":0}\n' % (
            self.status,
            self.body_bytes,
            self.tier,
        )

    @property
    def body_bytes(self) -> int:
        return len(self.body)

    @property
    def serve_until_s(self) -> float:
        """Until when the response may be served without a thought. The hot path asks `wire_until_s`."""
        return self._serve_until_s

    @serve_until_s.setter
    def serve_until_s(self, until_s: float) -> None:
        self._serve_until_s = until_s
        self.forget_wire()

    def forget_wire(self) -> None:
        """What is ready to be sent no longer holds."""
        self.wire = self._wire_head = b""
        self._wire_second = -1
        self.wire_from_s = self.wire_until_s = 0.0  # when it is a hit's
        self.stale_from_s = self.stale_until_s = 0.0  # when it is that of a response past its lifetime

    @property
    def size_bytes(self) -> int:
        """What it costs in the RAM tier."""
        return len(self.body) + len(self.prefix) + len(self.key) + _OVERHEAD_BYTES

    def age_s(self, now_s: float) -> int:
        return max(0, int(now_s - self.born_s))

    def expire(self, now_s: float) -> None:
        """Stale from now on: to be validated before the next use."""
        self.fresh_until_s = min(self.fresh_until_s, now_s)
        self.serve_until_s = min(self.serve_until_s, now_s)

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


@dataclass(frozen=True, slots=True)
class Speaker:
    """Begins this cache's member of Cache-Status: its name, and the key if that is told (RFC 9211, 2)."""

    name: bytes
    tells_key: bool = False

    def of(self, key: bytes) -> bytes:
        """`key` may be a variant's: what follows its first line is not told."""
        if not self.tells_key:
            return self.name
        told = key.partition(b"\n")[0].replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        return b'%s; key="%s"' % (self.name, told)


def groups_of(fields: Fields) -> frozenset[bytes]:
    """The groups that a response belongs to: Cache-Groups (RFC 9875), and Surrogate-Key."""
    strings = parse_strings(joined(fields, b"cache-groups") or b"")
    words = (joined(fields, b"surrogate-key") or b"").replace(b",", b" ").split()
    return frozenset((*strings, *words)[:_MOST_GROUPS])


def merged(stored: StoredResponse, update: ResponseHead) -> ResponseHead:
    """The stored head with the fields of a 304 in place of its own (RFC 9111, 3.2 and 4.3.4)."""
    kept_names = {b"content-length", b"content-encoding", b"content-type", b"content-range"}
    news = tuple(field for field in update.fields if field[0] not in kept_names)
    replaced = {name for name, _ in news} | {b"date"}  # without a Date of its own, it is dated on arrival
    old = tuple(field for field in stored.fields if field[0] not in replaced)
    return ResponseHead(stored.status, old + news, update.requested_s, update.received_s)


def tells_of(stored: StoredResponse, update: ResponseHead) -> bool:
    """A 304 to a client's own condition says what it is about, or there is nothing to tell apart (4.3.4)."""
    is_told = any(update.field(name) is not None for name in (b"etag", b"last-modified"))
    return is_told or (stored.etag is None and stored.modified is None)


def same_representation(stored: StoredResponse, update: ResponseHead) -> bool:
    """Another answer's head is of what is stored (RFC 9111, 4.3.4), or does not contradict it (4.3.5)."""
    if update.status == 304:
        return _is_confirmed_by(stored, update)
    told = ((b"etag", stored.etag), (b"last-modified", stored.modified))
    is_same = all(update.field(name) in (None, own) for name, own in told)
    return is_same and update.content_length in (None, len(stored.body))


def _is_confirmed_by(stored: StoredResponse, update: ResponseHead) -> bool:
    """A strong tag is the stored one; of a weak one, the opaque part is; so is the date if there is none."""
    etag = update.field(b"etag")
    if etag is None:
        return update.field(b"last-modified") in (None, stored.modified)
    if etag[:1] == b'"':
        return etag == stored.etag
    return stored.etag is not None and etag.removeprefix(b"W/") == stored.etag.removeprefix(b"W/")
