"""A presentation as a player walks through it: flat tuples, made once for any number of sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from media.ladders import ladders
from media.manifest import split_codecs
from media.presentation import Presentation, Track
from media.rendition import AudioRendition, Rendition, VideoRendition
from media.timeline import Segment
from player_sim.playback import Kind


class PlayError(ValueError):
    """The stream cannot be played; the message says what, where, and the way out."""


@dataclass(frozen=True)
class Lane:
    """The tracks of one kind between which a session may switch at any segment."""

    kind: Kind
    tracks: tuple[Track[Rendition], ...]
    ends_s: tuple[float, ...]  # where each segment ends, counted from the start of the presentation
    durations_s: tuple[float, ...]
    sizes_bytes: tuple[tuple[int, ...] | None, ...]  # of each segment on each rung, where all are known

    def segment(self, index: int, rung: int) -> Segment:
        return self.tracks[rung].timeline.segments[index]

    @cached_property
    def expected_bytes(self) -> tuple[tuple[int, ...], ...]:
        """As `sizes_bytes`; a segment of unknown size is taken to have its rendition's average rate."""
        return tuple(
            sizes or tuple(round(track.rendition.average_bps * duration_s / 8) for track in self.tracks)
            for sizes, duration_s in zip(self.sizes_bytes, self.durations_s, strict=True)
        )


@dataclass(frozen=True)
class Schedule:
    """What a session plays: the video rungs from low to high, and the default audio track."""

    lanes: tuple[Lane, ...]
    ladder: tuple[VideoRendition, ...]  # empty when there is only audio
    duration_s: float
    longest_segment_s: float
    has_muxed_audio: bool


def schedule_of(presentation: Presentation, name: str = "the title") -> Schedule:
    """Raises PlayError for what a session cannot walk through; `name` is for its message."""
    if presentation.is_live:
        raise PlayError(f"{name}: the stream is live and has no end yet; play it once it is finished")
    lanes = []
    # Of several codecs and dynamic ranges the one that everything plays: nothing switches between them.
    video = next(iter(ladders(presentation.video)), [])
    if video:
        _refuse_unknown_rates(video, name)
        lanes.append(_lane(Kind.VIDEO, video, name))
    if presentation.audio:
        lanes.append(_lane(Kind.AUDIO, [_default(presentation.audio)], name))
    return Schedule(
        lanes=tuple(lanes),
        ladder=tuple(track.rendition for track in video),
        duration_s=max(lane.ends_s[-1] for lane in lanes),
        longest_segment_s=max(max(lane.durations_s) for lane in lanes),
        has_muxed_audio=any(split_codecs(track.rendition.codecs)[1] for track in video),
    )


def _default(tracks: Sequence[Track[AudioRendition]]) -> Track[AudioRendition]:
    return next((track for track in tracks if track.rendition.is_default), tracks[0])


def _refuse_unknown_rates(tracks: Sequence[Track[VideoRendition]], name: str) -> None:
    """Where there is nothing to choose, a rung may do without."""
    for track in tracks:
        if len(tracks) > 1 and not track.rendition.average_bps > 0:
            raise PlayError(f"{name}: rendition {track.rendition.name} has no bandwidth to choose it by")


def _lane(kind: Kind, tracks: Sequence[Track[Rendition]], name: str) -> Lane:
    timelines = [track.timeline for track in tracks]
    counts = [len(timeline.segments) for timeline in timelines]
    if len(set(counts)) != 1 or not counts[0]:
        named = ", ".join(
            f"{track.rendition.name}: {count}" for track, count in zip(tracks, counts, strict=True)
        )
        raise PlayError(f"{name}: segments by {kind.value} rendition: {named}; they must be cut alike")
    first = timelines[0]
    ends_s = tuple(float(first.seconds(segment.end_ticks - first.start_ticks)) for segment in first.segments)
    durations_s = tuple(float(first.seconds(segment.duration_ticks)) for segment in first.segments)
    sizes = zip(*([segment.size_bytes for segment in line.segments] for line in timelines), strict=True)
    return Lane(kind, tuple(tracks), ends_s, durations_s, tuple(map(_all_known, sizes)))


def _all_known(sizes: tuple[int | None, ...]) -> tuple[int, ...] | None:
    known = tuple(size for size in sizes if size is not None)
    return known if len(known) == len(sizes) else None
