"""A client's connection: the order of its answers, and when it is kept."""

from __future__ import annotations

import asyncio

import pytest

from tests.edge.wire import Asked, Clock, Held, Origin, ask, connected, echo, get, serving, so

pytestmark = pytest.mark.socket

KIB = 1024


@pytest.fixture
def origin(clock: Clock) -> Origin:
    return Origin(echo, clock)


async def test_pipelined_requests_are_answered_in_order_whatever_they_are(
    origin: Origin, clock: Clock
) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get("/hit")
        targets = [("/hit", "/private", f"/miss-{number}")[number % 3] for number in range(50)]
        client.send(b"".join(map(ask, targets)))
        assert [(await client.answer()).body.decode() for _ in targets] == targets


async def test_pipelined_hits_are_answered_in_order_though_the_client_reads_late(clock: Clock) -> None:
    origin = Origin(
        lambda asked: asked.reply(asked.target.encode() * 50_000, cache_control="max-age=60"), clock
    )
    async with origin, serving(origin.url, clock) as server:
        targets = [f"/{number}" for number in range(5)]
        for target in targets:
            await get(server, target)
        async with connected(server) as client:
            client.send(b"".join(map(ask, targets * 20)))
            await so(lambda: server.counters.hits > 0)
            for target in targets * 20:
                assert (await client.answer()).body == target.encode() * 50_000


async def test_a_request_in_pieces_is_answered_like_one_at_once(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        for _ in range(2):
            for byte in ask("/slowly"):
                client.send(bytes([byte]))
                await asyncio.sleep(0)
            assert (await client.answer()).body == b"/slowly"
        assert len(origin.asked) == 1


CLOSING = [  # request, does the edge close after its answer
    pytest.param(ask("/x", connection="close"), True, id="9112-9.6-close"),
    pytest.param(b"GET /x HTTP/1.0\r\n\r\n", True, id="9112-9.3-http-1.0"),
    pytest.param(ask("/x", connection="keep-alive"), False, id="9112-9.3-keep-alive"),
    pytest.param(ask("/x"), False, id="9112-9.3-http-1.1"),
]


@pytest.mark.parametrize(("data", "is_closed"), CLOSING)
async def test_whether_the_connection_is_kept_after_an_answer(
    origin: Origin, clock: Clock, data: bytes, is_closed: bool
) -> None:
    async with origin, serving(origin.url, clock) as server:
        for _ in range(2):  # a miss, and a hit
            async with connected(server) as client:
                client.send(data)
                answer = await client.answer()
                assert (answer.body, answer.fields.get("connection")) == (
                    b"/x",
                    "close" if is_closed else None,
                )
                if is_closed:
                    assert await client.rest() == b""
                else:
                    assert (await client.get("/x")).body == b"/x"


async def test_an_http_10_client_that_would_keep_the_connection_knows_where_it_stands(
    origin: Origin, clock: Clock
) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send(b"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        answer = await client.answer()
        assert answer.fields.get("connection") in ("close", "keep-alive")


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
async def test_an_http_10_client_gets_a_body_of_unknown_length_up_to_the_close(
    clock: Clock, connection: str
) -> None:
    def chunked(asked: Asked) -> bytes:
        return asked.reply(b"3\r\nabc\r\n0\r\n\r\n", transfer_encoding="chunked")

    origin = Origin(chunked, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send(f"GET /x HTTP/1.0\r\nConnection: {connection}\r\n\r\n".encode())
        head = await client.head()
        assert "transfer-encoding" not in head.fields
        assert await client.rest() == b"abc"


async def test_an_offer_to_upgrade_is_answered_in_http_11(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        offer = ask("/x", connection="Upgrade, HTTP2-Settings", upgrade="h2c", http2_settings="AAMAAABk")
        for _ in range(2):
            client.send(offer)
            assert (await client.answer()).body == b"/x"
        assert not {"upgrade", "http2-settings"} & origin.asked[0].fields.keys()


async def test_a_client_that_only_listens_on_still_gets_its_answers(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send(ask("/1") + ask("/2"))
        client.writer.write_eof()
        assert [(await client.answer()).body for _ in range(2)] == [b"/1", b"/2"]


async def test_after_the_last_answer_to_a_client_that_only_listens_the_connection_is_closed(
    origin: Origin, clock: Clock
) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send(ask("/1"))
        client.writer.write_eof()
        await client.answer()
        assert await client.rest() == b""


async def test_an_empty_line_before_a_request_teaches_nothing_wrong(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get("/x")
        client.send(b"\r\n" + ask("/x"))  # RFC 9112, 2.2: to be ignored
        assert (await client.answer()).status == 200
        client.send(b"GET /x HTTP/1.1\r\n" + ask("/x"))  # a request line in the place of a field
        assert (await client.answer()).status == 400


async def test_one_connection_may_change_its_head(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        for agent in ("a", "a", "b", "a", "b", "b"):
            assert (await client.get("/x", user_agent=agent)).body == b"/x"
        assert (await client.get("/x", range="bytes=0-0")).status == 206
        assert (await client.get("/x", user_agent="b")).status == 200
        assert len(origin.asked) == 1


async def test_a_client_that_pipelines_without_end_is_not_read_without_end(clock: Clock) -> None:
    held = Held()
    origin = Origin(held, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send(ask("/x"))
        await so(lambda: len(origin.asked) == 1)
        client.send(ask("/y", x="a" * 16 * KIB) * 2000)
        unsent_bytes = -1
        while client.writer.transport.get_write_buffer_size() != unsent_bytes:  # until nothing moves any more
            unsent_bytes = client.writer.transport.get_write_buffer_size()
            await asyncio.sleep(0.1)
        assert unsent_bytes > 16 * KIB * KIB
        held.may_answer.set()


async def test_a_connection_too_many_is_told_so(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock, max_connections=1) as server, connected(server) as client:
        assert (await client.get()).status == 200
        async with connected(server) as other:
            assert (await other.answer()).status == 503
            assert await other.rest() == b""
        assert (await client.get()).status == 200
        await so(lambda: len(server.connections) == 1)
        client.leave()
        await so(lambda: not server.connections)
        assert (await get(server)).status == 200
