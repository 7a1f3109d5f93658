"""Movies that are only numbers: a ladder and the size of each segment, for sessions in virtual time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction

from media.presentation import Presentation, Track
from media.rendition import VideoRendition
from media.timeline import Segment, Timeline
from player_sim.schedule import PlayError

_TIMESCALE = 1000  # movie files give milliseconds


def constant_movie(ladder_bps: Sequence[int], *, segment_s: float, count: int) -> Presentation:
    """Every segment has exactly its rung's bit rate."""
    sizes = [[round(rate * segment_s / 8) for rate in ladder_bps]] * count
    return movie(ladder_bps, segment_s, sizes)


def movie(ladder_bps: Sequence[int], segment_s: float, sizes_bytes: Sequence[Sequence[int]]) -> Presentation:
    """`sizes_bytes[segment][rung]`; rungs from low to high."""
    tracks = []
    for rung, rate in enumerate(ladder_bps):
        ticks = round(segment_s * _TIMESCALE)
        segments = tuple(
            Segment(
                number=index + 1,
                start_ticks=index * ticks,
                duration_ticks=ticks,
                uri=f"{rung}/{index + 1}.m4s",
                size_bytes=sizes[rung],
            )
            for index, sizes in enumerate(sizes_bytes)
        )
        tracks.append(
            Track(
                rendition=_rendition(rung, rate),
                init=None,
                timeline=Timeline(timescale=_TIMESCALE, segments=segments),
            )
        )
    return Presentation(video=tuple(tracks))


def parse_movie(text: str, name: str) -> Presentation:
    """JSON {segment_duration_ms, bitrates_kbps[], segment_sizes_bits[segment][rung]} (sabre's)."""
    try:
        values = json.loads(text)
        return movie(
            [round(rate * 1000) for rate in values["bitrates_kbps"]],
            values["segment_duration_ms"] / 1000,
            [[round(bits / 8) for bits in sizes] for sizes in values["segment_sizes_bits"]],
        )
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise PlayError(
            f"{name}: not a movie ({error!r}); "
            "give JSON with segment_duration_ms, bitrates_kbps and segment_sizes_bits"
        ) from None


def _rendition(rung: int, rate_bps: int) -> VideoRendition:
    return VideoRendition(
        name=str(rung),
        codecs="avc1.640028",
        average_bps=rate_bps,
        peak_bps=rate_bps,
        width_px=1920,
        height_px=1080,
        frame_rate=Fraction(25),
    )
