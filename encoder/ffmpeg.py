"""Running ffmpeg: find one that can do what is needed, watch it, end it, say why it failed."""

from __future__ import annotations

import math
import os
import re
import selectors
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

import imageio_ffmpeg

from encoder.errors import EncodeError

_NEEDED_ENCODERS = {"libx264", "libx265", "libsvtav1", "libvpx-vp9", "aac", "libopus"}
_NEEDED_FILTERS = {"libvmaf", "zscale", "lutrgb", "sidedata", "bwdif"}
_OLDEST = 7  # the first whose decoders can be fed from its own encoders
_ENVIRONMENT = {"SVT_LOG": "1"}  # SVT-AV1 speaks to standard error whatever ffmpeg is told: errors alone
_ALIVE_SHARE = 0.02  # of a core: who neither uses nor waits for so much of it does nothing
_NAP_S = 5  # between two looks: then it was this process that did nothing
# What ffmpeg adds when something else has already gone wrong.
_AFTERMATH = re.compile(
    r"Conversion failed|Task finished with error|Terminating thread|Nothing was written|Error closing file"
    r"|Error (muxing|submitting) a packet|Error writing trailer|Error opening (in|out)put file|^Last message"
)


class FfmpegError(EncodeError):
    """ffmpeg is missing or failed; the message holds its own decisive line."""


class Stopped(Exception):  # noqa: N818
    """ffmpeg was ended because it was told so, not for a fault of its own."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long ffmpeg may go without a frame: while it computes, and while it does nothing at all."""

    busy_s: float = 600
    idle_s: float = 60
    look_s: float = 0.2  # from one look to the next


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
            version = _asked(program, "-version").split()[2]
            if not (major := re.match(r"n?(\d+)\.", version)) or int(major[1]) >= _OLDEST:
                return Ffmpeg(program, version)
    needed = ", ".join(sorted(_NEEDED_ENCODERS | _NEEDED_FILTERS))
    raise FfmpegError(f"no ffmpeg {_OLDEST} or later with {needed}; install the package imageio-ffmpeg")


OnFrame = Callable[[int, float], None]


def run(
    ffmpeg: Ffmpeg,
    arguments: Sequence[str],
    folder: Path,
    on_frame: OnFrame,
    cores: int | None = None,
    stop: threading.Event | None = None,
    patience: Patience = Patience(),
) -> None:
    """Run in `folder`; `on_frame` hears how many frames are done and at how many times real time.

    An exception in this thread (also one out of `on_frame`) ends ffmpeg before it goes on its way; `stop`,
    once set, ends it with Stopped. Raises FfmpegError if it fails, or hangs longer than `patience` allows.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as complaints:
        with _running([ffmpeg.program, *arguments], folder, complaints, cores) as process:
            for frame, speed in _watched(process, stop or threading.Event(), patience):
                on_frame(frame, speed)
            code = _waited(process, patience.idle_s)
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
) -> Iterator[subprocess.Popen[bytes]]:
    try:
        with _confined(cores):
            process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env=os.environ | _ENVIRONMENT,
            )
    except OSError as error:
        raise FfmpegError(f"{command[0]}: {error.strerror}") from None
    with process:
        try:
            yield process
        finally:
            _end(process)


def cores_here() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


@contextmanager
def _confined(cores: int | None) -> Iterator[None]:
    """What starts meanwhile keeps to so many cores: a child inherits them from its thread (Linux)."""
    if cores is None or sys.platform != "linux":
        yield
        return
    own = os.sched_getaffinity(0)
    # Not the same ones for every run: two side by side would share them.
    turned = sorted(own)[os.getpid() % len(own) :] + sorted(own)[: os.getpid() % len(own)]
    os.sched_setaffinity(0, turned[:cores])
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)


def _waited(process: subprocess.Popen[bytes], limit_s: float) -> int:
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        raise FfmpegError("ffmpeg: hangs: it has closed its output and does not end; run it again") from None


def _end(process: subprocess.Popen[bytes]) -> None:
    """At once: what it was writing is of no use to anybody."""
    if process.poll() is None:
        process.kill()


def _watched(
    process: subprocess.Popen[bytes], stop: threading.Event, patience: Patience
) -> Iterator[tuple[int, float]]:
    """What ffmpeg reports, until it closes its output."""
    assert process.stdout is not None
    reader, unread, place = process.stdout.fileno(), b"", ""
    watch = _Watch(patience, process.pid)
    with selectors.DefaultSelector() as selector:
        selector.register(reader, selectors.EVENT_READ)
        while True:
            if stop.is_set():
                raise Stopped
            if selector.select(patience.look_s):
                data = os.read(reader, 65_536)
                if not data:
                    return
                *reports, unread = (unread + data).split(b"progress=")
                for report in reports:
                    values = _values(report.decode("ascii", "replace"))
                    if place != (place := f"{values.get('frame')} {values.get('out_time_us')}"):
                        watch.moved()
                    yield int(values.get("frame", "0")), _number(values.get("speed", ""))
            watch.look()


class _Watch:
    """Tells an ffmpeg that hangs from one that is slow, waits for a disk, or was asleep with the machine."""

    def __init__(self, patience: Patience, pid: int) -> None:
        self._patience, self._pid = patience, pid
        self._signs: tuple[float, ...] = ()
        self._looked_s = self._alive_s = time.monotonic()
        self._moved_s = math.inf  # who never reports is not missed

    def moved(self) -> None:
        self._moved_s = self._alive_s = time.monotonic()

    def look(self) -> None:
        """Raises FfmpegError once patience ends."""
        now_s, signs = time.monotonic(), _signs_of_life(self._pid)
        was_asleep = now_s - self._looked_s > _NAP_S + self._patience.look_s
        if was_asleep or signs is None or not self._signs or self._has_grown(signs, now_s):
            self._signs, self._alive_s = signs or (), now_s
        if was_asleep and self._moved_s < math.inf:
            self._moved_s = now_s
        self._looked_s = now_s
        is_idle = now_s - self._alive_s > self._patience.idle_s
        if is_idle or now_s - self._moved_s > self._patience.busy_s:
            raise FfmpegError("ffmpeg: hangs: it has stopped making progress; run it again")

    def _has_grown(self, signs: tuple[float, ...], now_s: float) -> bool:
        used_s, waited_s, read_bytes = (new - old for new, old in zip(signs, self._signs, strict=True))
        return read_bytes > 0 or used_s + waited_s > _ALIVE_SHARE * (now_s - self._alive_s)


def _values(report: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in report.splitlines())
    return {key: value.strip() for key, _, value in pairs}


def _number(text: str) -> float:
    found = re.match(r"[\d.]+", text)
    return float(found[0]) if found else 0.0


def _signs_of_life(pid: int) -> tuple[float, ...] | None:
    """Seconds of a processor used, and waited for, and bytes read; None where nobody says (proc(5))."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        threads = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]
        read_bytes = int(Path(f"/proc/{pid}/io").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    used_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used_s, sum(int(words[1]) for words in threads) / 1e9, read_bytes


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
