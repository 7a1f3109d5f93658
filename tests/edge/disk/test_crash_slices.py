"""kill -9 while slices are kept, renewed, purged and marked: no wrong byte, nothing lost that was written.

`PENSTOCK_CRASH_ROUNDS=1000 make soak` kills more often.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path
from time import time

import pytest

from edge.message import Head, Request
from tests.edge.disk.crash_slices_child import KEYS, SLICE, SLICES, TOTAL, film, on_disk
from tests.edge.disk.objects import files_in, pages_bytes
from tests.edge.disk.test_crash import AMPLE_BYTES
from tests.needs import ROOT

SCANT_BYTES = 2**19

pytestmark = pytest.mark.system


class Truth:
    """What may be on the disk, and what must, by what the children said of one key."""

    def __init__(self) -> None:
        self.may_be = {0}  # versions; 0: nothing
        self.must_be: set[int] = set()  # slices
        self.version = 0  # of those
        self.is_stale = False  # for certain

    def hear(self, mark: str, deed: str, version: int, number: int) -> None:
        match mark, deed:
            case "?", "S":
                self.may_be.add(version)
                self.is_stale = False
                if version != self.version:  # the old one goes before the new one comes
                    self.may_be.add(0)
                    self.must_be, self.version = set(), version
            case "=", "S":
                self.may_be = {version}
                self.must_be.add(number)
            case "?", "R":
                self.is_stale = False
            case "?", "P":
                self.may_be.add(0)
                self.must_be = set()
            case "=", "P":
                self.may_be, self.version = {0}, 0
            case "=", "E":
                self.is_stale = True


def run_and_kill(folder: Path, capacity_bytes: int, seed: int, deeds: int, truth: dict[bytes, Truth]) -> None:
    """Let a child work until it has told of so many deeds, then kill it."""
    command = [sys.executable, "-m", "tests.edge.disk.crash_slices_child", str(folder)]
    command += [str(capacity_bytes), str(seed)]

    def hear(line: bytes) -> None:
        mark, deed, name, version, number = line.decode().split()
        truth[bytes.fromhex(name)].hear(mark, deed, int(version), int(number))

    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as child:
        assert child.stdout is not None
        for _ in range(deeds):
            line = child.stdout.readline()
            assert line, f"the child died by itself, seed {seed}"
            hear(line)
        child.kill()
        for line in child.stdout:  # what it said before it died
            if line.endswith(b"\n"):
                hear(line)


async def check(folder: Path, capacity_bytes: int, truth: dict[bytes, Truth], seed: int) -> int:
    """Start on what is left, and look at every byte; returns how many slices there are."""
    count = 0
    async with on_disk(folder, capacity_bytes) as disk:
        tier = disk.tier
        assert tier.used_bytes == pages_bytes(folder) <= capacity_bytes, f"seed {seed}"
        assert len(tier) == len(files_in(folder)), f"seed {seed}"
        for key in KEYS:
            why = f"seed {seed}, {key!r}"
            primary, _, by = key.partition(b"\n")
            head = Head.of(((b"accept", b"a"),) if by else (), keep_alive=True)
            sliced = await disk.sheaves.parts(Request(b"GET", primary, primary, head), primary, SLICE)
            known = truth[key]
            if sliced is None:
                assert capacity_bytes == SCANT_BYTES or 0 in known.may_be, why
                assert capacity_bytes == SCANT_BYTES or not known.must_be, why
                known.may_be, known.version, known.must_be = {0}, 0, set()
                continue
            version = int((sliced.stored.etag or b"").strip(b'"'))
            assert sliced.stored.key == key, why
            assert version in known.may_be, why
            assert not known.is_stale or sliced.stored.serve_until_s <= time(), why
            found = set()
            for number in disk.sheaves.numbers(sliced):
                opened = await disk.sheaves.open(key, number * SLICE, SLICE, TOTAL, sliced.stored.fields)
                assert opened is not None, why
                with opened[0] as source:
                    data = await tier.read(source, 0, source.size_bytes)
                assert data == film(key, version)[number * SLICE : (number + 1) * SLICE], why
                found.add(number)
            assert found <= set(range(SLICES)), why
            if capacity_bytes == AMPLE_BYTES and version == known.version:
                assert known.must_be <= found, why
            known.may_be, known.version, known.must_be = {version}, version, found
            count += len(found)
        assert (tier.counters.corrupt, tier.counters.lost) == (0, 0), f"seed {seed}"
    return count


def kill_often(folder: Path, capacity_bytes: int, rounds: int, seed: int) -> None:
    rng = random.Random(seed)
    truth = {key: Truth() for key in KEYS}
    count = 0
    for number in range(rounds):
        run_and_kill(folder, capacity_bytes, number + 1, rng.randrange(1, 300), truth)
        count += asyncio.run(check(folder, capacity_bytes, truth, seed))
    assert count > 0, f"seed {seed}"


@pytest.mark.parametrize("capacity_bytes", [AMPLE_BYTES, SCANT_BYTES], ids=["ample", "scant"])
def test_kill_9_while_slices_are_written(tmp_path: Path, capacity_bytes: int) -> None:
    kill_often(tmp_path / "tier", capacity_bytes, rounds=6, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("capacity_bytes", [AMPLE_BYTES, SCANT_BYTES], ids=["ample", "scant"])
def test_kill_9_while_slices_are_written_again_and_again(tmp_path: Path, capacity_bytes: int) -> None:
    seed = random.randrange(2**32)  # failures name it
    kill_often(tmp_path / "tier", capacity_bytes, int(os.environ.get("PENSTOCK_CRASH_ROUNDS", "100")), seed)
