"""What one ladder saves beside another at equal quality: rung by rung, as bits for the same VMAF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from statistics import median


class Verdict(Enum):
    BETTER = "better"
    WORSE = "worse"
    UNSEEN = "above what is seen"  # the other ladder ends below, where nobody tells it from the source
    BELOW = "below all rungs"  # the other ladder ends above


@dataclass(frozen=True, slots=True)
class Rated:
    """A rung as it was measured."""

    name: str
    bps: float
    vmaf: float


@dataclass(frozen=True, slots=True)
class Saving:
    """Of a fixed rung: what the other ladder needs for its VMAF, and the share of bits that this saves."""

    fixed: Rated
    verdict: Verdict
    bps: float | None = None

    @property
    def share(self) -> float | None:
        return None if self.bps is None else 1 - self.bps / self.fixed.bps


def savings(fixed: Sequence[Rated], ours: Sequence[Rated]) -> list[Saving]:
    """One for each fixed rung; `ours`, low to high, is joined by straight lines over the rate's logarithm."""
    return [_saving(rung, ours) for rung in fixed]


def median_share(found: Sequence[Saving]) -> float:
    """Of the rungs that both ladders have."""
    return median(saving.share for saving in found if saving.share is not None)


def _saving(rung: Rated, ours: Sequence[Rated]) -> Saving:
    if rung.vmaf > ours[-1].vmaf:
        is_more = rung.bps > ours[-1].bps
        return Saving(rung, Verdict.UNSEEN if is_more else Verdict.WORSE)
    if rung.vmaf < ours[0].vmaf:
        # More quality for no more bits is better still; by how much cannot be read off.
        is_cheaper = ours[0].bps <= rung.bps
        return Saving(rung, Verdict.BETTER, ours[0].bps) if is_cheaper else Saving(rung, Verdict.BELOW)
    for low, high in pairwise(ours):
        if low.vmaf <= rung.vmaf <= high.vmaf:
            share = (rung.vmaf - low.vmaf) / (high.vmaf - low.vmaf) if high.vmaf > low.vmaf else 0.0
            bps = low.bps * (high.bps / low.bps) ** share
            return Saving(rung, Verdict.BETTER if bps <= rung.bps else Verdict.WORSE, bps)
    return Saving(rung, Verdict.BETTER if ours[0].bps <= rung.bps else Verdict.WORSE, ours[0].bps)
