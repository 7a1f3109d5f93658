"""Byte ranges of a representation (RFC 9110, 14): which are asked for, and how a body is cut into them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from edge.conditional import if_range_holds
from edge.fields import Fields, first
from edge.message import Request

_SET = re.compile(rb"bytes=(.*)", re.IGNORECASE | re.DOTALL)
_ONE = re.compile(rb"[ \t]*(\d*)-(\d*)[ \t]*")
_CONTENT_RANGE = re.compile(rb"bytes[ \t]+(\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.IGNORECASE)
_MOST_DIGITS = 18
_MOST_RANGES = 32  # RFC 9110, 17.15: many small ones are an attack, or a mistake
_GAP_BYTES = 80  # ranges closer than the head of a part are sent as one (RFC 9110, 15.3.7.2)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Bytes `first` to `last`, both included."""

    first: int
    last: int

    @property
    def size_bytes(self) -> int:
        return self.last - self.first + 1

    def content_range(self, size_bytes: int) -> bytes:
        return b"bytes %d-%d/%d" % (self.first, self.last, size_bytes)


class Unsatisfiable:
    """No byte of the representation lies in any of the ranges: 416."""


UNSATISFIABLE = Unsatisfiable()


@dataclass(frozen=True, slots=True)
class Cuts:
    """Parts of a body in the order of their bytes, each after a prefix; `tail` ends the whole."""

    parts: Sequence[tuple[bytes, Span]]
    tail: bytes = b""

    @property
    def size_bytes(self) -> int:
        return sum(len(prefix) + span.size_bytes for prefix, span in self.parts) + len(self.tail)

    @property
    def last(self) -> int:
        """The last byte of the body that is wanted."""
        return self.parts[-1][1].last

    def of(self, position: int, chunk: bytes, *, is_last: bool = False) -> list[bytes | memoryview]:
        """What to send for `chunk`, the bytes of the body from `position` on; no copy is made."""
        view, end = memoryview(chunk), position + len(chunk)
        pieces: list[bytes | memoryview] = []
        for prefix, span in self.parts:
            if prefix and position <= span.first < end:
                pieces.append(prefix)
            piece = view[max(0, span.first - position) : max(0, span.last + 1 - position)]
            if piece:
                pieces.append(piece)
        if self.tail and (is_last or position <= self.last < end):
            pieces.append(self.tail)
        return pieces


def asked_spans(value: bytes | None) -> list[tuple[int | None, int | None]] | None:
    """The ranges of a Range field: (first, last), (first, None), or (None, suffix length).

    None where there is none, or it is malformed or excessive: such a field is ignored (14.2).
    """
    match = _SET.fullmatch(value or b"")
    if match is None:
        return None
    asked: list[tuple[int | None, int | None]] = []
    for text in match[1].split(b","):
        if not text.strip():
            continue  # an empty member of a list (5.6.1)
        one = _ONE.fullmatch(text)
        start, end = (_position(one[1]), _position(one[2])) if one else (None, None)
        if start is None and end is None:
            return None
        if start is not None and end is not None and end < start:
            return None
        asked.append((start, end))
    return asked if 0 < len(asked) <= _MOST_RANGES else None


def _position(digits: bytes) -> int | None:
    """No representation has a byte of over 18 digits: any such number means past the end."""
    if not digits:
        return None
    digits = digits.lstrip(b"0")
    return int(digits or b"0") if len(digits) <= _MOST_DIGITS else 10**_MOST_DIGITS


def requested_spans(request: Request, size_bytes: int, fields: Fields) -> list[Span] | Unsatisfiable | None:
    """What parts of the representation of `fields` the request wants, in their order; None: the whole.

    Overlapping and neighbouring ranges are joined. Only GET has ranges (14.2).
    """
    asked = asked_spans(request.field(b"range")) if request.method == b"GET" else None
    if asked is None or not if_range_holds(request, fields):
        return None
    spans = sorted(filter(None, (_span(first, last, size_bytes) for first, last in asked)))
    if not spans:
        return UNSATISFIABLE
    joined = _joined(spans)
    if len(joined) > 1 and sum(span.size_bytes for span in joined) + len(joined) * _GAP_BYTES > size_bytes:
        return None  # in so many parts it would be larger than the whole
    return joined


def _span(first: int | None, last: int | None, size_bytes: int) -> Span | None:
    if first is None:  # the last N bytes
        wanted = min(last or 0, size_bytes)
        return Span(size_bytes - wanted, size_bytes - 1) if wanted else None
    if first >= size_bytes:
        return None
    return Span(first, size_bytes - 1 if last is None else min(last, size_bytes - 1))


def _joined(spans: Sequence[Span]) -> list[Span]:
    joined = [spans[0]]
    for span in spans[1:]:
        if span.first - joined[-1].last <= _GAP_BYTES:
            joined[-1] = Span(joined[-1].first, max(joined[-1].last, span.last))
        else:
            joined.append(span)
    return joined


def multipart(spans: Sequence[Span], size_bytes: int, content_type: bytes | None) -> tuple[Cuts, bytes]:
    """The cuts of a multipart/byteranges body and its media type (RFC 9110, 14.6)."""
    boundary = blake2b(repr((spans, size_bytes)).encode(), digest_size=12).hexdigest().encode()
    kind = b"content-type: %s\r\n" % content_type if content_type else b""
    parts = []
    for number, span in enumerate(spans):
        opening = b"--" if number == 0 else b"\r\n--"
        head = b"%s%s\r\n%scontent-range: %s\r\n\r\n"
        parts.append((head % (opening, boundary, kind, span.content_range(size_bytes)), span))
    return Cuts(tuple(parts), b"\r\n--%s--\r\n" % boundary), b"multipart/byteranges; boundary=" + boundary


def content_range(fields: Fields) -> tuple[Span, int | None] | None:
    """Which bytes a 206 carries, and of how many (None: not told); None where it does not say (14.4)."""
    match = _CONTENT_RANGE.fullmatch((first(fields, b"content-range") or b"").strip())
    if match is None:
        return None
    span = Span(int(match[1]), int(match[2]))
    size_bytes = None if match[3] == b"*" else int(match[3])
    if span.last < span.first or (size_bytes is not None and span.last >= size_bytes):
        return None
    return span, size_bytes
