"""Dask schedulers and workers, and a store that speaks S3, each a process of its own on loopback."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest

from encoder.pool import OnShare
from encoder.shared_work import SharedTitle, bring_done
from encoder.steps import all_steps, batches
from encoder.work import WorkFolder
from tests.encoder.processes import instead, is_running
from tests.needs import ROOT, library

LIMIT_S = 90
_SPAWN = multiprocessing.get_context("spawn")
_BUCKET = "videos"
_MOTO = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""
# What it says of itself instead, if it is to be another.
_QUESTIONS = """
case "$*" in *-version*) echo "ffmpeg version {version} of ours"; exit; esac
"""
# What encodes waits while the gate is shut; questions are answered at once.
_GATED = """
case "$*" in *-progress*)
  echo "$$" "$*" >> "{log}"
  while [ -e "{gate}" ]; do sleep 0.02; done
esac
exec "$FFMPEG" "$@"
"""


@dataclass(frozen=True, slots=True)
class Worker:
    """Its ffmpeg notes each encode, and waits while the gate is shut."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def gate(self) -> Path:
        return self.folder / "gate"

    @property
    def encodes(self) -> list[tuple[int, str]]:
        """The process and what it was told, of each ffmpeg."""
        log = self.folder / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [(int(pid), told) for pid, _, told in (line.partition(" ") for line in lines)]

    @property
    def is_idle(self) -> bool:
        """No encode runs, and nothing of one is being put into the library."""
        rooms = self.folder.glob("dask-scratch-space/*/room-*")
        return not any(rooms) and not any(is_running(pid) for pid, _ in self.encodes)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(LIMIT_S)


@dataclass(frozen=True, slots=True)
class Order:
    """A title to be made, in a library of its own, and the folder for the coordinator's work."""

    title: SharedTitle
    here: Path

    def run(self, address: str, on_share: OnShare = lambda _: None, *, alone_s: float = 60) -> WorkFolder:
        from encoder.cluster import Cluster, Patience

        work, steps = WorkFolder(self.here, self.title.names), all_steps(self.title.plan)
        bring_done(self.title, work, steps)
        left = batches(self.title.plan, (step for step in steps if work.done(step)), 2)
        patience = Patience(alone_s=alone_s, count_s=alone_s / 10)
        Cluster(address, patience).run(self.title, work, left, on_share)
        return work

    @contextmanager
    def running(self, address: str) -> Iterator[SpawnProcess]:
        """In a process of its own, to be killed."""
        process = _SPAWN.Process(target=self.run, args=(address,))
        process.start()
        try:
            yield process
        finally:
            process.kill()
            process.join(LIMIT_S)
            process.close()


@dataclass(frozen=True, slots=True)
class Farm:
    address: str
    folder: Path
    process: subprocess.Popen[bytes]  # the scheduler

    @contextmanager
    def worker(
        self, name: str, *, is_shut: bool = False, version: str = "", script: str = _GATED, cwd: Path = ROOT
    ) -> Iterator[Worker]:
        """With an ffmpeg of its own; `is_shut`: its encodes wait until its gate is gone."""
        own = self.folder / name
        (own / "bin").mkdir(parents=True)
        says = _QUESTIONS.format(version=version) if version else ""
        instead(own / "bin" / "ffmpeg", says + script.format(log=own / "log", gate=own / "gate"))
        if is_shut:
            (own / "gate").touch()
        arguments = ["--no-nanny", "--nthreads", "1", "--local-directory", str(own), "--name", name]
        where = {"PATH": f"{own / 'bin'}:{os.environ['PATH']}"}
        with _dask("worker", self.address, *arguments, environment=where, cwd=cwd) as process:
            yield Worker(process, own)


@contextmanager
def farm(folder: Path) -> Iterator[Farm]:
    """A scheduler without workers."""
    library("distributed")
    note = folder / "scheduler.json"
    with _dask("scheduler", "--port", "0", "--scheduler-file", str(note)) as process:
        until(lambda: note.exists() and note.read_text().rstrip().endswith("}"), process)
        address = json.loads(note.read_text())["address"]
        yield Farm(address, folder, process)


@contextmanager
def s3(patch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty library there; the environment says how to reach it."""
    library("moto")
    command = [sys.executable, "-W", "ignore", "-c", _MOTO]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            endpoint = f"http://127.0.0.1:{int(process.stdout.readline())}"
            urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{_BUCKET}", method="PUT")).close()
            for name, value in {
                "AWS_ENDPOINT_URL": endpoint,
                "AWS_ALLOW_HTTP": "true",
                "AWS_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": "a-user",
                "AWS_SECRET_ACCESS_KEY": "a-secret",
            }.items():
                patch.setenv(name, value)
            yield f"s3://{_BUCKET}/library"
        finally:
            process.kill()


@contextmanager
def _dask(
    role: str, *arguments: str, environment: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-W", "ignore", "-m", f"distributed.cli.dask_{role}", *arguments]
    command += ["--host", "127.0.0.1", "--no-dashboard"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, cwd=cwd, env={**os.environ, **(environment or {})}, stdout=quiet, stderr=quiet
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until(is_so: Callable[[], object], *needed: subprocess.Popen[bytes]) -> None:
    """Wait for it, and for no longer than the processes it needs are there."""
    limit_s = time.monotonic() + LIMIT_S
    while not is_so():
        assert time.monotonic() < limit_s
        assert all(process.poll() is None for process in needed)
        time.sleep(0.02)
