"""The nouns of validation: what a stream says of itself, and what its bytes say.

Times are exact seconds unless they end in `_ticks`. What could not be had is None, and `problem` says why.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, TypeVar

from media.cmaf_fragments import FragmentFacts
from media.cmaf_header import HeaderFacts
from media.dash_tree import Element
from media.facts.hls_text import Playlist, Tag
from media.manifest import split_codecs
from media.timeline import ByteRange

Role = Literal["variant", "audio", "subtitles", "iframes", "images", "other"]
Container = Literal["", "fmp4", "mpegts", "webvtt", "other"]
Address = tuple[str, ByteRange | None]


@dataclass(frozen=True, slots=True)
class Want:
    """Bytes that are asked for: `length` bytes from `first` on, or all that follow."""

    uri: str
    first: int = 0
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Got:
    """The answer: fewer bytes than wanted where the resource ends; or the reason why there are none."""

    data: bytes = b""
    size_bytes: int | None = None  # of the whole resource
    problem: str = ""


T = TypeVar("T")
Gathering = Generator[list[Want], list[Got], T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A segment as a manifest lists it."""

    number: int
    uri: str
    byte_range: ByteRange | None = None
    start: Fraction
    duration: Fraction
    init: Address | None = None
    is_encrypted: bool = False  # as a whole: nothing of it can be read
    stretch: int = 0  # how many discontinuities came before it

    @property
    def address(self) -> Address:
        return self.uri, self.byte_range

    @property
    def end(self) -> Fraction:
        return self.start + self.duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What a decoder made of a segment."""

    frames: int
    starts_with_key_frame: bool
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A listed segment, and what its bytes say."""

    listed: Listed
    header: HeaderFacts | None = None
    facts: FragmentFacts | None = None
    size_bytes: int | None = None
    container: Container = ""
    is_missing: bool = False
    problem: str = ""
    text: str = ""  # of WebVTT
    decoded: Decoded | None = None
    aux_problem: str = ""  # of what encrypted samples need

    @property
    def start(self) -> Fraction | None:
        """Of the media, on its own clock."""
        return self._seconds(self.facts.start_ticks) if self.facts else None

    @property
    def duration(self) -> Fraction | None:
        return self._seconds(self.facts.duration_ticks) if self.facts else None

    @property
    def end(self) -> Fraction | None:
        return self._seconds(self.facts.start_ticks + self.facts.duration_ticks) if self.facts else None

    def _seconds(self, ticks: int) -> Fraction | None:
        return Fraction(ticks, self.header.init.timescale) if self.header else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A rendition with its segments in order."""

    where: str
    kind: str  # "video", "audio", "text", or what else it is
    segments: tuple[Seen, ...]
    init_problems: tuple[tuple[str, str], ...] = ()  # where, what

    @property
    def header(self) -> HeaderFacts | None:
        return next((seen.header for seen in self.segments if seen.header), None)

    @property
    def headers(self) -> list[HeaderFacts]:
        """Each once, in order."""
        return list(dict.fromkeys(seen.header for seen in self.segments if seen.header))

    @property
    def is_measured(self) -> bool:
        return bool(self.segments) and all(seen.facts for seen in self.segments)

    @property
    def is_sized(self) -> bool:
        return bool(self.segments) and all(
            seen.size_bytes is not None and not seen.is_missing for seen in self.segments
        )

    @property
    def listed_duration(self) -> Fraction:
        return sum((seen.listed.duration for seen in self.segments), Fraction(0))

    @property
    def duration(self) -> Fraction:
        """As measured where it was, else as listed."""
        each = (s.listed.duration if s.duration is None else s.duration for s in self.segments)
        return sum(each, Fraction(0))

    @property
    def frame_rate(self) -> Fraction | None:
        """Frames per second over all segments."""
        if not self.is_measured or self.kind != "video" or not self.duration:
            return None
        return sum(seen.facts.sample_count for seen in self.segments if seen.facts) / self.duration

    def stretches(self) -> Iterator[list[Seen]]:
        """The runs of segments between discontinuities."""
        run: list[Seen] = []
        for seen in self.segments:
            if run and run[-1].listed.stretch != seen.listed.stretch:
                yield run
                run = []
            run.append(seen)
        if run:
            yield run


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPlaylist:
    uri: str
    where: str
    role: Role
    playlist: Playlist
    track: Track

    @property
    def is_finished(self) -> bool:
        return self.playlist.has("EXT-X-ENDLIST")

    @property
    def target_s(self) -> int | None:
        return self.playlist.number("EXT-X-TARGETDURATION")

    @property
    def is_timed(self) -> bool:
        """Its segments are the content's: no I-frames, no pictures."""
        return self.role in ("variant", "audio")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A variant, rendition or I-frame variant of a multivariant playlist, with its media playlist."""

    tag: Tag
    where: str
    media: MediaPlaylist | None = None

    def get(self, attribute: str, default: str = "") -> str:
        return self.tag.attributes.get(attribute, default)

    @property
    def track(self) -> Track | None:
        return self.media.track if self.media else None

    @property
    def is_video(self) -> bool:
        """By what it says, or what its bytes say."""
        if self.track and self.track.header:
            return self.track.kind == "video"
        return "RESOLUTION" in self.tag.attributes or bool(split_codecs(self.get("CODECS"))[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Hls:
    where: str
    multivariant: Playlist | None
    variants: tuple[Entry, ...] = ()
    renditions: tuple[Entry, ...] = ()
    iframes: tuple[Entry, ...] = ()
    media: tuple[MediaPlaylist, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()  # playlists that are none: where, what

    def group(self, kind: str, name: str) -> list[Entry]:
        return [e for e in self.renditions if e.get("TYPE") == kind and e.get("GROUP-ID") == name]

    @property
    def rungs(self) -> list[Entry]:
        """The variants with a picture, each media playlist once."""
        return list({entry.where: entry for entry in self.variants if entry.is_video}.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Representation:
    """A representation among the elements that it inherits from: MPD, period, adaptation set, itself."""

    levels: tuple[Element, Element, Element, Element]
    where: str
    period: int
    period_duration: Fraction | None
    kind: str
    track: Track | None = None
    problem: str = ""  # why its segments are not known

    @property
    def adaptation_set(self) -> Element:
        return self.levels[2]

    def says(self, attribute: str, default: str = "") -> str:
        """The attribute where it stands nearest."""
        values = (level.attributes.get(attribute) for level in reversed(self.levels[2:]))
        return next((value for value in values if value is not None), default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dash:
    where: str
    mpd: Element
    representations: tuple[Representation, ...] = ()

    def sets(self) -> list[list[Representation]]:
        """The representations of each adaptation set, trick modes and the like left out."""
        found: dict[int, list[Representation]] = {}
        for each in self.representations:
            if each.kind in ("video", "audio", "text"):
                found.setdefault(id(each.adaptation_set), []).append(each)
        return list(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """All that was found out of one stream, told as HLS, as DASH, or as both."""

    hls: Hls | None = None
    dash: Dash | None = None
    missing: tuple[tuple[str, str], ...] = ()  # what could not be fetched: where, why
    notes: tuple[str, ...] = field(default=())  # what was not looked into

    @property
    def tracks(self) -> list[Track]:
        """Video and audio, each once, whether HLS or DASH names it."""
        found: dict[tuple[Address, ...], Track] = {}
        for track in self._all():
            if track.kind in ("video", "audio") and track.segments:
                found.setdefault(tuple(seen.listed.address for seen in track.segments), track)
        return list(found.values())

    def _all(self) -> Iterator[Track]:
        if self.hls:
            yield from (media.track for media in self.hls.media if media.is_timed)
        if self.dash:
            yield from (each.track for each in self.dash.representations if each.track)
