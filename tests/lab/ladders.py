"""Ladders for the tests of their picture: sizes whose curves cross, as those of real titles do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from encoder.analysis.curves import Curve, Point
from encoder.analysis.hull import hull
from encoder.analysis.rungs import Analysis
from media.presentation import Presentation, Track
from media.rendition import Quality, VideoRendition
from tests.media.presentations import video

SIDES = (180, 360, 720)


def probed(side_px: int) -> tuple[Point, Point]:
    """At two CRFs: a larger size takes more, and gives more where it has enough."""
    return tuple(  # type: ignore[return-value]
        Point(
            width_px=2 * side_px,
            height_px=side_px,
            crf=crf,
            bps=round(side_px**1.2 * scale),
            vmaf=100 - lack * (220 / side_px) ** 0.35,
        )
        for crf, scale, lack in ((20, 900.0, 5.0), (32, 180.0, 22.0))
    )


def analysis(codec: str = "h264", sides: Sequence[int] = SIDES) -> Analysis:
    points = tuple(point for side_px in sides for point in probed(side_px))
    drawn = [point for side_px in sides for point in Curve(points=probed(side_px)).sampled(0.5, (16, 36))]
    return Analysis(codec=codec, rungs=(), expected=(), hull=hull(drawn), probed=points)


def measured(side_px: int, bps: int, vmaf: float, codecs: str = "avc1.64001f") -> Track[VideoRendition]:
    """A rung of three segments."""
    track = video(side_px)
    quality = Quality(mean=vmaf, p5=vmaf - 6, segments=(vmaf - 1, vmaf, vmaf + 1), frames=30)
    rung = replace(track.rendition, average_bps=bps, peak_bps=2 * bps, quality=quality, codecs=codecs)
    return replace(track, rendition=rung)


def presentation(*rungs: Track[VideoRendition]) -> Presentation:
    return Presentation(video=rungs)
