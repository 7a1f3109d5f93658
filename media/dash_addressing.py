"""How DASH addresses segments: templates, timelines and lists (ISO/IEC 23009-1, 5.3.9).

Attributes come in as the text that a manifest holds, inherited already; what is wrong is a ValueError.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from urllib.parse import urljoin

from media.presentation import InitSegment
from media.timeline import ByteRange, Segment, Timeline

_MOST_SEGMENTS = 10**6  # a manifest of a few bytes may claim any number
_IDENTIFIER = re.compile(r"\$(?:(\w+)(?:%0(\d{1,2})d)?)?\$")
Attributes = Mapping[str, str]
Span = tuple[int, int]  # start and end in ticks


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressing:
    """The SegmentTemplate or SegmentList of one representation, with all that it inherits."""

    attributes: Attributes
    base_uri: str
    representation_id: str
    bandwidth: str
    period: Fraction | None  # seconds, if the manifest says
    runs: Sequence[Attributes] = ()  # the S elements of a SegmentTimeline
    listed: Sequence[Attributes] = ()  # the SegmentURL elements of a SegmentList
    initialization: Attributes | None = None  # the element of that name

    def init(self) -> InitSegment | None:
        if self.initialization is not None:
            byte_range = _byte_range(self.initialization.get("range"))
            return InitSegment(
                uri=urljoin(self.base_uri, self.initialization.get("sourceURL", "")),
                byte_range=byte_range,
                size_bytes=_size_bytes(byte_range),
            )
        template = self.attributes.get("initialization")
        return InitSegment(uri=self._uri(template)) if template else None

    def timeline(self) -> Timeline:
        """Time counts from the start of the period."""
        offset = int(self.attributes.get("presentationTimeOffset", "0"))
        first = int(self.attributes.get("startNumber", "1"))
        spans = self._spans(offset)
        if not spans:
            raise ValueError("it has no segments")
        if self.listed and len(spans) != len(self.listed):
            raise ValueError(f"{len(self.listed)} addresses for {len(spans)} segments")
        segments = tuple(
            self._segment(index, first + index, (start - offset, end - offset), start)
            for index, (start, end) in enumerate(spans)
        )
        return Timeline(timescale=self._timescale, segments=segments)

    @property
    def _timescale(self) -> int:
        return int(self.attributes.get("timescale", "1"))

    def _spans(self, offset: int) -> list[Span]:
        """In media time, which is `offset` at the start of the period."""
        end = None if self.period is None else offset + round(self.period * self._timescale)
        if self.runs:
            return _spans_of_runs(self.runs, end)
        spans = _even_spans(int(self.attributes["duration"]), offset, end, len(self.listed))
        if last := self.attributes.get("endNumber"):
            return spans[: int(last) - int(self.attributes.get("startNumber", "1")) + 1]
        return spans

    def _segment(self, index: int, number: int, span: Span, time: int) -> Segment:
        if self.listed:
            uri = urljoin(self.base_uri, self.listed[index].get("media", ""))
            byte_range = _byte_range(self.listed[index].get("mediaRange"))
        else:
            uri, byte_range = self._uri(self.attributes["media"], number, time), None
        return Segment(
            number=number,
            start_ticks=span[0],
            duration_ticks=span[1] - span[0],
            uri=uri,
            byte_range=byte_range,
            size_bytes=_size_bytes(byte_range),
        )

    def _uri(self, template: str, number: int = 0, time: int = 0) -> str:
        values = {"RepresentationID": self.representation_id, "Bandwidth": self.bandwidth}
        values |= {"Number": str(number), "Time": str(time)}

        def fill(identifier: re.Match[str]) -> str:
            name, width = identifier.groups()
            if name is None:
                return "$"
            if name not in values:
                raise ValueError(f"{identifier[0]} in the template {template!r} is unknown")
            return values[name].zfill(int(width or 0))

        return urljoin(self.base_uri, _IDENTIFIER.sub(fill, template))


def _spans_of_runs(runs: Sequence[Attributes], end: int | None) -> list[Span]:
    """A gap belongs to the segment before it; an overlap to the one that begins."""
    spans: list[Span] = []
    at = 0
    for run, later in zip(runs, [*runs[1:], {}], strict=True):
        at, duration = int(run.get("t", at)), int(run["d"])
        repeats = int(run.get("r", "0"))
        if repeats < 0:  # until the next run or the end of the period
            until = int(later["t"]) if "t" in later else end
            if until is None:
                raise ValueError("a run repeats to the end of a period of unknown length")
            repeats = max(0, math.ceil(Fraction(until - at, duration)) - 1)
        _refuse_too_many(len(spans) + repeats + 1)
        spans += [(at + duration * n, at + duration * (n + 1)) for n in range(repeats + 1)]
        at += duration * (repeats + 1)
    return [(start, after) for (start, _), (after, _) in pairwise(spans)] + spans[-1:]


def _even_spans(duration: int, start: int, end: int | None, listed: int) -> list[Span]:
    """Segments of one length; the last is as short as the period ends."""
    if not listed and end is None:
        raise ValueError("segments are counted by the length of the period, which is unknown")
    count = listed or math.ceil(Fraction((end or 0) - start, duration))
    _refuse_too_many(count)
    spans = [(start + duration * n, start + duration * (n + 1)) for n in range(count)]
    if spans and end is not None and end > spans[-1][0]:
        spans[-1] = (spans[-1][0], min(end, spans[-1][1]))
    return spans


def _refuse_too_many(count: int) -> None:
    if count > _MOST_SEGMENTS:
        raise ValueError(f"{count} segments are more than {_MOST_SEGMENTS}")


def _byte_range(text: str | None) -> ByteRange | None:
    if text is None:
        return None
    first, _, last = text.partition("-")
    return int(first), int(last)


def _size_bytes(byte_range: ByteRange | None) -> int | None:
    return byte_range[1] - byte_range[0] + 1 if byte_range else None
