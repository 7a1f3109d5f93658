"""What the handlers of the admin plane share: who may ask, and how it says no."""

from __future__ import annotations

import hmac

from aiohttp import web
from aiohttp.typedefs import Handler

from edge.admin.purge_jobs import Jobs
from edge.server import Server

SERVER = web.AppKey("server", Server)
JOBS = web.AppKey("jobs", Jobs)

_OPEN = frozenset(("/health", "/ready", "/metrics"))  # for those who only watch


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let nobody past the open paths without the token."""
    if request.path in _OPEN:
        return await _told(request, handler)
    token = request.app[SERVER].config.admin_token
    if not token:
        return problem(403, "this is off: set admin_token in the edge's configuration")
    given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
    if not hmac.compare_digest(given, b"Bearer " + token.encode()):
        refused = problem(401, "present the admin token: Authorization: Bearer TOKEN")
        refused.headers["WWW-Authenticate"] = "Bearer"  # RFC 9110, 15.5.2
        return refused
    return await _told(request, handler)


async def _told(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What the framework has to say, in the form of every other error."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as error:
        ways = ", ".join(sorted(error.allowed_methods))
        refused = problem(405, f"{request.method} {request.path} means nothing here: use {ways}")
        refused.headers["Allow"] = error.headers["Allow"]
        return refused
    except web.HTTPNotFound:
        return problem(404, f"nothing is at {request.path}: see docs/operations.md")


def problem(status: int, detail: str) -> web.Response:
    """An error as RFC 9457 describes it."""
    return web.json_response(
        {"status": status, "detail": detail}, status=status, content_type="application/problem+json"
    )
