"""Hot answers on the wire: whole and in order, whichever way they are sent."""

from __future__ import annotations

import asyncio
import random

import pytest

from edge.server import Server
from tests.edge.wire import Clock, Origin, ask, connected, serving, so

pytestmark = pytest.mark.socket

KIB = 1024
SIZES_BYTES = [1, 20 * KIB, 100 * KIB, 600 * KIB]  # joined, joined, from a memory file, in two pieces
SEED = 20261121


@pytest.fixture
def bodies() -> dict[str, bytes]:
    rng = random.Random(SEED)
    return {f"/{size_bytes}": rng.randbytes(size_bytes) for size_bytes in SIZES_BYTES}


@pytest.fixture
def origin(clock: Clock, bodies: dict[str, bytes]) -> Origin:
    return Origin(lambda asked: asked.reply(bodies[asked.target], cache_control="max-age=60"), clock)


async def heat(server: Server, target: str, body: bytes) -> None:
    """Ask so often within a second that the edge sends it the way it sends what is hot."""
    async with connected(server) as client:
        for _ in range(60):
            assert (await client.get(target)).body == body


async def test_a_client_that_reads_at_once_gets_every_byte(
    origin: Origin, clock: Clock, bodies: dict[str, bytes]
) -> None:
    async with origin, serving(origin.url, clock) as server:
        for target, body in bodies.items():
            await heat(server, target, body)
        assert server.entries[b"/102400"].wire_file >= 0
        assert server.counters.hits == 59 * len(bodies)
        assert server.counters.hit_bytes == 59 * sum(map(len, bodies.values()))


async def test_so_does_one_that_asks_for_much_and_reads_late(
    origin: Origin, clock: Clock, bodies: dict[str, bytes]
) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server, limit_bytes=KIB) as client:
        for target, body in bodies.items():
            await heat(server, target, body)
        targets = list(bodies) * 30
        for target in targets:
            client.send(ask(target))
            await asyncio.sleep(0)
        for target in targets:
            assert (await client.answer()).body == bodies[target]


async def test_the_answer_of_the_next_second_has_its_own_age(
    origin: Origin, clock: Clock, bodies: dict[str, bytes]
) -> None:
    async with origin, serving(origin.url, clock) as server:
        for passed_s in range(3):
            for target, body in bodies.items():
                await heat(server, target, body)
                async with connected(server) as client:
                    assert (await client.get(target)).fields["age"] == str(passed_s)
            clock.now_s += 1


async def test_a_client_that_leaves_in_the_middle_harms_nobody(
    origin: Origin, clock: Clock, bodies: dict[str, bytes]
) -> None:
    async with origin, serving(origin.url, clock) as server:
        for target, body in bodies.items():
            await heat(server, target, body)
            async with connected(server, limit_bytes=KIB) as client:
                await client.get("/1")
                client.send(ask(target) * 50)
                await client.head()
                client.leave()
            await heat(server, target, body)
        await so(lambda: not server.connections)


async def test_nothing_of_a_second_is_held_after_the_server_has_ended(
    origin: Origin, clock: Clock, bodies: dict[str, bytes]
) -> None:
    async with origin, serving(origin.url, clock) as server:
        await heat(server, "/102400", bodies["/102400"])
        held = server.entries[b"/102400"]
    assert (held.wire_file, held.wire) == (-1, b"")
