"""hls.js and dash.js play a title in Chromium, over a line that is first fast and then slow."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from tests.system.browser import ENGINES, until, video, watch
from tests.system.streams import DURATION_S, SEGMENTS, Stream

pytestmark = pytest.mark.system


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_title_plays_to_its_end_with_level_switches(page: Page, stream: Stream, engine: str) -> None:
    await watch(page, stream, engine)
    at_end = await until(page, "state.ended", timeout_s=DURATION_S + 15)
    assert at_end["error"] is None
    assert at_end["engine"] == engine
    assert at_end["position_s"] == pytest.approx(DURATION_S, abs=0.2)
    assert at_end["switches"] >= 1
    assert {segment["number"] for segment in video(at_end)} == set(range(1, SEGMENTS + 1))
    assert len({segment["level"] for segment in video(at_end)}) > 1
    for segment in at_end["segments"]:
        assert segment["status"] == 200
        assert segment["bytes"] > 0
        assert segment["ms"] > 0
        assert segment["cacheStatus"]
        assert segment["outcome"] in {"hit", "revalidated", "stale", "miss"}


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_level_chosen_by_hand_is_kept(page: Page, stream: Stream, engine: str) -> None:
    await watch(page, stream, engine)
    lowest = page.get_by_label("Level").locator("option", has_text="144p")
    await lowest.wait_for(state="attached")
    await page.get_by_label("Level").select_option(label=await lowest.text_content())
    chosen = await until(page, "state.segments.filter((s) => s.kind === 'video').length >= 5")
    assert [segment["level"] for segment in video(chosen)][-2:] == [0, 0]
