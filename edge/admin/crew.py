"""The admin plane of several workers: each request goes to all of them, their answers become one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from edge.admin.joining import joined
from edge.workers.team import Post
from service.metrics import CONTENT_TYPE, merged

_BODY_LIMIT_BYTES = 256 * 2**20
_PATIENCE = aiohttp.ClientTimeout(total=60.0)
_PASSED_ON = ("Authorization", "Content-Type")
_PASSED_BACK = ("Content-Type", "Location", "Allow", "WWW-Authenticate")
_SILENT = b'{"status": 503, "detail": "a worker does not answer; it is being started: ask again"}'


@dataclass(frozen=True, slots=True)
class _Said:
    """One worker's answer."""

    status: int
    body: bytes
    fields: dict[str, str]  # of the answer: those that stay true of all answers together

    def told(self) -> Any:
        return json.loads(self.body)


class Crew:
    """Speaks with every worker's admin plane."""

    def __init__(self, posts: Sequence[Post]) -> None:
        self._sessions = [
            aiohttp.ClientSession(
                "http://worker",
                connector=aiohttp.UnixConnector(str(post.admin_socket(post.index))),
                timeout=_PATIENCE,
            )
            for post in posts
        ]

    async def close(self) -> None:
        for session in self._sessions:
            await session.close()

    async def ask(self, request: web.Request) -> list[_Said]:
        """What each worker says to `request`, in their order."""
        body = await request.read()
        return await asyncio.gather(*(self._ask_one(session, request, body) for session in self._sessions))

    async def _ask_one(self, session: aiohttp.ClientSession, request: web.Request, body: bytes) -> _Said:
        fields = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        method = "GET" if request.method == "HEAD" else request.method  # whose length is that of all answers
        try:
            async with session.request(
                method, request.rel_url, data=body or None, headers=fields, allow_redirects=False
            ) as answer:
                back = {name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers}
                return _Said(answer.status, await answer.read(), back)
        except (aiohttp.ClientError, OSError, TimeoutError):
            return _Said(503, _SILENT, {"Content-Type": "application/problem+json"})


_CREW = web.AppKey("crew", Crew)


def build_app(posts: Sequence[Post]) -> web.Application:
    """The admin plane of the workers at `posts`."""
    app = web.Application(client_max_size=_BODY_LIMIT_BYTES)

    async def sessions(app: web.Application) -> AsyncIterator[None]:
        app[_CREW] = Crew(posts)
        yield
        await app[_CREW].close()

    app.cleanup_ctx.append(sessions)
    app.add_routes([web.get("/metrics", _metrics), web.route("*", "/{path:.*}", _all)])
    return app


async def _metrics(request: web.Request) -> web.Response:
    """Every worker's metrics, told apart by the label `worker`."""
    said = await request.app[_CREW].ask(request)
    texts = {str(index): one.body.decode() for index, one in enumerate(said) if one.status == 200}
    return web.Response(body=merged(texts, "worker"), headers={"Content-Type": CONTENT_TYPE})


async def _all(request: web.Request) -> web.Response:
    """The answers of all workers as one. An error of one is the answer's."""
    said = await request.app[_CREW].ask(request)
    if request.method == "POST" and request.path == "/purge":
        # Again: a worker that was told first may have taken the key from its owner, who was told later.
        await request.app[_CREW].ask(request)
    if request.path.startswith("/purge/jobs/"):  # a worker that began anew knows no job of before
        said = [one for one in said if one.status != 404] or said
    worst = max(said, key=lambda one: one.status)
    if worst.status >= 400:
        return web.Response(body=worst.body, status=worst.status, headers=worst.fields)
    told = joined(request.method, request.path, [one.told() for one in said])
    return web.Response(body=json.dumps(told).encode(), status=worst.status, headers=worst.fields)
