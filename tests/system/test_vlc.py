"""VLC and ffmpeg play the title to its end, without an error."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import imageio_ffmpeg
import pytest

from tests.needs import program
from tests.system.link import Link, wide
from tests.system.programs import VLC_ERROR, run
from tests.system.streams import DURATION_S, FRAME_RATE, SEGMENTS, Stream

pytestmark = pytest.mark.system

RETRIEVED = re.compile(r"Retrieving (\S*[/-])(\d+)\.m4s")


@pytest.fixture
def link() -> Link:
    return wide()


@pytest.mark.parametrize("protocol", ["hls", "dash"])
async def test_vlc_plays_to_the_end_without_an_error(
    stream: Stream, unprivileged: tuple[list[str], Path], protocol: str
) -> None:
    as_nobody, home = unprivileged
    status, log = await run(
        *as_nobody,
        program("cvlc", "vlc-bin vlc-plugin-base"),
        "-vv", "--no-color", "--intf", "dummy", "--vout", "dummy", "--aout", "dummy", "--play-and-exit",
        # Faster than life, and always the highest rung, so that one rendition is fetched whole.
        "--rate", "4", "--adaptive-logic", "highest",
        stream.manifest(protocol),
        home=home,
    )  # fmt: skip
    assert status == 0, log
    # VLC 3 knows no thumbnails in DASH, says so once, and plays on.
    errors = [line for line in VLC_ERROR.findall(log) if "Failed to create demuxer (nil) Unknown" not in line]
    assert errors == []
    fetched = defaultdict[str, list[int]](list)
    for rendition, number in RETRIEVED.findall(log):
        fetched[rendition].append(int(number))
    assert list(fetched.values()) == [list(range(1, SEGMENTS + 1))] * 2  # one of video, one of audio
    assert "Received first picture" in log
    assert "EOF reached" in log


@pytest.mark.parametrize("protocol", ["hls", "dash"])
async def test_ffmpeg_decodes_every_frame_without_an_error(
    stream: Stream, tmp_path: Path, protocol: str
) -> None:
    status, log = await run(
        imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-xerror", "-progress", "-", "-nostats",
        "-i", stream.manifest(protocol), "-f", "null", "-",
        home=tmp_path,
    )  # fmt: skip
    assert status == 0, log
    assert "error" not in log.lower()
    assert re.findall(r"^frame=(\d+)$", log, re.MULTILINE)[-1] == str(DURATION_S * FRAME_RATE)
    assert log.rstrip().endswith("progress=end")
