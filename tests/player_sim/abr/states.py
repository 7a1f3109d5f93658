"""Player states for the tests of rules: a plain situation, to be changed where a test cares."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from media.rendition import VideoRendition
from player_sim.abr import PlayerState


def ladder(*rates_bps: int) -> tuple[VideoRendition, ...]:
    return tuple(
        VideoRendition(
            name=str(rate),
            codecs="avc1.640028",
            average_bps=rate,
            peak_bps=rate,
            width_px=1280,
            height_px=720,
            frame_rate=Fraction(25),
        )
        for rate in rates_bps
    )


FOUR_RUNGS = ladder(1_000_000, 2_000_000, 4_000_000, 8_000_000)


def state(**changes: Any) -> PlayerState:
    values: dict[str, Any] = {
        "ladder": FOUR_RUNGS,
        "buffer_s": 0.0,
        "max_buffer_s": 25.0,
        "segment_index": 5,
        "segment_count": 60,
        "segment_duration_s": 4.0,
        "sizes_bytes": None,
        "last": 0,
        "throughput_bps": 3e6,
        "latency_s": 0.0,
    }
    return PlayerState(**values | changes)
