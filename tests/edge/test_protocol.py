"""A client's connection: order, keep-alive, bodies, limits of time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from edge.message import CacheStatus
from edge.server import Server
from tests.edge.wire import PATIENCE_S, Asked, Client, Clock, Origin, ask, connected, get, serving, so

pytestmark = pytest.mark.socket

KIB = 1024


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def origin(clock: Clock) -> Origin:
    """Echoes target and body of a request; fresh for a minute unless the target is /private."""

    def script(asked: Asked) -> bytes:
        control = "no-store" if asked.target.startswith("/private") else "max-age=60"
        return asked.reply(asked.target.encode() + asked.body, cache_control=control)

    return Origin(script, clock)


async def closed(client: Client, within_s: float = PATIENCE_S) -> bytes:
    """What comes until the edge closes. For what never would, `within_s` keeps the test short."""
    return await asyncio.wait_for(client.rest(), within_s)


class Held:
    """An origin that answers when it may."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()

    async def __call__(self, asked: Asked) -> AsyncIterator[bytes]:
        await self.may_answer.wait()
        yield asked.reply(asked.target.encode(), cache_control="max-age=60")


async def beaten(server: Server, path: Path) -> None:
    """Returns when the server has looked after its connections, all that was answered till now included."""
    server.log.write(server.clock(), b"", b"/beat", 200, 0, CacheStatus.HIT, 0.0)
    lines = path.read_bytes().count(b"/beat")
    await so(lambda: path.read_bytes().count(b"/beat") > lines)


async def half_a_head(server: Server, clock: Clock, client: Client) -> None:
    """Returns when the edge has read it."""
    clock.now_s += 1
    client.send(ask()[:-2])
    await so(lambda: any(each.active_s == clock.now_s for each in server.connections))


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
                    assert await closed(client) == b""
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
        assert await closed(client, 1) == b"abc"


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
        assert await closed(client, 1) == b""


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
        await closed(client, 1)
        await asyncio.wait_for(so(lambda: not server.connections), 1)


async def test_a_hit_with_a_large_request_body_does_not_block_its_connection(
    origin: Origin, clock: Clock
) -> None:
    async with origin, serving(origin.url, clock) as server:
        await get(server, "/x")
        async with connected(server) as client:
            client.send(ask("/x", "GET", b"b" * 1024 * KIB) + ask("/y"))
            assert [(await client.answer()).body for _ in range(2)] == [b"/x", b"/y"]
        assert [asked.target for asked in origin.asked] == ["/x", "/y"]


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


async def test_a_slow_head_is_refused_in_time(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock, head_timeout_s=10.0) as server, connected(server) as client:
        await half_a_head(server, clock, client)
        clock.now_s += 11
        answer = await client.answer()
        assert (answer.status, answer.fields["connection"]) == (408, "close")
        assert await closed(client) == b""


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
        assert await closed(client) == b""


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
        assert await closed(client) == b""


async def test_a_connection_that_never_says_a_word_is_closed_in_time(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await so(lambda: len(server.connections) == 1)
        clock.now_s += 76
        assert await closed(client, 1) == b""


async def test_a_body_that_does_not_come_is_not_waited_for_without_end(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send(ask("/form", "POST", content_length="5"))
        await so(lambda: server.upstream.requests == 1)
        clock.now_s += 1000
        await closed(client, 1)


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
            assert len(await closed(client)) < 32 * KIB * KIB


async def test_a_connection_too_many_is_told_so(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock, max_connections=1) as server, connected(server) as client:
        assert (await client.get()).status == 200
        async with connected(server) as other:
            assert (await other.answer()).status == 503
            assert await closed(other) == b""
        assert (await client.get()).status == 200
        await so(lambda: len(server.connections) == 1)
        client.leave()
        await so(lambda: not server.connections)
        assert (await get(server)).status == 200
