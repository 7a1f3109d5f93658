"""Services die in the middle of a session, and viewers go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from lab.stack import Stack, running_stack
from media.title import Title
from player_sim.traces import constant
from tests.system.stacks import urls_of, watch

pytestmark = pytest.mark.system


@pytest.fixture
async def stack(library: Path, title: Title, tmp_path: Path) -> AsyncIterator[Stack]:
    assert (library / title.name).is_dir()
    async with running_stack(library, tmp_path / "logs") as running:
        yield running


async def until(is_so: Callable[[], bool]) -> None:
    """Returns once `is_so`; the test's own time-out is the limit."""
    while not is_so():
        await asyncio.sleep(0.05)


async def test_a_cached_title_plays_on_without_its_origin(title: Title, stack: Stack) -> None:
    first = await watch(urls_of(title, stack.edges[:1]), constant(50e6), duration_s=12)
    assert first.is_complete

    await stack["origin"].kill()
    again = await watch(urls_of(title, stack.edges[:1]), constant(50e6), duration_s=12)

    assert again.is_complete
    assert not again.stalls
    cached = [record.delivery.cache_status or "" for record in again.segments if record.delivery]
    assert sum("; hit" in status.rpartition(",")[2] for status in cached) > len(cached) // 2


async def test_a_manifest_past_its_lifetime_is_served_stale_without_the_origin(
    title: Title, stack: Stack
) -> None:
    url = urls_of(title, stack.edges[:1])[0]
    async with aiohttp.ClientSession() as client:
        async with client.get(url) as fresh:
            text = await fresh.text()
            lifetime_s = int(fresh.headers["Cache-Control"].partition("max-age=")[2].partition(",")[0])
        await stack["origin"].kill()
        await stack["shield"].kill()

        async def age_s() -> int:
            async with client.get(url) as answer:
                assert answer.status == 200
                assert await answer.text() == text
                return int(answer.headers["Age"])

        while await age_s() <= lifetime_s + 1:
            await asyncio.sleep(0.2)


async def test_a_player_goes_on_through_the_other_edge_when_its_own_is_killed(
    title: Title, stack: Stack
) -> None:
    mine, other = stack.edges
    # A link that cannot fetch the title at once, so that the edge dies in the middle of it.
    session = asyncio.create_task(watch(urls_of(title, stack.edges), constant(2e6), max_buffer_s=8))
    served = Path(stack.folder / f"{mine.name}-access.log")
    await until(lambda: session.done() or (served.exists() and served.read_text().count(".m4s") >= 3))

    await mine.kill()
    result = await session

    assert result.is_complete
    edges = [record.delivery.edge for record in result.segments if record.delivery]
    assert edges[0] == mine.url
    assert edges[-1] == other.url
    numbers = [record.index for record in result.video]
    assert numbers == list(range(len(title.presentation.video[0].timeline.segments)))


async def test_a_title_that_no_cache_holds_fails_with_a_reason_once_upstream_is_gone(
    title: Title, stack: Stack
) -> None:
    await stack["shield"].kill()
    cold = await watch(urls_of(title, stack.edges[:1]))
    assert not cold.is_complete
    assert cold.failure is not None
    assert "50" in cold.failure  # what the edge said: 502, or 504
