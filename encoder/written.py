"""What ffmpeg has written for one step becomes segments of the title: checked, joined, moved to their time.

ffmpeg can end with exit code 0 and a file cut short, so nothing is kept that the plan does not confirm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from encoder.audio.check import fault_of
from encoder.audio.plan import AudioPlan
from encoder.chunks import Chunk
from encoder.codecs.headers import completed
from encoder.measure import CutShortError, MeasureError
from encoder.plan import Plan, RungPlan
from encoder.records import SegmentRecord, StepRecord
from encoder.staging import reported, write_durably
from media import cmaf
from media.boxes import BoxError
from media.cmaf import FragmentFacts, InitFacts
from media.iframes import key_frames
from media.rebasing import rebased, without_type

_SLACK_S = Fraction(1, 4)  # a container's word on the end of its last frame is not always exact


@dataclass(frozen=True, slots=True)
class _Group:
    """Fragments, each a file that ffmpeg wrote, that make one segment."""

    number: int
    first_sequence: int
    files: tuple[Path, ...]


def keep_picture(plan: Plan, chunk: Chunk, rung: RungPlan, folder: Path, kept: Path) -> StepRecord:
    """From the GOPs in `folder` to segments in `kept`. Raises MeasureError, of which CutShortError."""
    gop, segment = plan.timing.gop_frames, plan.timing.segment_frames
    target = plan.target(rung)
    files, init, header = _read(folder, rung.label, lambda header: completed(header, target))
    if (init.width_px, init.height_px) != (rung.rung.width_px, rung.rung.height_px):
        raise MeasureError(f"{rung.label}: {init.width_px}x{init.height_px} was not asked for")
    groups = _grouped(files, chunk.first_frame // segment + 1, segment // gop)
    if chunk.end_frame == plan.timing.frames:
        tail_frames = sum(_facts(path, init, rung.label).sample_count for path in groups[-1].files)
        groups = _without_tail(groups) if tail_frames < segment / 2 else groups
    ticks = Fraction(init.timescale) / plan.timing.frame_rate
    if ticks.denominator != 1:
        raise MeasureError(f"{rung.label}: a frame is no whole number of ticks of 1/{init.timescale} s")
    shift = chunk.first_frame * int(ticks)
    segments = tuple(_kept(group, shift, init, kept, rung.label) for group in groups)
    _check_frames(plan, chunk, rung, segments, int(ticks))
    return _record(init, header, segments, kept)


def keep_sound(plan: Plan, track: AudioPlan, folder: Path, kept: Path) -> StepRecord:
    """From the segments in `folder` to those in `kept`. Raises MeasureError."""
    files, init, header = _read(folder, track.label)
    groups = [_Group(number, number, (path,)) for number, path in enumerate(files, 1)]
    tail_s = Fraction(_facts(files[-1], init, track.label).duration_ticks, init.timescale)
    if tail_s < plan.timing.segment_s / 2:
        groups = _without_tail(groups)
    segments = tuple(_kept(group, 0, init, kept, track.label) for group in groups)
    if fault := fault_of(track, init, [each.facts for each in segments], plan.timing.segment_s):
        raise MeasureError(fault)
    return _record(init, header, segments, kept)


def _read(
    folder: Path, label: str, complete: Callable[[bytes], bytes] = bytes
) -> tuple[list[Path], InitFacts, bytes]:
    """ffmpeg's files in order, and the header, completed."""
    try:
        header = complete((folder / "init.mp4").read_bytes())
        init = cmaf.read_init(header)
    except (OSError, BoxError) as error:
        raise MeasureError(f"{label}: ffmpeg left it without a header: {error}") from None
    files = sorted(folder.glob("*.m4s"), key=lambda path: int(path.stem))
    if not files or _is_empty(files[0]):
        raise CutShortError(f"{label}: ffmpeg wrote no segment of it")
    return files, init, header


def _is_empty(path: Path) -> bool:
    """Of no frames at all ffmpeg writes a type, and nothing of that type."""
    try:
        return not without_type(path.read_bytes())
    except BoxError:
        return False  # damaged, as will be told


def _grouped(files: Sequence[Path], first_number: int, size: int) -> list[_Group]:
    """The GOPs by segment, `size` to each."""
    first_sequence = (first_number - 1) * size + 1
    return [
        _Group(first_number + at // size, first_sequence + at, tuple(files[at : at + size]))
        for at in range(0, len(files), size)
    ]


def _without_tail(groups: list[_Group]) -> list[_Group]:
    """A last segment below half the usual length would announce a rate that nobody has to sustain."""
    if len(groups) == 1:
        return groups
    *earlier, before, last = groups
    return [*earlier, replace(before, files=before.files + last.files)]


def _kept(group: _Group, shift: int, init: InitFacts, kept: Path, label: str) -> SegmentRecord:
    try:
        data = b"".join(_moved(group, shift))
        facts = cmaf.read_fragment(data, init)
        shown = key_frames(data, init) if init.kind == "video" else ()
    except (OSError, BoxError) as error:
        raise MeasureError(f"{label}: ffmpeg left segment {group.number} incomplete: {error}") from None
    if facts.inner_gap_ticks:
        raise MeasureError(f"{label}: segment {group.number} has a gap of {facts.inner_gap_ticks} ticks")
    if not facts.starts_with_sync:
        raise MeasureError(f"{label}: segment {group.number} does not start with a key frame")
    with reported(kept):
        write_durably(kept / f"{group.number}.m4s", data)
    return SegmentRecord(
        number=group.number,
        start_ticks=facts.start_ticks,
        duration_ticks=facts.duration_ticks,
        samples=facts.sample_count,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        key_frames=shown,
    )


def _moved(group: _Group, shift: int) -> Iterator[bytes]:
    for at, path in enumerate(group.files):
        data = rebased(path.read_bytes(), shift, group.first_sequence + at)
        yield without_type(data) if at else data


def _check_frames(
    plan: Plan, chunk: Chunk, rung: RungPlan, segments: Sequence[SegmentRecord], ticks: int
) -> None:
    """As many frames as were asked for, each segment as long as planned to the tick, from the start on."""
    frames = sum(segment.samples for segment in segments)
    is_last = chunk.end_frame == plan.timing.frames
    slack = max(Fraction(1), _SLACK_S * plan.timing.frame_rate) if is_last else 0
    if chunk.frames - frames > slack:
        raise CutShortError(
            f"{rung.label}: {frames} of {chunk.frames} frames from {_moment(plan, chunk)} on; "
            "the source is damaged or cut short"
        )
    starts = [segment.start_ticks for segment in segments]
    planned = [(chunk.first_frame + at * plan.timing.segment_frames) * ticks for at in range(len(segments))]
    if starts != planned or any(segment.samples * ticks != segment.duration_ticks for segment in segments):
        raise MeasureError(f"{rung.label}: its segments are not where they were planned; report this")


def _moment(plan: Plan, chunk: Chunk) -> str:
    return f"{float(chunk.first_frame / plan.timing.frame_rate):.1f} s"


def _facts(path: Path, init: InitFacts, label: str) -> FragmentFacts:
    try:
        return cmaf.read_fragment(path.read_bytes(), init)
    except (OSError, BoxError) as error:
        raise MeasureError(f"{label}: ffmpeg left its last segment incomplete: {error}") from None


def _record(init: InitFacts, header: bytes, segments: tuple[SegmentRecord, ...], kept: Path) -> StepRecord:
    with reported(kept):
        write_durably(kept / "init.mp4", header)
    return StepRecord(
        timescale=init.timescale,
        init_size_bytes=len(header),
        init_sha256=hashlib.sha256(header).hexdigest(),
        segments=segments,
    )
