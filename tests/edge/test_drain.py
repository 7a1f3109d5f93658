"""How an edge ends: not ready at once, answers under way finish, the admin plane stays to the end."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.units import Address, parse_address
from tests.edge.test_main import edge as process_of
from tests.edge.test_main import said
from tests.edge.wire import PATIENCE_S, Asked, Client, Clock, Origin, ask

pytestmark = pytest.mark.socket


class Halves:
    """An origin that sends half of its body, and the rest when it may."""

    def __init__(self) -> None:
        self.may_go_on = asyncio.Event()

    async def __call__(self, asked: Asked) -> AsyncIterator[bytes]:
        yield asked.reply(b"half", content_length="8", cache_control="max-age=60")
        await self.may_go_on.wait()
        yield b"done"


@dataclass
class Edge:
    """An edge in a process of its own."""

    process: subprocess.Popen[str]
    address: Address
    admin: Address

    @asynccontextmanager
    async def client(self, where: Address | None = None) -> AsyncIterator[Client]:
        reader, writer = await asyncio.open_connection(*(where or self.address))
        client = Client(reader, writer)
        try:
            yield client
        finally:
            client.leave()

    async def is_ready(self) -> bool:
        async with self.client(self.admin) as client:
            return (await client.get("/ready")).status == 200

    async def drains(self) -> None:
        """Returns when the edge says that it is not ready."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.is_ready():
                pass

    async def takes_connections(self) -> bool:
        try:
            async with self.client():
                return True
        except ConnectionError:
            return False

    async def ended(self) -> int:
        return await asyncio.to_thread(self.process.wait, PATIENCE_S)


@asynccontextmanager
async def edge(upstream: str, tmp_path: Path, **settings: float) -> AsyncIterator[Edge]:
    path = tmp_path / "edge.toml"
    lines = [f'upstream = "{upstream}"', 'listen = "127.0.0.1:0"', 'admin = "127.0.0.1:0"']
    lines += [f"{name} = {value}" for name, value in settings.items()]
    path.write_text("\n".join(lines), encoding="utf-8")
    with process_of("--config", str(path)) as process:
        event = said(process)
        yield Edge(process, parse_address(str(event["address"])), parse_address(str(event["admin"])))


async def test_a_slow_transfer_ends_well_after_sigterm_and_idle_clients_are_let_go(tmp_path: Path) -> None:
    halves = Halves()
    async with (
        Origin(halves, Clock()) as origin,
        edge(origin.url, tmp_path) as server,
        server.client() as busy,
        server.client() as idle,
    ):
        busy.send(ask("/x"))
        await busy.reader.readuntil(b"half")
        server.process.send_signal(signal.SIGTERM)
        assert await idle.rest() == b""
        await server.drains()
        assert not await server.takes_connections()
        assert server.process.poll() is None, "it waits, and the admin plane is there"
        halves.may_go_on.set()
        assert await busy.rest() == b"done"
        assert await server.ended() == 0


async def test_with_a_delay_connections_are_taken_while_the_edge_is_not_ready(tmp_path: Path) -> None:
    origin = Origin(lambda asked: asked.reply(b"body", cache_control="max-age=60"), Clock())
    async with origin, edge(origin.url, tmp_path, drain_delay_s=60.0) as server:
        server.process.send_signal(signal.SIGTERM)
        await server.drains()
        async with server.client() as client:
            assert (await client.get()).body == b"body"
            assert (await client.get()).body == b"body", "kept alive as ever"
        server.process.send_signal(signal.SIGTERM)
        assert await server.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_what_is_under_way(tmp_path: Path, number: signal.Signals) -> None:
    halves = Halves()
    async with (
        Origin(halves, Clock()) as origin,
        edge(origin.url, tmp_path) as server,
        server.client() as busy,
    ):
        busy.send(ask("/x"))
        await busy.reader.readuntil(b"half")
        server.process.send_signal(number)
        await server.drains()
        server.process.send_signal(number)
        assert await busy.rest() == b""
        assert await server.ended() == 0


async def test_a_transfer_that_takes_too_long_is_cut(tmp_path: Path) -> None:
    async with (
        Origin(Halves(), Clock()) as origin,
        edge(origin.url, tmp_path, drain_timeout_s=0.2) as server,
        server.client() as busy,
    ):
        busy.send(ask("/x"))
        await busy.reader.readuntil(b"half")
        server.process.send_signal(signal.SIGTERM)
        assert await busy.rest() == b""
        assert await server.ended() == 0


async def test_several_workers_drain_as_one(tmp_path: Path) -> None:
    halves = Halves()
    async with (
        Origin(halves, Clock()) as origin,
        edge(origin.url, tmp_path, workers=2) as server,
        server.client() as busy,
    ):
        busy.send(ask("/x"))
        await busy.reader.readuntil(b"half")
        server.process.send_signal(signal.SIGTERM)
        await server.drains()
        halves.may_go_on.set()
        assert await busy.rest() == b"done"
        assert await server.ended() == 0
