"""The life of an edge: its access log, its beat, and how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from edge.server import Server
from tests.edge.wire import Asked, Clock, HangUp, Origin, ask, connected, get, serving, so

pytestmark = pytest.mark.socket


@pytest.fixture
def origin(clock: Clock) -> Origin:
    return Origin(lambda asked: asked.reply(b"0123456789", cache_control="max-age=60"), clock)


def logged(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


async def test_every_request_is_one_line_of_json_the_hot_ones_too(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    path = tmp_path / "access.log"
    async with origin, serving(origin.url, clock, access_log=path) as server, connected(server) as client:
        for number in range(20):
            await client.get(f"/x?CMCD=sid%3D%22{number}%22", user_agent='odd "agent" \\ \xe9')
        await client.get("/x", range="bytes=0-3")
        await client.get("/x?a=[b]|{c}`^")
        client.send(b"".join(map(ask, ["/x"] * 10)))
        for _ in range(10):
            await client.answer()
        await client.post("/form", b"hi")
        client.send(b"GARBAGE\r\n\r\n")
        await client.rest()
    lines = logged(path)
    assert len(lines) == 20 + 1 + 1 + 10 + 1 + 1
    assert lines[1] == {
        "time": clock.now_s,
        "remote": "127.0.0.1",
        "agent": 'odd "agent" \\ \xe9',
        "url": "/x?CMCD=sid%3D%221%22",
        "protocol": "h1",
        "method": "GET",
        "status": 200,
        "bytes": 10,
        "cache": "hit",
        "tier": "ram",
        "ms": 0,
    }
    assert [line["cache"] for line in lines] == [
        "miss",
        *["hit"] * 20,
        "miss",
        *["hit"] * 10,
        "pass",
        "refused",
    ]
    assert [(line["status"], line["bytes"]) for line in lines[20:22]] == [(206, 4), (200, 10)]


async def test_no_target_breaks_out_of_its_line(origin: Origin, clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    async with origin, serving(origin.url, clock, access_log=path) as server, connected(server) as client:
        for target in ("/x", 'http://a","remote":"forged/x'):
            client.send(ask(target))
            await client.answer()
    assert {line["remote"] for line in logged(path)} == {"127.0.0.1"}


async def test_every_line_says_who_asked(origin: Origin, clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    async with origin, serving(origin.url, clock, access_log=path) as server, connected(server) as client:
        client.send(ask("/1") + ask("/2"))
        for _ in range(2):
            await client.answer()
    assert [line.get("remote") for line in logged(path)] == ["127.0.0.1"] * 2


async def test_an_answer_that_breaks_off_has_its_line_too(clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "access.log"

    async def cut(asked: Asked) -> AsyncIterator[bytes]:
        yield asked.reply(b"half", content_length="8", cache_control="max-age=60")
        raise HangUp

    origin = Origin(cut, clock)
    async with origin, serving(origin.url, clock, access_log=path) as server, connected(server) as client:
        client.send(ask("/x"))
        await client.rest()
    assert [(line["url"], line["status"]) for line in logged(path)] == [("/x", 200)]


async def test_the_log_is_written_on_the_beat_and_goes_on_in_a_new_file_after_rotation(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    path, rotated = tmp_path / "access.log", tmp_path / "access.log.1"
    async with origin, serving(origin.url, clock, access_log=path) as server:
        await get(server, "/1")
        await so(lambda: path.stat().st_size > 0)
        path.rename(rotated)
        await get(server, "/2")
        server.log.reopen()
        await get(server, "/3")
    assert [line["url"] for line in logged(rotated)] == ["/1", "/2"]
    assert [line["url"] for line in logged(path)] == ["/3"]


@asynccontextmanager
async def ending(server: Server, life: AbstractAsyncContextManager[Server]) -> AsyncIterator[None]:
    """The edge has begun to end, and has ended after this."""
    end = asyncio.create_task(_leave(life))
    await so(lambda: server.is_draining)
    try:
        yield
    finally:
        await end


async def _leave(life: AbstractAsyncContextManager[Server]) -> None:
    await life.__aexit__(None, None, None)


class Halves:
    """An origin that sends half of its body, and the rest when it may."""

    def __init__(self) -> None:
        self.may_go_on = asyncio.Event()

    async def __call__(self, asked: Asked) -> AsyncIterator[bytes]:
        yield asked.reply(b"half", content_length="8", cache_control="max-age=60")
        await self.may_go_on.wait()
        yield b"done"


async def test_an_edge_that_ends_finishes_the_answer_under_way_and_takes_no_more(clock: Clock) -> None:
    halves = Halves()
    origin = Origin(halves, clock)
    async with origin:
        life = serving(origin.url, clock)
        server = await life.__aenter__()
        address = server.address
        async with connected(server) as busy, connected(server) as idle:
            busy.send(ask("/x", connection="close"))
            await busy.reader.readuntil(b"half")
            async with ending(server, life):
                assert await idle.rest() == b"", "who only waits is let go at once"
                with pytest.raises(ConnectionError):
                    await asyncio.open_connection(*address)
                halves.may_go_on.set()
                assert await busy.rest() == b"done"


async def test_an_edge_that_ends_closes_a_kept_connection_after_its_answer(clock: Clock) -> None:
    halves = Halves()
    origin = Origin(halves, clock)
    async with origin:
        life = serving(origin.url, clock)
        server = await life.__aenter__()
        async with connected(server) as busy:
            busy.send(ask("/x"))
            await busy.reader.readuntil(b"half")
            async with ending(server, life):
                halves.may_go_on.set()
                assert await busy.rest() == b"done"
