"""Viewers who leave, and what becomes of the fetch they leave behind."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest

from edge.server import Server
from tests.edge.wire import Asked, Client, Clock, Origin, ask, connected, get, serving, so

pytestmark = pytest.mark.socket

PIECE = b"p" * 1000


class Pieces:
    """An origin that sends ten pieces, each when it is released, and sees when it is let go of."""

    def __init__(self, **named: Any) -> None:
        self.released = asyncio.Semaphore(0)
        self.named: dict[str, Any] = {"cache_control": "max-age=60", "content_length": "10000"} | named
        self.left = 0

    def release(self, pieces: int) -> None:
        for _ in range(pieces):
            self.released.release()

    async def __call__(self, asked: Asked) -> AsyncIterator[bytes]:
        gone = asyncio.create_task(asked.reader.read())
        try:
            yield asked.reply(**self.named)
            for _ in range(10):
                turn = asyncio.create_task(self.released.acquire())
                await asyncio.wait({turn, gone}, return_when=asyncio.FIRST_COMPLETED)
                if gone.done() and not turn.done():
                    turn.cancel()
                    self.left += 1
                    return
                yield PIECE
        finally:
            gone.cancel()
            await asyncio.wait({gone})


def vanish(client: Client) -> None:
    """Leave so that the edge learns of it at once; who only stops sending may still read."""
    socket_of = client.writer.get_extra_info("socket")
    socket_of.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.leave()


def is_empty(server: Server) -> bool:
    return len(server.flights) == 0 and not server.flights._tasks


SHARES = [  # pieces of ten that have come, finish_share, is the fetch finished
    pytest.param(0, 0.25, False, id="nothing-has-come"),
    pytest.param(2, 0.25, False, id="below-the-share"),
    pytest.param(3, 0.25, True, id="above-the-share"),
    pytest.param(9, 1.0, False, id="all-is-asked-for"),
    pytest.param(0, 0.0, True, id="nothing-is-asked-for"),
]


@pytest.mark.parametrize(("come", "share", "is_finished"), SHARES)
async def test_a_lone_viewer_who_leaves_ends_the_fetch_unless_enough_has_come(
    clock: Clock, come: int, share: float, is_finished: bool
) -> None:
    script = Pieces()
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock, finish_share=share) as server:
        async with connected(server) as viewer:
            viewer.send(ask())
            await viewer.head()
            script.release(come)
            await viewer.reader.readexactly(1000 * come)
            vanish(viewer)
        await so(lambda: not server.connections)
        if is_finished:
            script.release(10 - come)
            await so(lambda: is_empty(server))
            assert (await get(server)).cache == "penstock; hit; ttl=60"
        else:
            await so(lambda: script.left == 1 and is_empty(server))
            assert len(server.store) == 0
        assert len(origin.asked) == 1


async def test_a_viewer_who_leaves_before_the_head_ends_the_fetch(clock: Clock) -> None:
    may_answer = asyncio.Event()

    async def script(asked: Asked) -> AsyncIterator[bytes]:
        await may_answer.wait()
        yield asked.reply(b"x", cache_control="max-age=60")

    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server:
        async with connected(server) as viewer:
            viewer.send(ask())
            await so(lambda: len(origin.asked) == 1)
            vanish(viewer)
        await so(lambda: is_empty(server))
        may_answer.set()
        assert (await get(server)).cache == "penstock; fwd=uri-miss; fwd-status=200; stored"


async def test_who_comes_after_a_fetch_was_given_up_starts_another(clock: Clock) -> None:
    script = Pieces()
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server:
        for _ in range(3):
            async with connected(server) as viewer:
                viewer.send(ask())
                await viewer.head()
                vanish(viewer)
            await so(lambda: not server.connections)
        script.release(10)
        assert (await get(server)).body == PIECE * 10
        await so(lambda: is_empty(server))
        assert len(origin.asked) == 4
        assert (await get(server)).cache == "penstock; hit; ttl=60"


async def test_a_leader_who_leaves_mid_body_leaves_the_fetch_to_its_followers(clock: Clock) -> None:
    script = Pieces()
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock, finish_share=1.0) as server, connected(server) as follower:
        async with connected(server) as leader:
            leader.send(ask())
            await leader.head()
            follower.send(ask())
            assert "collapsed" in (await follower.head()).cache
            script.release(1)
            await leader.reader.readexactly(1000)
            vanish(leader)
        await so(lambda: len(server.connections) == 1)
        script.release(9)
        assert await follower.reader.readexactly(10_000) == PIECE * 10
        await so(lambda: is_empty(server))
        assert (await get(server)).cache == "penstock; hit; ttl=60"
        assert len(origin.asked) == 1


async def test_the_last_of_several_who_leave_ends_the_fetch(clock: Clock) -> None:
    script = Pieces()
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server:
        async with connected(server) as one:
            one.send(ask())
            await one.head()
            async with connected(server) as other:
                other.send(ask())
                await other.head()
                vanish(other)
            await so(lambda: len(server.connections) == 1)
            assert script.left == 0, "one still waits"
            vanish(one)
        await so(lambda: script.left == 1 and is_empty(server))


async def test_a_leader_who_leaves_an_answer_of_its_own_lets_go_of_upstream(clock: Clock) -> None:
    script = Pieces(cache_control="no-store")
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server:
        async with connected(server) as viewer:
            viewer.send(ask())
            await viewer.head()
            vanish(viewer)
        await so(lambda: script.left == 1 and is_empty(server))


async def test_a_client_that_insists_reaches_upstream_and_joins_no_plain_fetch(clock: Clock) -> None:
    """RFC 9111, 5.2.1.4."""
    script = Pieces()
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server:
        async with connected(server) as plain, connected(server) as insisting, connected(server) as alike:
            plain.send(ask())
            await plain.head()
            for client in (insisting, alike):
                client.send(ask("/x", "GET", cache_control="no-cache"))
                await client.head()
            script.release(20)
            for client in (plain, insisting, alike):
                assert await client.reader.readexactly(10_000) == PIECE * 10
        assert [asked.fields.get("cache-control") for asked in origin.asked] == [None, "no-cache"]
        await so(lambda: is_empty(server))


@pytest.mark.parametrize("control", ['max-age=60, private="x-mine"', 'max-age=60, no-cache="X-Mine"'])
async def test_fields_for_the_first_client_only_are_shown_to_no_other(clock: Clock, control: str) -> None:
    """RFC 9111, 5.2.2.4 and 5.2.2.7."""
    script = Pieces(cache_control=control, x_mine="secret", x_ours="1")
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server:
        async with connected(server) as leader, connected(server) as follower:
            leader.send(ask())
            assert (await leader.head()).fields["x-mine"] == "secret"
            follower.send(ask())
            followed = await follower.head()
            assert ("x-mine" in followed.fields, followed.fields["x-ours"]) == (False, "1")
            script.release(10)
            await leader.reader.readexactly(10_000)
        await so(lambda: is_empty(server))
        hit = await get(server)
        assert (hit.cache, "x-mine" in hit.fields) == ("penstock; hit; ttl=60", False)


async def test_nothing_is_left_of_many_who_came_and_went(clock: Clock) -> None:
    """Flights, seats, groups and the policy's books are as empty as before."""
    origin = Origin(
        lambda asked: asked.reply(
            b"x" * 100, cache_control="max-age=60", cache_groups=f'"{asked.target}"', vary="accept"
        ),
        clock,
    )
    async with origin, serving(origin.url, clock) as server:
        for number in range(30):
            async with connected(server) as client:
                client.send(ask(f"/{number}", "GET", accept="a"))
                if number % 3:
                    await client.answer()
                else:
                    vanish(client)
        await so(lambda: not server.connections and is_empty(server))
        for number in range(30):
            server.purge(f"/{number}".encode())
        store = server.store
        assert (len(store), store.policy.used_bytes, store._by_group, store._variants) == (0, 0, {}, {})
