"""A disk that lies, is full, or is another's: what is served is right, and the edge says what is wrong."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from edge.admin.purge_jobs import Jobs
from edge.admin.readings import read
from edge.config import EdgeConfig
from edge.disk.address import address_of
from edge.disk.files import TempFile
from edge.disk.folder import DiskError
from edge.disk.health import Fitness
from edge.server import Server
from tests.edge.test_ondisk import disk_of, fill, is_hit, landed, on_disk
from tests.edge.wire import HERE, Clock, Origin, ask, connected, get, serving, so

pytestmark = pytest.mark.socket

KIB, MIB = 1024, 2**20
BODY = bytes(range(256)) * 4 * 300  # 300 KiB


@pytest.fixture
def origin(clock: Clock) -> Origin:
    return Origin(lambda asked: asked.reply(BODY, cache_control="max-age=600", etag='"v1"'), clock)


def file_of(folder: Path, key: bytes) -> Path:
    return folder / address_of(key).path


def _flipped(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)


SPOILED = [
    pytest.param(lambda path: _flipped(path, 0), id="first-byte"),
    pytest.param(lambda path: _flipped(path, 40), id="in-the-front"),
    pytest.param(lambda path: _flipped(path, -1), id="last-byte"),
    pytest.param(lambda path: _flipped(path, 100_000), id="in-the-body"),
    pytest.param(lambda path: os.truncate(path, 100_000), id="cut"),
    pytest.param(lambda path: os.truncate(path, 0), id="empty"),
    pytest.param(lambda path: path.write_bytes(path.read_bytes() + b"x"), id="longer"),
    pytest.param(lambda path: path.unlink(), id="gone"),
]


@pytest.mark.parametrize("spoil", SPOILED)
async def test_a_spoiled_file_is_never_served_and_fetched_anew(
    spoil: Callable[[Path], object], origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin:
        async with on_disk(origin, clock, tmp_path) as server:
            await fill(server, "/x")
        spoil(file_of(tmp_path, b"/x"))
        async with on_disk(origin, clock, tmp_path) as server:
            answer = await get(server)
            assert (answer.body, is_hit(answer)) == (BODY, False)
            counters = disk_of(server).tier.counters
            assert counters.corrupt + counters.lost == 1
            await landed(server)
            answer = await get(server)
            assert (answer.body, is_hit(answer)) == (BODY, True)


async def test_a_file_that_is_cut_while_it_is_open_breaks_the_answer_off(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    """The head is sent by then: only the connection's end can tell."""
    body = BODY * 20
    origin.script = lambda asked: asked.reply(body, cache_control="max-age=600")
    async with origin, on_disk(origin, clock, tmp_path) as server:
        await fill(server, "/x")
        assert (await get(server)).body == body
        os.truncate(file_of(tmp_path, b"/x"), 3 * MIB)
        async with connected(server) as client:
            client.send(ask("/x"))
            head = await client.head()
            rest = await client.rest()
            assert int(head.fields["content-length"]) == len(body) > len(rest)
            assert body.startswith(rest)
        assert (await get(server)).body == body
        clock.now_s += 2
        await so(lambda: disk_of(server).tier.health.fitness is Fitness.WELL)
        assert disk_of(server).tier.counters.read_errors == 1


async def test_a_full_disk_costs_its_place_and_nothing_else(
    origin: Origin, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with capture_logs() as events:
        async with origin, Server(_config(origin, tmp_path), clock) as server:
            with monkeypatch.context() as patched:
                patched.setattr(TempFile, "finish", full)
                patched.setattr("edge.disk.tier.probe", full)
                for number in range(5):
                    assert (await get(server, f"/{number}")).body == BODY
                await so(lambda: disk_of(server).waiting_bytes == 0)
                for number in range(5):
                    assert is_hit(await get(server, f"/{number}")), "RAM has it"
                assert disk_of(server).tier.health.fitness is Fitness.NO_WRITING
            degraded = [event for event in events if event["event"] == "disk tier degraded"]
            assert len(degraded) == 1
            assert degraded[0]["error"] == "No space left on device"
            clock.now_s += 120
            await so(lambda: disk_of(server).tier.health.fitness is Fitness.WELL)
            await fill(server, "/again")
            assert [event["event"] for event in events].count("disk tier recovered") == 1


def _config(origin: Origin, folder: Path, **settings: Any) -> EdgeConfig:
    return EdgeConfig(upstream=origin.url, listen=HERE, disk=folder, **settings)


async def test_a_folder_in_use_is_refused_in_one_line(origin: Origin, clock: Clock, tmp_path: Path) -> None:
    async with origin, on_disk(origin, clock, tmp_path):
        with pytest.raises(DiskError, match=f"{tmp_path}: process {os.getpid()} is using it"):
            async with Server(_config(origin, tmp_path), clock):
                pass


async def test_an_edge_that_cannot_listen_lets_go_of_its_folder(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin:
        async with serving(origin.url, clock) as other:
            config = EdgeConfig(upstream=origin.url, listen=other.address, disk=tmp_path)
            with pytest.raises(OSError, match="address already in use"):
                async with Server(config, clock):
                    pass
        async with on_disk(origin, clock, tmp_path) as server:
            await fill(server, "/x")


async def test_a_tier_too_small_for_a_body_goes_without_it(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin, on_disk(origin, clock, tmp_path, disk_size=64 * KIB) as server:
        for _ in range(3):
            answer = await get(server)
            assert (answer.body, is_hit(answer)) == (BODY, False)
        await so(lambda: disk_of(server).waiting_bytes == 0)
        assert len(disk_of(server).tier) == 0
        origin.script = lambda asked: asked.reply(b"small", cache_control="max-age=600")
        await fill(server, "/small")
        assert is_hit(await get(server, "/small"))


async def test_the_tier_stays_within_its_size(origin: Origin, clock: Clock, tmp_path: Path) -> None:
    async with origin, on_disk(origin, clock, tmp_path, disk_size=MIB) as server:
        for number in range(12):
            await fill(server, f"/{number}")
            assert disk_of(server).tier.used_bytes <= MIB
        assert [is_hit(await get(server, f"/{number}")) for number in (10, 11)] == [True, True]
        assert disk_of(server).tier.counters.evicted >= 9


async def test_a_burst_that_the_disk_cannot_take_in_is_not_kept_waiting_in_memory(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin, on_disk(origin, clock, tmp_path) as server:
        disk = disk_of(server)
        await fill(server, "/x")
        found = await disk.tier.open(b"/x")
        assert found is not None
        with found:
            for number in range(100):
                disk.keep(b"/%d" % number, found.head, bytes(MIB))
                assert disk.waiting_bytes <= 64 * MIB
        assert disk.tier.counters.refused == 36
        await so(lambda: disk.waiting_bytes == 0)
        assert len(disk.tier) == 65


async def test_metrics_tell_of_the_disk(origin: Origin, clock: Clock, tmp_path: Path) -> None:
    async with origin, on_disk(origin, clock, tmp_path, disk_size=MIB) as server:
        await fill(server, "/x", "/y")
        os.truncate(file_of(tmp_path, b"/y"), 0)
        for target in ("/x", "/x", "/y"):
            await get(server, target)
        await landed(server, 3)
        jobs = Jobs(server.purger, clock, server.logger)
        told = {sample.name: sample.value for family in read(server, jobs) for sample in family.samples}
        expected = {
            "edge_disk_hits_total": 2,
            "edge_disk_stored_responses": 2,
            "edge_disk_capacity_bytes": MIB,
            "edge_disk_waiting_bytes": 0,
            "edge_disk_opened_total": 1,
            "edge_disk_written_total": 3,
            "edge_disk_corrupt_total": 1,
            "edge_disk_may_read": 1,
            "edge_disk_may_write": 1,
        }
        assert {name: told[name] for name in expected} == expected
        assert told["edge_disk_used_bytes"] == disk_of(server).tier.used_bytes > 2 * len(BODY)


async def test_the_command_says_whose_the_folder_is_and_ends(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "edge", "--listen", "127.0.0.1:0", "--disk", str(tmp_path)]
    async with origin, on_disk(origin, clock, tmp_path):
        process = await asyncio.create_subprocess_exec(
            *command, "--upstream", origin.url, stderr=asyncio.subprocess.PIPE
        )
        _, said = await process.communicate()
    assert process.returncode == 1
    lines = said.decode().splitlines()
    what = f"process {os.getpid()} is using it; give each edge a folder of its own"
    assert lines == [f"edge: cannot serve: {tmp_path}: {what}"]
