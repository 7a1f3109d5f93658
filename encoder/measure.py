"""From what the steps have measured to what is played: no announcement that was not read in fragments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from encoder.audio.plan import AudioPlan
from encoder.errors import EncodeError
from encoder.plan import Plan, RungPlan
from encoder.records import SegmentRecord, StepRecord
from media.cmaf import InitFacts
from media.iframes import iframe_track
from media.presentation import InitSegment, Presentation, Track, is_aligned
from media.protection import Protection
from media.rendition import AudioRendition, Rendition, VideoRendition
from media.timeline import Segment, Timeline

R = TypeVar("R", VideoRendition, AudioRendition)


class MeasureError(EncodeError):
    """What was encoded is not what was planned; the message names the rendition."""


class CutShortError(MeasureError):
    """Frames are missing, as after a decoder that began too late."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A rendition as it was written: its header, then what its steps have made, in order."""

    init: InitFacts
    steps: Sequence[StepRecord]
    protection: Protection | None = None

    @property
    def segments(self) -> list[SegmentRecord]:
        return [segment for step in self.steps for segment in step.segments]


def presentation(plan: Plan, names: Mapping[str, str], encoded: Mapping[str, Encoded]) -> Presentation:
    """The plan's renditions, by label; raises MeasureError unless they are whole and switch together."""
    video = tuple(_video(plan, rung, names[rung.label], encoded[rung.label]) for rung in plan.rungs)
    made = Presentation(
        video=video,
        audio=tuple(_audio(track, names[track.label], encoded[track.label]) for track in plan.audio),
        iframes=tuple(
            iframe_track(track, [segment.key_frames for segment in encoded[rung.label].segments])
            for track, rung in zip(video, plan.rungs, strict=True)
            if track.protection is None or track.protection.allows_ranges
        ),
    )
    if not is_aligned(made):
        raise MeasureError("the rungs do not switch at the same frames; report this with the source's format")
    return made


def _video(plan: Plan, rung: RungPlan, name: str, encoded: Encoded) -> Track[VideoRendition]:
    timeline = _timeline(name, encoded)
    rendition = VideoRendition(
        name=name,
        codecs=encoded.init.codecs,
        average_bps=timeline.average_bps,
        peak_bps=timeline.peak_bps,
        width_px=rung.rung.width_px,
        height_px=rung.rung.height_px,
        frame_rate=plan.timing.frame_rate,
        video_range=rung.video_range,
    )
    return _track(rendition, name, encoded, timeline)


def _audio(track: AudioPlan, name: str, encoded: Encoded) -> Track[AudioRendition]:
    timeline = _timeline(name, encoded)
    rendition = AudioRendition(
        name=name,
        codecs=encoded.init.codecs,
        average_bps=timeline.average_bps,
        peak_bps=timeline.peak_bps,
        sample_rate_hz=track.sample_rate_hz,
        channels=track.channels,
        language=track.language,
        label=track.menu_label,
        is_default=track.is_default,
        is_commentary=track.is_commentary,
        is_descriptive=track.is_descriptive,
    )
    return _track(rendition, name, encoded, timeline)


def planned(plan: Plan) -> list[Rendition]:
    """The renditions, by label, before anything is measured of them: what decides which keys they have."""
    video = [
        VideoRendition(
            name=rung.label, codecs="", average_bps=0, peak_bps=0, width_px=rung.rung.width_px,
            height_px=rung.rung.height_px, frame_rate=plan.timing.frame_rate,
        )
        for rung in plan.rungs
    ]  # fmt: skip
    audio = [
        AudioRendition(
            name=track.label, codecs="", average_bps=0, peak_bps=0, channels=track.channels,
            sample_rate_hz=track.sample_rate_hz,
        )
        for track in plan.audio
    ]  # fmt: skip
    return [*video, *audio]


def _timeline(name: str, encoded: Encoded) -> Timeline:
    if len({step.init_sha256 for step in encoded.steps}) != 1:
        raise MeasureError(f"{name}: its chunks need different headers; report this with the source's format")
    segments = tuple(
        Segment(
            number=segment.number,
            start_ticks=segment.start_ticks,
            duration_ticks=segment.duration_ticks,
            uri=f"{name}/{segment.number}.m4s",
            size_bytes=segment.size_bytes,
        )
        for segment in encoded.segments
    )
    if not segments or segments[0].start_ticks:
        raise MeasureError(f"{name}: does not start at 0; report this with the source's format")
    try:
        return Timeline(timescale=encoded.init.timescale, segments=segments)
    except ValueError as error:
        raise MeasureError(f"{name}: {error}") from None


def _track(rendition: R, name: str, encoded: Encoded, timeline: Timeline) -> Track[R]:
    init = InitSegment(uri=f"{name}/init.mp4", size_bytes=encoded.steps[0].init_size_bytes)
    return Track(rendition=rendition, init=init, timeline=timeline, protection=encoded.protection)
