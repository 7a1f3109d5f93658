"""The admin plane: health, readiness, metrics, purging and a look inside, on an address of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from edge.admin import debug, purge
from edge.admin.answers import JOBS, SERVER, guarded
from edge.admin.purge_jobs import Jobs
from edge.admin.readings import read
from edge.server import Server
from service.metrics import CONTENT_TYPE, CollectorRegistry, Readings, render

REGISTRY = web.AppKey("registry", CollectorRegistry)


def build_app(server: Server) -> web.Application:
    """The admin plane of a running `server`."""
    app = web.Application(middlewares=[guarded])
    app[SERVER] = server
    app[JOBS] = jobs = Jobs(server.purger, server.clock, server.logger)
    app[REGISTRY] = CollectorRegistry()
    Readings(app[REGISTRY], lambda: read(server, jobs))
    app.cleanup_ctx.append(_jobs)
    app.add_routes(
        [
            web.get("/health", _health),
            web.get("/ready", _ready),
            web.get("/metrics", _metrics),
            *purge.routes,
            *debug.routes,
        ]
    )
    return app


async def _jobs(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[JOBS].close()


async def _health(request: web.Request) -> web.Response:  # noqa: ARG001
    return web.json_response({"status": "ok"})


async def _ready(request: web.Request) -> web.Response:
    """Ready: takes connections. An edge whose upstream is gone stays ready, for what it has stored."""
    server = request.app[SERVER]
    if server.is_leaving:
        return web.json_response({"status": "draining"}, status=503)
    return web.json_response({"status": "ready", "stored": len(server.entries)})


async def _metrics(request: web.Request) -> web.Response:
    return web.Response(body=render(request.app[REGISTRY]), headers={"Content-Type": CONTENT_TYPE})
