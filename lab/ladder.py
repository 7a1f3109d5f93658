"""A title's ladder as its picture has it: what was probed, the hull, the rungs on it, and Apple's beside it.

The rungs are as they were measured. The probes' curves and the fixed ladder, which nobody has encoded, are
estimates: each fixed rung is put on the curve of the nearest size that was probed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import log

from encoder.analysis.curves import Curve, Point
from encoder.analysis.hull import Rated, rate_at
from encoder.analysis.rungs import Analysis
from encoder.codecs import CODECS
from encoder.ladder import Rung, apple
from encoder.source import VideoSource
from media.ladders import Ladder, ladders
from media.presentation import Presentation, boundaries

FIXED_CODEC = "h264"  # of which Apple's rates are
_CODECS = {"avc1": "h264", "avc3": "h264", "hvc1": "hevc", "hev1": "hevc", "av01": "av1", "vp09": "vp9"}
_CRF_STEP = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRung:
    name: str
    width_px: int
    height_px: int
    bps: int  # average
    vmaf: float  # mean
    p5: float
    segments: tuple[float, ...]  # the mean of each


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbedSize:
    width_px: int
    height_px: int
    probed: tuple[Point, ...]  # low to high
    curve: tuple[Point, ...]  # through them, as far as the analysis trusts it; low to high


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedRung:
    """A rung of the fixed ladder, and what its quality costs otherwise; None: out of reach there."""

    width_px: int
    height_px: int
    bps: int
    vmaf: float  # estimated
    hull_bps: float | None
    rungs_bps: float | None  # on the line through the measured rungs

    @property
    def hull_saving(self) -> float | None:
        """The share of its bits that the hull does without."""
        return None if self.hull_bps is None else 1 - self.hull_bps / self.bps

    @property
    def saving(self) -> float | None:
        """The share of its bits that the measured rungs do without; below zero, they take more."""
        return None if self.rungs_bps is None else 1 - self.rungs_bps / self.bps


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecLadder:
    """One codec in one dynamic range; what was not probed or not measured is empty."""

    codec: str
    video_range: str
    hull: tuple[Point, ...]
    sizes: tuple[ProbedSize, ...]
    rungs: tuple[MeasuredRung, ...]
    fixed: tuple[FixedRung, ...]

    @property
    def is_empty(self) -> bool:
        return not self.hull and not self.rungs


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleLadders:
    boundaries_s: tuple[float, ...]  # of the segments: each one's start, and the last one's end
    ladders: tuple[CodecLadder, ...]

    @property
    def is_probed(self) -> bool:
        return any(ladder.hull for ladder in self.ladders)


def ladders_of(
    presentation: Presentation, analyses: Sequence[Analysis] = (), source: VideoSource | None = None
) -> TitleLadders | None:
    """None if nothing was probed and no rung was measured. Without `source` there is no fixed ladder."""
    analysed = {analysis.codec: analysis for analysis in analyses}
    found = [_codec_ladder(ladder, analysed, source) for ladder in ladders(presentation.video)]
    if all(ladder.is_empty for ladder in found):
        return None
    timeline = presentation.video[0].timeline
    return TitleLadders(
        boundaries_s=tuple(float(moment) for moment in boundaries(timeline)),
        ladders=tuple(ladder for ladder in found if not ladder.is_empty),
    )


def ladder_values(found: TitleLadders) -> dict[str, object]:
    """For JSON."""
    return {
        "boundaries_s": found.boundaries_s,
        "ladders": [
            asdict(ladder)
            | {
                "fixed": [
                    asdict(rung) | {"hull_saving": rung.hull_saving, "saving": rung.saving}
                    for rung in ladder.fixed
                ]
            }
            for ladder in found.ladders
        ],
    }


def change(saving: float | None) -> str:
    """A saving of bits as the change that it is."""
    if saving is None:
        return "–"
    percent = round(-100 * saving)
    return f"{percent:+d} %".replace("-", "−") if percent else "0 %"


def vmaf_at(points: Sequence[Rated], bps: float) -> float | None:
    """Of the line through `points`, low to high, over the rate's logarithm; None: it does not reach."""
    for low, high in pairwise(points):
        if low.bps <= bps <= high.bps:
            share = log(bps / low.bps) / log(high.bps / low.bps) if high.bps > low.bps else 1.0
            return low.vmaf + (high.vmaf - low.vmaf) * share
    return None


def _codec_ladder(
    ladder: Ladder, analysed: Mapping[str, Analysis], source: VideoSource | None
) -> CodecLadder:
    first = ladder[0].rendition
    codec = _CODECS.get(first.codecs.partition(".")[0], first.codecs)
    is_sdr = first.video_range == "SDR"  # probes are
    analysis = analysed.get(codec) if is_sdr else None
    rungs = _measured(ladder)
    sizes = _sizes(analysis) if analysis else ()
    hull = analysis.hull if analysis else ()
    is_comparable = codec == FIXED_CODEC and source is not None
    return CodecLadder(
        codec=codec,
        video_range=first.video_range,
        hull=hull,
        sizes=sizes,
        rungs=rungs,
        fixed=_fixed(source, sizes, hull, rungs) if source and is_comparable else (),
    )


def _measured(ladder: Ladder) -> tuple[MeasuredRung, ...]:
    found = [
        MeasuredRung(
            name=rung.name,
            width_px=rung.width_px,
            height_px=rung.height_px,
            bps=rung.average_bps,
            vmaf=rung.quality.mean,
            p5=rung.quality.p5,
            segments=rung.quality.segments,
        )
        for rung in (track.rendition for track in ladder)
        if rung.quality
    ]
    return tuple(sorted(found, key=lambda rung: rung.bps))


def _sizes(analysis: Analysis) -> tuple[ProbedSize, ...]:
    by_size: dict[tuple[int, int], list[Point]] = {}
    for point in analysis.probed:
        by_size.setdefault((point.width_px, point.height_px), []).append(point)
    return tuple(
        ProbedSize(
            width_px=width_px,
            height_px=height_px,
            probed=_rising(points),
            curve=_rising(_curve(points).sampled(_CRF_STEP, CODECS[analysis.codec].crf_range)),
        )
        for (width_px, height_px), points in sorted(by_size.items())
    )


def _curve(points: Sequence[Point]) -> Curve:
    return Curve(points=tuple(sorted(points, key=lambda point: point.crf)))


def _rising(points: Sequence[Point]) -> tuple[Point, ...]:
    return tuple(sorted(points, key=lambda point: point.bps))


def _fixed(
    source: VideoSource,
    sizes: Sequence[ProbedSize],
    hull: Sequence[Point],
    rungs: Sequence[MeasuredRung],
) -> tuple[FixedRung, ...]:
    """What no curve reaches is left out."""
    steps = apple(source, source.frame_rate) if sizes else ()
    line = _gaining(rungs)
    estimated = [(step, vmaf_at(_nearest(sizes, step).curve, step.max_bps)) for step in steps]
    return tuple(
        FixedRung(
            width_px=step.width_px,
            height_px=step.height_px,
            bps=step.max_bps,
            vmaf=round(vmaf, 2),
            hull_bps=rate_at(hull, vmaf),
            rungs_bps=rate_at(line, vmaf),
        )
        for step, vmaf in estimated
        if vmaf is not None
    )


def _nearest(sizes: Sequence[ProbedSize], step: Rung) -> ProbedSize:
    return min(sizes, key=lambda size: abs(log(min(size.width_px, size.height_px) / step.short_side_px)))


def _gaining(rungs: Sequence[MeasuredRung]) -> list[MeasuredRung]:
    """Those that give more than every cheaper one."""
    kept: list[MeasuredRung] = []
    for rung in rungs:
        if not kept or rung.vmaf > kept[-1].vmaf:
            kept.append(rung)
    return kept
