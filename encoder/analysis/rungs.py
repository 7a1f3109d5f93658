"""Choosing the rungs: along the frontier of rate and VMAF, a step apart that is just noticed.

The top rung is the one beyond which nobody sees a difference, or what the source, the codec and its ceiling
allow. Each next one is about one just noticeable difference below and takes clearly less; the lowest is for
links that carry little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from encoder.analysis.curves import Curve, Point, curves_of
from encoder.analysis.hull import frontier, hull
from encoder.analysis.probes import ProbeResult
from encoder.analysis.scout import Scout
from encoder.codecs import Codec
from encoder.ladder import Rung

TOP_VMAF = 96.0  # nobody tells it from the source
STEP_VMAF = 6.0  # a just noticeable difference (Ozer 2017; Kah et al. 2021)
_NARROWEST, _WIDEST = 1.5, 2.5  # from rung to rung, in rate: players climb badly over wider gaps
_LOWEST_BPS = 125_000  # of the last rung: what the lowest of Apple's ladder comes to
_PEAK = 1.75  # of the average: with the buffer, a segment stays within the 2 of Apple's specification
_SMALLER = 1.03  # a smaller size may cost so much more: it is cheaper to encode and to play
_CRF_STEP = {"h264": 0.5, "hevc": 0.5}  # the others take whole numbers
# What VMAF lacks to 100 at a preset, beside the one that probes are made at, with the same CRF: libx264, on
# windows of three clips at three CRFs. Other codecs: as probed, which errs to the better side.
_LACK = {"h264": {"fast": 0.93, "medium": 0.87, "slow": 0.83, "slower": 0.83, "veryslow": 0.83}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """One codec's ladder for one title, and what it was chosen from."""

    codec: str
    rungs: tuple[Rung, ...]  # low to high
    expected: tuple[Point, ...]  # of each rung; empty, like the rest, if the source is too small for VMAF
    hull: tuple[Point, ...]
    probed: tuple[Point, ...]


def choose_rungs(
    scout: Scout,
    results: Sequence[ProbeResult],
    sizes: Sequence[Rung],
    frame_rate: Fraction,
    codec: Codec,
    preset: str,
) -> Analysis:
    """`sizes` and `results` as `plan_probes` had and gave them; the sizes' own rates are the ceilings."""
    if not results:
        return Analysis(codec=codec.name, rungs=tuple(sizes), expected=(), hull=(), probed=())
    curves = curves_of(scout, results, frame_rate, _LACK.get(codec.name, {}).get(preset, 1.0))
    points = [point for curve in curves for point in _sampled(curve, codec)]
    allowed = [point for point in points if point.bps <= _size_of(sizes, point).max_bps] or [
        min(points, key=lambda point: point.bps)
    ]
    chosen = ladder_of(allowed)
    return Analysis(
        codec=codec.name,
        rungs=tuple(_rung(point, sizes) for point in chosen),
        expected=chosen,
        hull=hull(points),
        probed=tuple(point for curve in curves for point in curve.points),
    )


def ladder_of(points: Sequence[Point]) -> tuple[Point, ...]:
    """The rungs, low to high."""
    best = frontier(points)
    top = next((point for point in best if point.vmaf >= TOP_VMAF), best[-1])
    chosen = [_smaller(top, points)]
    while chosen[-1].bps > _LOWEST_BPS:
        # No size above that of the rung above, where two are as good as each other.
        points = [point for point in points if _area(point) <= _area(chosen[-1])]
        below = _next(frontier(points), chosen[-1])
        if below is None:
            break
        chosen.append(_smaller(below, points))
    return tuple(reversed(chosen))


def _area(point: Point) -> int:
    return point.width_px * point.height_px


def _next(best: Sequence[Point], above: Point) -> Point | None:
    """The next rung downwards: a step in quality, at least the narrowest step in rate, at most the widest."""
    lower = [point for point in best if point.bps * _NARROWEST <= above.bps]
    near = [point for point in lower if point.bps * _WIDEST >= above.bps]
    if not near:
        return lower[-1] if lower else None
    noticed = [point for point in near if point.vmaf <= above.vmaf - STEP_VMAF]
    chosen = noticed[-1] if noticed else near[0]
    if chosen.bps < _LOWEST_BPS * _NARROWEST:
        # Nothing would fit between it and the lowest: this is the lowest, if that is not too far down.
        return next((point for point in reversed(near) if point.bps <= _LOWEST_BPS), chosen)
    return chosen


def _smaller(point: Point, points: Sequence[Point]) -> Point:
    """The smallest size that gives as much for nearly as little."""
    alike = [
        other for other in points if other.vmaf >= point.vmaf - 0.05 and other.bps <= point.bps * _SMALLER
    ]
    return min(alike, key=lambda other: (_area(other), other.bps))


def _sampled(curve: Curve, codec: Codec) -> list[Point]:
    return curve.sampled(_CRF_STEP.get(codec.name, 1.0), codec.crf_range)


def _size_of(sizes: Sequence[Rung], point: Point) -> Rung:
    return next(s for s in sizes if (s.width_px, s.height_px) == (point.width_px, point.height_px))


def _rung(point: Point, sizes: Sequence[Rung]) -> Rung:
    cap_bps = max(10_000, round(point.bps * _PEAK / 1000) * 1000)
    return replace(_size_of(sizes, point), max_bps=cap_bps, crf=point.crf)
