"""Bodies of requests on their way upstream."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from tests.edge.wire import Client, Clock, Origin, ask, connected, echo, get, serving, so

pytestmark = pytest.mark.socket

KIB = 1024


@pytest.fixture
def origin(clock: Clock) -> Origin:
    return Origin(echo, clock)


BODIES = [
    pytest.param(ask("/form", "POST", b"hello"), id="content-length"),
    pytest.param(
        ask("/form", "POST", b"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", transfer_encoding="chunked"),
        id="chunked",
    ),
]


@pytest.mark.parametrize("data", BODIES)
async def test_a_request_body_reaches_the_origin(origin: Origin, clock: Clock, data: bytes) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send(data)
        assert (await client.answer()).body == b"/formhello"
        client.send(data[:-4])
        await asyncio.sleep(0)
        client.send(data[-4:] + ask("/next"))
        assert (await client.answer()).body == b"/formhello"
        assert (await client.answer()).body == b"/next"


async def test_a_large_request_body_goes_at_the_origins_pace(clock: Clock) -> None:
    may_read = asyncio.Event()
    body = bytes(range(256)) * 200_000

    async def echo_size(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await may_read.wait()
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(len(body)) == body
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    upstream = await asyncio.start_server(echo_size, "127.0.0.1", 0, limit=2**16)
    url = f"http://127.0.0.1:{upstream.sockets[0].getsockname()[1]}"
    async with serving(url, clock) as server, connected(server) as client:
        client.send(ask("/form", "POST", body))
        unsent_bytes = -1
        while client.writer.transport.get_write_buffer_size() != unsent_bytes:  # until nothing moves any more
            unsent_bytes = client.writer.transport.get_write_buffer_size()
            await asyncio.sleep(0.1)
        assert unsent_bytes > len(body) // 2, "what was not taken was not read"
        may_read.set()
        assert (await client.answer()).body == b"ok"
    upstream.close()


async def test_a_client_that_expects_it_is_told_to_go_on(origin: Origin, clock: Clock) -> None:
    """RFC 9110, 10.1.1."""
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send(ask("/form", "POST", expect="100-continue", content_length="5"))
        assert (await client.head()).start == "HTTP/1.1 100 Continue"
        client.send(b"hello")
        assert (await client.answer()).body == b"/formhello"
        assert "expect" not in origin.asked[0].fields


BROKEN = [  # what follows the head of a chunked upload
    pytest.param(lambda client: client.writer.write_eof(), id="end-of-stream"),
    pytest.param(lambda client: client.send(b"not a chunk\r\n"), id="malformed-chunk"),
]


@pytest.mark.parametrize("broken_by", BROKEN)
async def test_an_upload_that_breaks_off_lets_go_of_client_and_origin(
    clock: Clock, broken_by: Callable[[Client], None]
) -> None:
    origin = Origin(lambda asked: asked.reply(b"ok"), clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send(ask("/form", "POST", b"3\r\nhel\r\n", transfer_encoding="chunked"))
        await so(lambda: server.upstream.requests == 1)
        broken_by(client)
        await client.rest()
        await so(lambda: not server.connections)


async def test_a_hit_with_a_large_request_body_does_not_block_its_connection(
    origin: Origin, clock: Clock
) -> None:
    async with origin, serving(origin.url, clock) as server:
        await get(server, "/x")
        async with connected(server) as client:
            client.send(ask("/x", "GET", b"b" * 1024 * KIB) + ask("/y"))
            assert [(await client.answer()).body for _ in range(2)] == [b"/x", b"/y"]
        assert [asked.target for asked in origin.asked] == ["/x", "/y"]


async def test_a_small_answer_comes_in_one_read(origin: Origin, clock: Clock) -> None:
    def first_read(
        address: tuple[str, int],
    ) -> bytes:  # in the kernel, so it sees each write
        with socket.create_connection(address) as client:
            client.sendall(ask("/form", "POST", b"hello"))
            return client.recv(64 * KIB)

    async with origin, serving(origin.url, clock) as server:
        for _ in range(50):
            answer = await asyncio.to_thread(first_read, server.address)
            assert answer.endswith(b"\r\n\r\n/formhello")
