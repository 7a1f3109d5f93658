"""Gathering a DASH stream: the representations of its periods and their segments (ISO/IEC 23009-1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from urllib.parse import urljoin

from media.boxes import BoxError
from media.cmaf_fragments import head_boxes
from media.dash_addressing import Addressing
from media.dash_tree import Element, seconds_of
from media.facts.model import Dash, Gathering, Got, Listed, Representation, Track, Want
from media.facts.segments import Gathered, Wish
from media.manifest import split_codecs
from media.timeline import ByteRange

TRICK_MODE = "http://dashif.org/guidelines/trickmode"
_MOST_INDEX_BYTES = 2**20
_SHAPES = ("SegmentTemplate", "SegmentList")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A DASH stream before its segments are looked at."""

    where: str
    mpd: Element
    listed: tuple[tuple[Representation, tuple[Listed, ...]], ...]
    missing: tuple[tuple[str, str], ...] = ()

    def wishes(self) -> Iterator[Wish]:
        for representation, listed in self.listed:
            kind = representation.kind if representation.kind in ("text", "image") else "media"
            yield from (Wish(each, kind) for each in listed)


@dataclass(frozen=True, slots=True)
class _Indexed:
    """A representation that is one file, whose index says where its segments are (SegmentBase, 5.3.9.2)."""

    uri: str
    index: ByteRange
    init: ByteRange


def gather_dash(mpd: Element, uri: str, where: Callable[[str], str]) -> Gathering[Listing]:
    """`where` shortens an address for messages."""
    plain: list[tuple[Representation, tuple[Listed, ...]]] = []
    indexed: list[tuple[int, Representation, _Indexed]] = []
    for representation in _representations(mpd, where(uri)):
        made = _listed(representation, uri)
        if isinstance(made, _Indexed):
            indexed.append((len(plain), representation, made))
        elif isinstance(made, str):
            representation, made = replace(representation, problem=made), ()
        plain.append((representation, () if isinstance(made, _Indexed) else made))
    answers = yield [_index_wanted(each) for _, _, each in indexed]
    missing = []
    for (number, representation, each), answer in zip(indexed, answers, strict=True):
        if answer.problem:
            missing.append((where(each.uri), answer.problem))
            continue
        try:
            plain[number] = (representation, tuple(_of_index(each, answer)))
        except BoxError as error:
            plain[number] = (replace(representation, problem=str(error)), ())
    return Listing(where=where(uri), mpd=mpd, listed=tuple(plain), missing=tuple(missing))


def joined_dash(listing: Listing, gathered: Gathered, where: Callable[[str], str]) -> Dash:
    """The listing with what its segments are."""
    return Dash(
        where=listing.where,
        mpd=listing.mpd,
        representations=tuple(
            replace(representation, track=_track(representation, listed, gathered, where))
            for representation, listed in listing.listed
        ),
    )


def _track(
    representation: Representation,
    listed: Sequence[Listed],
    gathered: Gathered,
    where: Callable[[str], str],
) -> Track | None:
    if not listed:
        return None
    segments = tuple(gathered.seen(each) for each in listed)
    addresses = dict.fromkeys(each.init for each in listed if each.init)
    problems = tuple(
        (where(address[0]), gathered.init_problems[address][0])
        for address in addresses
        if representation.kind in ("video", "audio")
        and address in gathered.init_problems
        and not gathered.init_problems[address][1]
    )
    return Track(
        where=representation.where, kind=representation.kind, segments=segments, init_problems=problems
    )


def _representations(mpd: Element, where: str) -> Iterator[Representation]:
    periods = mpd.all("Period")
    for number, period in enumerate(periods):
        duration = _period_duration(mpd, periods, number)
        prefix = f"{where}, period {number + 1}" if len(periods) > 1 else where
        for adaptation_set in period.all("AdaptationSet"):
            for element in adaptation_set.all("Representation"):
                levels = (mpd, period, adaptation_set, element)
                bare = Representation(
                    levels=levels, where="", period=number, period_duration=duration, kind=""
                )
                yield replace(bare, kind=_kind(bare), where=f"{prefix}, {element.get('id') or 'no id'}")


def _kind(representation: Representation) -> str:
    adaptation_set = representation.adaptation_set
    if any(adaptation_set.described(k, TRICK_MODE) for k in ("EssentialProperty", "SupplementalProperty")):
        return "trick"
    video, audio = split_codecs(representation.says("codecs"))
    by_codecs = "video" if video else "audio" if audio else ""
    mime = representation.says("mimeType")
    named = representation.says("contentType") or mime.partition("/")[0] or by_codecs
    if named == "application":
        return "text"
    return named


def _period_duration(mpd: Element, periods: Sequence[Element], number: int) -> Fraction | None:
    """Its own, or until the next one starts, or until the presentation ends (5.3.2.1)."""
    period = periods[number]
    if (duration := seconds_of(period.get("duration"))) is not None:
        return duration
    start = seconds_of(period.get("start", "PT0S")) or Fraction(0)
    later = periods[number + 1].get("start") if number + 1 < len(periods) else ""
    end = seconds_of(later or mpd.get("mediaPresentationDuration"))
    return end - start if end is not None and end >= start else None


def _listed(representation: Representation, uri: str) -> tuple[Listed, ...] | _Indexed | str:
    """Its segments, where its index is, or why neither is known."""
    try:
        base = _base(representation.levels, uri)
        for shape in _SHAPES:
            if found := [e for level in representation.levels[1:] for e in level.all(shape)]:
                return tuple(_addressed(representation, found, base))
        if found := [e for level in representation.levels[1:] for e in level.all("SegmentBase")]:
            return _indexed(found, base)
        if representation.levels[3].all("BaseURL"):
            return _alone(representation, base)
        return "it names no segments"
    except KeyError as error:
        return f"its segments have no @{error.args[0]}"
    except (ArithmeticError, LookupError, ValueError) as error:
        return f"its segments cannot be listed: {error}"


def _addressed(representation: Representation, found: list[Element], base: str) -> Iterator[Listed]:
    """The inner element adds to the outer one and comes before it."""
    attributes: dict[str, str] = {}
    for element in found:
        attributes |= element.attributes
    timelines = [each for element in found for each in element.all("SegmentTimeline")]
    inits = [each.attributes for element in found for each in element.all("Initialization")]
    addressing = Addressing(
        attributes=attributes,
        base_uri=base,
        representation_id=representation.says("id"),
        bandwidth=representation.says("bandwidth"),
        period=representation.period_duration,
        runs=[run.attributes for run in timelines[-1].all("S")] if timelines else (),
        listed=[each.attributes for element in found for each in element.all("SegmentURL")],
        initialization=inits[-1] if inits else None,
    )
    init, timeline = addressing.init(), addressing.timeline()
    for segment in timeline.segments:
        yield Listed(
            number=segment.number,
            uri=segment.uri,
            byte_range=segment.byte_range,
            start=timeline.seconds(segment.start_ticks),
            duration=timeline.seconds(segment.duration_ticks),
            init=(init.uri, init.byte_range) if init else None,
        )


def _alone(representation: Representation, base: str) -> tuple[Listed, ...]:
    """One file that is fetched whole: a side-car of subtitles, say."""
    if representation.kind in ("video", "audio"):
        raise ValueError("one file without an index")
    duration = representation.period_duration or Fraction(0)
    return (Listed(number=1, uri=base, start=Fraction(0), duration=duration),)


def _indexed(found: list[Element], base: str) -> _Indexed:
    ranges = [element.get("indexRange") for element in found if element.get("indexRange")]
    if not ranges:
        raise ValueError("SegmentBase has no @indexRange")
    index = _range(ranges[-1])
    inits = [e.get("range") for element in found for e in element.all("Initialization") if e.get("range")]
    return _Indexed(base, index, _range(inits[-1]) if inits else (0, max(0, index[0] - 1)))


def _index_wanted(each: _Indexed) -> Want:
    first, last = each.index
    return Want(each.uri, first, max(0, min(_MOST_INDEX_BYTES, last - first + 1)))


def _of_index(each: _Indexed, answer: Got) -> Iterable[Listed]:
    """The references of a `sidx` box (14496-12, 8.16.3)."""
    boxes, _ = head_boxes(answer.data, len(answer.data))
    found = [box for box in boxes if box.kind == "sidx"]
    if not found:
        raise BoxError(f"bytes {each.index[0]}-{each.index[1]} hold no 'sidx' box")
    sidx = found[0]
    version, _ = sidx.version_and_flags()
    (timescale,) = sidx.unpack("I", 8)
    at, first_offset = sidx.unpack("QQ" if version else "II", 12)
    (_, count) = sidx.unpack("HH", 28 if version else 20)
    if not timescale:
        raise BoxError(f"box 'sidx' at byte {sidx.offset}: a timescale of 0")
    end = each.index[0] + len(answer.data) if len(boxes) == 1 else each.index[0] + boxes[1].offset
    position = end + first_offset
    entries = 32 if version else 24
    listed = []
    for number in range(count):
        size, ticks, _ = sidx.unpack("III", entries + 12 * number)
        if size >> 31:
            raise BoxError(f"box 'sidx' at byte {sidx.offset} refers to a further index")
        listed.append(
            Listed(
                number=number + 1,
                uri=each.uri,
                byte_range=(position, position + size - 1),
                start=Fraction(at, timescale),
                duration=Fraction(ticks, timescale),
                init=(each.uri, each.init),
            )
        )
        at, position = at + ticks, position + size
    return listed


def _base(levels: Sequence[Element], uri: str) -> str:
    base = uri
    for level in levels:
        for element in level.all("BaseURL")[:1]:
            base = urljoin(base, element.text)
    return base


def _range(text: str) -> ByteRange:
    first, _, last = text.partition("-")
    return int(first), int(last)


def time_offset(representation: Representation) -> Fraction:
    """The media time at which the period starts (@presentationTimeOffset)."""
    offset, timescale = "0", "1"
    for level in representation.levels[1:]:
        for shape in (*_SHAPES, "SegmentBase"):
            for element in level.all(shape):
                offset = element.get("presentationTimeOffset", offset)
                timescale = element.get("timescale", timescale)
    try:
        return Fraction(int(offset), int(timescale))
    except (ArithmeticError, ValueError):
        return Fraction(0)


def has_timeline(representation: Representation) -> bool:
    """Its segments' times are exact: a SegmentTimeline or an index."""
    levels = representation.levels[1:]
    shapes = [element for level in levels for shape in _SHAPES for element in level.all(shape)]
    return not shapes or any(element.all("SegmentTimeline") for element in shapes)
