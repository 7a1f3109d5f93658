"""The admin plane of several workers, over real sockets; each worker is an application of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from edge.admin import app, crew
from edge.workers.team import Post
from tests.edge.admin.test_app import TOKEN
from tests.edge.wire import Clock, Origin, get, serving

pytestmark = pytest.mark.socket


@asynccontextmanager
async def two(clock: Clock, folder: Path) -> AsyncIterator[tuple[aiohttp.ClientSession, list[web.AppRunner]]]:
    """The crew's plane, and those of two workers, of which the first has `/x` stored."""
    posts = [Post(index, 2, folder) for index in range(2)]
    origin = Origin(lambda asked: asked.reply(b"x", cache_control="max-age=60"), clock)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(origin)
        runners = []
        for post in posts:
            server = await stack.enter_async_context(serving(origin.url, clock, admin_token="secret"))
            if post.index == 0:
                await get(server)
            runners.append(web.AppRunner(app.build_app(server), access_log=None))
            stack.push_async_callback(runners[-1].cleanup)
            await runners[-1].setup()
            await web.UnixSite(runners[-1], str(post.admin_socket(post.index))).start()
        whole = web.AppRunner(crew.build_app(posts), access_log=None)
        stack.push_async_callback(whole.cleanup)
        await whole.setup()
        await web.TCPSite(whole, "127.0.0.1", 0).start()
        host, port = whole.addresses[0][:2]
        yield await stack.enter_async_context(aiohttp.ClientSession(f"http://{host}:{port}")), runners


async def test_a_job_is_at_the_place_that_its_answer_names(clock: Clock, tmp_path: Path) -> None:
    async with two(clock, tmp_path) as (admin, _):
        async with admin.post("/purge/jobs", data=b'["/x", "/y", "z"]', headers=TOKEN) as begun:
            assert begun.status == 202
            assert (begun.content_type, begun.headers["Location"]) == (
                "application/json",
                (await begun.json())["href"],
            )
        state = ""
        while state != "done":
            async with admin.get(begun.headers["Location"], headers=TOKEN) as told:
                job = await told.json()
                state = job["state"]
        assert (job["total"], job["done"], job["wrong"]) == (3, 3, 1)
        async with admin.get("/purge/jobs", headers=TOKEN) as listed:
            assert (await listed.json())["jobs"] == [job]


ERRORS = [  # method, path, fields, status, a field of the answer
    pytest.param("POST", "/purge", TOKEN, 400, None, id="what-a-worker-refuses"),
    pytest.param("GET", "/nothing", TOKEN, 404, None, id="no-such-place"),
    pytest.param("GET", "/purge", TOKEN, 405, ("Allow", "POST"), id="another-method"),
    pytest.param("POST", "/purge?all", {}, 401, ("WWW-Authenticate", "Bearer"), id="no-token"),
]


@pytest.mark.parametrize(("method", "path", "fields", "status", "field"), ERRORS)
async def test_an_error_has_the_form_of_an_error(
    method: str,
    path: str,
    fields: dict[str, str],
    status: int,
    field: tuple[str, str] | None,
    clock: Clock,
    tmp_path: Path,
) -> None:
    async with two(clock, tmp_path) as (admin, _), admin.request(method, path, headers=fields) as answer:
        assert (answer.status, answer.content_type) == (status, "application/problem+json")
        told = await answer.json(content_type=None)
        assert told["status"] == status
        assert told["detail"]
        assert field is None or answer.headers[field[0]] == field[1]


async def test_what_is_stored_is_told_by_worker(clock: Clock, tmp_path: Path) -> None:
    async with two(clock, tmp_path) as (admin, _), admin.get("/debug/keys?url=/x", headers=TOKEN) as answer:
        workers = (await answer.json())["workers"]
    assert [len(each["stored"]) for each in workers] == [1, 0]


async def test_head_says_what_get_says_but_for_the_body(clock: Clock, tmp_path: Path) -> None:
    async with two(clock, tmp_path) as (admin, _):
        async with admin.get("/ready") as answer:
            fields = {name: answer.headers[name] for name in ("Content-Type", "Content-Length")}
        async with admin.head("/ready") as answer:
            assert (answer.status, await answer.read()) == (200, b"")
            assert {name: answer.headers[name] for name in fields} == fields


async def test_a_worker_that_is_down_is_an_error_that_says_so(clock: Clock, tmp_path: Path) -> None:
    async with two(clock, tmp_path) as (admin, workers):
        await workers[1].cleanup()
        async with admin.post("/purge?url=/x", headers=TOKEN) as answer:
            told = json.loads(await answer.read())
            assert (answer.status, answer.content_type) == (503, "application/problem+json")
        assert told["detail"] == "a worker does not answer; it is being started: ask again"
