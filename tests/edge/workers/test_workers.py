"""Several workers as one edge: real processes on one port."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from edge.disk.folder import Folder
from tests.edge.wire import Client, Clock, Message, Origin
from tests.needs import ROOT

pytestmark = pytest.mark.socket
TOKEN = {"Authorization": "Bearer secret"}


@dataclass
class Edge:
    """A running edge and where it listens."""

    address: str
    admin: str
    pid: int

    async def get(self, target: str, method: str = "GET", **named: str) -> Message:
        """One request on a connection of its own, so that the kernel picks a worker."""
        host, port = self.address.split(":")
        client = Client(*await asyncio.open_connection(host, int(port)))
        try:
            return await client.get(target, method, **named)
        finally:
            client.leave()

    async def until_both_hit(self, target: str) -> None:
        """Returns when each worker has `target`: a worker that asks the other says so in its metrics."""
        for _ in range(200):
            await self.get(target)
            hits = await self.metric("edge_requests_total", cache="hit")
            if len(hits) == 2 and all(hits.values()):
                return
        raise AssertionError("one worker got no connection in 200")

    async def metric(self, name: str, **labels: str) -> dict[str, float]:
        """A sample's value by worker."""
        text = (await self.ask("GET", "/metrics"))[1]
        values = {}
        for line in text.splitlines():
            if line.startswith(name + "{") and all(
                f'{key}="{label}"' in line for key, label in labels.items()
            ):
                values[line.partition('worker="')[2][0]] = float(line.rpartition(" ")[2])
        return values

    async def ask(self, method: str, path: str) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession(f"http://{self.admin}") as session,
            session.request(method, path, headers=TOKEN) as answer,
        ):
            return answer.status, await answer.text()


@asynccontextmanager
async def running(upstream: str, *options: str, workers: int = 2) -> AsyncIterator[Edge]:
    command = [
        sys.executable,
        "-m",
        "edge",
        "--upstream",
        upstream,
        "--workers",
        str(workers),
        "--admin-token",
        "secret",
    ]
    command += ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", *options]
    with subprocess.Popen(  # noqa: ASYNC220 - it says one line, and that is waited for in a thread
        command, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stderr is not None
        try:
            event: dict[str, str] = {}
            while event.get("event") != "listening":
                event = json.loads(await asyncio.to_thread(process.stderr.readline))
            yield Edge(event["address"], event["admin"], process.pid)
        finally:
            process.terminate()
            assert await asyncio.to_thread(process.wait) == 0


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    clock = Clock()
    clock.now_s = time.time()
    control = "max-age=60"
    async with Origin(
        lambda asked: asked.reply(asked.target.encode(), cache_control=control), clock
    ) as origin:
        yield origin


async def test_a_cold_key_costs_one_upstream_request_whichever_worker_is_asked(origin: Origin) -> None:
    async with running(origin.url) as edge:
        answers = await asyncio.gather(*(edge.get(f"/{number % 10}") for number in range(100)))
        assert sorted(asked.target for asked in origin.asked) == sorted(f"/{number}" for number in range(10))
        assert [answer.body.decode() for answer in answers] == [f"/{number % 10}" for number in range(100)]
        members = {answer.cache.count("penstock") for answer in answers}
        assert members == {1}, "to a client the edge is one cache"
        assert {
            worker for worker, hits in (await edge.metric("edge_requests_total", cache="hit")).items()
        } == {"0", "1"}


async def test_a_purge_reaches_every_worker(origin: Origin) -> None:
    async with running(origin.url) as edge:
        await edge.until_both_hit("/x")
        status, told = await edge.ask("POST", "/purge?url=/x")
        assert (status, json.loads(told)["purged"]) == (200, 2)
        for _ in range(20):
            await edge.get("/x")
        assert len(origin.asked) == 2


async def test_what_one_worker_learns_to_be_invalid_the_other_forgets(origin: Origin) -> None:
    async with running(origin.url) as edge:
        await edge.until_both_hit("/x")
        await edge.get("/x", "DELETE")
        for _ in range(20):
            await edge.get("/x")
        assert [asked.method for asked in origin.asked] == ["GET", "DELETE", "GET"]


async def test_a_worker_that_dies_is_started_again_and_the_other_serves_meanwhile(origin: Origin) -> None:
    async with running(origin.url) as edge:
        await edge.until_both_hit("/x")
        pids = [int(pid) for pid in Path(f"/proc/{edge.pid}/task/{edge.pid}/children").read_text().split()]
        workers = [pid for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        served = 0
        while served < 50:
            try:
                assert (await edge.get("/x")).status == 200
                served += 1
            except (ConnectionError, asyncio.IncompleteReadError):
                continue  # it was with the one that died
        async with asyncio.timeout(30):
            while (await edge.ask("GET", "/ready"))[0] != 200:  # noqa: ASYNC110 - it says so when it is asked
                await asyncio.sleep(0.05)
        await edge.until_both_hit("/x")


async def test_no_number_of_workers_brings_back_what_was_purged_under_another(
    origin: Origin, tmp_path: Path
) -> None:
    keys = [f"/{folder}/{number}" for folder in "ab" for number in range(12)]

    async def asked_of_origin(edge: Edge) -> set[str]:
        origin.asked.clear()
        for key in keys:
            assert (await edge.get(key)).body.decode() == key
        return {asked.target for asked in origin.asked}

    options = ("--disk", str(tmp_path / "disk"))
    async with running(origin.url, *options) as edge:
        assert await asked_of_origin(edge) == set(keys)
        async with asyncio.timeout(30):
            while sum((await edge.metric("edge_disk_written_total")).values()) < len(keys):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    async with running(origin.url, *options, workers=1) as edge:
        assert (await edge.ask("POST", "/purge?prefix=/a/"))[0] == 200
    async with running(origin.url, *options) as edge:
        cold = await asked_of_origin(edge)
        assert cold >= set(keys[:12]), "what was purged comes anew, whichever worker had it"
        assert cold < set(keys), "the first worker has had all purges, and keeps the rest"


UNUSABLE = [  # options, the exit code, the last line; `{}`: a folder
    pytest.param(["--access-log", "{}/no/a.log"], 1, "cannot serve: {}/no/a.log: No such file", id="log"),
    pytest.param(
        ["--tls-listen", "127.0.0.1:0", "--tls-certificate", "{}/c", "--tls-key", "{}/k"],
        2,
        "{}/c, {}/k: No such file or directory; name a PEM chain",
        id="certificate",
    ),
    pytest.param(["--disk", "{}"], 1, "{}: holds other files; give the disk tier a folder", id="disk"),
]


@pytest.mark.parametrize(("options", "code", "said"), UNUSABLE)
def test_what_cannot_be_used_is_one_line_before_any_worker_begins(
    options: list[str], code: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / "mine").touch()
    command = [sys.executable, "-m", "edge", "--upstream", "http://127.0.0.1:9", "--workers", "2"]
    command += ["--listen", "127.0.0.1:0", *(option.replace("{}", str(tmp_path)) for option in options)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=60)
    assert done.returncode == code
    (line,) = done.stderr.splitlines()
    assert said.replace("{}", str(tmp_path)) in line


def test_what_only_a_worker_comes_upon_is_its_line_and_one_of_the_edge(tmp_path: Path) -> None:
    (tmp_path / "disk" / "worker-1").mkdir(parents=True)
    Folder(tmp_path / "disk").mend()
    (tmp_path / "disk" / "worker-1" / "mine").touch()
    command = [sys.executable, "-m", "edge", "--upstream", "http://127.0.0.1:9", "--workers", "2"]
    command += ["--listen", "127.0.0.1:0", "--disk", str(tmp_path / "disk")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=60)
    assert done.returncode == 1
    of_worker, of_edge = done.stderr.splitlines()
    assert json.loads(of_worker)["worker"] == 1
    assert "worker-1: holds other files" in json.loads(of_worker)["reason"]
    assert of_edge.endswith("the line before says why")


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        host, port = taken.getsockname()
        command = [sys.executable, "-m", "edge", "--upstream", "http://127.0.0.1:9", "--workers", "2"]
        command += ["--listen", f"{host}:{port}"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr == "edge: cannot serve: Address already in use\n"
