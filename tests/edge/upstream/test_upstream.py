"""The upstream side over real sockets: what is sent, what is taken, what fails how."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from edge.config import EdgeConfig
from edge.upstream.client import Upstream, with_cors
from service.units import Address
from tests.edge.messages import fields
from tests.edge.wire import Asked, Clock, HangUp, Origin, ask, connected, get, serving

pytestmark = pytest.mark.socket


@pytest.fixture
def origin(clock: Clock) -> Origin:
    return Origin(lambda asked: asked.reply(b"body", cache_control="max-age=60"), clock)


async def test_a_request_is_forwarded_with_its_fields_and_nothing_of_the_connection(
    origin: Origin, clock: Clock
) -> None:
    async with origin, serving(origin.url, clock, name="edge-1", loop_id="edge.example") as server:
        await get(
            server,
            "/x?a=1&CMCD=br%3D1",
            "GET",
            user_agent="player/1",
            accept="*/*",
            connection="keep-alive, X-Private",
            x_private="1",
            te="trailers",
            via="1.0 proxy",
            x_public="2",
        )
        (asked,) = origin.asked
        assert asked.target == "/x?a=1"
        assert asked.fields == {
            "host": origin.url.removeprefix("http://"),
            "user-agent": "player/1",
            "accept": "*/*",
            "x-public": "2",
            "via": "1.0 proxy, 1.1 edge-1",
            "cdn-loop": "edge.example",
        }


async def test_nothing_is_added_that_the_client_did_not_say(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server:
        await get(server)
        assert origin.asked[0].fields.keys() == {"host", "via", "cdn-loop"}


async def test_a_field_value_in_utf_8_arrives_as_it_was_sent(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send("GET /x HTTP/1.1\r\nHost: a\r\nX-Title: Amélie\r\n\r\n".encode())
        await client.answer()
        assert origin.asked[0].fields["x-title"].encode("latin-1").decode() == "Amélie"


async def test_a_base_path_of_the_upstream_comes_first(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url + "/library/", clock) as server:
        await get(server, "/v/seg1.m4s")
        assert origin.asked[0].target == "/library/v/seg1.m4s"


async def test_escapes_in_a_target_arrive_as_they_were_sent(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server:
        target = "/%E4%20b/c%2Fd/e;f,g?h=%26&i=[j]"
        await get(server, target)
        assert origin.asked[0].target == target


async def test_a_redirect_is_the_clients_to_follow(clock: Clock) -> None:
    origin = Origin(lambda asked: asked.reply(status=302, location="http://elsewhere.example/"), clock)
    async with origin, serving(origin.url, clock) as server:
        answer = await get(server)
        assert (answer.status, answer.fields["location"]) == (302, "http://elsewhere.example/")


async def test_an_encoded_body_stays_encoded(clock: Clock) -> None:
    origin = Origin(lambda asked: asked.reply(b"\x1f\x8bnot really", content_encoding="gzip"), clock)
    async with origin, serving(origin.url, clock) as server:
        answer = await get(server)
        assert (answer.body, answer.fields["content-encoding"]) == (b"\x1f\x8bnot really", "gzip")


async def test_cookies_are_nobodys_but_the_clients(clock: Clock) -> None:
    origin = Origin(lambda asked: asked.reply(b"x", cache_control="no-store", set_cookie="a=1"), clock)
    async with origin, serving(origin.url, clock) as server:
        assert (await get(server)).fields["set-cookie"] == "a=1"
        await get(server)
        assert "cookie" not in origin.asked[1].fields


class Failing:
    """Hangs up on its first requests, then answers."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    async def __call__(self, asked: Asked) -> AsyncIterator[bytes]:
        self.failures -= 1
        if self.failures >= 0:
            raise HangUp
        yield asked.reply(b"answered")


async def test_a_connection_that_broke_is_tried_once_more_for_a_safe_request(clock: Clock) -> None:
    origin = Origin(Failing(1), clock)
    async with origin, serving(origin.url, clock) as server:
        assert (await get(server)).body == b"answered"
        assert len(origin.asked) == 2


async def test_an_unsafe_request_is_sent_once(clock: Clock) -> None:
    origin = Origin(Failing(1), clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        assert (await client.post("/x", b"once")).status == 502
        assert len(origin.asked) == 1


FAULTS = [
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", id="two-lengths"),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
        id="length-and-chunked",
    ),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", id="negative-length"),
    pytest.param(b"nonsense\r\n\r\n", id="nonsense"),
    pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", id="oversized-head"),
    pytest.param(b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", id="nul"),
]


@pytest.mark.parametrize("answer", FAULTS)
async def test_an_answer_that_is_none_is_a_bad_gateway(clock: Clock, answer: bytes) -> None:
    origin = Origin(lambda _: answer, clock)
    async with origin, serving(origin.url, clock) as server:
        refused = await get(server)
        assert refused.status == 502
        assert refused.body == b"502 upstream's answer is not well-formed HTTP\n"
        assert len(server.entries) == 0


async def test_a_chunk_that_is_none_cuts_the_answer(clock: Clock) -> None:
    has_begun = asyncio.Event()

    async def malformed(asked: Asked) -> AsyncIterator[bytes]:
        yield asked.reply(b"2\r\nab\r\n", transfer_encoding="chunked", cache_control="max-age=60")
        await has_begun.wait()
        yield b"not a size\r\n"

    origin = Origin(malformed, clock)
    async with origin, serving(origin.url, clock, read_timeout_s=0.1) as server, connected(server) as client:
        client.send(ask())
        await client.head()
        assert await client.reader.readexactly(7) == b"2\r\nab\r\n"
        has_begun.set()
        assert await client.rest() == b"", "no clean end"
        assert len(server.entries) == 0


async def test_an_origin_that_says_nothing_is_a_gateway_time_out(clock: Clock) -> None:
    async def silent(asked: Asked) -> AsyncIterator[bytes]:
        await asked.reader.read()
        yield b""

    origin = Origin(silent, clock)
    async with origin, serving(origin.url, clock, first_byte_timeout_s=0.05) as server:
        assert (await get(server)).status == 504
        assert len(origin.asked) == 1


async def test_an_origin_that_stops_in_the_middle_cuts_the_answer(clock: Clock) -> None:
    async def stops(asked: Asked) -> AsyncIterator[bytes]:
        yield asked.reply(b"half", content_length="8", cache_control="max-age=60")
        await asked.reader.read()
        raise HangUp

    origin = Origin(stops, clock)
    async with origin, serving(origin.url, clock, read_timeout_s=0.05) as server, connected(server) as client:
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.get()
        assert len(server.entries) == 0


def test_cors_is_added_only_where_the_origin_says_nothing_of_it() -> None:
    own = fields(access_control_allow_origin="https://player.example")
    assert with_cors(own) == own
    assert dict(with_cors(fields(etag='"1"')))[b"access-control-allow-origin"] == b"*"


async def test_a_request_with_a_body_is_sent_once_even_if_it_is_safe(clock: Clock) -> None:
    """Its body came from the client and went: there is nothing to send a second time."""
    origin = Origin(Failing(1), clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send(ask("/x", "GET", b"once", cache_control="no-store"))
        assert (await asyncio.wait_for(client.answer(), 2)).status == 502
        assert len(origin.asked) == 1


async def test_an_edge_before_a_shield_of_the_same_name_is_no_loop(origin: Origin, clock: Clock) -> None:
    async with (
        origin,
        serving(origin.url, clock) as shield,
        serving(f"http://{shield.address}", clock) as server,
    ):
        answer = await get(server, "/x", cdn_loop='cdn.example; hop="1, 2"')
        assert (answer.status, answer.body) == (200, b"body")
        (asked,) = origin.asked
        own = [server.upstream.loop_id.decode(), shield.upstream.loop_id.decode()]
        assert asked.fields["cdn-loop"] == ", ".join(['cdn.example; hop="1, 2"', *own])
        assert len({*own}) == 2
        assert all(each.startswith("penstock-") for each in own)


def test_an_edge_that_listens_where_it_did_has_the_id_it_had(clock: Clock) -> None:
    def own(listen: Address, **settings: Any) -> bytes:
        return Upstream(EdgeConfig(upstream="http://h", listen=listen, **settings), clock).loop_id

    here, beside = Address("127.0.0.1", 8080), Address("127.0.0.1", 8081)
    assert own(here) == own(here) != own(beside)
    assert own(here, loop_id="edge.example:8080") == b"edge.example:8080"
    anywhere = Address("127.0.0.1", 0)
    assert own(anywhere) != own(anywhere), "two that let the system choose a port are two"
