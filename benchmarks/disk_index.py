"""What do the disk tier's index and files cost: a start, memory an object, a put, a hit?

    python -m benchmarks.disk_index [--objects 200000] [--rounds 3] [--folder DIR]

The folders are filled with files of the right names and one page each, for which neither way to start looks
inside. `snapshot` is the start after a clean end; `journal` after kill -9, with 65 536 records since the last
snapshot; `scan` after power loss, or where the snapshot is damaged. CPU is this process's, threads included.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from hashlib import shake_128
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, process_time, time

from edge.disk.address import Address, address_of
from edge.disk.folder import boot_id
from edge.disk.journal import Journal
from edge.disk.lru import SlotLru
from edge.disk.records import Change, Record
from edge.disk.tier import DiskTier
from edge.eviction import POLICIES, EvictionPolicy
from edge.message import ResponseHead
from service.log import get_logger

_JOURNALED = 65_536
_LARGE_BYTES = 2**50
ORDERS: dict[str, Callable[[int], EvictionPolicy]] = {"slots": SlotLru, **POLICIES}
_HEAD = ResponseHead(
    200,
    (
        (b"content-type", b"video/mp4"),
        (b"cache-control", b"public, max-age=31536000, immutable"),
        (b"etag", b'"4f0c1f3a9b2c"'),
        (b"date", b"Fri, 20 Nov 2026 12:00:00 GMT"),
    ),
    1.0,
    2.0,
)


def tier_on(folder: Path, policy: Callable[[int], EvictionPolicy] = SlotLru) -> DiskTier:
    return DiskTier(folder, _LARGE_BYTES, clock=time, logger=get_logger("bench"), policy=policy)


def address(number: int) -> Address:
    return address_of(b"/v/title/version/720p/%d.m4s" % number)


async def populate(folder: Path, objects: int) -> None:
    """A tier's folder with so many files, and no snapshot."""
    async with tier_on(folder):
        pass
    for shard in range(256):
        (folder / f"{shard:02x}").mkdir()
    page = bytes(4096)
    for number in range(objects):
        (folder / address(number).path).write_bytes(page)
    next(folder.glob("index.*")).unlink()


def after_a_kill(folder: Path) -> None:
    """The last objects stand in the journal once more, as if they had come after the snapshot."""
    generation = int(next(folder.glob("index.*")).suffix[1:])
    journal = Journal(folder)
    journal.begin(generation)
    journal.append([Record(Change.CAME, address(number), 1) for number in range(_JOURNALED)])
    journal.close()
    (folder / "running").write_text(boot_id())


def after_power_loss(folder: Path) -> None:
    (folder / "running").write_text("another boot")


async def start(folder: Path, how: str, objects: int) -> tuple[float, float]:
    """Wall and CPU seconds until the tier serves."""
    tier = tier_on(folder)
    gc.collect()
    began_s, cpu_s = perf_counter(), process_time()
    async with tier:
        took_s, cpu_s = perf_counter() - began_s, process_time() - cpu_s
        assert (tier.how_started, len(tier)) == (how, objects)
    return took_s, cpu_s


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def memory(folder: Path, policy: str) -> tuple[int, int]:
    """What the index says that it takes, and by what resident memory grew; for a process of its own."""

    async def start_and_look() -> tuple[int, int]:
        before_bytes = resident_bytes()
        async with tier_on(folder, ORDERS[policy]) as tier:
            gc.collect()
            return tier.memory_bytes, resident_bytes() - before_bytes

    return asyncio.run(start_and_look())


class Cost:
    """Wall and CPU time of one kind of deed, each µs."""

    def __init__(self) -> None:
        self.wall_us: list[float] = []
        self.cpu_us: list[float] = []

    @contextmanager
    def of(self, count: int) -> Iterator[None]:
        began_s, cpu_s = perf_counter(), process_time()
        yield
        self.wall_us.append((perf_counter() - began_s) / count * 1e6)
        self.cpu_us.append((process_time() - cpu_s) / count * 1e6)

    def __str__(self) -> str:
        return f"{statistics.median(self.wall_us):.1f} µs | {statistics.median(self.cpu_us):.1f} µs"


async def deeds(folder: Path, size_bytes: int, rounds: int) -> dict[str, Cost]:
    """One after another, so that wall time is latency."""
    count = 200
    body = shake_128(b"segment").digest(size_bytes)
    costs = {
        name: Cost()
        for name in ("put", "put, full tier", "first open, verified", "open", "opened", "update", "lookup")
    }
    keys = [b"/v/title/version/720p/%d.m4s" % number for number in range(count)]

    async def open_all(tier: DiskTier) -> None:
        for key in keys:
            found = await tier.open(key)
            assert found is not None
            found.release()

    for _ in range(rounds):
        shutil.rmtree(folder, ignore_errors=True)
        capacity_bytes = count * (size_bytes + 8192)
        tier = DiskTier(folder, capacity_bytes, clock=time, logger=get_logger("bench"), max_open=0)
        async with tier:
            with costs["put"].of(count):
                for key in keys:
                    assert await tier.put(key, _HEAD, body)
            with costs["put, full tier"].of(count):
                for key in keys:
                    assert await tier.put(key + b"?again", _HEAD, body)
            for key in keys:
                assert await tier.put(key, _HEAD, body)
        tier = DiskTier(folder, capacity_bytes, clock=time, logger=get_logger("bench"), max_open=0)
        async with tier:
            with costs["first open, verified"].of(count):
                await open_all(tier)
            with costs["open"].of(count):
                await open_all(tier)
            with costs["update"].of(count):
                for key in keys:
                    assert await tier.update(key, _HEAD)
            with costs["lookup"].of(count):
                for key in keys:
                    assert tier.lookup(key)
        async with DiskTier(folder, capacity_bytes, clock=time, logger=get_logger("bench")) as tier:
            await open_all(tier)
            with costs["opened"].of(count):
                for key in keys:
                    found = tier.opened(key)
                    assert found is not None
                    found.release()
    return costs


async def measure(folder: Path, objects: int, rounds: int) -> None:
    await populate(folder / "many", objects)
    print("| start by | objects/s | wall | CPU |\n| --- | --- | --- | --- |")
    took: dict[str, list[tuple[float, float]]] = {"scan": [], "snapshot": [], "journal": []}
    prepare = {"scan": after_power_loss, "snapshot": lambda _: None, "journal": after_a_kill}
    for _ in range(rounds):
        for how, times in took.items():
            prepare[how](folder / "many")
            times.append(await start(folder / "many", how, objects))
    for how, times in took.items():
        wall_s, cpu_s = (statistics.median(each) for each in zip(*times, strict=True))
        print(f"| {how} | {objects / wall_s / 1000:.0f} k | {wall_s:.2f} s | {cpu_s:.2f} s |")
    print("\n| order kept by | index and order | resident |\n| --- | --- | --- |")
    for name in ORDERS:
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            told_bytes, resident = process.submit(memory, folder / "many", name).result()
        told = f"{told_bytes / objects:.0f} B/object" if name == "slots" else "–"
        print(f"| {name} | {told} | {resident / objects:.0f} B/object |")
    for size_bytes in (64 * 1024, 2**20):
        print(f"\n| {size_bytes // 1024} KiB, one at a time | wall | CPU |\n| --- | --- | --- |")
        for name, cost in (await deeds(folder / "few", size_bytes, rounds)).items():
            print(f"| {name} | {cost} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--objects", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="on the disk to be measured; default: the system's")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="disk-index-", dir=options.folder) as name:
        asyncio.run(measure(Path(name), options.objects, options.rounds))


if __name__ == "__main__":
    main()
