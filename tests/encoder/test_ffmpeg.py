from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from encoder.ffmpeg import Ffmpeg, FfmpegError, Patience, Stopped, decisive_line, find_ffmpeg, run
from tests.encoder.processes import ffmpegs, instead

ENDLESS = [
    "-hide_banner",
    "-nostdin",
    "-loglevel",
    "error",
    "-nostats",
    "-progress",
    "pipe:1",
    "-stats_period",
    "0.1",
]
ENDLESS += ["-re", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=25", "-f", "null", "-"]

COMPLAINTS = [  # id, what ffmpeg wrote, its decisive line
    pytest.param(
        "[libx264 @ 0x55d0] Error setting preset/tune nonsense/(null).\n"
        "[vost#0:0/libx264 @ 0x55d1] Error while opening encoder\nConversion failed!",
        "Error setting preset/tune nonsense/(null).",
        id="the-first-cause",
    ),
    pytest.param(
        "[vost#0:0/libx264 @ 0x5] Error submitting a packet to the muxer: No space left on device\n"
        "[out#0/hls @ 0x6] Error muxing a packet\n"
        "[out#0/hls @ 0x6] Error writing trailer: No space left on device",
        "Error submitting a packet to the muxer: No space left on device",
        id="a-full-disk",
    ),
    pytest.param(
        "[hevc @ 0x5] Could not find ref with POC 3\n"
        "[out#0/hls @ 0x6] Error writing trailer: No space left on device",
        "Error writing trailer: No space left on device",
        id="a-full-disk-after-a-damaged-frame",
    ),
    pytest.param("Conversion failed!\n", "Conversion failed!", id="nothing-better"),
    pytest.param("", "", id="silence"),
]  # fmt: skip


@pytest.mark.parametrize(("complaints", "line"), COMPLAINTS)
def test_one_line_of_many_says_why(complaints: str, line: str) -> None:
    assert decisive_line(complaints) == line


@pytest.mark.system
def test_the_ffmpeg_found_measures_quality_too() -> None:
    assert find_ffmpeg().version


@pytest.mark.system
def test_a_failure_is_told_in_ffmpeg_s_own_words(tmp_path: Path) -> None:
    with pytest.raises(FfmpegError, match=r"^ffmpeg: Error opening input: No such file or directory$"):
        run(find_ffmpeg(), ["-loglevel", "error", "-i", "nowhere.mp4", "out.mp4"], tmp_path, lambda *_: None)


def test_an_ffmpeg_that_cannot_start_is_told(tmp_path: Path) -> None:
    with pytest.raises(FfmpegError, match="/no/ffmpeg: No such file or directory"):
        run(Ffmpeg("/no/ffmpeg", "0"), [], tmp_path, lambda *_: None)


@pytest.mark.system
def test_an_exception_of_the_listener_ends_ffmpeg(tmp_path: Path) -> None:
    heard: list[int] = []

    def stop(frame: int, _speed: float) -> None:
        heard.append(frame)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(find_ffmpeg(), ENDLESS, tmp_path, stop)  # it would never end by itself
    assert len(heard) == 1
    assert ffmpegs() == []


@pytest.mark.system
def test_once_told_to_stop_ffmpeg_is_ended(tmp_path: Path) -> None:
    stop = threading.Event()
    with pytest.raises(Stopped):
        run(find_ffmpeg(), ENDLESS, tmp_path, lambda *_: stop.set(), stop=stop)
    assert ffmpegs() == []


@pytest.mark.system
def test_told_to_stop_before_it_has_begun_it_does_not_go_on(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        run(find_ffmpeg(), ENDLESS, tmp_path, lambda *_: None, stop=stop)
    assert ffmpegs() == []


@pytest.mark.system
def test_an_ffmpeg_that_does_nothing_any_more_is_ended(tmp_path: Path) -> None:
    def freeze(_frame: int, _speed: float) -> None:
        (child,) = ffmpegs()
        os.kill(child, signal.SIGSTOP)

    with pytest.raises(FfmpegError, match=r"^ffmpeg: hangs: it has stopped making progress; run it again$"):
        run(find_ffmpeg(), ENDLESS, tmp_path, freeze, patience=Patience(idle_s=0.5, look_s=0.1))
    assert ffmpegs() == []


HANGING = [  # id, what stands in the place of ffmpeg, how long it may go without a frame
    pytest.param("exec sleep 600", Patience(idle_s=0.5, look_s=0.1), id="never-begins"),
    pytest.param(
        "echo frame=1; echo progress=continue; while :; do :; done",
        Patience(busy_s=1, look_s=0.1),
        id="computes-for-nothing",
    ),
    pytest.param("exec >&-; exec sleep 600", Patience(idle_s=0.5, look_s=0.1), id="closes-its-output"),
]


@pytest.mark.system
@pytest.mark.parametrize(("script", "patience"), HANGING)
def test_what_hangs_is_ended_and_told(tmp_path: Path, script: str, patience: Patience) -> None:
    with pytest.raises(FfmpegError, match=r"^ffmpeg: hangs: .*; run it again$"):
        run(instead(tmp_path / "hanging", script), [], tmp_path, lambda *_: None, patience=patience)
    assert ffmpegs() == []


@pytest.mark.system
def test_who_is_slow_but_goes_on_is_left_in_peace(tmp_path: Path) -> None:
    """Thirty frames in a second: each look finds another one, though next to nothing was computed."""
    heard: list[int] = []
    short = [*ENDLESS[:-3], "-t", "1", *ENDLESS[-3:]]
    run(find_ffmpeg(), short, tmp_path, lambda frame, _: heard.append(frame), patience=Patience(busy_s=0.9))
    assert heard[-1] == 25


@pytest.mark.system
def test_an_ffmpeg_that_says_nothing_and_fails_is_told_by_its_code(tmp_path: Path) -> None:
    with pytest.raises(FfmpegError, match=r"^ffmpeg: ended with code 3$"):
        run(instead(tmp_path / "failing", "exit 3"), [], tmp_path, lambda *_: None)


@pytest.mark.system
def test_an_ffmpeg_that_is_slow_by_nature_is_let_be(tmp_path: Path) -> None:
    slow = ["-loglevel", "error", "-progress", "pipe:1", "-re", "-f", "lavfi", "-i", "sine", "-t", "3"]
    run(find_ffmpeg(), [*slow, "-f", "null", "-"], tmp_path, lambda *_: None, patience=Patience(idle_s=1))
