"""Chromium on the player page, and what the page says of itself (`window.penstock`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from tests.needs import program
from tests.system.streams import Stream

ENGINES = ["hls", "dash"]
CHROMIUM_ARGS = [
    "--no-sandbox",  # its sandbox refuses root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    chromium = program("chromium", "chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGS)
        yield await browser.new_page()
        await browser.close()


async def watch(page: Page, stream: Stream, engine: str) -> None:
    await page.goto(f"{stream.page}?src={stream.manifest(engine)}&engine={engine}")


async def state(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = await page.evaluate("window.penstock.state()")
    return found


async def until(page: Page, condition: str, timeout_s: float = 15) -> dict[str, Any]:
    """The state once `condition` holds of it, or once playback has failed."""
    either = f"() => {{ const state = window.penstock.state(); return state.error || ({condition}) }}"
    await page.wait_for_function(either, timeout=timeout_s * 1000)
    return await state(page)


def video(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [segment for segment in state["segments"] if segment["kind"] == "video"]
