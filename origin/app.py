"""The HTTP face of a library: the application, and which request gets which answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from aiohttp import web
from structlog.typing import FilteringBoundLogger

from origin.answers import Answer, Origin, list_titles, redirect, refuse, say_ready, send_object
from origin.bodies import SENT_BYTES
from origin.caching import CACHE_CONTROL, Kind
from origin.catalog import Catalog
from origin.config import OriginConfig
from origin.paths import split_path
from service.log import get_logger
from service.metrics import CONTENT_TYPE

_METHODS = "GET, HEAD, OPTIONS"
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Age, Cache-Status, Content-Length, Content-Range, Date, ETag",
    "Timing-Allow-Origin": "*",
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": _METHODS,
    "Access-Control-Allow-Headers": "Range, If-None-Match, If-Modified-Since, CMCD-Object, CMCD-Request, "
    "CMCD-Session, CMCD-Status",
    "Access-Control-Max-Age": "86400",
    "Allow": _METHODS,
}
ORIGIN = web.AppKey("origin", Origin)


def build_app(config: OriginConfig, clock: Callable[[], float]) -> web.Application:
    """The application; `clock` (Unix time) measures how long requests take."""
    logger = get_logger("origin")
    app = web.Application()
    app[ORIGIN] = Origin(Catalog(config.library, logger), clock, logger, config.access_log)
    app.cleanup_ctx.append(_look_once)
    app.on_response_prepare.append(_add_common_fields)
    app.router.add_route("*", "/{path:.*}", _handle)
    return app


def build_runner(app: web.Application) -> web.AppRunner:
    """A runner whose complaints about malformed requests are one line each."""
    complaints = logging.Logger("aiohttp.server")
    complaints.addHandler(_OneLine(app[ORIGIN].logger))
    return web.AppRunner(app, access_log=None, logger=complaints, keepalive_timeout=75, shutdown_timeout=5)


class _OneLine(logging.Handler):
    """aiohttp reports with a traceback; the reason is enough."""

    def __init__(self, logger: FilteringBoundLogger) -> None:
        super().__init__(logging.INFO)
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        reason = " ".join(str(error or record.getMessage()).split())
        self._logger.warning("request_failed", error=type(error).__name__, reason=reason[:200])


async def _look_once(app: web.Application) -> AsyncIterator[None]:
    """Broken titles are named at the start, and the first viewers wait for no parsing."""
    await asyncio.to_thread(app[ORIGIN].catalog.all)
    yield


async def _add_common_fields(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_CORS)
    response.headers["Server"] = "penstock"


async def _handle(request: web.Request) -> web.StreamResponse:
    origin = request.app[ORIGIN]
    start_s = origin.clock()
    kind, response = await _answer(origin, request)
    if response.prepared:
        sent_bytes = request[SENT_BYTES]
    else:
        response.headers.setdefault("Cache-Control", CACHE_CONTROL[kind])
        sent_bytes = (response.content_length or 0) if request.method == "GET" else 0
    origin.traffic.requests[kind, response.status] += 1
    origin.traffic.sent_bytes[kind] += sent_bytes
    if origin.logs_requests:
        origin.logger.info(
            "request",
            method=request.method,
            path=request.rel_url.raw_path,
            kind=kind.value,
            status=response.status,
            sent_bytes=sent_bytes,
            took_s=round(origin.clock() - start_s, 6),
        )
    return response


async def _answer(origin: Origin, request: web.Request) -> Answer:
    if request.method == "OPTIONS":
        return Kind.PREFLIGHT, web.Response(status=204, headers=_PREFLIGHT)
    if request.method not in ("GET", "HEAD"):
        return refuse(405, {"Allow": _METHODS})
    match split_path(request.rel_url.raw_path):
        case ("titles",):
            return await list_titles(origin)
        case ("health",):
            return Kind.STATUS, web.Response(text="ok\n")
        case ("ready",):
            return await say_ready(origin)
        case ("metrics",):
            headers = {"Content-Type": CONTENT_TYPE}
            return Kind.STATUS, web.Response(body=origin.traffic.exposition(), headers=headers)
        case ("v", name, ("master.m3u8" | "manifest.mpd") as manifest):
            return await redirect(origin, request, name, manifest)
        case ("v", name, version, *path) if path:
            return await send_object(origin, request, name, version, "/".join(path))
    return refuse(404)
