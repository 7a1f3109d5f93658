"""A machine of the cluster at work: bring the source once, do a batch, put what came out, say how far it is.

It runs inside a Dask worker and shares nothing with the coordinator but the library.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from distributed import Reschedule, Status, Worker, get_worker

from encoder.ffmpeg import FfmpegError, Stopped, find_ffmpeg
from encoder.make import Make, make
from encoder.pool import Task, run_batch
from encoder.shared_work import SharedTitle
from encoder.source_cache import Sources
from encoder.staging import LibraryError, reported
from encoder.steps import Batch, left_of

TOPIC = "penstock-progress"  # of the scheduler's events: run, number of the batch, its share that is done
_TELL_EVERY_S, _LOOK_EVERY_S = 1.0, 0.2
_CLOSING = (Status.closing, Status.closed, Status.failed)
_sources = Sources()  # of all tasks of this process


class WorkerError(LibraryError):
    """A machine of the cluster cannot do its share; the message names it and the way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What all batches of one title have in common."""

    title: SharedTitle
    make: Make
    run: str  # unlike that of any other


def work_on(errand: Errand, number: int, batch: Batch) -> None:
    """Do what is left of a batch. Raises EncodeError; stops when nobody wants it any more."""
    worker = get_worker()
    try:
        if difference := make().other_than(errand.make):
            raise WorkerError(difference)
        with _wanted(worker) as stop:
            _work_on(worker, errand, number, batch, stop)
    except Stopped:
        raise Reschedule from None  # to another, if this one is closing; to nobody, if it was cancelled
    except (LibraryError, FfmpegError) as error:
        raise WorkerError(f"{worker.address} {error}") from None


def forget_source(sha256: str) -> None:
    _sources.forget(sha256)


def _work_on(worker: Worker, errand: Errand, number: int, batch: Batch, stop: threading.Event) -> None:
    work = errand.title.work
    left = left_of(batch, work.done(batch.steps))
    if left is None:
        return
    own = Path(worker.local_directory)
    with (
        _source(errand, own, stop) as source,
        reported(own),
        tempfile.TemporaryDirectory(prefix="room-", dir=own) as room,
    ):
        task = Task(plan=errand.title.plan, ffmpeg=find_ffmpeg(), input_path=str(source), stop=stop)
        for step, record, made in run_batch(task, left, Path(room), _teller(worker, errand, number)):
            if stop.is_set():
                raise Stopped
            work.keep(step, record, made)


@contextmanager
def _wanted(worker: Worker) -> Iterator[threading.Event]:
    """An event that is set once this task is cancelled (by the coordinator, or because that is gone), or the
    worker is told to close.
    """
    stop, ended, key = threading.Event(), threading.Event(), worker.get_current_task()

    def look() -> None:
        while not ended.wait(_LOOK_EVERY_S):
            task = worker.state.tasks.get(key)
            if task is None or task.state == "cancelled" or worker.status in _CLOSING:
                stop.set()
                return

    watcher = threading.Thread(target=look, name=f"watch {key}", daemon=True)
    watcher.start()
    try:
        yield stop
    finally:
        ended.set()
        watcher.join()


def _teller(worker: Worker, errand: Errand, number: int) -> Callable[[float], None]:
    told_s = 0.0

    def tell(share: float) -> None:
        nonlocal told_s
        if time.monotonic() >= told_s + _TELL_EVERY_S:
            told_s = time.monotonic()
            worker.log_event(TOPIC, (errand.run, number, share))

    return tell


@contextmanager
def _source(errand: Errand, own: Path, stop: threading.Event) -> Iterator[Path]:
    work = errand.title.work
    if path := work.source_in_place():
        if not path.is_file():
            raise LibraryError(f"{path}: not there; the workers need the library at the same place")
        yield path
        return

    def look() -> None:
        if stop.is_set():
            raise Stopped

    sha256 = errand.title.input_sha256
    with _sources.held(
        sha256, own, errand.title.input_kind, lambda to: work.bring_source(to, sha256, look)
    ) as path:
        yield path
