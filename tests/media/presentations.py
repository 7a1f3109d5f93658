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
from media.rendition import (
    AnyRendition,
    AudioRendition,
    ImageRendition,
    TextRendition,
    VideoRendition,
)
from media.timeline import Segment, Timeline

URI = "http://edge.example/v/bunny/1f3a/manifest"
Kind = TypeVar("Kind", bound=AnyRendition)
NTSC_FILM = Fraction(24000, 1001)


def timeline(
    folder: str, durations: Sequence[int], timescale: int, start_ticks: int = 0, suffix: str = "m4s"
) -> Timeline:
    starts = accumulate(durations, initial=start_ticks)
    return Timeline(
        timescale=timescale,
        segments=tuple(
            Segment(number=number, start_ticks=start, duration_ticks=ticks, uri=f"{folder}/{number}.{suffix}")
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


def of_kind(track: Track[VideoRendition], codecs: str, video_range: str = "SDR") -> Track[VideoRendition]:
    """The rung in another codec and dynamic range, in a folder of its own."""
    name = f"{track.rendition.name}-{codecs[:4]}-{video_range.lower()}"
    other = replace(track.rendition, codecs=codecs, video_range=video_range)
    return renamed(replace(track, rendition=other), name)


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


def text(
    language: str = "en",
    durations: Sequence[int] = (48048, 48048, 12012),
    timescale: int = 24000,
    *,
    label: str = "",
    is_default: bool = False,
    is_forced: bool = False,
    is_sdh: bool = False,
) -> Track[TextRendition]:
    kind = "-forced" if is_forced else "-sdh" if is_sdh else ""
    name = f"subtitles/{language}{kind}-7c8d9e0f"
    rendition = TextRendition(
        name=name,
        average_bps=200,
        peak_bps=500,
        language=language,
        label=label,
        is_default=is_default,
        is_forced=is_forced,
        is_sdh=is_sdh,
    )
    return Track(rendition=rendition, init=None, timeline=timeline(name, durations, timescale, suffix="vtt"))


def iframes(track: Track[VideoRendition]) -> Track[VideoRendition]:
    """A rung's key frames, one at the front of each segment."""
    segments = tuple(
        replace(segment, byte_range=(24, 499 + number), size_bytes=476 + number)
        for number, segment in enumerate(track.timeline.segments)
    )
    found = replace(track.timeline, segments=segments)
    rung = replace(track.rendition, average_bps=found.average_bps, peak_bps=found.peak_bps)
    return Track(rendition=rung, init=track.init, timeline=found)


def images(
    end_ms: int = 123_456, interval: Fraction = Fraction(5), columns: int = 5, rows: int = 3
) -> Track[ImageRendition]:
    """Sheets that are full but for the last, which ends where the picture does."""
    timescale = 1000 * interval.denominator
    sheet, end = int(interval * columns * rows * timescale), end_ms * interval.denominator
    durations = [min(sheet, end - start) for start in range(0, end, sheet)]
    rendition = ImageRendition(
        name="thumbnails",
        average_bps=9000,
        peak_bps=12_000,
        width_px=320,
        height_px=180,
        columns=columns,
        rows=rows,
        interval=interval,
    )
    found = timeline("thumbnails", durations, timescale, suffix="jpg")
    return Track(rendition=rendition, init=None, timeline=found)


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


KINDS = [  # codecs and dynamic range, in the order of manifests
    ("avc1.64001f", "SDR"),
    ("hvc1.1.6.L93.90", "SDR"),
    ("av01.0.05M.08", "SDR"),
    ("vp09.00.31.08", "SDR"),
    ("av01.0.05M.10.0.110.09.18.09.0", "HLG"),
    ("hvc1.2.4.L93.90", "PQ"),
]


@st.composite
def presentations(draw: st.DrawFn) -> Presentation:
    """Ladders of zero to three rungs on one timescale each, in one or two codecs or dynamic ranges, with zero
    to two audio tracks.

    Beside a picture there may be subtitles cut like it, I-frames, and thumbnails up to its end.
    """
    heights = draw(st.lists(st.integers(2, 2160), max_size=3, unique=True).map(sorted))
    languages = draw(
        st.lists(st.sampled_from(["und", "en", "de"]), min_size=not heights, max_size=2, unique=True)
    )
    durations = st.lists(st.integers(1, 2**20), min_size=1, max_size=30)
    kinds = sorted(draw(st.lists(st.integers(0, len(KINDS) - 1), min_size=1, max_size=2, unique=True)))
    plain = [video(h, draw(durations), draw(TIMESCALES), draw(FRAME_RATES)) for h in heights]
    rungs = tuple(of_kind(track, *KINDS[kind]) for kind in kinds for track in plain)
    return Presentation(
        video=rungs,
        text=draw(_texts(rungs[0])) if rungs else (),
        iframes=tuple(map(iframes, rungs)) if draw(st.booleans()) else (),
        images=(draw(_images(rungs[0])),) if rungs and _lasts(rungs[0]) and draw(st.booleans()) else (),
        audio=tuple(
            audio(language, draw(durations), draw(TIMESCALES), is_default=not number)
            for number, language in enumerate(languages)
        ),
    )


_KINDS = st.sampled_from([(False, False), (True, False), (False, True)])


@st.composite
def _texts(draw: st.DrawFn, rung: Track[VideoRendition]) -> tuple[Track[TextRendition], ...]:
    durations = [segment.duration_ticks for segment in rung.timeline.segments]
    kinds = st.tuples(st.sampled_from(["en", "de", "pt-BR"]), _KINDS)
    chosen = draw(st.lists(kinds, max_size=3, unique=True))
    default = draw(st.integers(0, 4))
    return tuple(
        text(
            language,
            durations,
            rung.timeline.timescale,
            label=f"A {language} {is_forced} {is_sdh}",
            is_default=number == default,
            is_forced=is_forced,
            is_sdh=is_sdh,
        )
        for number, (language, (is_forced, is_sdh)) in enumerate(chosen)
    )


def _lasts(rung: Track[VideoRendition]) -> bool:
    """Long enough for thumbnails, whose clock counts milliseconds."""
    return rung.timeline.duration > Fraction(1, 100)


@st.composite
def _images(draw: st.DrawFn, rung: Track[VideoRendition]) -> Track[ImageRendition]:
    end_ms = int(1000 * rung.timeline.duration)
    interval = draw(st.integers(1, 10).map(Fraction)) if end_ms < 10**7 else Fraction(10**6)
    return images(end_ms, interval, draw(st.integers(1, 6)), draw(st.integers(1, 6)))


def absolute(track: Track[Kind], rendition: Kind) -> Track[Kind]:
    """The track with the addresses that a reader gives it."""
    segments = tuple(replace(s, uri=urljoin(URI, s.uri)) for s in track.timeline.segments)
    init = InitSegment(uri=urljoin(URI, track.init.uri)) if track.init else None
    return Track(rendition=rendition, init=init, timeline=replace(track.timeline, segments=segments))
