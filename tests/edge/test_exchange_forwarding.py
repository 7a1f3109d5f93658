"""What goes through: interim responses, TRACE and OPTIONS with their limit, and requests that come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.edge.wire import Asked, Client, Clock, Origin, ask, connected, get, serving, so

pytestmark = pytest.mark.socket

HINT = b"HTTP/1.1 103 Early Hints\r\nlink: </init.mp4>; rel=preload\r\n\r\n"


class Hinting:
    """An origin that sends an early hint, and its answer when it may."""

    def __init__(self, control: str = "max-age=60") -> None:
        self.control = control
        self.may_answer = asyncio.Event()

    async def __call__(self, asked: Asked) -> AsyncIterator[bytes]:
        yield HINT
        await self.may_answer.wait()
        yield asked.reply(b"body", cache_control=self.control)


async def is_hinted(client: Client) -> bool:
    head = await client.head()
    return head.status == 103 and head.fields == {"link": "</init.mp4>; rel=preload"}


@pytest.mark.parametrize("control", ["max-age=60", "no-store"])
async def test_an_early_hint_reaches_those_who_wait_before_the_answer_is_there(
    clock: Clock, control: str
) -> None:
    """RFC 9110, 15.2."""
    script = Hinting(control)
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server:
        async with connected(server) as leader, connected(server) as follower:
            leader.send(ask())
            assert await is_hinted(leader)
            follower.send(ask())
            assert await is_hinted(follower), "who comes later hears of it, too"
            script.may_answer.set()
            assert (await leader.answer()).body == (await follower.answer()).body == b"body"
        assert len(origin.asked) == (1 if control == "max-age=60" else 2)


async def test_a_request_that_is_passed_on_gets_its_early_hint(clock: Clock) -> None:
    script = Hinting()
    script.may_answer.set()
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send(ask("/x", "POST", b"hi"))
        assert await is_hinted(client)
        assert (await client.answer()).body == b"body"


async def test_a_client_of_http_1_0_gets_no_interim_response(clock: Clock) -> None:
    """RFC 9110, 15.2."""
    script = Hinting()
    script.may_answer.set()
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send(b"GET /x HTTP/1.0\r\nHost: a\r\n\r\n")
        assert (await client.head()).status == 200


async def test_a_hit_has_no_interim_response(clock: Clock) -> None:
    script = Hinting()
    script.may_answer.set()
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        client.send(ask())
        assert (await client.head()).status == 200


LIMITED = [  # method, Max-Forwards, status, what the origin is told (None: it is not asked)
    pytest.param("OPTIONS", "0", 204, None, id="9110-7.6.2-options-ends-here"),
    pytest.param("TRACE", "0", 405, None, id="9110-7.6.2-trace-ends-here"),
    pytest.param("OPTIONS", "5", 200, "4", id="9110-7.6.2-options-goes-on"),
    pytest.param("TRACE", "1", 200, "0", id="9110-7.6.2-trace-goes-on"),
    pytest.param("GET", "0", 200, "0", id="9110-7.6.2-of-a-get-it-says-nothing"),
]


@pytest.mark.parametrize(("method", "limit", "status", "told"), LIMITED)
async def test_max_forwards_is_counted_down(
    clock: Clock, method: str, limit: str, status: int, told: str | None
) -> None:
    origin = Origin(lambda asked: asked.reply(b"echo", cache_control="no-store"), clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        answer = await client.get("/x", method, max_forwards=limit)
        assert answer.status == status
        assert [asked.fields.get("max-forwards") for asked in origin.asked] == (
            [] if told is None else [told]
        )


async def test_a_trace_is_passed_on_and_never_stored(clock: Clock) -> None:
    origin = Origin(lambda asked: asked.reply(b"as it came", cache_control="max-age=60"), clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        for _ in range(2):
            answer = await client.get(method="TRACE")
            assert (answer.body, answer.cache) == (b"as it came", "penstock; fwd=method; fwd-status=200")
        assert [asked.method for asked in origin.asked] == ["TRACE", "TRACE"]


async def test_a_request_that_has_been_here_is_refused(clock: Clock) -> None:
    """RFC 8586, 2."""
    origin = Origin(lambda asked: asked.reply(b"x", cache_control="max-age=60"), clock)
    async with origin, serving(origin.url, clock, loop_id="edge.example") as server:
        answer = await get(server, "/x", "GET", cdn_loop="other, edge.example; v=1")
        assert (answer.status, origin.asked) == (508, [])
        assert (await get(server, "/x", "GET", cdn_loop="other")).status == 200
        assert origin.asked[0].fields["cdn-loop"] == "other, edge.example"


async def test_an_edge_that_is_its_own_upstream_says_so_at_once(clock: Clock) -> None:
    """RFC 8586: the loop is cut at its first turn, for a miss, a range and a POST."""
    origin = Origin(lambda asked: asked.reply(b"x", cache_control="max-age=60"), clock)
    async with origin, serving(origin.url, clock, loop_id="edge.example", name="a") as inner:
        async with serving(f"http://{inner.address}", clock, loop_id="edge.example", name="b") as outer:
            assert (await get(outer)).status == 508
            assert (await get(outer, "/x", "GET", range="bytes=0-1")).status == 508
            async with connected(outer) as client:
                assert (await client.post("/x", b"hi")).status == 508
            await so(lambda: len(outer.flights) == 0)
        assert origin.asked == []
