"""The processes of an encode, seen from outside, and programs in the place of ffmpeg."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from encoder.ffmpeg import Ffmpeg, find_ffmpeg
from tests.needs import program


def children(pid: int) -> list[int]:
    """The processes that `pid` has started and that run; `ps` itself is none of them."""
    command = [program("ps", "procps"), "-o", "pid=,stat=,comm=", "--ppid", str(pid)]
    rows = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    found = [row.split(None, 2) for row in rows]
    return [int(number) for number, state, name in found if not state.startswith("Z") and name != "ps"]


def ffmpegs() -> list[int]:
    """Those of this process: servers that other tests share are Python's."""
    command = [program("ps", "procps"), "-o", "pid=,comm=", "--ppid", str(os.getpid())]
    rows = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    others = {int(row.split()[0]) for row in rows if row.split()[1].startswith("python")}
    return [pid for pid in children(os.getpid()) if pid not in others]


def is_running(pid: int) -> bool:
    """Not so of one that has ended, also if nobody has asked for its exit code."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def instead(path: Path, script: str) -> Ffmpeg:
    """A shell script in the place of ffmpeg, which it finds as `$FFMPEG`."""
    found = find_ffmpeg()
    path.write_text(f"#!/bin/sh\nFFMPEG='{found.program}'\n{script}\n")
    path.chmod(0o755)
    return Ffmpeg(str(path), found.version)
