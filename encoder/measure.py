"""Measuring what ffmpeg wrote: the fragments themselves say how long, how large and how alike they are.

ffmpeg can end with exit code 0 and a file cut short, so nothing is published that the plan does not confirm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from encoder.errors import EncodeError
from encoder.plan import AudioPlan, Plan, RungPlan
from media.cmaf import FragmentFacts, InitFacts
from media.presentation import InitSegment, Presentation, Track, is_aligned
from media.rendition import AudioRendition, VideoRendition
from media.timeline import Segment, Timeline

_SLACK = Fraction(1, 4)  # seconds; a container's word on the end of its last frame is not always exact


class MeasureError(EncodeError):
    """What was encoded is not what was planned; the message names the rendition."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A file that ffmpeg wrote."""

    facts: FragmentFacts
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Encoded:
    """A rendition as it was written: its header, then its segments in order."""

    init: InitFacts
    init_size_bytes: int
    segments: tuple[Measured, ...]


def has_short_tail(plan: Plan, encoded: Encoded) -> bool:
    """A last segment below half the usual length, which would announce a rate that nobody has to sustain."""
    *earlier, last = encoded.segments
    return bool(earlier) and Fraction(last.facts.duration_ticks, encoded.init.timescale) < plan.segment_s / 2


def presentation(plan: Plan, names: Mapping[str, str], encoded: Mapping[str, Encoded]) -> Presentation:
    """The plan's renditions, by label; raises MeasureError unless they are whole and switch together."""
    made = Presentation(
        video=tuple(_video(plan, rung, names[rung.label], encoded[rung.label]) for rung in plan.rungs),
        audio=tuple(_audio(track, names[track.label], encoded[track.label]) for track in plan.audio),
    )
    if not is_aligned(made):
        raise MeasureError("the rungs do not switch at the same frames; report this with the source's format")
    return made


def _video(plan: Plan, rung: RungPlan, name: str, encoded: Encoded) -> Track[VideoRendition]:
    frames = sum(segment.facts.sample_count for segment in encoded.segments)
    if plan.frames - frames > max(Fraction(1), _SLACK * plan.frame_rate):
        raise MeasureError(
            f"{rung.label}: {frames} of {plan.frames} frames; the source is damaged or cut short"
        )
    if (encoded.init.width_px, encoded.init.height_px) != (rung.rung.width_px, rung.rung.height_px):
        raise MeasureError(
            f"{rung.label}: {encoded.init.width_px}x{encoded.init.height_px} was not asked for"
        )
    timeline = _timeline(name, encoded)
    _check_segments(plan, rung.label, timeline, encoded)
    average_bps, peak_bps = rates(timeline)
    rendition = VideoRendition(
        name=name,
        codecs=encoded.init.codecs,
        average_bps=average_bps,
        peak_bps=peak_bps,
        width_px=rung.rung.width_px,
        height_px=rung.rung.height_px,
        frame_rate=plan.frame_rate,
    )
    return Track(rendition=rendition, init=_init(name, encoded), timeline=timeline)


def _check_segments(plan: Plan, label: str, timeline: Timeline, encoded: Encoded) -> None:
    """Each segment starts with a key frame and, but for the last, lasts what was planned, to the tick."""
    for segment, measured in zip(timeline.segments, encoded.segments, strict=True):
        if not measured.facts.starts_with_sync:
            raise MeasureError(f"{label}: segment {segment.number} does not start with a key frame")
        is_last = segment is timeline.segments[-1]
        if not is_last and timeline.seconds(segment.duration_ticks) != plan.segment_s:
            raise MeasureError(f"{label}: segment {segment.number} does not last {float(plan.segment_s)} s")


def _audio(track: AudioPlan, name: str, encoded: Encoded) -> Track[AudioRendition]:
    timeline = _timeline(name, encoded)
    if timeline.duration < Fraction(track.samples, track.sample_rate_hz) - _SLACK:
        raise MeasureError(
            f"{track.label}: only {float(timeline.duration):.2f} s; the source's sound is damaged"
        )
    average_bps, peak_bps = rates(timeline)
    rendition = AudioRendition(
        name=name,
        codecs=encoded.init.codecs,
        average_bps=average_bps,
        peak_bps=peak_bps,
        sample_rate_hz=track.sample_rate_hz,
        channels=track.channels,
        language=track.language,
        is_default=track.is_default,
    )
    return Track(rendition=rendition, init=_init(name, encoded), timeline=timeline)


def rates(timeline: Timeline) -> tuple[int, int]:
    """Average and peak bits per second, rounded up; the peak is that of the costliest segment."""
    sizes = [segment.size_bytes or 0 for segment in timeline.segments]
    average = 8 * sum(sizes) / timeline.duration
    peak = max(
        8 * size / timeline.seconds(segment.duration_ticks)
        for size, segment in zip(sizes, timeline.segments, strict=True)
    )
    return -int(-average // 1), -int(-peak // 1)


def _timeline(name: str, encoded: Encoded) -> Timeline:
    segments = tuple(
        Segment(
            number=number,
            start_ticks=measured.facts.start_ticks,
            duration_ticks=measured.facts.duration_ticks,
            uri=f"{name}/{number}.m4s",
            size_bytes=measured.size_bytes,
        )
        for number, measured in enumerate(encoded.segments, start=1)
    )
    if not segments or segments[0].start_ticks:
        raise MeasureError(f"{name}: does not start at 0; report this with the source's format")
    try:
        return Timeline(timescale=encoded.init.timescale, segments=segments)
    except ValueError as error:
        raise MeasureError(f"{name}: {error}") from None


def _init(name: str, encoded: Encoded) -> InitSegment:
    return InitSegment(uri=f"{name}/init.mp4", size_bytes=encoded.init_size_bytes)
