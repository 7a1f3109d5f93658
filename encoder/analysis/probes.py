"""Which windows of a title are encoded at which sizes and qualities to find its ladder: few and short.

Groups of pictures are ordered by how hard they are and cut into strata of equal length; the middle of each
stratum stands for it, from a scene that no other one stands for where there is one. A window begins with the
key frame that the real encode has there. Each size gets two qualities, the upper ones better ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from encoder.analysis.scout import Bytes, Group, Scout
from encoder.analysis.vmaf import SMALLEST_PX
from encoder.codecs import Codec
from encoder.codecs.base import PRESETS
from encoder.ladder import Rung

_SHARE = Fraction(1, 11)  # of the title's frames are probed; more would cost more than it tells
_SHORTEST_S, _LONGEST_S = Fraction(1, 2), Fraction(1)  # of a window
_FEWEST, _MOST = 2, 20  # windows, of a short title and of a long one
_FASTEST_ALIKE = "faster"  # half the cost of medium and nearly its curve; what is below is another encoder
_UPPER = 2  # sizes that the upper rungs may have
_FINE, _COARSE = (
    (0.2, 0.5),
    (0.28, 0.6),
)  # of the way from the best to the worst of the codec's useful qualities


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One encode of a window."""

    width_px: int
    height_px: int
    crf: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A window of the title and all that is tried on it: one run of ffmpeg, the same each time."""

    start: int  # frame
    frames: int
    weight: float  # share of the title that it stands for
    codec: str
    preset: str
    trials: tuple[Trial, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    trial: Trial
    size: Bytes
    vmaf: float  # mean


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    probe: Probe
    frames: int  # that were there: a window at the end may be shorter
    trials: tuple[TrialResult, ...]


def plan_probes(
    scout: Scout, sizes: Sequence[Rung], frame_rate: Fraction, codec: Codec, preset: str
) -> tuple[Probe, ...]:
    """`sizes` are those that the ladder may have, low to high; nothing is probed if VMAF needs larger."""
    if sizes[-1].short_side_px < SMALLEST_PX:
        return ()
    count, frames = _windows(scout.frames, frame_rate, scout.gop_frames)
    trials = _trials(sizes, codec)
    return tuple(
        Probe(
            start=group.start,
            frames=min(frames, group.frames),
            weight=weight,
            codec=codec.name,
            preset=probing_preset(preset),
            trials=trials,
        )
        for group, weight in chosen_groups(scout.groups(), count, frames)
    )


def probing_preset(preset: str) -> str:
    """What probes are encoded with in place of `preset`."""
    return min(preset, _FASTEST_ALIKE, key=PRESETS.index)


def chosen_groups(groups: Sequence[Group], count: int, frames: int) -> list[tuple[Group, float]]:
    """One group for each of `count` strata of complexity, and the share of the title that it stands for."""
    whole = [group for group in groups if group.frames >= frames] or [max(groups, key=lambda g: g.frames)]
    ranked = sorted(whole, key=lambda group: (group.mean_bytes, group.start))
    count = min(count, len(ranked))
    seen: set[int] = set()
    chosen = []
    for number in range(count):
        stratum = ranked[number * len(ranked) // count : (number + 1) * len(ranked) // count]
        middle = (len(stratum) - 1) / 2
        places = sorted(
            range(len(stratum)), key=lambda place: (stratum[place].scene in seen, abs(place - middle))
        )
        group = stratum[places[0]]
        seen.add(group.scene)
        chosen.append((group, len(stratum) / len(ranked)))
    return sorted(chosen, key=lambda pair: pair[0].start)


def _windows(frames: int, frame_rate: Fraction, gop_frames: int) -> tuple[int, int]:
    """How many windows, of how many frames each."""
    shortest, longest = (max(2, round(frame_rate * seconds)) for seconds in (_SHORTEST_S, _LONGEST_S))
    probed = round(frames * _SHARE)
    count = max(_FEWEST, min(_MOST, round(Fraction(probed, longest))))
    length = max(shortest, min(longest, probed // count))
    return count, min(length, gop_frames, frames)


def _trials(sizes: Sequence[Rung], codec: Codec) -> tuple[Trial, ...]:
    best, worst = codec.crf_range
    return tuple(
        Trial(width_px=size.width_px, height_px=size.height_px, crf=round(best + place * (worst - best)))
        for number, size in enumerate(sizes)
        for place in (_FINE if number >= len(sizes) - _UPPER else _COARSE)
    )
