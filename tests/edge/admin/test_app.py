"""The admin plane over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from edge.admin.app import build_app
from edge.server import Server
from tests.edge.wire import Asked, Client, Clock, HangUp, Origin, ask, connected, get, serving

pytestmark = pytest.mark.socket

TOKEN = {"Authorization": "Bearer secret"}


@pytest.fixture
def origin(clock: Clock) -> Origin:
    def script(asked: Asked) -> bytes:
        return asked.reply(b"0123456789", cache_control="max-age=60", vary="accept-language")

    return Origin(script, clock)


@asynccontextmanager
async def listening(server: Server) -> AsyncIterator[tuple[str, int]]:
    runner = web.AppRunner(build_app(server), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][:2]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def administered(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        listening(server) as (host, port),
        aiohttp.ClientSession(f"http://{host}:{port}") as session,
    ):
        yield session


async def purge(admin: aiohttp.ClientSession, url: str, **headers: str) -> tuple[int, dict[str, object]]:
    async with admin.post("/purge", params={"url": url}, headers=headers) as response:
        return response.status, await response.json()


async def test_a_purge_by_url_takes_every_variant(origin: Origin, clock: Clock) -> None:
    async with (
        origin,
        serving(origin.url, clock, admin_token="secret") as server,
        administered(server) as admin,
    ):
        for language in ("de", "en"):
            await get(server, "/x", "GET", accept_language=language)
        await get(server, "/y")
        assert await purge(admin, "http://any.example/x?CMCD=br%3D1", **TOKEN) == (
            200,
            {"url": "http://any.example/x?CMCD=br%3D1", "purged": 2},
        )
        assert (await get(server, "/x", "GET", accept_language="de")).cache.endswith("stored")
        assert "hit" in (await get(server, "/y")).cache
        assert (await purge(admin, "/nothing", **TOKEN))[1]["purged"] == 0


REFUSED = [  # token set, Authorization, url, status, what the answer names
    pytest.param("", "Bearer secret", "/x", 403, "set admin_token", id="purging-is-off"),
    pytest.param("secret", "", "/x", 401, "Authorization: Bearer TOKEN", id="no-token"),
    pytest.param("secret", "Bearer wrong", "/x", 401, "Authorization: Bearer TOKEN", id="wrong-token"),
    pytest.param("secret", "Bearer secret2", "/x", 401, "Authorization: Bearer TOKEN", id="longer-token"),
    pytest.param("secret", "Bearer secret", "", 400, "/purge?url=/v/", id="no-url"),
    pytest.param("secret", "Bearer secret", "/../x", 400, "dot segments", id="dot-segments"),
    pytest.param("secret", "Bearer secret", "x", 400, "must be a path", id="not-a-path"),
]


@pytest.mark.parametrize(("token", "authorization", "url", "status", "named"), REFUSED)
async def test_a_purge_that_may_not_be_changes_nothing_and_says_why(
    origin: Origin, clock: Clock, token: str, authorization: str, url: str, status: int, named: str
) -> None:
    async with origin, serving(origin.url, clock, admin_token=token) as server, administered(server) as admin:
        await get(server, "/x")
        answer = await purge(admin, url, Authorization=authorization)
        assert answer[0] == status
        assert named in str(answer[1]["detail"])
        assert "hit" in (await get(server, "/x")).cache


@pytest.mark.parametrize("authorization", [b"secret", b"Bearer \xff"], ids=["no-scheme", "odd-byte"])
async def test_an_odd_authorization_is_no_token(clock: Clock, authorization: bytes) -> None:
    async with (
        serving("http://127.0.0.1", clock, admin_token="secret") as server,
        listening(server) as address,
    ):
        reader, writer = await asyncio.open_connection(*address)
        client = Client(reader, writer)
        client.send(ask("/purge?url=/x", "POST")[:-2] + b"Authorization: " + authorization + b"\r\n\r\n")
        assert (await client.answer()).status == 401
        client.leave()


async def test_purging_by_get_is_not_offered(origin: Origin, clock: Clock) -> None:
    async with (
        origin,
        serving(origin.url, clock, admin_token="secret") as server,
        administered(server) as admin,
        admin.get("/purge", params={"url": "/x"}, headers=TOKEN) as response,
    ):
        assert response.status == 405


async def test_the_data_plane_knows_nothing_of_the_admin_plane(origin: Origin, clock: Clock) -> None:
    async with (
        origin,
        serving(origin.url, clock, admin_token="secret") as server,
        connected(server) as client,
    ):
        await client.get("/x")
        client.send(ask("/purge?url=/x", "POST", authorization="Bearer secret"))
        await client.answer()
        assert origin.asked[-1].target == "/purge?url=/x"
        assert "hit" in (await client.get("/x")).cache


async def test_an_edge_is_healthy_and_ready_until_it_ends(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, administered(server) as admin:
        await get(server, "/x")
        async with admin.get("/health") as response:
            assert (response.status, await response.json()) == (200, {"status": "ok"})
        async with admin.get("/ready") as response:
            assert (response.status, await response.json()) == (200, {"status": "ready", "stored": 1})
        server.is_leaving = True
        async with admin.get("/ready") as response:
            assert (response.status, await response.json()) == (503, {"status": "draining"})


async def test_metrics_count_every_request_by_its_outcome(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, administered(server) as admin:
        origin.script = lambda asked: asked.reply(b"0123456789", cache_control="max-age=60", etag='"1"')
        async with connected(server) as client:
            for _ in range(4):
                await client.get("/x")
            await client.get("/x", range="bytes=0-4")
            await client.post("/y", b"form")
            client.send(b"GARBAGE\r\n\r\n")
            await client.rest()
        async with admin.get("/metrics") as response:
            assert response.content_type == "text/plain"
            samples = dict(
                line.rsplit(" ", 1)
                for line in (await response.text()).splitlines()
                if not line.startswith("#")
            )
    assert {name: float(value) for name, value in samples.items() if "requests_total" in name} == {
        'edge_requests_total{cache="hit"}': 4,
        'edge_requests_total{cache="stale"}': 0,
        'edge_requests_total{cache="revalidated"}': 0,
        'edge_requests_total{cache="miss"}': 1,
        'edge_requests_total{cache="collapsed"}': 0,
        'edge_requests_total{cache="pass"}': 1,
        'edge_requests_total{cache="refused"}': 1,
        "edge_upstream_requests_total": 2,
    }
    assert samples['edge_sent_bytes_total{cache="hit"}'] == "35.0"
    assert samples["edge_upstream_received_bytes_total"] == "20.0"
    assert samples["edge_stored_responses"] == "1.0"
    assert samples["edge_connections_accepted_total"] == "1.0"
    assert samples["edge_connections"] == "0.0"


async def test_metrics_tell_of_each_upstream_by_its_configured_url(clock: Clock) -> None:
    async def cut_once(asked: Asked) -> AsyncIterator[bytes]:
        answer = asked.reply(b"0123456789", cache_control="no-store", etag='"1"')
        if len(shield.asked) == 1:
            yield answer[:-4]
            raise HangUp
        yield asked.reply(b"6789", 206, content_range="bytes 6-9/10", etag='"1"')

    shield = Origin(cut_once, clock)
    nobody = "http://127.0.0.1:9"
    async with shield:
        upstreams = (nobody, f"{shield.url} weight=2")
        async with serving(upstreams, clock, breaker_failures=2) as server, administered(server) as admin:
            assert (await get(server)).body == b"0123456789"
            async with admin.get("/metrics") as response:
                samples = dict(line.rsplit(" ", 1) for line in (await response.text()).splitlines())
    assert {name: value for name, value in samples.items() if "{upstream=" in name} == {
        f'edge_upstream_asked_total{{upstream="{nobody}"}}': "2.0",
        f'edge_upstream_asked_total{{upstream="{shield.url}"}}': "2.0",
        f'edge_upstream_failed_total{{upstream="{nobody}"}}': "2.0",
        f'edge_upstream_failed_total{{upstream="{shield.url}"}}': "1.0",
        f'edge_upstream_circuit{{upstream="{nobody}"}}': "2.0",
        f'edge_upstream_circuit{{upstream="{shield.url}"}}': "0.0",
    }
    assert samples["edge_upstream_repeats_total"] == "1.0"
    assert samples["edge_upstream_repeats_refused_total"] == "0.0"
    assert samples["edge_upstream_resumed_total"] == "1.0"
