"""kill -9 at any moment: the next start serves no wrong byte, and loses only what was in flight.

`PENSTOCK_CRASH_ROUNDS=1000 make soak` kills more often.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.edge.disk.crash_child import KEYS
from tests.edge.disk.objects import body, disk_tier, files_in, pages_bytes, versions_of, whole
from tests.needs import ROOT

State = tuple[int, int]  # version and merges; (0, 0): not stored
AMPLE_BYTES = 2**30
SCANT_BYTES = 3 * 2**20

pytestmark = pytest.mark.system


class Truth:
    """For each key, the states that it may be in by what the children said."""

    def __init__(self) -> None:
        self.may_be: dict[bytes, set[State]] = {key: {(0, 0)} for key in KEYS}
        self.refused = 0

    def hear(self, line: bytes) -> None:
        mark, name, version, merged = line.split()
        key, state = bytes.fromhex(name.decode()), (int(version), int(merged))
        if mark == b"?":
            self.may_be[key].add(state)
        elif mark == b"=":
            self.may_be[key] = {state}
        else:
            self.refused += 1
            self.may_be[key] |= {state, (0, 0)}


def run_and_kill(folder: Path, capacity_bytes: int, seed: int, changes: int, truth: Truth) -> None:
    """Let a child work until it has told of so many changes, then kill it."""
    command = [sys.executable, "-m", "tests.edge.disk.crash_child", str(folder)]
    command += [str(capacity_bytes), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as child:
        assert child.stdout is not None
        for _ in range(changes):
            line = child.stdout.readline()
            assert line, f"the child died by itself, seed {seed}"
            truth.hear(line)
        child.kill()
        for line in child.stdout:  # what it said before it died
            if line.endswith(b"\n"):
                truth.hear(line)


async def check(folder: Path, capacity_bytes: int, truth: Truth, seed: int) -> str:
    """Start on what is left; returns how that was done."""
    async with disk_tier(folder, capacity_bytes) as tier:
        assert tier.used_bytes == pages_bytes(folder) <= capacity_bytes, f"seed {seed}"
        assert len(tier) == len(files_in(folder)), f"seed {seed}"
        for key in KEYS:
            found = await whole(tier, key)
            state = (0, 0) if found is None else versions_of(found[0])
            if capacity_bytes == AMPLE_BYTES or found is not None:
                assert state in truth.may_be[key], f"seed {seed}, {key!r}"
            if found is not None:
                assert found[1] == body(key, state[0], len(found[1])), f"seed {seed}, {key!r}"
            truth.may_be[key] = {state}
        assert (tier.counters.corrupt, tier.counters.lost) == (0, 0), f"seed {seed}"
        return tier.how_started


def kill_often(folder: Path, capacity_bytes: int, rounds: int, seed: int) -> None:
    rng = random.Random(seed)
    truth = Truth()
    seen = set()
    for number in range(rounds):
        run_and_kill(folder, capacity_bytes, number + 1, rng.randrange(1, 400), truth)
        if rng.random() < 0.7:  # else the next child starts on what this one left
            seen.add(asyncio.run(check(folder, capacity_bytes, truth, seed)))
    seen.add(asyncio.run(check(folder, capacity_bytes, truth, seed)))
    assert seen <= {"journal", "snapshot"}
    assert "journal" in seen
    assert capacity_bytes == SCANT_BYTES or truth.refused == 0


@pytest.mark.parametrize("capacity_bytes", [AMPLE_BYTES, SCANT_BYTES], ids=["ample", "scant"])
def test_kill_9_at_any_moment(tmp_path: Path, capacity_bytes: int) -> None:
    kill_often(tmp_path / "tier", capacity_bytes, rounds=5, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("capacity_bytes", [AMPLE_BYTES, SCANT_BYTES], ids=["ample", "scant"])
def test_kill_9_again_and_again(tmp_path: Path, capacity_bytes: int) -> None:
    seed = random.randrange(2**32)  # failures name it
    kill_often(tmp_path / "tier", capacity_bytes, int(os.environ.get("PENSTOCK_CRASH_ROUNDS", "100")), seed)
