"""hls.js and dash.js play encrypted titles in Chromium: AES-128; `cenc` and `cbcs` by its own ClearKey."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from media.protection import Scheme
from tests.encoder.encryption.clips import clip
from tests.needs import program
from tests.system.encrypted import KEYS, served, title
from tests.system.programs import VLC_ERROR, run

pytestmark = pytest.mark.system
CASES = [
    pytest.param("hls", "aes-128", "avc", None, id="hls-aes-128"),
    pytest.param("hls", "aes-128", "avc", 1, id="hls-aes-128-rotating"),
    pytest.param("hls", "cenc", "avc", None, id="hls-cenc"),
    pytest.param("hls", "cenc", "avc", 1, id="hls-cenc-rotating"),
    pytest.param("hls", "cbcs", "avc", None, id="hls-cbcs"),
    pytest.param("hls", "cbcs", "avc", 2, id="hls-cbcs-rotating"),
    pytest.param("dash", "cenc", "avc-many-slices", None, id="dash-cenc"),
    pytest.param("dash", "cenc", "avc", 1, id="dash-cenc-rotating"),
    pytest.param("dash", "cbcs", "avc", None, id="dash-cbcs"),
    pytest.param("dash", "cbcs", "avc", 1, id="dash-cbcs-rotating"),
    pytest.param("dash", "cenc", "av1", None, id="dash-cenc-av1"),
    pytest.param("dash", "cbcs", "vp9", None, id="dash-cbcs-vp9"),
]


@pytest.mark.parametrize(("engine", "scheme", "codec", "rotate"), CASES)
async def test_an_encrypted_title_plays_to_its_end(
    page: Page, engine: str, scheme: Scheme, codec: str, rotate: int | None
) -> None:
    async with served(title(scheme, codec, rotate), engine, scheme) as told:
        await page.goto(told.page)
        done = "() => { const s = window.state(); return s.ended || s.errors.length || s.error }"
        await page.wait_for_function(done, timeout=20_000)
        state: dict[str, Any] = await page.evaluate("window.state()")
        assert state["errors"] == []
        assert state["error"] is None
        assert state["ended"]
        assert state["time"] == pytest.approx(3, abs=0.1)
        assert state["decoded"] > 36  # of 72: a busy machine leaves some out
        assert state["audio"] > 0
        if scheme == "aes-128":  # one request for each key, however many vectors the playlist names
            used = min(len(clip(codec).segments), len(KEYS["video"])) + len(KEYS["audio"])
            assert told.keys == (used if rotate else 2)
        else:
            assert told.licences >= 1


@pytest.mark.parametrize("rotate", [None, 1])
async def test_vlc_plays_aes_128(unprivileged: tuple[list[str], Path], rotate: int | None) -> None:
    as_nobody, home = unprivileged
    async with served(title("aes-128", "avc", rotate), "hls", "aes-128") as told:
        status, log = await run(
            *as_nobody,
            program("cvlc", "vlc-bin vlc-plugin-base"),
            "-vv", "--no-color", "--intf", "dummy", "--vout", "dummy", "--aout", "dummy", "--play-and-exit",
            f"{told.page}title/master.m3u8",
            home=home,
        )  # fmt: skip
    assert status == 0, log
    assert VLC_ERROR.findall(log) == []
    assert "Received first picture" in log
    assert "EOF reached" in log


async def test_without_a_key_nothing_is_shown(page: Page) -> None:
    async with served(title("cenc", "avc"), "dash", "cenc") as told:
        await page.route("**/license", lambda route: route.fulfill(status=403, body=""))
        await page.goto(told.page)
        await page.wait_for_function("() => window.state().errors.length", timeout=20_000)
        assert await page.evaluate("window.state().time") == 0
