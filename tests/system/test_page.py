"""The player page itself: what it reads from Cache-Status, what it offers, and how it tells of failures."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, Route

from tests.system.browser import ENGINES, until, watch
from tests.system.link import Link, wide
from tests.system.streams import Stream

pytestmark = pytest.mark.system

CACHE_STATUS = {  # the rule and its section in RFC 9211: the field, what the nearest cache did
    "2.1 hit": ("edge; hit; ttl=30", "hit"),
    "2.1 hit, refused by its value": ("edge; hit=?0", "unknown"),
    "2.2 forwarded": ("edge; fwd=uri-miss; fwd-status=200; stored", "miss"),
    "2.3 a stale response was confirmed": ("edge; fwd=stale; fwd-status=304", "revalidated"),
    "2.3 a stale response was replaced": ("edge; fwd=stale; fwd-status=200", "miss"),
    "2.4 a negative ttl is stale": ("edge; hit; ttl=-5", "stale"),
    "2.8 a detail tells nothing": ('edge; detail="hit; fwd"', "unknown"),
    "2 the last member is the nearest": ('shield; hit; detail="a, b", "edge 1"; fwd=miss; collapsed', "miss"),
}


@pytest.fixture
def link() -> Link:
    return wide()


async def test_the_page_reads_cache_status(page: Page, stream: Stream) -> None:
    rules = list(CACHE_STATUS.values())
    expected: dict[str, str] = {}

    async def answer(route: Route) -> None:
        field, outcome = rules[len(expected) % len(rules)]
        expected[route.request.url] = outcome
        response = await route.fetch()
        await route.fulfill(response=response, headers={**response.headers, "cache-status": field})

    await page.route("**/*.m4s", answer)
    await watch(page, stream, "hls")
    loaded = await until(page, f"state.segments.length >= {len(rules)}")
    outcomes = {segment["url"]: segment["outcome"] for segment in loaded["segments"]}
    assert len(outcomes) >= len(rules)
    assert outcomes == {url: expected[url] for url in outcomes}
    collapsed = page.get_by_role("row").filter(has_text="edge 1 miss, collapsed").first
    await collapsed.get_by_text("shield hit").wait_for()
    await page.unroute_all(behavior="ignoreErrors")


async def test_what_the_browser_had_itself_is_not_taken_for_an_answer(page: Page, stream: Stream) -> None:
    await watch(page, stream, "hls")
    await until(page, "state.segments.length >= 4")
    await page.get_by_role("link", name="dash.js").click()
    again = await until(page, "state.engine === 'dash' && state.segments.length >= 4")
    assert "browser" in {segment["outcome"] for segment in again["segments"]}


async def test_without_a_source_the_titles_are_offered(page: Page, stream: Stream) -> None:
    await page.goto(stream.page)
    card = page.get_by_role("listitem").filter(has_text="clip")
    assert await card.get_by_text("0:24").is_visible()
    for engine, label in (("hls", "clip: HLS"), ("dash", "clip: DASH")):
        link = await card.get_by_role("link", name=label).get_attribute("href")
        assert link is not None
        assert f"engine={engine}" in link


@pytest.mark.parametrize("engine", ENGINES)
async def test_an_absent_title_is_told_in_one_line(page: Page, stream: Stream, engine: str) -> None:
    absent = stream.manifest(engine).replace("/v/clip/", "/v/no-such-clip/")
    await page.goto(f"{stream.page}?src={absent}&engine={engine}")
    alert = page.get_by_role("alert")
    await alert.get_by_text(f"404 for {absent}").wait_for()


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_server_without_cors_is_told_in_one_line(page: Page, stream: Stream, engine: str) -> None:
    elsewhere = stream.page.replace("127.0.0.1", "localhost")  # the page's own server sends no CORS fields
    await page.goto(f"{elsewhere}?src={stream.page}&engine={engine}")
    await page.get_by_role("alert").get_by_text("does it allow this page (CORS)?").wait_for()


async def test_a_browser_without_media_source_is_told_so(page: Page, stream: Stream) -> None:
    await page.add_init_script("delete window.MediaSource; delete window.ManagedMediaSource")
    await watch(page, stream, "hls")
    await page.get_by_role("alert").get_by_text("no Media Source Extensions").wait_for()
