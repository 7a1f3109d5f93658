"""The admin plane of several workers: each request goes to all of them, their answers become one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from edge.workers.team import Post
from service.metrics import CONTENT_TYPE, merged

_BODY_LIMIT_BYTES = 256 * 2**20
_PATIENCE = aiohttp.ClientTimeout(total=60.0)
_PASSED_ON = ("Authorization", "Content-Type")


@dataclass(frozen=True, slots=True)
class _Said:
    """One worker's answer."""

    status: int
    body: bytes

    def told(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return {"detail": self.body.decode(errors="replace")}


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
        try:
            async with session.request(
                request.method, request.rel_url, data=body or None, headers=fields, allow_redirects=False
            ) as answer:
                return _Said(answer.status, await answer.read())
        except (aiohttp.ClientError, OSError, TimeoutError):
            return _Said(
                503, b'{"status": 503, "detail": "this worker does not answer; it is being started"}'
            )


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
    """The answers of all workers; what is counted is added up. An error of one is the answer's."""
    said = await request.app[_CREW].ask(request)
    if request.method == "POST" and request.path == "/purge":
        # Again: a worker that was told first may have taken the key from its owner, who was told later.
        await request.app[_CREW].ask(request)
    status = max(one.status for one in said)
    told = [one.told() for one in said]
    if status >= 400:
        worst = next(body for one, body in zip(said, told, strict=True) if one.status == status)
        return web.json_response(worst, status=status)
    return web.json_response(_added(told), status=status)


def _added(told: list[Any]) -> Any:
    """One object for several: equal values once, numbers added, the rest by worker."""
    first = told[0]
    if len(told) == 1 or not all(isinstance(one, dict) and one.keys() == first.keys() for one in told):
        return {"workers": told}
    return {key: _one_of([one[key] for one in told]) for key in first}


def _one_of(values: list[Any]) -> Any:
    if all(type(value) is int for value in values):
        return sum(values)
    if all(value == values[0] for value in values):
        return values[0]
    return values
