"""Presentations for the tests of sessions, with audio beside the video where a test wants it."""

from __future__ import annotations

from dataclasses import replace

from media.presentation import InitSegment, Presentation, Track
from media.rendition import AudioRendition
from media.timeline import Segment, Timeline
from player_sim.movies import constant_movie


def audio_track(
    *, segment_s: float, count: int, rate_bps: int = 128_000, name: str = "en"
) -> Track[AudioRendition]:
    segments = tuple(
        Segment(
            number=index + 1,
            start_ticks=round(index * segment_s * 48_000),
            duration_ticks=round(segment_s * 48_000),
            uri=f"{name}/{index + 1}.m4s",
            size_bytes=round(rate_bps * segment_s / 8),
        )
        for index in range(count)
    )
    rendition = AudioRendition(
        name=name,
        codecs="mp4a.40.2",
        average_bps=rate_bps,
        peak_bps=rate_bps,
        sample_rate_hz=48_000,
        channels=2,
    )
    return Track(rendition=rendition, init=None, timeline=Timeline(timescale=48_000, segments=segments))


def with_audio(video: Presentation, *audio: Track[AudioRendition]) -> Presentation:
    return replace(video, audio=audio)


def with_init(video: Presentation, size_bytes: int) -> Presentation:
    """Each video track gets an init segment."""
    tracks = tuple(
        replace(track, init=InitSegment(uri=f"{track.rendition.name}/init.mp4", size_bytes=size_bytes))
        for track in video.video
    )
    return replace(video, video=tracks)


def without_sizes(video: Presentation) -> Presentation:
    """As an HLS playlist of separate files tells it."""
    tracks = []
    for track in video.video:
        segments = tuple(replace(segment, size_bytes=None) for segment in track.timeline.segments)
        tracks.append(replace(track, timeline=replace(track.timeline, segments=segments)))
    return replace(video, video=tuple(tracks))


LADDER_BPS = (1_000_000, 2_000_000, 4_000_000)


def movie(*, count: int = 5, segment_s: float = 4.0) -> Presentation:
    return constant_movie(LADDER_BPS, segment_s=segment_s, count=count)
