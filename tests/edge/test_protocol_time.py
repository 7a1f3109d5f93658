"""What a client may take its time for, and for how long: on a clock of the test's."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from edge.message import CacheStatus
from edge.server import Server
from edge.visit import Outcome
from tests.edge.wire import Client, Clock, Held, Origin, ask, connected, echo, get, serving, so

pytestmark = pytest.mark.socket

KIB = 1024


@pytest.fixture
def origin(clock: Clock) -> Origin:
    return Origin(echo, clock)


async def beaten(server: Server, path: Path) -> None:
    """Returns when the server has looked after its connections, all that was answered till now included."""
    server.log.write(server.clock(), b"", b"GET", b"/beat", Outcome(CacheStatus.HIT, 200), 0.0)
    lines = path.read_bytes().count(b"/beat")
    await so(lambda: path.read_bytes().count(b"/beat") > lines)


async def half_a_head(server: Server, clock: Clock, client: Client) -> None:
    """Returns when the edge has read it."""
    clock.now_s += 1
    client.send(ask()[:-2])
    await so(lambda: any(each.active_s == clock.now_s for each in server.connections))


async def test_a_slow_head_is_refused_in_time(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock, head_timeout_s=10.0) as server, connected(server) as client:
        await half_a_head(server, clock, client)
        clock.now_s += 11
        answer = await client.answer()
        assert (answer.status, answer.fields["connection"]) == (408, "close")
        assert await client.rest() == b""


async def test_a_slow_head_behind_an_answer_is_refused_after_it(clock: Clock, tmp_path: Path) -> None:
    held, log = Held(), tmp_path / "access.log"
    origin = Origin(held, clock)
    async with (
        origin,
        serving(origin.url, clock, head_timeout_s=10.0, access_log=log) as server,
        connected(server) as client,
    ):
        client.send(ask("/slow"))
        await so(lambda: len(origin.asked) == 1)
        await half_a_head(server, clock, client)
        clock.now_s += 11
        await beaten(server, log)
        held.may_answer.set()
        assert (await client.answer()).body == b"/slow"
        assert (await client.answer()).status == 408
        assert await client.rest() == b""


async def test_a_head_that_begins_where_another_ends_has_its_own_time(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"
    async with (
        origin,
        serving(origin.url, clock, head_timeout_s=10.0, access_log=log) as server,
        connected(server) as client,
    ):
        first, second = ask(), ask("/2")
        await half_a_head(server, clock, client)
        clock.now_s += 9
        client.send(first[-2:] + second[:-2])
        assert (await client.answer()).body == b"/x"
        clock.now_s += 2
        await beaten(server, log)
        client.send(second[-2:])
        assert (await client.answer()).body == b"/2"


async def test_an_idle_connection_is_closed_in_time(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        clock.now_s += 75
        assert (await client.get()).status == 200
        clock.now_s += 76
        assert await client.rest() == b""


async def test_a_connection_that_never_says_a_word_is_closed_in_time(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await so(lambda: len(server.connections) == 1)
        clock.now_s += 76
        assert await client.rest() == b""


async def test_a_body_that_does_not_come_is_not_waited_for_without_end(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send(ask("/form", "POST", content_length="5"))
        await so(lambda: server.upstream.requests == 1)
        clock.now_s += 1000
        await client.rest()


async def test_the_idle_time_begins_after_the_answer(clock: Clock, tmp_path: Path) -> None:
    held, log = Held(), tmp_path / "access.log"
    origin = Origin(held, clock)
    async with origin, serving(origin.url, clock, access_log=log) as server, connected(server) as client:
        client.send(ask("/slow"))
        await so(lambda: len(origin.asked) == 1)
        clock.now_s += 80
        held.may_answer.set()
        await client.answer()
        await beaten(server, log)
        assert (await client.get("/slow")).body == b"/slow"


async def test_a_client_that_takes_nothing_is_let_go_in_time(clock: Clock) -> None:
    origin = Origin(lambda asked: asked.reply(b"x" * 32 * KIB * KIB, cache_control="max-age=9999"), clock)
    async with origin, serving(origin.url, clock, send_timeout_s=60.0) as server:
        await get(server)
        async with connected(server, 64 * KIB) as client:
            client.send(ask())
            await client.head()
            (connection,) = server.connections
            await so(lambda: connection.transport.get_write_buffer_size() > 0)
            clock.now_s += 30
            await asyncio.sleep(0)
            while server.connections:  # each beat sees the same bytes unsent
                clock.now_s += 61
                await asyncio.sleep(0.1)
            assert len(await client.rest()) < 32 * KIB * KIB
