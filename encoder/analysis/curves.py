"""Curves: for each size, rate and VMAF at any CRF, from the few that were probed.

Rate falls exponentially with the CRF, and so does what VMAF lacks to 100 grow: both are straight enough on
those scales to be drawn from point to point, and a little beyond.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from math import exp, log

from encoder.analysis.probes import ProbeResult, Trial, TrialResult
from encoder.analysis.scout import AnalysisError, Bytes, Scout

_BEYOND = 4  # CRFs past the probed ones are still trusted
_CEILING = 101.0  # VMAF's scale ends at 100, and a logarithm may not
_LEAST_BPS = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A size and quality, what it takes on average, and what it gives."""

    width_px: int
    height_px: int
    crf: float
    bps: int
    vmaf: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One size; `points` by rising CRF."""

    points: tuple[Point, ...]

    def at(self, crf: float) -> Point:
        first = self.points[0]
        bps = exp(_drawn([(point.crf, log(point.bps)) for point in self.points], crf))
        lack = exp(_drawn([(point.crf, log(_CEILING - point.vmaf)) for point in self.points], crf))
        return Point(
            width_px=first.width_px,
            height_px=first.height_px,
            crf=crf,
            bps=round(bps),
            vmaf=round(min(100.0, max(0.0, _CEILING - lack)), 2),
        )

    def sampled(self, step: float, crf_range: tuple[float, float]) -> list[Point]:
        """Every `step` of CRF, as far as it can be trusted and the codec has use for it."""
        best = max(crf_range[0], self.points[0].crf - _BEYOND)
        worst = min(crf_range[1], self.points[-1].crf + _BEYOND)
        count = int((worst - best) / step) + 1
        first = -(-best // step) * step
        return [self.at(first + number * step) for number in range(count) if first + number * step <= worst]


def curves_of(
    scout: Scout, results: Sequence[ProbeResult], frame_rate: Fraction, lack: float = 1.0
) -> tuple[Curve, ...]:
    """From small to large; `lack` times what a probe lacks to VMAF 100 is what the real encode lacks."""
    if not results:
        raise AnalysisError("nothing was probed; the source is too short to be analysed")
    by_size: dict[tuple[int, int], list[Trial]] = {}
    for trial in results[0].probe.trials:
        by_size.setdefault((trial.width_px, trial.height_px), []).append(trial)
    curves = []
    for _, trials in sorted(by_size.items()):
        found = [_point(scout, results, trial, frame_rate, lack) for trial in trials]
        curves.append(Curve(points=_falling(sorted(found, key=lambda point: point.crf))))
    return tuple(curves)


def _point(
    scout: Scout,
    results: Sequence[ProbeResult],
    trial: Trial,
    frame_rate: Fraction,
    lack: float,
) -> Point:
    of_window = [(result, _of(result, trial)) for result in results]
    taken, scouted = Bytes(key=0, inter=0), Bytes(key=0, inter=0)
    for result, tried in of_window:
        start = result.probe.start
        taken, scouted = taken + tried.size, scouted + scout.bytes_of(start, start + result.frames)
    whole = scout.bytes_of(0, scout.frames)
    size = whole.key * _ratio(taken.key, scouted.key) + whole.inter * _ratio(taken.inter, scouted.inter)
    weight = sum(result.probe.weight for result, _ in of_window)
    vmaf = sum(result.probe.weight * tried.vmaf for result, tried in of_window) / weight
    return Point(
        width_px=trial.width_px,
        height_px=trial.height_px,
        crf=trial.crf,
        bps=round(max(_LEAST_BPS, 8 * size / scout.frames * float(frame_rate))),
        vmaf=100 - lack * (100 - vmaf),
    )


def _of(result: ProbeResult, trial: Trial) -> TrialResult:
    return next(tried for tried in result.trials if tried.trial == trial)


def _ratio(size: int, scouted: int) -> float:
    return size / scouted if scouted else 0.0


def _falling(points: Sequence[Point]) -> tuple[Point, ...]:
    """A higher CRF never takes more nor gives more, whatever a short window says."""
    rates = accumulate((point.bps for point in points), min)
    scores = accumulate((point.vmaf for point in points), min)
    return tuple(
        Point(width_px=point.width_px, height_px=point.height_px, crf=point.crf, bps=bps, vmaf=vmaf)
        for point, bps, vmaf in zip(points, rates, scores, strict=True)
    )


def _drawn(places: Sequence[tuple[float, float]], x: float) -> float:
    """On the straight line through the two places about `x`, or the nearest two."""
    if len(places) == 1:
        return places[0][1]
    number = next((n for n in range(1, len(places) - 1) if x <= places[n][0]), len(places) - 1)
    (left, low), (right, high) = places[number - 1], places[number]
    return low + (high - low) * (x - left) / (right - left)
