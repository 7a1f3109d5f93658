"""Looking into the cache over the admin plane: `/debug/keys`."""

from __future__ import annotations

from aiohttp import web

from edge.admin.answers import SERVER, problem
from edge.admin.explain import Listing, explained
from edge.key import TargetError, origin_form
from edge.message import Head, Request
from edge.ondisk import DiskResponse
from edge.pace import paced
from edge.server import Server

_LIMIT, _MOST = 100, 1000

routes = web.RouteTableDef()


@routes.get("/debug/keys")
async def keys(request: web.Request) -> web.Response:
    """`?url=/v/...`: all that is known of it; `?prefix=/v/&limit=100`: what is stored under it."""
    server, query = request.app[SERVER], request.query
    limit = query.get("limit", str(_LIMIT))
    if not limit.isdecimal() or not 1 <= int(limit) <= _MOST:
        return problem(400, f"limit = {limit!r}: give a number from 1 to {_MOST}")
    if ("url" in query) == ("prefix" in query):
        return problem(400, "name what to look for: /debug/keys?url=/v/title/... or /debug/keys?prefix=/v/")
    name = "url" if "url" in query else "prefix"
    try:
        key = server.keys.key(origin_form(query[name].encode(errors="surrogatepass")))
    except TargetError as error:
        return problem(400, f"{name} = {query[name]!r}: {error}")
    if name == "url":
        on_disk = await _on_disk(server, key)
        try:
            return web.json_response(explained(server.filler, key, server.clock(), int(limit), on_disk))
        finally:
            if on_disk is not None:
                on_disk.source.release()
    listing = Listing(server.filler, key, server.clock(), int(limit))
    await paced(listing.steps())
    return web.json_response(
        {"prefix": key.decode("latin-1"), "keys": listing.rows, "has_more": listing.has_more}
    )


async def _on_disk(server: Server, key: bytes) -> DiskResponse | None:
    """What a plain request for `key` would get from the disk, held for the caller."""
    if server.disk is None:
        return None
    return await server.disk.find(Request(b"GET", key, key, Head(())), key)
