"""Ctrl-C and SIGTERM: all processes end at once, what is done is kept, and nobody is shown a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.encoder.processes import children, is_running
from tests.encoder.sources import FAST, PICTURE, draw
from tests.encoder.titles import ladder_of
from tests.needs import ROOT

pytestmark = pytest.mark.system

LIMIT_S = 60
JOBS = 2


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute, in three chunks."""
    return draw(tmp_path_factory.mktemp("long") / "film.mp4", *PICTURE, "-t", "60", *FAST, "-g", "60")


@contextmanager
def started(clip: Path, library: Path) -> Iterator[subprocess.Popen[str]]:
    """A run in a process group of its own, that has finished a step and has long to go with others."""
    ladder = ladder_of(library.parent / "ladders", p36=50_000, p180=400_000)
    command = [sys.executable, "-m", "encoder", str(clip), "-o", str(library), "--ladder", ladder]
    command += ["--preset", "veryslow", "--jobs", str(JOBS)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Whoever runs the tests in the background may have them ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        until(lambda: steps(library) and len(children(process.pid)) == JOBS, process)
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def until(is_so: Callable[[], object], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not is_so():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


def steps(library: Path) -> dict[str, int]:
    """Those that are done, and which file says so."""
    return {path.name: path.stat().st_ino for path in library.glob(".staging/**/steps/*.json")}


def to_it(process: subprocess.Popen[str], number: signal.Signals) -> None:
    process.send_signal(number)


def to_all(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """As a terminal does: ffmpeg hears it too."""
    os.killpg(process.pid, number)


SIGNALS = [  # id, signal, to whom, exit code
    pytest.param(signal.SIGINT, to_it, 130, id="interrupt"),
    pytest.param(signal.SIGINT, to_all, 130, id="ctrl-c"),
    pytest.param(signal.SIGTERM, to_it, 143, id="terminate"),
]


@pytest.mark.parametrize(("number", "send", "code"), SIGNALS)
def test_a_signal_ends_all_processes_and_what_is_done_is_kept(
    clip: Path,
    tmp_path: Path,
    number: signal.Signals,
    send: Callable[[subprocess.Popen[str], signal.Signals], None],
    code: int,
) -> None:
    library = tmp_path / "library"
    with started(clip, library) as process:
        ffmpegs, done = children(process.pid), steps(library)
        send(process, number)
        _, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == code
    assert said.count("\n") <= 1
    assert "Traceback" not in said
    assert not any(map(is_running, ffmpegs))
    assert steps(library).items() >= done.items()
    assert not (library / "film").exists()
    assert list(library.glob(".staging/**/rooms/*")) == []
