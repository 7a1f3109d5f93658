"""Clients of HTTP/2 that take their time: idle ones, half-spoken ones, those that do not read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from h2.errors import ErrorCodes

from edge.http2.connection import Connection
from edge.http2.frames import HEADERS, PING, frame
from edge.http2.session import MAX_STREAMS
from edge.server import Server
from tests.edge.wire import Clock, Held, Origin, echo, serving, so
from tests.edge.wire2 import Client, connected2

pytestmark = pytest.mark.socket


@pytest.fixture
def origin(clock: Clock) -> Origin:
    return Origin(echo, clock)


@asynccontextmanager
async def _visited(origin: Origin, clock: Clock) -> AsyncIterator[tuple[Server, Client, Connection]]:
    """An edge and a client that has had one answer."""
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        await client.get()
        (connection,) = server.connections
        assert isinstance(connection, Connection)
        yield server, client, connection


def _streams(server: Server) -> int:
    return sum(len(each.session.streams) for each in server.connections if isinstance(each, Connection))


async def test_an_idle_connection_is_closed_with_a_goaway(origin: Origin, clock: Clock) -> None:
    async with _visited(origin, clock) as (server, client, _):
        clock.now_s += server.config.idle_timeout_s - 1
        assert (await client.get()).status == 200
        clock.now_s += server.config.idle_timeout_s + 1
        assert await client.end() == ErrorCodes.NO_ERROR


async def test_pings_do_not_keep_an_idle_connection(origin: Origin, clock: Clock) -> None:
    async with _visited(origin, clock) as (server, client, connection):
        clock.now_s += server.config.idle_timeout_s - 1
        client.raw(frame(PING, 0, 0, b"12345678"))
        await so(lambda: connection.active_s == clock.now_s)
        clock.now_s += 2
        assert await client.end() == ErrorCodes.NO_ERROR


async def test_a_connection_that_waits_for_upstream_is_not_idle(clock: Clock) -> None:
    held = Held()
    origin = Origin(held, clock)
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        stream_id = client.ask()
        await so(lambda: len(origin.asked) == 1)
        clock.now_s += server.config.idle_timeout_s + 1
        (connection,) = server.connections
        connection.beat(clock.now_s)
        held.may_answer.set()
        assert (await client.answer(stream_id)).body == b"/x"


async def test_a_head_that_does_not_end_is_not_awaited_for_long(origin: Origin, clock: Clock) -> None:
    async with _visited(origin, clock) as (server, client, connection):
        client.raw(frame(HEADERS, 1, 3, b"\x82"))
        await so(connection.session.is_in_head)
        clock.now_s += server.config.head_timeout_s + 1
        assert await client.end() == ErrorCodes.ENHANCE_YOUR_CALM


async def test_a_client_that_never_greets_is_let_go(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        await so(lambda: any(isinstance(each, Connection) for each in server.connections))
        clock.now_s += server.config.idle_timeout_s + 1
        assert await client.end() == ErrorCodes.NO_ERROR


async def test_a_stream_whose_window_stays_shut_is_cancelled_and_others_go_on(clock: Clock) -> None:
    origin = Origin(lambda asked: asked.reply(b"a" * 2**18, cache_control="max-age=60"), clock)
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        client.h2.increment_flow_control_window(2**24)
        await client.get()
        client.takes = False
        stuck = client.ask()
        await client.until(lambda: len(client.answers[stuck].body) == 65535)
        clock.now_s += server.config.send_timeout_s + 1
        assert (await client.answer(stuck)).reset == ErrorCodes.CANCEL
        client.takes = True
        assert (await client.get()).status == 200


async def test_a_request_body_that_stops_coming_is_not_awaited_for_ever(clock: Clock) -> None:
    origin = Origin(echo, clock)
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        stream_id = client.ask("/private", "POST", ends=False)
        await client.send(stream_id, b"abc", ends=False)
        await so(lambda: _streams(server) == 1)
        clock.now_s += server.config.idle_timeout_s + 1
        assert (await client.answer(stream_id)).reset == ErrorCodes.CANCEL
        assert (await client.get()).status == 200


async def test_a_client_that_takes_nothing_at_all_is_let_go(clock: Clock) -> None:
    origin = Origin(lambda asked: asked.reply(b"a" * 2**25, cache_control="max-age=60"), clock)
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        client.h2.increment_flow_control_window(2**30)
        client.h2.update_settings({4: 2**30})
        client.flush()
        await client.get()
        client.stop_reading()
        client.ask()
        await so(lambda: server.counters.hits == 1)
        (connection,) = server.connections
        unsent_bytes = -1
        while connection.transport.get_write_buffer_size() != unsent_bytes:  # until nothing moves any more
            unsent_bytes = connection.transport.get_write_buffer_size()
            await asyncio.sleep(0.3)
        connection.beat(clock.now_s)
        clock.now_s += server.config.send_timeout_s + 1
        await so(lambda: not server.connections)


async def test_a_client_that_asks_and_reads_nothing_costs_little_and_is_let_go(
    origin: Origin, clock: Clock
) -> None:
    async with _visited(origin, clock) as (server, client, connection):
        client.stop_reading()
        fields = [(":method", "HEAD"), (":scheme", "http"), (":authority", "edge.example"), (":path", "/x")]
        number = 3
        while server.connections and connection.session.fault is None and number < 400_000:
            asked = [
                frame(HEADERS, 5, number + 2 * each, client.h2.encoder.encode(fields)) for each in range(90)
            ]
            number += 180
            client.writer.write(b"".join(asked))
            await client.writer.drain()
            await asyncio.sleep(0)
            assert connection.transport.get_write_buffer_size() < 2**21
            assert len(connection.session.streams) <= MAX_STREAMS
        assert number < 400_000
        await asyncio.sleep(0)
        clock.now_s += server.config.send_timeout_s + 1
        await so(lambda: not server.connections)
