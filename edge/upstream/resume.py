"""A body that was cut: whether the rest may be asked for, how, and whether what comes is the rest.

RFC 9110, 13.1.5 (If-Range), 15.3.7 (206). The core of `upstream`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from edge.conditional import strong_date, strong_etag
from edge.fields import Fields
from edge.message import ResponseHead, without

_CONTENT_RANGE = re.compile(rb"bytes[ \t]+(\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.IGNORECASE)
_ASIDE = (
    *(b"range", b"if-range", b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since"),
)


@dataclass(frozen=True, slots=True)
class Rest:
    """What is still to come of a representation: the bytes `first` to `last`, both included."""

    first: int
    last: int
    size_bytes: int | None  # of the whole; None where the server did not say
    etag: bytes | None  # strong
    modified: bytes | None  # strong; only where there is no entity tag

    def after(self, size_bytes: int) -> Rest:
        """What is left when so many bytes more have come."""
        return replace(self, first=self.first + size_bytes)

    @property
    def is_any_left(self) -> bool:
        return self.first <= self.last


def rest_of(method: bytes, head: ResponseHead) -> Rest | None:
    """All of the body of `head`, if what is missing of it could be asked for by range; else None."""
    if method != b"GET":
        return None
    etag, modified = strong_etag(head.fields), _sole_date(head)
    if etag is None and modified is None:
        return None
    size_bytes = head.content_length
    if head.status == 200 and size_bytes:
        return Rest(0, size_bytes - 1, size_bytes, etag, modified)
    if head.status == 206:
        return _part(head, etag, modified)
    return None


def asking(fields: Fields, rest: Rest) -> Fields:
    """A request's fields, so that they ask for `rest` and for nothing else (RFC 9110, 13.1.5, 14.2)."""
    validator = rest.etag or rest.modified or b""
    wanted = (b"range", b"bytes=%d-%d" % (rest.first, rest.last)), (b"if-range", validator)
    return (*without(fields, *_ASIDE), *wanted)


def is_continued_by(rest: Rest, head: ResponseHead) -> bool:
    """The answer's body is `rest`, or the beginning of it, of the very same representation."""
    if head.status != 206:
        return False
    part = _part(head, None, None)
    if part is None or part.first != rest.first or part.last > rest.last:
        return False
    if part.size_bytes != rest.size_bytes:
        return False
    if rest.etag is not None:
        return head.field(b"etag") == rest.etag
    # An answer to If-Range need not repeat the date (15.3.7); what it does say must not disagree.
    return head.field(b"etag") is None and head.field(b"last-modified") in (None, rest.modified)


def _part(head: ResponseHead, etag: bytes | None, modified: bytes | None) -> Rest | None:
    match = _CONTENT_RANGE.fullmatch((head.field(b"content-range") or b"").strip())
    if match is None:
        return None
    first, last = int(match[1]), int(match[2])
    size_bytes = None if match[3] == b"*" else int(match[3])
    if first > last or (size_bytes is not None and last >= size_bytes):
        return None
    if head.content_length not in (None, last - first + 1):
        return None
    return Rest(first, last, size_bytes, etag, modified)


def _sole_date(head: ResponseHead) -> bytes | None:
    """Last-Modified where it is strong (8.8.2.2) and no entity tag stands beside it.

    A date does not tell apart the encodings or variants of one resource, so those are not resumed by it.
    """
    if any(head.field(name) is not None for name in (b"etag", b"content-encoding", b"vary")):
        return None
    return strong_date(head.fields)
