"""Presentations as our encoder lays them out, by hand and by hypothesis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate
from typing import TypeVar
from urllib.parse import urljoin

from hypothesis import strategies as st

from media.presentation import InitSegment, Presentation, Track
from media.rendition import AudioRendition, Rendition, VideoRendition
from media.timeline import Segment, Timeline

URI = "http://edge.example/v/bunny/1f3a/manifest"
Kind = TypeVar("Kind", bound=Rendition)
NTSC_FILM = Fraction(24000, 1001)


def timeline(folder: str, durations: Sequence[int], timescale: int, start_ticks: int = 0) -> Timeline:
    starts = accumulate(durations, initial=start_ticks)
    return Timeline(
        timescale=timescale,
        segments=tuple(
            Segment(number=number, start_ticks=start, duration_ticks=ticks, uri=f"{folder}/{number}.m4s")
            for number, (start, ticks) in enumerate(zip(starts, durations, strict=False), start=1)
        ),
    )


def video(
    height_px: int,
    durations: Sequence[int] = (48048, 48048, 12012),
    timescale: int = 24000,
    frame_rate: Fraction = NTSC_FILM,
) -> Track[VideoRendition]:
    name = f"{height_px}p-1f3a9b2c"
    rung = VideoRendition(
        name=name,
        codecs="avc1.64001f",
        average_bps=2000 * height_px,
        peak_bps=3000 * height_px,
        width_px=2 * height_px,
        height_px=height_px,
        frame_rate=frame_rate,
    )
    init = InitSegment(uri=f"{name}/init.mp4")
    return Track(rendition=rung, init=init, timeline=timeline(name, durations, timescale))


def audio(
    language: str = "und",
    durations: Sequence[int] = (88064, 88064, 22528),
    timescale: int = 44100,
    is_default: bool = True,
    label: str = "",
    channels: int = 2,
    start_ticks: int = 0,
) -> Track[AudioRendition]:
    name = f"audio-{language}-5e6f7a8b"
    rendition = AudioRendition(
        name=name,
        codecs="mp4a.40.2",
        average_bps=128_000,
        peak_bps=131_000,
        sample_rate_hz=timescale,
        channels=channels,
        language=language,
        label=label,
        is_default=is_default,
    )
    init = InitSegment(uri=f"{name}/init.mp4")
    return Track(rendition=rendition, init=init, timeline=timeline(name, durations, timescale, start_ticks))


def renamed(track: Track[Kind], name: str) -> Track[Kind]:
    """The track in another folder."""
    folder = track.rendition.name
    segments = tuple(replace(s, uri=s.uri.replace(folder, name)) for s in track.timeline.segments)
    return Track(
        rendition=replace(track.rendition, name=name),
        init=InitSegment(uri=f"{name}/init.mp4"),
        timeline=replace(track.timeline, segments=segments),
    )


TIMESCALES = st.sampled_from([24000, 44100, 48000, 12288, 15360, 30000, 60000, 90000, 1000])
FRAME_RATES = st.sampled_from(
    [NTSC_FILM, Fraction(30000, 1001), Fraction(60000, 1001), Fraction(25), Fraction(15)]
)


@st.composite
def presentations(draw: st.DrawFn) -> Presentation:
    """Ladders of zero to three rungs on one timescale each, with zero to two audio tracks."""
    heights = draw(st.lists(st.integers(2, 2160), max_size=3, unique=True).map(sorted))
    languages = draw(
        st.lists(st.sampled_from(["und", "en", "de"]), min_size=not heights, max_size=2, unique=True)
    )
    durations = st.lists(st.integers(1, 2**20), min_size=1, max_size=30)
    return Presentation(
        video=tuple(video(h, draw(durations), draw(TIMESCALES), draw(FRAME_RATES)) for h in heights),
        audio=tuple(
            audio(language, draw(durations), draw(TIMESCALES), is_default=not number)
            for number, language in enumerate(languages)
        ),
    )


def absolute(track: Track[Kind], rendition: Kind) -> Track[Kind]:
    """The track with the addresses that a reader gives it."""
    segments = tuple(replace(s, uri=urljoin(URI, s.uri)) for s in track.timeline.segments)
    assert track.init
    init = InitSegment(uri=urljoin(URI, track.init.uri))
    return Track(rendition=rendition, init=init, timeline=replace(track.timeline, segments=segments))
