"""The admin plane: health, readiness, metrics, and purge by URL, on an address of its own."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from aiohttp import web

from edge.key import TargetError
from edge.server import Server
from service.metrics import CONTENT_TYPE, CollectorRegistry, Metric, Readings, counter, gauge, render

SERVER = web.AppKey("server", Server)
REGISTRY = web.AppKey("registry", CollectorRegistry)


def build_app(server: Server) -> web.Application:
    """The admin plane of a running `server`."""
    app = web.Application()
    app[SERVER] = server
    app[REGISTRY] = CollectorRegistry()
    Readings(app[REGISTRY], lambda: _read(server))
    app.add_routes(
        [
            web.get("/health", _health),
            web.get("/ready", _ready),
            web.get("/metrics", _metrics),
            web.post("/purge", _purge),
        ]
    )
    return app


async def _health(request: web.Request) -> web.Response:  # noqa: ARG001
    return web.json_response({"status": "ok"})


async def _ready(request: web.Request) -> web.Response:
    """Ready: takes connections. An edge whose upstream is gone stays ready, for what it has stored."""
    server = request.app[SERVER]
    if server.is_draining:
        return web.json_response({"status": "draining"}, status=503)
    return web.json_response({"status": "ready", "stored": len(server.entries)})


async def _metrics(request: web.Request) -> web.Response:
    return web.Response(body=render(request.app[REGISTRY]), headers={"Content-Type": CONTENT_TYPE})


async def _purge(request: web.Request) -> web.Response:
    """`POST /purge?url=/v/...` with `Authorization: Bearer TOKEN`."""
    server = request.app[SERVER]
    token = server.config.admin_token
    if not token:
        return _problem(403, "purging is off: set admin_token in the edge's configuration")
    given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
    if not hmac.compare_digest(given, b"Bearer " + token.encode()):
        return _problem(401, "present the admin token: Authorization: Bearer TOKEN")
    url = request.query.get("url")
    if not url:
        return _problem(400, "name what to purge: /purge?url=/v/title/version/master.m3u8")
    try:
        purged = server.purge(url.encode())
    except TargetError as error:
        return _problem(400, f"url = {url!r}: {error}")
    return web.json_response({"url": url, "purged": purged})


def _problem(status: int, detail: str) -> web.Response:
    """An error as RFC 9457 describes it."""
    return web.json_response(
        {"status": status, "detail": detail}, status=status, content_type="application/problem+json"
    )


def _read(server: Server) -> Iterator[Metric]:
    outcomes = server.counters.by_outcome()
    by_outcome = [((outcome.value,), values) for outcome, values in outcomes.items()]
    yield counter(
        "edge_requests", "Requests by outcome", ("cache",), [(label, value[0]) for label, value in by_outcome]
    )
    yield counter(
        "edge_sent_bytes",
        "Body bytes sent, by outcome",
        ("cache",),
        [(label, value[1]) for label, value in by_outcome],
    )
    statuses = [((str(status),), number) for status, number in server.counters.statuses.items()]
    yield counter("edge_slow_answers", "Answers off the hot path, by status", ("status",), statuses)
    yield counter(
        "edge_connections_accepted", "Connections accepted", (), [((), server.counters.connections)]
    )
    yield counter("edge_evicted", "Responses evicted", (), [((), server.store.evicted)])
    yield counter("edge_log_lines_lost", "Access log lines lost", (), [((), server.log.lost)])
    yield counter("edge_upstream_requests", "Requests sent upstream", (), [((), server.upstream.requests)])
    yield counter("edge_upstream_failures", "Upstream failures", (), [((), server.upstream.failures)])
    yield counter(
        "edge_upstream_received_bytes", "Body bytes from upstream", (), [((), server.upstream.received_bytes)]
    )
    yield gauge("edge_connections", "Open connections", (), [((), len(server.connections))])
    yield gauge("edge_stored_responses", "Responses stored", (), [((), len(server.entries))])
    yield gauge("edge_stored_bytes", "RAM tier in use", (), [((), server.store.policy.used_bytes)])
    yield gauge("edge_capacity_bytes", "RAM tier's size", (), [((), server.store.policy.capacity_bytes)])
    yield gauge("edge_flights", "Fetches on their way", (), [((), len(server.flights))])
