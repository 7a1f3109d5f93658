"""Reading what libvmaf logs, and what it says of a whole rendition.

Only some frames are scored. They are taken in pairs: libvmaf needs the frame after (or before) to know how
much moves, and scores the first of each two. The step from pair to pair shares no factor with any group of
pictures or pattern of B-frames, so that no kind of frame is favoured.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction

from encoder.analysis.scout import AnalysisError
from media.rendition import Quality

STEP = 11  # frames from one scored frame of a rendition to the next
_FAST, _FAST_STEP = 40, 23  # frames a second from which twice as many lie between
_4K_PX = 2000  # the short side from where a viewer sits closer, for which there is another model
_LOWEST_SHARE = 0.05
SMALLEST_PX = 32  # of a side: libvmaf looks at four scales, each half of the one before


def step_of(frame_rate: Fraction) -> int:
    return _FAST_STEP if frame_rate >= _FAST else STEP


def model(short_side_px: int) -> str:
    return "version=vmaf_4k_v0.6.1" if short_side_px >= _4K_PX else "version=vmaf_v0.6.1"


def pairs(step: int, first: int = 0) -> str:
    """ffmpeg's select expression for every `step`-th frame from `first` on, and the one after it."""
    return f"gte(n,{first})*lt(mod(n-{first},{step}),2)"


def scores(log: str, every: int = 2) -> list[float]:
    """Of every second frame (or `every` one), as libvmaf's JSON has them; raises AnalysisError.

    The log of a run that was cut short is no JSON or has no frames.
    """
    try:
        frames = json.loads(log)["frames"]
        found = {int(frame["frameNum"]): float(frame["metrics"]["vmaf"]) for frame in frames}
    except (ValueError, KeyError, TypeError) as error:
        raise AnalysisError(f"libvmaf's log cannot be read: {error!r}; is the disk full?") from None
    if not found:
        raise AnalysisError("libvmaf scored no frame; the picture does not decode")
    return [found[number] for number in sorted(found) if not number % every]


def quality(found: Sequence[float], step: int, segment_frames: int, frames: int) -> Quality:
    """`found` are the scores of frames 0, `step`, 2 `step`, … of the rendition's `frames`.

    A segment too short to hold one of them goes by the nearest before it.
    """
    expected = -(-frames // step)
    if len(found) != expected:
        raise AnalysisError(f"{len(found)} of {expected} frames were scored; a rendition is cut short")
    ranked = sorted(found)
    return Quality(
        mean=round(sum(found) / len(found), 2),
        p5=round(ranked[int(_LOWEST_SHARE * len(ranked))], 2),
        segments=tuple(
            _mean_of(found, step, start, min(start + segment_frames, frames))
            for start in range(0, frames, segment_frames)
        ),
        frames=len(found),
    )


def _mean_of(found: Sequence[float], step: int, start: int, end: int) -> float:
    inside = found[-(-start // step) : -(-end // step)] or [found[start // step]]
    return round(sum(inside) / len(inside), 2)
