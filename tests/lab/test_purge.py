"""`penstock purge` against an edge's admin plane."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from edge.server import Server
from tests.edge.admin.test_app import listening
from tests.edge.wire import Clock, Origin, get, serving
from tests.needs import ROOT

pytestmark = pytest.mark.socket


@dataclass
class Edge:
    """An edge that holds /v/0 to /v/9, each in the group of its parity."""

    server: Server
    admin: str

    async def purge(self, *options: str, token: str = "secret") -> tuple[int, str, str]:
        """Exit code, standard output and standard error of the command."""
        command = [sys.executable, "-m", "lab", "purge", *options, "--admin", self.admin]
        environment = os.environ | {"PENSTOCK_ADMIN_TOKEN": token}
        ended = await asyncio.to_thread(
            partial(
                subprocess.run, command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60
            )
        )
        return ended.returncode, ended.stdout, ended.stderr

    @property
    def held(self) -> str:
        return "".join(sorted(key[-1:].decode() for key in self.server.entries))


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    clock = Clock()

    def script(asked: object) -> bytes:
        target = asked.target  # type: ignore[attr-defined]
        group = "odd" if int(target[-1]) % 2 else "even"
        reply: bytes = asked.reply(b"x", cache_control="max-age=60", surrogate_key=group)  # type: ignore[attr-defined]
        return reply

    origin = Origin(script, clock)
    async with (
        origin,
        serving(origin.url, clock, admin_token="secret") as server,
        listening(server) as (host, port),
    ):
        for number in range(10):
            await get(server, f"/v/{number}")
        yield Edge(server, f"{host}:{port}")


async def test_urls_prefixes_and_groups_are_purged_and_counted(edge: Edge) -> None:
    code, out, _ = await edge.purge(
        "http://any.example/v/1", "/v/none", "--prefix", "/v/2", "--group", "even"
    )
    assert code == 0
    assert out.splitlines() == [
        "http://any.example/v/1: 1 purged",
        "/v/none: 0 purged",
        "/v/2: 1 purged",
        "even: 4 purged",
    ]
    assert edge.held == "3579"


async def test_a_soft_purge_leaves_things_stored(edge: Edge) -> None:
    code, out, _ = await edge.purge("--group", "odd", "--soft", "--json")
    assert (code, json.loads(out)) == (0, {"group": "odd", "purged": 5, "soft": True})
    assert edge.held == "0123456789"


async def test_a_file_is_a_job(edge: Edge, tmp_path: Path) -> None:
    file = tmp_path / "batch"
    file.write_text('/v/0\n{"url": "/v/1"}\n{"prefix": "/v/2"}\n', encoding="utf-8")
    code, out, err = await edge.purge("--file", str(file))
    assert (code, err) == (0, "")
    assert out.endswith(" done: 3 of 3 entries, 3 purged, 0 wrong\n")
    assert edge.held == "3456789"


async def test_wrong_entries_are_told_and_the_command_fails(edge: Edge, tmp_path: Path) -> None:
    file = tmp_path / "batch"
    file.write_text("/v/0\nno\n", encoding="utf-8")
    code, out, err = await edge.purge("--file", str(file))
    assert (code, err) == (1, "purge: not everything was purged\n")
    assert "  line 2: url = 'no': the request target must be a path" in out
    assert edge.held == "123456789"


async def test_what_cannot_be_done_is_one_line_and_status_1(edge: Edge, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    assert await edge.purge("/v/0", token="wrong") == (
        1,
        "purge: present the admin token: Authorization: Bearer TOKEN\n",
        "purge: not everything was purged\n",
    )
    code, _, err = await edge.purge("--file", str(empty))
    assert (code, err.count("\n")) == (1, 1)
    assert "nothing to purge" in err
    code, _, err = await edge.purge("--file", "/nowhere")
    assert (code, err) == (1, "purge: /nowhere: No such file or directory\n")
    code, _, err = await edge.purge()
    assert (code, err) == (2, "purge: name what to purge: URLs, --prefix, --group or --file\n")
    edge.admin = "127.0.0.1:9"
    code, _, err = await edge.purge("/v/0")
    assert (code, err.count("\n")) == (1, 1)
    assert "no edge answers at 127.0.0.1:9" in err
