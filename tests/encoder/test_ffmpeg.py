from __future__ import annotations

from pathlib import Path

import pytest

from encoder.ffmpeg import Ffmpeg, FfmpegError, decisive_line, find_ffmpeg, run

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
