"""Parts of a large representation: aligned slices that are fetched, stored and evicted one by one.

Parts are combined only under one strong validator and one length (RFC 9111, 3.4; RFC 9110, 15.3.7.3).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from edge.conditional import strong_validator
from edge.fields import Fields, first
from edge.message import Request, ResponseHead, without
from edge.ranges import Span, asked_spans, content_range
from edge.stored import Speaker, StoredResponse

_SIZES = b":slices"  # of a record on disk: length of a slice and of the whole; no field has such a name
_TWO_NUMBERS = re.compile(rb"([1-9]\d{0,17})/([1-9]\d{0,17})")


@dataclass(frozen=True, slots=True)
class Part:
    """What a 206 carries: the head of the whole, and which bytes of how many."""

    head: ResponseHead
    span: Span
    total_bytes: int

    @property
    def is_whole(self) -> bool:
        return self.span.size_bytes == self.total_bytes

    def has(self, position: int) -> bool:
        return self.span.first <= position <= self.span.last


@dataclass(frozen=True, slots=True)
class Run:
    """Stored bytes from `first` on."""

    first: int
    data: bytes

    @property
    def end(self) -> int:
        return self.first + len(self.data)


class Sliced:
    """A representation of which parts are stored: at most one run of bytes a slice."""

    def __init__(self, stored: StoredResponse, total_bytes: int, slice_bytes: int) -> None:
        self.stored = stored  # fields and freshness of the whole; its body is empty
        self.total_bytes = total_bytes
        self.slice_bytes = slice_bytes
        self.runs: dict[int, Run] = {}
        self.elsewhere: tuple[int, ...] = ()  # slices that are on disk, where somebody asked for them

    def at(self, position: int) -> Run | None:
        """The run that has the byte at `position`."""
        run = self.runs.get(position // self.slice_bytes)
        return run if run is not None and run.first <= position < run.end else None

    def first_missing(self, spans: Iterable[Span], is_elsewhere: Callable[[int], bool]) -> int | None:
        """The first byte of `spans` that is not stored, nor its whole slice elsewhere; None if all are."""
        for span in spans:
            position = span.first
            while position <= span.last:
                run, number = self.at(position), position // self.slice_bytes
                if run is not None:
                    position = run.end
                elif is_elsewhere(number):
                    position = (number + 1) * self.slice_bytes
                else:
                    return position
        return None

    def is_complete(self, number: int, run: Run) -> bool:
        """`run` is all of a slice."""
        begin = number * self.slice_bytes
        return run.first == begin and run.end == min(begin + self.slice_bytes, self.total_bytes)

    def spans(self) -> list[Span]:
        """What is stored, in order."""
        size = self.slice_bytes
        whole = (Span(n * size, min((n + 1) * size, self.total_bytes) - 1) for n in self.elsewhere)
        return sorted((*(Span(run.first, run.end - 1) for run in self.runs.values()), *whole))

    def pieces(self, span: Span, data: bytes) -> Iterator[tuple[int, Run]]:
        """`data`, the bytes of `span`, as runs by slice, each joined with what that slice has already."""
        size = self.slice_bytes
        for number in range(span.first // size, span.last // size + 1):
            first_byte = max(span.first, number * size)
            piece = data[first_byte - span.first : (number + 1) * size - span.first]
            yield number, _joined(self.runs.get(number), Run(first_byte, piece))


class SlicedHead(StoredResponse):
    """The head of a response whose slices are on disk."""

    tier = b"disk"
    __slots__ = ("slice_bytes", "total_bytes")

    def __init__(self, sliced: Sliced, speaker: Speaker) -> None:
        self.total_bytes = sliced.total_bytes
        self.slice_bytes = sliced.slice_bytes
        key = sliced.stored.key
        super().__init__(key, sliced.stored.head, b"", speaker.of(key))


def head_record(sliced: Sliced) -> ResponseHead:
    """What the disk has to know of a response in slices."""
    head = sliced.stored.head
    sizes = b"%d/%d" % (sliced.slice_bytes, sliced.total_bytes)
    return replace(head, fields=(*without(head.fields, _SIZES), (_SIZES, sizes)))


def sliced_in(key: bytes, record: ResponseHead, speaker: Speaker) -> Sliced | None:
    """The response under `key` of which a record tells; None where it is none of `head_record`."""
    match = _TWO_NUMBERS.fullmatch(first(record.fields, _SIZES) or b"")
    if match is None:
        return None
    head = replace(record, fields=without(record.fields, _SIZES))
    sliced = Sliced(StoredResponse(key, head, b"", b""), int(match[2]), int(match[1]))
    sliced.stored = SlicedHead(sliced, speaker)
    return sliced


def slice_record(sliced: Sliced, run: Run) -> ResponseHead:
    """What the disk has to know of one slice: a 206's head, which `part_of` reads."""
    head = sliced.stored.head
    told = Span(run.first, run.end - 1).content_range(sliced.total_bytes)
    fields = without(head.fields, b"content-range", b"content-length")
    return replace(head, status=206, fields=(*fields, (b"content-range", told)))


def is_same(one: Sliced, other: Sliced) -> bool:
    """Both are of one representation."""
    return one.total_bytes == other.total_bytes and may_combine(one.stored.fields, other.stored.fields)


def _joined(old: Run | None, new: Run) -> Run:
    """One run of both if they touch, else the longer."""
    if old is None:
        return new
    if new.end < old.first or old.end < new.first:
        return max(old, new, key=lambda run: len(run.data))
    low, high = sorted((old, new), key=lambda run: run.first)
    return Run(low.first, low.data + high.data[max(0, low.end - high.first) :])


def part_of(head: ResponseHead) -> Part | None:
    """The part that a 206 brings, or None where it is not one that can be kept or cut further."""
    span, total_bytes = (content_range(head.fields) if head.status == 206 else None) or (None, None)
    if span is None or total_bytes is None:
        return None
    if head.content_length not in (None, span.size_bytes):
        return None  # it contradicts itself
    fields = without(head.fields, b"content-range", b"content-length")
    return Part(ResponseHead(200, fields, head.requested_s, head.received_s), span, total_bytes)


def may_combine(one: Fields, other: Fields) -> bool:
    """Both are of one representation, by a strong validator."""
    validator = strong_validator(one)
    return validator is not None and validator == strong_validator(other)


def wanted_first(request: Request) -> int | None:
    """The one byte range that `request` asks for, by its first byte; negative: so many from the end.

    None where it wants the whole, or several ranges, or makes a condition of it: then the whole is fetched.
    """
    asked = asked_spans(request.field(b"range"))
    if asked is None or len(asked) != 1 or request.field(b"if-range") is not None:
        return None
    start, end = asked[0]
    if start is None:
        return -end if end else None
    return None if start == 0 and end is None else start


def aligned(position: int, slice_bytes: int) -> bytes:
    """The Range of the slice that has the byte at `position`, or of the last bytes if it is negative."""
    if position < 0:
        return b"bytes=%d" % position
    start = position - position % slice_bytes
    return b"bytes=%d-%d" % (start, start + slice_bytes - 1)
