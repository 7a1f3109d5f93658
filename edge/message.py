"""The two messages of an exchange as the cache sees them: a client's request, an upstream's response head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from edge.fields import Directives, Fields, first, joined, parse_directives

# A request with one of these cannot be answered by a stored response as it is.
_SPECIAL = frozenset(
    (
        b"range",
        b"if-none-match",
        b"if-modified-since",
        b"if-match",
        b"if-unmodified-since",
        b"if-range",
        b"cache-control",
        b"pragma",
        b"expect",
        b"upgrade",
    )
)


class CacheStatus(Enum):
    """What became of a request; logs, metrics and Cache-Status use the same word."""

    HIT = "hit"
    STALE = "stale"  # past its lifetime; the RFC or the origin allows it
    REVALIDATED = "revalidated"  # upstream answered 304
    MISS = "miss"
    COLLAPSED = "collapsed"  # a miss that joined another's fetch
    PASS = "pass"  # this cache may not answer it
    REFUSED = "refused"  # malformed, or only-if-cached without a stored response


class Forward(Enum):
    """Why a request went upstream, in the words of Cache-Status (RFC 9211, 2.2)."""

    METHOD = "method"
    REQUEST = "request"  # the client asked for it, or its conditions are the origin's to judge
    URI_MISS = "uri-miss"
    VARY_MISS = "vary-miss"
    STALE = "stale"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class Head:
    """The header section of a request, parsed. One connection repeats it, so it is parsed once and kept."""

    fields: Fields
    is_plain: bool = False  # nothing in it keeps a stored response from being the answer
    keep_alive: bool = True
    directives: Directives = field(default_factory=dict)

    @classmethod
    def of(cls, fields: Fields, *, keep_alive: bool) -> Head:
        directives = parse_directives(joined(fields, b"cache-control"))
        if not directives and b"no-cache" in (first(fields, b"pragma") or b"").lower():
            directives = {"no-cache": None}  # RFC 9111, 5.4
        is_plain = keep_alive and not any(name in _SPECIAL for name, _ in fields)
        return cls(fields, is_plain, keep_alive, directives)


@dataclass(frozen=True, slots=True)
class Request:
    """A client's request. `key` is the target without what does not choose the response (CMCD)."""

    method: bytes
    target: bytes  # origin-form, as it came
    key: bytes
    head: Head
    version: bytes = b"1.1"  # of HTTP, in the words of Via

    @property
    def is_http11(self) -> bool:
        """The client knows what came with HTTP/1.1: chunks, interim responses."""
        return self.version != b"1.0"

    def field(self, name: bytes) -> bytes | None:
        return joined(self.head.fields, name)


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """A final response's status and end-to-end fields, and when it was asked for and came."""

    status: int
    fields: Fields
    requested_s: float
    received_s: float
    is_from_worker: bool = False  # another worker of this edge gave it, and has said what it is

    def field(self, name: bytes) -> bytes | None:
        return joined(self.fields, name)

    @property
    def content_length(self) -> int | None:
        length = first(self.fields, b"content-length")
        return int(length) if length is not None and length.isdigit() else None


def without(fields: Sequence[tuple[bytes, bytes]], *names: bytes) -> Fields:
    return tuple(pair for pair in fields if pair[0] not in names)
