"""A presentation: the tracks of one title that are played together, one of each kind at a time.

The encoder makes one from what it has written, the manifest writers turn it into HLS and DASH, the readers
turn HLS and DASH (also other people's) back into one.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

from media.protection import Protection
from media.rendition import (
    AnyRendition,
    AudioRendition,
    ImageRendition,
    Rendition,
    TextRendition,
    VideoRendition,
)
from media.timeline import ByteRange, Timeline

R = TypeVar("R", bound=AnyRendition, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class InitSegment:
    """What a decoder needs before the first media segment (CMAF header; HLS EXT-X-MAP)."""

    uri: str
    byte_range: ByteRange | None = None
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Track(Generic[R]):
    """A rendition with its timeline. `init` is None where segments need none (MPEG-TS, text, images)."""

    rendition: R
    init: InitSegment | None
    timeline: Timeline
    protection: Protection | None = None  # how its segments are encrypted


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """What can be played together: the ladders, each from low to high, the audio, and what goes beside them.

    An I-frame track shares the name, the init segment and the files of its rung: each of its segments is the
    byte range of one key frame.
    """

    video: tuple[Track[VideoRendition], ...] = ()
    audio: tuple[Track[AudioRendition], ...] = ()
    text: tuple[Track[TextRendition], ...] = ()
    iframes: tuple[Track[VideoRendition], ...] = ()
    images: tuple[Track[ImageRendition], ...] = ()
    poster: str | None = None  # address of a picture to show before the play
    is_live: bool = False  # the manifest may still grow

    def __post_init__(self) -> None:
        if not self.video and not self.audio:
            raise ValueError("a presentation needs at least one video or audio track")

    @property
    def tracks(self) -> tuple[Track[Rendition], ...]:
        """The tracks that make the duration: picture and sound."""
        return (*self.video, *self.audio)

    @property
    def all_tracks(self) -> tuple[Track[AnyRendition], ...]:
        return (*self.video, *self.audio, *self.text, *self.iframes, *self.images)

    @property
    def allows_dash(self) -> bool:
        """Not with segments that are encrypted whole: of those only HLS knows."""
        return all(track.protection is None or track.protection.allows_dash for track in self.tracks)

    @property
    def duration(self) -> Fraction:
        """Seconds until the longest track ends, exactly."""
        return max(track.timeline.duration for track in self.tracks)


def boundaries(timeline: Timeline) -> tuple[Fraction, ...]:
    """The moments, in exact seconds, at which the segments start, and the end of the last."""
    starts = [timeline.seconds(segment.start_ticks) for segment in timeline.segments]
    ends = [timeline.seconds(segment.end_ticks) for segment in timeline.segments[-1:]]
    return tuple(starts + ends)


def is_aligned(presentation: Presentation) -> bool:
    """All rungs cut at the same moments, so that a player may switch at any segment."""
    return len({boundaries(track.timeline) for track in presentation.video}) <= 1
