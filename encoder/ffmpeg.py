"""Running ffmpeg: find one that can do what is needed, watch it, end it, say why it failed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

import imageio_ffmpeg

from encoder.errors import EncodeError

_NEEDED_ENCODERS = {"libx264", "aac"}
_NEEDED_FILTERS = {"libvmaf", "zscale", "tonemap", "bwdif"}
_GRACE_S = 5  # to end by itself once told to
# What ffmpeg adds when something else has already gone wrong.
_AFTERMATH = re.compile(
    r"Conversion failed|Task finished with error|Terminating thread|Nothing was written|Error closing file"
    r"|Error (muxing|submitting) a packet|Error writing trailer|Error opening (in|out)put file|^Last message"
)


class FfmpegError(EncodeError):
    """ffmpeg is missing or failed; the message holds its own decisive line."""


@dataclass(frozen=True, slots=True)
class Ffmpeg:
    program: str
    version: str

    def __str__(self) -> str:
        return f"{self.program} ({self.version})"


@cache
def find_ffmpeg() -> Ffmpeg:
    """The ffmpeg on PATH if it can do all that is needed, else the one of the imageio-ffmpeg package."""
    for program in filter(None, (shutil.which("ffmpeg"), _packaged())):
        can_encode = _listed(program, "-encoders").issuperset(_NEEDED_ENCODERS)
        if can_encode and _listed(program, "-filters").issuperset(_NEEDED_FILTERS):
            return Ffmpeg(program, _asked(program, "-version").split()[2])
    needed = ", ".join(sorted(_NEEDED_ENCODERS | _NEEDED_FILTERS))
    raise FfmpegError(f"no ffmpeg with {needed}; install the package imageio-ffmpeg")


OnFrame = Callable[[int, float], None]


def run(
    ffmpeg: Ffmpeg, arguments: Sequence[str], folder: Path, on_frame: OnFrame, cores: int | None = None
) -> None:
    """Run in `folder`; `on_frame` hears how many frames are done and at how many times real time.

    An exception in this thread (also one out of `on_frame`) ends ffmpeg before it goes on its way.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as complaints:
        with _running([ffmpeg.program, *arguments], folder, complaints, cores) as process:
            assert process.stdout is not None
            for frame, speed in _progress(process.stdout):
                on_frame(frame, speed)
            code = process.wait()
        complaints.seek(0)
        if code:
            raise FfmpegError(f"ffmpeg: {decisive_line(complaints.read()) or f'ended with code {code}'}")


def decisive_line(complaints: str) -> str:
    """The line of ffmpeg's error output that names the cause: the first that is no consequence of another."""
    lines = [re.sub(r"^(\[[^]]* @ 0x[0-9a-f]+\] ?)+", "", line).strip() for line in complaints.splitlines()]
    causes = [line for line in lines if line and not _AFTERMATH.search(line)]
    full = [line for line in lines if "No space left" in line]
    return next(iter(full + causes + lines), "")


@contextmanager
def _running(
    command: list[str], folder: Path, complaints: IO[str], cores: int | None
) -> Iterator[subprocess.Popen[str]]:
    try:
        with _confined(cores):
            process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
            )
    except OSError as error:
        raise FfmpegError(f"{command[0]}: {error.strerror}") from None
    with process:
        try:
            yield process
        finally:
            _end(process)


@contextmanager
def _confined(cores: int | None) -> Iterator[None]:
    """What starts meanwhile keeps to so many cores: a child inherits them from its thread (Linux)."""
    if cores is None or sys.platform != "linux":
        yield
        return
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(own)[:cores])
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()


def _progress(lines: IO[str]) -> Iterator[tuple[int, float]]:
    """ffmpeg reports in blocks of `key=value`, each closed by `progress=`."""
    values: dict[str, str] = {}
    for line in lines:
        key, _, value = line.strip().partition("=")
        values[key] = value.strip()
        if key == "progress":
            speed = re.match(r"[\d.]+", values.get("speed", ""))
            yield int(values.get("frame", "0")), float(speed[0]) if speed else 0.0


def _packaged() -> str | None:
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        return None


def _listed(program: str, kind: str) -> set[str]:
    """The names in the second column of ffmpeg's own lists."""
    rows = (line.split() for line in _asked(program, kind).splitlines())
    return {row[1] for row in rows if len(row) > 1}


def _asked(program: str, question: str) -> str:
    try:
        answer = subprocess.run(
            [program, "-hide_banner", question], capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout
