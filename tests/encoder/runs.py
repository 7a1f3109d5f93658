"""Encodes in processes of their own, to be killed at a moment, or at a named change to the disk.

A fork server holds the encoder loaded, so that a run begins at once.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from encoder.job import EncodeJob, Stage
from encoder.package import encode

LIMIT_S = 120
_CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree"}
_TEXTS = (".json", ".m3u8", ".mpd")  # of other files that are written one crash is like another
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["__main__", "encoder.package", __name__])


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashPoint:
    """Just before the change of this number, counted from 1, to what lies in a folder."""

    number: int
    inside: Path
    stage: Stage = Stage.PROBING  # from this one on


@dataclass(frozen=True, slots=True)
class Run:
    process: ForkServerProcess
    told: Connection

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def stages(self) -> Iterator[Stage]:
        """Each as it begins, until the run is over."""
        while self.told.poll(LIMIT_S):
            try:
                yield Stage(self.told.recv())
            except EOFError:
                return
        raise AssertionError(f"nothing was heard of the run for {LIMIT_S} s")

    def ended(self) -> int | None:
        """Its exit code; -9 if it was killed."""
        self.process.join(LIMIT_S)
        return self.process.exitcode


@contextmanager
def running(job: EncodeJob, crash: CrashPoint | None = None) -> Iterator[Run]:
    reader, writer = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_encode, args=(job, writer, crash))
    process.start()
    writer.close()
    try:
        yield Run(process, reader)
    finally:
        process.kill()
        process.join(LIMIT_S)
        process.close()
        reader.close()


def run_until(job: EncodeJob, crash: CrashPoint | None = None) -> bool:
    """Whether the run came to its crash point; else it has succeeded."""
    with running(job, crash) as run:
        code = run.ended()
    assert code in (0, -signal.SIGKILL), code
    return code != 0


def _encode(job: EncodeJob, told: Connection, crash: CrashPoint | None) -> None:
    seen: set[Stage] = set()
    if crash:
        _crash_at(crash, seen)

    def hear(stage: Stage) -> None:
        if stage not in seen:
            seen.add(stage)
            told.send(stage.value)

    encode(job, lambda progress: hear(progress.stage))


def _crash_at(crash: CrashPoint, seen: set[Stage]) -> None:
    changes = itertools.count(1)

    def look(event: str, arguments: tuple[object, ...]) -> None:
        is_text = event == "open" and arguments[1] == "wb" and str(arguments[0]).endswith(_TEXTS)
        is_change = event in _CHANGES or is_text
        is_meant = is_change and crash.stage in seen and _is_inside(arguments, crash.inside)
        if is_meant and next(changes) == crash.number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(look)


def _is_inside(arguments: tuple[object, ...], folder: Path) -> bool:
    paths = [Path(name) for name in arguments[:2] if isinstance(name, str | os.PathLike)]
    return any(path.is_relative_to(folder) for path in paths)
