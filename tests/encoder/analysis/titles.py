"""Titles for the tests of the analysis, made up: what a scout would say, and what probes would give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import exp

from encoder.analysis.curves import Point
from encoder.analysis.probes import Probe, ProbeResult, Trial, TrialResult
from encoder.analysis.scout import Bytes, Scout

RATE = Fraction(24)
GOP = 48
Law = Callable[[Trial], tuple[float, float]]
"""Of a trial: the bytes of its inter frames for each byte of the scout's, and VMAF."""


def scout(groups: Sequence[int], gop_frames: int = GOP, cuts: tuple[int, ...] = ()) -> Scout:
    """Groups of pictures, each by the bytes of its inter frames; key frames have ten times as many."""
    frames = [size * (1 if number else 10) for size in groups for number in range(gop_frames)]
    return Scout(gop_frames=gop_frames, frame_bytes=tuple(frames), scene_starts=cuts)


def usual(trial: Trial) -> tuple[float, float]:
    """Like a film's: rate halves every six CRFs; small sizes take less and end below 100."""
    area = min(1, trial.width_px * trial.height_px / (1920 * 1080))
    ratio = 8 * area**0.75 * 2 ** (-(trial.crf - 20) / 6)
    best = 100 - 40 * (1 - area**0.25)
    return ratio, max(0.0, best - exp((trial.crf - 8) / 7) * (1 + (1 - area**0.5)))


def probed(source: Scout, probes: Sequence[Probe], law: Law = usual) -> tuple[ProbeResult, ...]:
    return tuple(
        ProbeResult(
            probe=probe,
            frames=probe.frames,
            trials=tuple(_tried(source, probe, trial, law) for trial in probe.trials),
        )
        for probe in probes
    )


def point(height_px: int, kbps: float, vmaf: float, crf: float = 25) -> Point:
    return Point(
        width_px=height_px * 16 // 9, height_px=height_px, crf=crf, bps=round(kbps * 1000), vmaf=vmaf
    )


def _tried(source: Scout, probe: Probe, trial: Trial, law: Law) -> TrialResult:
    ratio, vmaf = law(trial)
    size = source.bytes_of(probe.start, probe.start + probe.frames)
    return TrialResult(
        trial=trial, size=Bytes(key=round(size.key * ratio), inter=round(size.inter * ratio)), vmaf=vmaf
    )
