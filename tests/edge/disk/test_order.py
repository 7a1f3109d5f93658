"""What comes between a decision on the loop and its deed in a thread: here the threads are made to wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.disk.tier import DiskTier
from service.log import get_logger
from tests.edge.disk.objects import body, disk_tier, file_of, head, pages_bytes, whole
from tests.edge.wire import Clock

EACH_BYTES = 4096 + 12_288


@contextmanager
def clerk_waits(tier: DiskTier) -> Iterator[None]:
    """The clerk does nothing within."""
    may_go_on = threading.Event()
    tier.threads.by_clerk(may_go_on.wait)
    try:
        yield
    finally:
        may_go_on.set()


async def written(tier: DiskTier, key: bytes, version: int = 1) -> asyncio.Task[bool]:
    """A put whose bytes are written, and which waits for the clerk."""
    putting = asyncio.create_task(tier.put(key, head(version), body(key, version)))
    while not len(tier):
        await tier.threads.in_pool(int)
    return putting


async def test_an_object_without_its_name_is_not_there_yet(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        with clerk_waits(tier):
            putting = await written(tier, b"/a")
            assert (tier.lookup(b"/a"), await whole(tier, b"/a")) == (False, None)
            assert not await tier.update(b"/a", head(1, 1))
        assert await putting
        assert await whole(tier, b"/a") == (head(), body(b"/a"))
        assert tier.counters.lost == 0


async def test_a_purge_wins_over_a_put_that_waits_for_its_name(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        with clerk_waits(tier):
            putting = await written(tier, b"/a")
            assert tier.purge(b"/a") == 1
        assert not await putting
        assert await tier.settled()
        assert not file_of(tier, b"/a").exists()
        assert (tier.used_bytes, len(tier)) == (0, 0)


async def test_a_put_that_fails_after_it_was_purged_frees_its_slot_once(tmp_path: Path, clock: Clock) -> None:
    async with disk_tier(tmp_path, clock=clock) as tier:
        with clerk_waits(tier):
            putting = await written(tier, b"/a")
            tier.purge(b"/a")
            next(tmp_path.glob("tmp/*")).unlink()
        assert not await putting
        clock.now_s += 61
        tier.beat()
        await tier.threads.settled()
        for key in (b"/b", b"/c"):
            assert await tier.put(key, head(), body(key))
        for key in (b"/b", b"/c"):
            assert await whole(tier, key) == (head(), body(key))
        assert (len(tier), tier.used_bytes) == (2, 2 * EACH_BYTES)


async def test_who_opens_what_is_purged_meanwhile_gets_nothing(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        assert await tier.put(b"/a", head(), body(b"/a"))
        with clerk_waits(tier):
            opening = asyncio.create_task(whole(tier, b"/a"))
            await asyncio.sleep(0)  # a thread has been asked to open it; the file will be there
            tier.purge(b"/a")
            assert await opening is None
            await asyncio.sleep(0)
            assert tier.opened(b"/a") is None


async def test_who_opens_what_is_replaced_meanwhile_gets_the_newer(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        assert await tier.put(b"/a", head(), body(b"/a"))
        for yields in range(30):
            putting = asyncio.create_task(tier.put(b"/a", head(2 + yields), body(b"/a", 2 + yields)))
            for _ in range(yields):
                await asyncio.sleep(0)
            await whole(tier, b"/a")
            assert await putting
            assert await whole(tier, b"/a") == (head(2 + yields), body(b"/a", 2 + yields))
        assert tier.counters.lost == tier.counters.corrupt == 0


async def test_new_bytes_wait_until_those_that_make_room_are_off_the_disk(tmp_path: Path) -> None:
    tier = DiskTier(tmp_path, EACH_BYTES, clock=Clock(), logger=get_logger("edge"), threads=1)
    async with tier:
        assert await tier.put(b"/a", head(), body(b"/a"))
        with clerk_waits(tier):
            putting = asyncio.create_task(tier.put(b"/b", head(), body(b"/b")))
            await asyncio.sleep(0)
            after_it = tier.threads.in_pool(int)  # the pool has one thread, which waits for the clerk
            await asyncio.wait([after_it], timeout=0.2)
            assert not after_it.done()
            assert pages_bytes(tmp_path) == EACH_BYTES
        assert await putting
        assert pages_bytes(tmp_path) == EACH_BYTES


async def test_a_head_that_comes_for_what_was_replaced_meanwhile_is_not_the_newer_objects(
    tmp_path: Path,
) -> None:
    async with disk_tier(tmp_path) as tier:
        assert await tier.put(b"/a", head(), body(b"/a"))
        with clerk_waits(tier):
            updating = asyncio.create_task(tier.update(b"/a", head(1, 1)))
            await asyncio.sleep(0)
            putting = asyncio.create_task(tier.put(b"/a", head(2), body(b"/a", 2)))
            while tier.lookup(b"/a"):
                await tier.threads.in_pool(int)
        assert await putting
        await updating
        assert await whole(tier, b"/a") == (head(2), body(b"/a", 2))
