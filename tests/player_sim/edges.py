"""Small real HTTP servers for the tests of the HTTP driver: one synthetic title, and faults on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from media.dash import write_mpd
from media.hls import write_media, write_multivariant
from media.presentation import Presentation

BASE = "/v/clip/abc123"


class Edge:
    """Serves `title`. A fault stands for the first request of its path; `held` paths never get an answer."""

    def __init__(self, title: Presentation) -> None:
        self.objects = objects_of(title)
        self.faults: dict[str, int | str] = {}  # a status, "truncated", or "short" by a byte but well-formed
        self.takes_ranges = True
        self.held: set[str] = set()
        self.is_holding = asyncio.Event()
        self.requests: list[web.Request] = []
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/v/clip/{manifest}", self._redirect)
        app.router.add_get(BASE + "/{path:.+}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.01)  # 0 would be for ever
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0])

    async def close(self) -> None:
        """Connections break off, and no new ones are taken."""
        if self._runner is not None:
            await self._runner.cleanup()

    def paths(self) -> list[str]:
        return [request.match_info.get("path", request.path) for request in self.requests]

    async def _redirect(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        return web.Response(status=307, headers={"Location": f"{BASE}/{request.match_info['manifest']}"})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        path = request.match_info["path"]
        if path in self.held:
            self.is_holding.set()
            await asyncio.Event().wait()
        if path not in self.objects:
            return web.Response(status=404)
        body, content_type = self.objects[path]
        headers = {"Content-Type": content_type, "Cache-Status": "edge; hit", "Age": "7"}
        status, span = 200, request.http_range
        if span.start is not None and self.takes_ranges:
            status, body = 206, body[span]
        match self.faults.pop(path, None):
            case int(failure):
                return web.Response(status=failure)
            case "truncated":
                return await _truncated(request, body)
            case "short":
                body = body[:-1]
        return web.Response(status=status, body=body, headers=headers)


async def _truncated(request: web.Request, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def objects_of(title: Presentation) -> dict[str, tuple[bytes, str]]:
    """Path to body and media type of all that belongs to a title."""
    hls = "application/vnd.apple.mpegurl"
    objects = {
        "master.m3u8": (write_multivariant(title).encode(), hls),
        "manifest.mpd": (write_mpd(title).encode(), "application/dash+xml"),
    }
    for track in title.tracks:
        objects[f"{track.rendition.name}/index.m3u8"] = (write_media(track).encode(), hls)
        if track.init is not None:
            objects[track.init.uri] = (bytes(track.init.size_bytes or 0), "video/mp4")
        for segment in track.timeline.segments:
            objects[segment.uri] = (bytes(segment.size_bytes or 0), "video/mp4")
    return objects


@asynccontextmanager
async def edges(title: Presentation, count: int = 1) -> AsyncIterator[list[Edge]]:
    running = [Edge(title) for _ in range(count)]
    try:
        for edge in running:
            await edge.start()
        yield running
    finally:
        for edge in running:
            await edge.close()
