"""Purging over the admin plane: by prefix and group, soft and hard, what is on its way, and jobs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from edge.server import Server
from tests.edge.admin.test_app import TOKEN, administered
from tests.edge.wire import Asked, Clock, Held, Origin, ask, connected, get, serving, so

pytestmark = pytest.mark.socket


@pytest.fixture
def origin(clock: Clock) -> Origin:
    def script(asked: Asked) -> bytes:
        groups = '"odd"' if asked.target[-1] in "13579" else '"even"'
        control = "max-age=60, stale-while-revalidate=30"
        return asked.reply(b"body", cache_control=control, cache_groups=groups, etag='"1"')

    return Origin(script, clock)


@pytest.fixture
async def server(origin: Origin, clock: Clock) -> AsyncIterator[Server]:
    async with origin, serving(origin.url, clock, admin_token="secret") as server:
        yield server


@pytest.fixture
async def admin(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with administered(server) as session:
        session.headers.update(TOKEN)
        yield session


async def purge(admin: aiohttp.ClientSession, **named: str) -> dict[str, object]:
    async with admin.post("/purge", params=named) as response:
        told: dict[str, object] = await response.json()
        assert response.status == 200, told
        return told


async def ended(admin: aiohttp.ClientSession, href: str) -> dict[str, object]:
    """The job's status once it has ended."""
    async with asyncio.timeout(10):
        while True:
            async with admin.get(href) as response:
                job: dict[str, object] = await response.json()
            if job["state"] not in ("queued", "running"):
                return job


async def test_a_prefix_and_a_group_are_purged_in_a_query_or_a_body(
    server: Server, admin: aiohttp.ClientSession
) -> None:
    for target in ("/v/1", "/v/2", "/w/1", "/w/2"):
        await get(server, target)
    assert await purge(admin, prefix="/v/") == {"prefix": "/v/", "purged": 2}
    async with admin.post("/purge", json={"group": "odd"}) as response:
        assert await response.json() == {"group": "odd", "purged": 1}
    assert "hit" in (await get(server, "/w/2")).cache
    assert await purge(admin, all="") == {"all": "", "purged": 1}


async def test_a_soft_purge_serves_stale_and_validates(
    server: Server, admin: aiohttp.ClientSession, origin: Origin
) -> None:
    await get(server, "/x")
    assert await purge(admin, url="/x", soft="true") == {"url": "/x", "purged": 1, "soft": True}
    answer = await get(server, "/x")
    assert "hit" in answer.cache, "within stale-while-revalidate"
    await so(lambda: len(origin.asked) == 2)
    assert origin.asked[1].fields["if-none-match"] == '"1"'


@pytest.mark.parametrize("named", [{"url": "/x"}, {"prefix": "/"}, {"group": "held"}, {"all": ""}], ids=str)
@pytest.mark.parametrize("soft", ["false", "true"])
async def test_what_is_on_its_way_reaches_its_viewer_and_is_not_stored(
    server: Server, admin: aiohttp.ClientSession, origin: Origin, named: dict[str, str], soft: str
) -> None:
    held = Held()

    async def script(asked: Asked) -> AsyncIterator[bytes]:
        await held.may_answer.wait()
        yield asked.reply(b"old", cache_control="max-age=60", surrogate_key="held other")

    origin.script = script
    async with connected(server) as client:
        client.send(ask("/x"))
        await so(lambda: len(origin.asked) == 1)
        assert (await purge(admin, **named, soft=soft))["purged"] == 0
        held.may_answer.set()
        assert (await client.answer()).body == b"old"
    assert len(server.store) == 0
    assert "hit" not in (await get(server, "/x")).cache
    assert "hit" in (await get(server, "/x")).cache, "what was asked for after the purge is stored"


async def test_a_validation_that_was_sent_before_a_purge_makes_nothing_fresh(
    server: Server, admin: aiohttp.ClientSession, origin: Origin, clock: Clock
) -> None:
    await get(server, "/x")
    clock.now_s += 100
    may_answer = asyncio.Event()

    async def unchanged(asked: Asked) -> AsyncIterator[bytes]:
        await may_answer.wait()
        yield asked.reply(status=304, cache_control="max-age=60", etag='"1"')

    origin.script = unchanged
    async with connected(server) as client:
        client.send(ask("/x"))
        await so(lambda: len(origin.asked) == 2)
        await purge(admin, url="/x", soft="true")
        may_answer.set()
        assert (await client.answer()).body == b"body"
    assert (await get(server, "/x")).cache.count("fwd=stale") == 1


BAD = [
    pytest.param("/purge", b"[1]", 400, "no JSON object", id="no-object"),
    pytest.param("/purge?uri=/x", b"", 400, "did you mean 'url'?", id="misspelt"),
    pytest.param("/purge?url=/x&prefix=/y", b"", 400, "not 2 of them", id="two"),
    pytest.param("/purge/jobs", b"", 400, "nothing to purge", id="no-entries"),
    pytest.param("/purge/jobs?url=/x", b"/x", 400, "'url' is not known here", id="an-entry-in-the-query"),
    pytest.param("/purge/jobs?soft=maybe", b"/x", 400, "soft = 'maybe'", id="no-truth"),
    pytest.param("/purge/jobs", b'["/x"', 400, "breaks off in entry 1", id="no-end"),
]


@pytest.mark.parametrize(("path", "body", "status", "said"), BAD)
async def test_bad_input_is_one_problem_that_says_where(
    admin: aiohttp.ClientSession, path: str, body: bytes, status: int, said: str
) -> None:
    async with admin.post(path, data=body) as response:
        problem = await response.json(content_type="application/problem+json")
    assert response.status == problem["status"] == status
    assert said in problem["detail"]


@pytest.mark.parametrize("as_lines", [True, False])
async def test_a_job_purges_what_its_entries_name_and_tells_how_far_it_is(
    server: Server, admin: aiohttp.ClientSession, *, as_lines: bool
) -> None:
    for number in range(10):
        await get(server, f"/v/{number}")
    entries = ["/v/0", "/v/0", {"url": "/v/1"}, {"prefix": "/v/2"}, {"group": "odd"}, {"url": "no"}, "/v/99"]
    body = "\n".join(map(json.dumps, entries)) if as_lines else json.dumps(entries)
    async with admin.post("/purge/jobs", data=body) as response:
        job = await response.json()
        assert (response.status, response.headers["Location"]) == (202, job["href"])
    job = await ended(admin, job["href"])
    assert (job["state"], job["total"], job["done"], job["purged"]) == ("done", 7, 7, 7)
    where = "line 6" if as_lines else "entry 6"
    assert (job["wrong"], job["errors"]) == (
        1,
        [f"{where}: url = 'no': the request target must be a path or an http URL"],
    )
    assert {key[-1:] for key in server.entries} == {b"4", b"6", b"8"}
    async with admin.get("/purge/jobs") as response:
        assert (await response.json())["jobs"] == [job]


async def test_a_job_that_nobody_knows_is_a_problem(admin: aiohttp.ClientSession) -> None:
    for method in ("GET", "DELETE"):
        async with admin.request(method, "/purge/jobs/nothing") as response:
            assert response.status == 404
            assert "no such job" in (await response.json(content_type=None))["detail"]


@pytest.mark.parametrize("path", ["/purge/jobs", "/purge/jobs/x", "/debug/keys?url=/x"])
async def test_nothing_is_told_without_the_token(server: Server, path: str) -> None:
    async with administered(server) as admin, admin.get(path) as response:
        assert response.status == 401
