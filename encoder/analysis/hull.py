"""The hull of rate and quality: what no other point, nor any mixture of two, beats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import log
from typing import Protocol

from encoder.analysis.curves import Point


class Rated(Protocol):
    """A point of a line: what it takes, and what it gives."""

    @property
    def bps(self) -> float: ...
    @property
    def vmaf(self) -> float: ...


def frontier(points: Iterable[Point]) -> tuple[Point, ...]:
    """Those that none beats in rate and VMAF at once, from low to high."""
    best: list[Point] = []
    for point in sorted(points, key=lambda point: (point.bps, -point.vmaf, point.width_px)):
        if not best or point.vmaf > best[-1].vmaf:
            best.append(point)
    return tuple(best)


def hull(points: Iterable[Point]) -> tuple[Point, ...]:
    """The upper convex hull of VMAF over the logarithm of the rate, from low to high."""
    kept: list[Point] = []
    for point in frontier(points):
        while len(kept) > 1 and _is_below(kept[-1], kept[-2], point):
            kept.pop()
        kept.append(point)
    return tuple(kept)


def rate_at(points: Sequence[Rated], vmaf: float) -> float | None:
    """Bits per second of the line through `points`, low to high, at `vmaf`; None: it does not reach."""
    for low, high in pairwise(points):
        if low.vmaf <= vmaf <= high.vmaf and low.vmaf < high.vmaf:
            share = (vmaf - low.vmaf) / (high.vmaf - low.vmaf)
            return float(low.bps * (high.bps / low.bps) ** share)
    return None


def _is_below(middle: Point, low: Point, high: Point) -> bool:
    span = log(high.bps / low.bps)
    line = low.vmaf + (high.vmaf - low.vmaf) * log(middle.bps / low.bps) / span
    return middle.vmaf <= line
