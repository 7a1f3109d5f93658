"""Slices on disk with several workers: each is asked for once, lies on disk once, and serves all."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.disk.address import address_of, slice_key, sliced_key
from tests.edge.disk.objects import files_in
from tests.edge.test_slicing import SIZE, SLICE, Film, is_part, ranges
from tests.edge.wire import Clock, Origin
from tests.edge.workers.test_workers import Edge, running

pytestmark = pytest.mark.socket

COUNT = 11


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    clock = Clock()
    clock.now_s = time.time()
    async with Origin(Film(cache_control="max-age=600"), clock) as origin:
        yield origin


def configured(folder: Path) -> list[str]:
    path = folder / "edge.toml"
    path.write_text(f'slice = {SLICE}\ndisk = "{folder / "disk"}"\ndisk_size = "16MiB"\n')
    return ["--config", str(path)]


async def look_everywhere(edge: Edge, seed: int) -> None:
    """Viewers of ranges all over the film, on connections that the kernel gives to any worker."""
    rng = random.Random(seed)

    async def view() -> None:
        first = rng.randrange(SIZE)
        last = min(SIZE - 1, first + rng.randrange(12_000))
        assert is_part(await edge.get("/x", "GET", range=f"bytes={first}-{last}"), first, last), (
            f"seed {seed}"
        )

    for _ in range(8):
        await asyncio.gather(*(view() for _ in range(10)))


async def test_a_slice_costs_one_request_and_one_file_whichever_worker_is_asked(
    origin: Origin, tmp_path: Path
) -> None:
    seed = random.randrange(2**32)
    options = configured(tmp_path)
    async with running(origin.url, *options) as edge:
        await look_everywhere(edge, seed)
        assert is_part(await edge.get("/x", "GET", range=f"bytes=0-{SIZE - 1}"), 0, SIZE - 1)
        asked = ranges(origin)
        assert len(asked) == len(set(asked)) == COUNT, f"seed {seed}"
    files = [path for folder in (tmp_path / "disk").iterdir() for path in files_in(folder)]
    keys = [sliced_key(b"/x"), *(slice_key(b"/x", number) for number in range(COUNT))]
    assert sorted(path.name for path in files) == sorted(Path(address_of(key).path).name for key in keys)
    async with running(origin.url, *options) as edge:
        await look_everywhere(edge, seed + 1)
        assert ranges(origin) == asked, "what is on disk costs nothing, after a restart, in either worker"
        hits = await edge.metric("edge_disk_hits_total")
        assert sorted(value > 0 for value in hits.values()) == [False, True], "its owner has it"


async def test_a_purge_ends_slices_on_disk_for_all_workers(origin: Origin, tmp_path: Path) -> None:
    options = configured(tmp_path)
    async with running(origin.url, *options) as edge:
        await look_everywhere(edge, 1)
        before = len(origin.asked)
        assert (await edge.ask("POST", "/purge?url=/x&soft=true"))[0] == 200
        for _ in range(20):
            answer = await edge.get("/x", "GET", range="bytes=0-9")
            assert is_part(answer, 0, 9)
        assert 1 <= len(origin.asked) - before <= 2, "one validation, and one by who had it from its owner"
        assert (await edge.ask("POST", "/purge?url=/x"))[0] == 200
        before = len(origin.asked)
        await edge.get("/x", "GET", range="bytes=0-9")
        assert ranges(origin)[before:] == [f"bytes=0-{SLICE - 1}"]
