"""FFmpeg's own demuxers for HLS and DASH: every frame of each codec, and of AES-128."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from encoder.ffmpeg import find_ffmpeg
from tests.system.players.titles import CODECS, FRAMES, Site
from tests.system.players.verdicts import Verdicts
from tests.system.programs import run

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="session")]

CASES = [(name, protocol) for name in CODECS for protocol in ("hls", "dash")] + [("aes-128", "hls")]


@pytest.mark.parametrize(("name", "protocol"), CASES)
async def test_every_rung_is_decoded_to_the_last_frame(
    site: Site, verdicts: Verdicts, tmp_path: Path, name: str, protocol: str
) -> None:
    ffmpeg = find_ffmpeg()
    status, log = await run(
        ffmpeg.program, "-v", "error", "-xerror", "-nostats", "-progress", "-",
        "-i", site.manifest("web", name, protocol), "-map", "0:v", "-fps_mode", "passthrough",
        "-f", "null", "-",
        home=tmp_path,
    )  # fmt: skip
    assert status == 0, log
    assert re.findall(r"^frame=(\d+)$", log, re.MULTILINE)[-1] == str(FRAMES), log
    verdicts.say(name, f"FFmpeg {protocol.upper()}", f"{FRAMES} frames of each rung, no error")
    verdicts.versions["FFmpeg"] = ffmpeg.version
