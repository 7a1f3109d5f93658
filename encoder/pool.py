"""Running the steps of a plan side by side, each ffmpeg in a thread that watches it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from encoder.commands import picture_arguments, sound_arguments
from encoder.ffmpeg import Ffmpeg, run
from encoder.measure import CutShortError
from encoder.plan import Plan
from encoder.records import StepRecord
from encoder.staging import check_room
from encoder.steps import Batch, PictureBatch, SoundBatch, Step
from encoder.work import WorkFolder
from encoder.written import keep_picture, keep_sound

_TELL_EVERY_S = 0.2
OnShare = Callable[[float], None]
"""Hears how much of the cost of all batches is done, from 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What it takes to run a batch, anywhere."""

    plan: Plan
    ffmpeg: Ffmpeg
    input_path: str
    cores: int | None = None  # that ffmpeg may use; None: all
    stop: threading.Event = field(default_factory=threading.Event)


def run_all(task: Task, work: WorkFolder, batches: Sequence[Batch], jobs: int, on_share: OnShare) -> None:
    """Do `batches` in order, `jobs` at a time; what is done is kept, whatever becomes of the others.

    Raises EncodeError of the first that fails. An exception here (also one out of `on_share`) ends all.
    """
    total = sum(batch.cost for batch in batches)
    shares = [0.0] * len(batches)

    def one(number: int, batch: Batch) -> None:
        def on_share_of_it(share: float) -> None:
            shares[number] = share * batch.cost

        with work.room() as room:
            for step, record, made in run_batch(task, batch, room, on_share_of_it):
                work.keep(step, record, made)
        shares[number] = batch.cost

    with ThreadPoolExecutor(jobs) as pool:
        try:
            futures = [pool.submit(one, number, batch) for number, batch in enumerate(batches)]
            while _are_under_way(futures):
                on_share(sum(shares) / total if total else 1.0)
        except BaseException:
            task.stop.set()
            pool.shutdown(cancel_futures=True)
            raise


def _are_under_way(futures: list[Future[None]]) -> bool:
    """Wait a moment; raises what went wrong first."""
    done, under_way = wait(futures, _TELL_EVERY_S, FIRST_EXCEPTION)
    for future in done:
        future.result()
    return bool(under_way)


def run_batch(
    task: Task, batch: Batch, room: Path, on_share: OnShare
) -> Iterator[tuple[Step, StepRecord, Path]]:
    """Run one batch in the empty folder `room`; each of its steps with its record and its files' folder."""
    if isinstance(batch, SoundBatch):
        yield from _sound(task, batch, room, on_share)
    else:
        yield from _picture(task, batch, room, on_share)


def _sound(
    task: Task, batch: SoundBatch, room: Path, on_share: OnShare
) -> Iterator[tuple[Step, StepRecord, Path]]:
    label = batch.track.label
    (room / label).mkdir()
    run(
        task.ffmpeg,
        sound_arguments(task.plan, batch.track, task.input_path),
        room,
        lambda _frames, _speed: None,
        task.cores,
        task.stop,
    )
    check_room(room)
    kept = room / "kept"
    kept.mkdir()
    yield Step(label), keep_sound(task.plan, batch.track, room / label, kept), kept
    on_share(1.0)


def _picture(
    task: Task, batch: PictureBatch, room: Path, on_share: OnShare
) -> Iterator[tuple[Step, StepRecord, Path]]:
    """From the chunk's key frame; where that turns out to be none, from an earlier one, at last from all."""
    seeks = _places(task.plan, batch)
    for attempt, seek in enumerate(seeks):
        folder = room / str(attempt)
        try:
            made = list(_from(task, batch, seek, folder, on_share))
        except CutShortError:
            if seek is None:
                raise
        else:
            yield from made
            return


def _places(plan: Plan, batch: PictureBatch) -> list[Fraction | None]:
    seek = batch.chunk.seek
    if seek is None:
        return [None]
    earlier = [seek - 10] if seek - 10 > plan.source.start else []
    return [seek, *earlier, None]


def _from(
    task: Task, batch: PictureBatch, seek: Fraction | None, folder: Path, on_share: OnShare
) -> Iterator[tuple[Step, StepRecord, Path]]:
    for rung in batch.rungs:
        (folder / rung.label).mkdir(parents=True)
        (folder / "kept" / rung.label).mkdir(parents=True)

    def on_frame(frames: int, _speed: float) -> None:
        on_share(min(1.0, frames / batch.chunk.frames))

    arguments = picture_arguments(task.plan, batch.chunk, batch.rungs, task.input_path, seek)
    run(task.ffmpeg, arguments, folder, on_frame, task.cores, task.stop)
    check_room(folder)
    for rung, step in zip(batch.rungs, batch.steps, strict=True):
        kept = folder / "kept" / rung.label
        yield step, keep_picture(task.plan, batch.chunk, rung, folder / rung.label, kept), kept
