"""Byte ranges of a stored response (RFC 9110, 14): one range, from the start, the middle or the end."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edge.message import Request

_SINGLE = re.compile(rb"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `first` to `last`, both included."""

    first: int
    last: int

    @property
    def size_bytes(self) -> int:
        return self.last - self.first + 1


class Unsatisfiable:
    """No byte of the representation lies in the range: 416."""


UNSATISFIABLE = Unsatisfiable()


def requested_span(
    request: Request, size_bytes: int, etag: bytes | None, modified: bytes | None
) -> Span | Unsatisfiable | None:
    """What part of `size_bytes` the request wants; None: the whole.

    A Range that is malformed or has several ranges is ignored, which the standard allows (14.2), and so is
    one whose If-Range does not hold (13.1.5: a strong entity tag, or the exact date).
    """
    value = request.field(b"range")
    if value is None or request.method != b"GET":
        return None
    condition = request.field(b"if-range")
    if condition is not None and condition != (etag if condition[:1] == b'"' else modified):
        return None
    match = _SINGLE.fullmatch(value)
    if match is None or match[0].strip().endswith(b"=-"):
        return None
    return _span(match[1], match[2], size_bytes)


def _span(first: bytes, last: bytes, size_bytes: int) -> Span | Unsatisfiable | None:
    if not first:  # the last N bytes
        wanted = min(int(last), size_bytes)
        return Span(size_bytes - wanted, size_bytes - 1) if wanted else UNSATISFIABLE
    if last and int(last) < int(first):
        return None  # malformed
    if int(first) >= size_bytes:
        return UNSATISFIABLE
    return Span(int(first), min(int(last), size_bytes - 1) if last else size_bytes - 1)
