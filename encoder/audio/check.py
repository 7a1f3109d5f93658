"""Checking a rendition of sound against its plan: what FFmpeg wrote, by the fragments' own word."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from encoder.audio.plan import CODECS, AudioPlan
from media.cmaf import FragmentFacts, InitFacts


def fault_of(
    plan: AudioPlan, init: InitFacts, segments: Sequence[FragmentFacts], segment_s: Fraction
) -> str | None:
    """What is not as planned, in one line; None if all is well. The last segment may hold a short tail."""
    fault = _header(plan, init) or _samples(plan, segments) or _boundaries(plan, segments, segment_s)
    return f"{plan.label}: {fault}" if fault else None


def _header(plan: AudioPlan, init: InitFacts) -> str | None:
    asked = (CODECS[plan.codec].codecs, plan.channels, plan.sample_rate_hz, plan.sample_rate_hz)
    found = (init.codecs, init.channels, init.sample_rate_hz, init.timescale)
    if found == asked:
        return None
    return f"{found[0]}, {found[1]} channels, {found[2]} Hz, {found[3]} ticks per second were not asked for"


def _samples(plan: AudioPlan, segments: Sequence[FragmentFacts]) -> str | None:
    """From 0, without a gap, as many frames as planned."""
    at = 0
    for number, segment in enumerate(segments, start=1):
        if segment.start_ticks != at or segment.inner_gap_ticks:
            return f"segment {number} starts at sample {segment.start_ticks}, not {at}"
        at += segment.duration_ticks
    frames, planned = sum(s.sample_count for s in segments), plan.samples // CODECS[plan.codec].frame_samples
    if at == plan.samples and frames == planned:
        return None
    if frames > planned:  # FFmpeg starts its filters anew where the sound becomes another
        return f"{frames} frames, not {planned}; its channels or rate change midway: convert it to one format"
    missing_s = (plan.samples - at) / plan.sample_rate_hz
    return f"{frames} of {planned} frames, {missing_s:.2f} s are missing; the source's sound is damaged"


def _boundaries(plan: AudioPlan, segments: Sequence[FragmentFacts], segment_s: Fraction) -> str | None:
    """Within a frame of the picture's, from the first to the last."""
    for number, segment in enumerate(segments):
        late = segment.start_ticks - number * segment_s * plan.sample_rate_hz
        rounded = Fraction(number * plan.sample_rate_hz, 10**6)  # FFmpeg counts in microseconds
        if abs(late) > CODECS[plan.codec].frame_samples + rounded:
            return f"segment {number + 1} starts {float(late):+.0f} samples from the picture's"
    return None
