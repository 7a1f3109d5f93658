"""How a start finds out what the folder holds, after each kind of end; kills are in test_crash.py."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.disk.address import address_of
from edge.disk.journal import Journal
from edge.disk.records import Change, Record
from tests.edge.disk.objects import body, disk_tier, files_in, head, pages_bytes, versions_of, whole

KEYS = [b"/%d" % n for n in range(8)] + [b"/v\na:b"]


async def fill(folder: Path) -> None:
    async with disk_tier(folder) as tier:
        for key in KEYS:
            assert await tier.put(key, head(), body(key))


async def served(folder: Path, how: str, capacity_bytes: int = 2**30) -> list[bytes]:
    async with disk_tier(folder, capacity_bytes) as tier:
        assert tier.how_started == how
        found = []
        for key in KEYS:
            answer = await whole(tier, key)
            if answer is not None:
                assert answer[1] == body(key, versions_of(answer[0])[0])
                found.append(key)
        await tier.settled()
        assert tier.used_bytes == pages_bytes(folder) <= capacity_bytes
        assert len(found) == len(tier) == len(files_in(folder))
    return found


def lose_power(folder: Path) -> None:
    """As if the machine had gone down while the process ran."""
    (folder / "running").write_text("another boot")


def be_killed(folder: Path) -> None:
    (folder / "running").write_text(Path("/proc/sys/kernel/random/boot_id").read_text())


async def test_a_clean_end_leaves_a_snapshot_that_is_believed(tmp_path: Path) -> None:
    await fill(tmp_path)
    assert await served(tmp_path, "snapshot") == KEYS
    assert await served(tmp_path, "snapshot") == KEYS


@pytest.mark.parametrize("end", [lose_power, lambda folder: next(folder.glob("index.*")).unlink()])
async def test_without_a_snapshot_to_believe_in_the_folders_are_scanned(
    tmp_path: Path, end: Callable[[Path], None]
) -> None:
    await fill(tmp_path)
    end(tmp_path)
    assert await served(tmp_path, "scan") == KEYS
    assert await served(tmp_path, "snapshot") == KEYS


@pytest.mark.parametrize("seed", range(10))
async def test_a_damaged_snapshot_is_not_believed(tmp_path: Path, seed: int) -> None:
    await fill(tmp_path)
    rng = random.Random(seed)
    path = next(tmp_path.glob("index.*"))
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data if seed % 2 else data[: rng.randrange(len(data))])
    assert await served(tmp_path, "scan") == KEYS


async def test_power_loss_tears_files_and_none_of_them_is_served(tmp_path: Path) -> None:
    await fill(tmp_path)
    torn = KEYS[::2]
    for number, key in enumerate(torn):
        path = tmp_path / address_of(key).path
        data = path.read_bytes()
        lost: list[bytes] = [
            b"",
            bytes(len(data)),
            data[:4096],
            data[:4096] + bytes(len(data) - 4096),
            data[:-1],
        ]
        path.write_bytes(lost[number])
    lose_power(tmp_path)
    assert await served(tmp_path, "scan") == [key for key in KEYS if key not in torn]


async def test_what_was_purged_stays_purged_when_power_loss_brings_the_file_back(tmp_path: Path) -> None:
    await fill(tmp_path)
    async with disk_tier(tmp_path) as tier:
        assert tier.purge(KEYS[0]) == 1
        assert await tier.settled()
        journal = next(tmp_path.glob("journal.*"))
        kept = journal.name, journal.read_bytes()
    await served(tmp_path, "snapshot")
    path = tmp_path / address_of(KEYS[0]).path
    path.write_bytes((tmp_path / address_of(KEYS[1]).path).read_bytes())
    (tmp_path / kept[0]).write_bytes(kept[1])
    lose_power(tmp_path)
    assert KEYS[0] not in await served(tmp_path, "scan")
    assert not path.exists()


async def test_death_between_a_record_and_its_deed_is_mended(tmp_path: Path) -> None:
    """Announced and never renamed; announced as gone and still there; replaced by a file of another size."""
    await fill(tmp_path)
    generation = int(next(tmp_path.glob("index.*")).suffix[1:])
    journal = Journal(tmp_path)
    journal.begin(generation)
    journal.append(
        [
            Record(Change.CAME, address_of(b"/never"), 7),
            Record(Change.WENT, address_of(KEYS[0])),
            Record(Change.CAME, address_of(KEYS[1]), 999),
        ]
    )
    journal.close()
    with (tmp_path / f"journal.{generation}").open("ab") as file:
        file.write(b"torn")
    be_killed(tmp_path)
    assert await served(tmp_path, "journal") == KEYS[1:]


async def test_a_quota_that_shrank_is_held_from_the_start(tmp_path: Path) -> None:
    await fill(tmp_path)
    assert await served(tmp_path, "snapshot", 5 * 16_384) == KEYS[-5:]
    lose_power(tmp_path)
    assert len(await served(tmp_path, "scan", 3 * 16_384)) == 3


async def test_files_that_somebody_deleted_are_missed_and_not_mourned(tmp_path: Path) -> None:
    await fill(tmp_path)
    (tmp_path / address_of(KEYS[0]).path).unlink()
    async with disk_tier(tmp_path) as tier:
        assert tier.lookup(KEYS[0])
        assert await whole(tier, KEYS[0]) is None
        assert (tier.lookup(KEYS[0]), tier.counters.lost) == (False, 1)
        assert tier.health.may_write
        assert tier.used_bytes == pages_bytes(tmp_path)


@pytest.mark.parametrize("seed", range(40))
async def test_a_flipped_bit_is_never_served(tmp_path: Path, seed: int) -> None:
    """In prelude, key, head or body: the object is dropped, or the flip was in bytes that nobody reads."""
    await fill(tmp_path)
    rng = random.Random(seed)
    path = tmp_path / address_of(KEYS[0]).path
    data = bytearray(path.read_bytes())
    at = rng.randrange(rng.choice((100, 400, len(data))))
    data[at] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    async with disk_tier(tmp_path) as tier:
        answer = await whole(tier, KEYS[0])
        assert answer in (None, (head(), body(KEYS[0]))), f"seed {seed}"
        assert tier.counters.corrupt == (answer is None)
        assert tier.lookup(KEYS[0]) == path.exists() == (answer is not None) or await tier.settled()
        if at >= 4096:
            assert answer is None, f"seed {seed}"
        assert tier.health.may_write


@pytest.mark.parametrize("size_bytes", [0, 10, 200, 4096, 4097, 14_000])
async def test_a_truncated_file_is_never_served(tmp_path: Path, size_bytes: int) -> None:
    await fill(tmp_path)
    path = tmp_path / address_of(KEYS[0]).path
    path.write_bytes(path.read_bytes()[:size_bytes])
    async with disk_tier(tmp_path) as tier:
        assert await whole(tier, KEYS[0]) is None
        assert await tier.settled()
        assert (tier.counters.corrupt, path.exists()) == (1, False)


async def test_a_file_under_anothers_name_is_never_served(tmp_path: Path) -> None:
    await fill(tmp_path)
    (tmp_path / address_of(KEYS[1]).path).replace(tmp_path / address_of(KEYS[0]).path)
    async with disk_tier(tmp_path) as tier:
        assert await whole(tier, KEYS[0]) is None
        assert await whole(tier, KEYS[2]) == (head(), body(KEYS[2]))
