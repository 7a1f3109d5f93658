"""Measuring what was encoded: the VMAF of every SDR rung, noted with the work so that it is done once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from pydantic import TypeAdapter

from encoder.analysing import noted
from encoder.analysis.commands import Footage
from encoder.analysis.running import Workplace, measure_quality
from encoder.analysis.vmaf import SMALLEST_PX, step_of
from encoder.ffmpeg import Ffmpeg, OnFrame
from encoder.pictures import joined
from encoder.plan import Plan
from encoder.work import WorkFolder
from media.presentation import Track
from media.rendition import Quality, VideoRendition

_NOTE = "quality"
_SCHEMA = TypeAdapter(dict[str, Quality])


def score(
    plan: Plan, footage: Footage, input_path: Path, ffmpeg: Ffmpeg, work: WorkFolder, cores: int | None,
    on_frame: OnFrame, tracks: Sequence[Track[VideoRendition]],
) -> Mapping[str, Quality]:  # fmt: skip
    """By the name of the rendition; nothing of HDR, nor of what is too small. Raises EncodeError."""
    compared = [track for track in tracks if track.rendition.video_range == "SDR"]
    if min(footage.size) < SMALLEST_PX or not compared:
        return {}
    found = partial(_scored, plan, footage, input_path, ffmpeg, work, cores, on_frame, compared)
    return noted(work.root, _NOTE, _SCHEMA, found)


def _scored(
    plan: Plan, footage: Footage, input_path: Path, ffmpeg: Ffmpeg, work: WorkFolder, cores: int | None,
    on_frame: OnFrame, tracks: Sequence[Track[VideoRendition]],
) -> dict[str, Quality]:  # fmt: skip
    timing, timeline = plan.timing, tracks[0].timeline
    with work.room() as room:
        paths = [
            joined(work.media, track, track.timeline.segments, room / f"{track.rendition.name}.mp4")
            for track in tracks
        ]
        at = Workplace(ffmpeg=ffmpeg, folder=room, cores=cores)
        found = measure_quality(
            at, footage, input_path, paths,
            frames=round(timeline.duration * timing.frame_rate),
            segment_frames=timing.segment_frames, held_frames=timing.held_frames,
            step=step_of(timing.frame_rate), on_frame=on_frame,
        )  # fmt: skip
    return {track.rendition.name: quality for track, quality in zip(tracks, found, strict=True)}
