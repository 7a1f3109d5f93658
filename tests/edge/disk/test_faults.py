"""A disk that is full, read-only, broken or gone: the edge goes on, says so once, and takes it back."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from edge.disk.folder import DiskError
from edge.disk.health import Fitness
from edge.disk.tier import DiskTier
from tests.edge.disk.objects import body, disk_tier, file_of, files_in, head, pages_bytes, whole
from tests.edge.wire import Clock
from tests.needs import absent

MIB = 2**20


def _mounted(*options: str) -> None:
    """Mount, or skip where this process may not."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        absent("the right to mount", "run as root")
    done = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if done.returncode:
        absent("the right to mount", f"mount said {done.stderr.strip()}")


def _unmounted(path: Path) -> None:
    subprocess.run(["umount", "--lazy", str(path)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 4 MiB."""
    folder = tmp_path / "mount"
    folder.mkdir()
    _mounted("-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        _unmounted(folder)


@contextmanager
def broken(path: Path) -> Iterator[None]:
    """Reading `path` fails with EIO: bytes at 0 of a process's memory are what no kernel reads."""
    _mounted("--bind", f"/proc/{os.getpid()}/mem", str(path))
    try:
        yield
    finally:
        _unmounted(path)


async def recover(tier: DiskTier, clock: Clock) -> None:
    clock.now_s += 61
    tier.beat()
    await tier.threads.settled()


def fill_up(path: Path) -> None:
    """Take all that is left of the disk."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass


def is_writing(tier: DiskTier) -> bool:
    return tier.health.may_write


def words(logs: Sequence[Mapping[str, object]]) -> list[object]:
    return [event["event"] for event in logs]


async def test_a_full_disk_costs_new_objects_and_not_those_that_are_there(
    small_disk: Path, clock: Clock
) -> None:
    with capture_logs() as logs:
        async with disk_tier(small_disk / "tier", clock=clock) as tier:
            kept = [
                b"/%d" % n for n in range(20) if await tier.put(b"/%d" % n, head(), body(b"/%d" % n, 1, MIB))
            ]
            assert 2 <= len(kept) <= 3
            assert tier.health.fitness is Fitness.NO_WRITING
            assert (tier.counters.write_errors, tier.counters.degraded) == (1, 1)
            assert tier.counters.refused == 19 - len(kept)
            await tier.threads.settled()
            assert tier.used_bytes == pages_bytes(small_disk / "tier")
            for key in kept:
                assert await whole(tier, key) == (head(), body(key, 1, MIB))
            await recover(tier, clock)
            assert not is_writing(tier), "a probe as large as what failed still fails"
            assert tier.purge(kept[0]) == 1
            assert await tier.settled()
            await recover(tier, clock)
            assert is_writing(tier)
            assert await tier.put(b"/after", head(), body(b"/after", 1, MIB))
            assert tier.counters.recovered == 1
        assert words(logs) == ["disk tier degraded", "disk tier recovered"]
        assert logs[0] == {
            "event": "disk tier degraded",
            "log_level": "warning",
            "service": "edge",
            "folder": str(small_disk / "tier"),
            "state": "no writing",
            "error": "No space left on device",
        }
        async with disk_tier(small_disk / "tier", clock=clock) as tier:
            assert await whole(tier, b"/after") == (head(), body(b"/after", 1, MIB))
            assert len(tier) == len(kept)


async def test_an_edge_starts_on_a_full_disk_and_serves_what_is_there(small_disk: Path, clock: Clock) -> None:
    folder = small_disk / "tier"
    async with disk_tier(folder, clock=clock) as tier:
        assert await tier.put(b"/a", head(), body(b"/a"))
    (folder / "running").write_text("another boot")
    ballast = small_disk / "ballast"
    fill_up(ballast)
    with capture_logs() as logs:
        async with disk_tier(folder, clock=clock) as tier:
            assert not is_writing(tier)
            assert await whole(tier, b"/a") == (head(), body(b"/a"))
            ballast.unlink()
            await recover(tier, clock)
            assert await tier.put(b"/b", head(), body(b"/b"))
    assert words(logs) == ["disk tier degraded", "disk tier recovered"]
    async with disk_tier(folder, clock=clock) as tier:
        assert (tier.how_started, len(tier)) == ("snapshot", 2)


async def test_a_disk_that_turns_read_only_is_read_and_what_was_purged_goes_when_it_can(
    small_disk: Path, clock: Clock
) -> None:
    with capture_logs() as logs:
        async with disk_tier(small_disk / "tier", clock=clock) as tier:
            for key in (b"/a", b"/b"):
                assert await tier.put(key, head(), body(key))
            path = file_of(tier, b"/b")
            # Files that are open for writing forbid it in earnest; a bind mount over the folder does not.
            _mounted("--bind", str(small_disk), str(small_disk))
            try:
                _mounted("-o", "remount,bind,ro", str(small_disk))
                assert not await tier.put(b"/c", head(), body(b"/c"))
                assert await whole(tier, b"/a") == (head(), body(b"/a"))
                assert not await tier.update(b"/a", head(1, 1))
                assert tier.purge(b"/b") == 1
                assert await whole(tier, b"/b") is None
                assert not await tier.settled(), "the file is still there"
                await recover(tier, clock)
                assert not is_writing(tier)
            finally:
                _unmounted(small_disk)
            assert path.exists()
            await recover(tier, clock)
            assert is_writing(tier)
            assert not path.exists()
            assert await tier.settled()
            assert await tier.put(b"/c", head(), body(b"/c"))
    assert words(logs) == ["disk tier degraded", "disk tier recovered"]


async def test_a_read_error_takes_the_disk_out_until_a_probe_succeeds(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "tier"
    async with disk_tier(folder, clock=clock) as tier:
        for key in (b"/a", b"/b"):
            assert await tier.put(key, head(), body(key))
    with capture_logs() as logs:
        async with disk_tier(folder, clock=clock) as tier:
            with broken(file_of(tier, b"/a")):
                assert await whole(tier, b"/a") is None
                assert tier.health.fitness is Fitness.OUT
                assert (tier.lookup(b"/b"), await whole(tier, b"/b"), tier.opened(b"/b")) == (
                    False,
                    None,
                    None,
                )
                assert not await tier.put(b"/c", head(), body(b"/c"))
            assert (tier.counters.read_errors, tier.counters.degraded) == (1, 1)
            await recover(tier, clock)
            assert await whole(tier, b"/b") == (head(), body(b"/b"))
            assert not tier.lookup(b"/a")
            assert await tier.put(b"/a", head(2), body(b"/a", 2))
    assert words(logs) == ["disk tier degraded", "disk tier recovered"]
    assert (logs[0]["state"], logs[0]["error"]) == ("out", "Input/output error")


async def test_an_error_while_sending_takes_the_object_and_the_disk_out(tmp_path: Path, clock: Clock) -> None:
    async with disk_tier(tmp_path, clock=clock) as tier:
        assert await tier.put(b"/a", head(), body(b"/a"))
        found = await tier.open(b"/a")
        assert found is not None
        with found:
            os.truncate(file_of(tier, b"/a"), 5000)
            with pytest.raises(OSError, match="ends in its body") as caught:
                await tier.read(found, 0, found.size_bytes)
            tier.read_failed(found, caught.value)
        assert tier.health.fitness is Fitness.OUT
        await recover(tier, clock)
        assert not tier.lookup(b"/a")


async def test_a_folder_that_was_deleted_is_made_anew(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "tier"
    with capture_logs() as logs:
        async with disk_tier(folder, clock=clock) as tier:
            assert await tier.put(b"/a", head(), body(b"/a"))
            shutil.rmtree(folder)
            assert await whole(tier, b"/a") is None
            assert not await tier.put(b"/b", head(), body(b"/b"))
            await recover(tier, clock)
            assert await tier.put(b"/b", head(), body(b"/b"))
    assert words(logs) == ["disk tier degraded", "disk tier recovered"]
    async with disk_tier(folder, clock=clock) as tier:
        assert await whole(tier, b"/b") == (head(), body(b"/b"))


async def test_a_limit_on_file_sizes_is_a_write_error_like_any_other(tmp_path: Path, clock: Clock) -> None:
    """EFBIG by RLIMIT_FSIZE: Python ignores the signal."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with capture_logs() as logs:
        async with disk_tier(tmp_path, clock=clock) as tier:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
            try:
                assert await tier.put(b"/small", head(), body(b"/small"))
                assert not await tier.put(b"/large", head(), body(b"/large", 1, 200_000))
                await tier.threads.settled()
                assert len(files_in(tmp_path)) == 1
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            await recover(tier, clock)
            assert await tier.put(b"/large", head(), body(b"/large", 1, 200_000))
    assert words(logs) == ["disk tier degraded", "disk tier recovered"]


async def test_a_process_without_descriptors_has_a_miss_and_no_broken_disk(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with disk_tier(tmp_path) as tier:
        assert await tier.put(b"/a", head(), body(b"/a"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            assert await whole(tier, b"/a") is None
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert tier.health.fitness is Fitness.WELL
        assert await whole(tier, b"/a") == (head(), body(b"/a"))


async def test_a_disk_that_gives_no_answer_is_not_waited_for(tmp_path: Path, clock: Clock) -> None:
    """Opening a pipe that nobody writes to hangs as a dead disk does."""
    async with disk_tier(tmp_path, clock=clock) as tier:
        assert await tier.put(b"/a", head(), body(b"/a"))
        path = file_of(tier, b"/a")
        path.unlink()
        os.mkfifo(path)
        viewer = asyncio.create_task(whole(tier, b"/a"))
        await asyncio.sleep(0)
        tier.beat()
        assert not viewer.done()
        clock.now_s += 11
        tier.beat()
        assert await viewer is None
        assert tier.health.fitness is Fitness.OUT
        path.open("wb").close()  # the disk answers at last, and nobody cares


@pytest.mark.parametrize("where", ["tier", "."])
async def test_an_unwritable_folder_is_said_in_one_line(small_disk: Path, where: str) -> None:
    async with disk_tier(small_disk / where):
        pass
    _mounted("-o", "remount,ro", str(small_disk))
    for folder in (small_disk / where, small_disk / "new"):
        with pytest.raises(DiskError) as caught:
            async with disk_tier(folder):
                pass
        assert str(caught.value) == (
            f"{folder}: Read-only file system; the disk tier needs a folder that it can write to"
        )
