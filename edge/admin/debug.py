"""Looking into the cache over the admin plane: `/debug/keys`."""

from __future__ import annotations

from aiohttp import web

from edge.admin.answers import SERVER, problem
from edge.admin.explain import Listing, explained
from edge.key import TargetError, origin_form
from edge.listing import DiskListing, told_of
from edge.message import Head, Request
from edge.ondisk import DiskResponse
from edge.pace import paced
from edge.server import Server
from edge.slices import Sliced

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
            if isinstance(on_disk, DiskResponse):
                on_disk.source.release()
    listing = Listing(server.filler, key, server.clock(), int(limit))
    await paced(listing.steps())
    told: dict[str, object] = {"prefix": key.decode("latin-1"), "keys": listing.rows}
    if server.disk is not None and not listing.has_more:
        on_disk_too = DiskListing(server.disk, key)
        await listing.add(on_disk_too.found())
        listing.has_more = listing.has_more or not on_disk_too.is_complete
        told["files_looked_at"] = on_disk_too.looked_at
    return web.json_response({**told, "has_more": listing.has_more})


async def _on_disk(server: Server, key: bytes) -> DiskResponse | Sliced | None:
    """What a plain request for `key` would get from the disk; a whole one is held for the caller."""
    if server.disk is None:
        return None
    asked = Request(b"GET", key, key, Head(()))
    whole = await server.disk.find(asked, key)
    if whole is not None or not server.filler.slice_bytes:
        return whole
    sliced = await server.disk.sheaves.parts(asked, key, server.filler.slice_bytes)
    return None if sliced is None else told_of(server.disk, sliced)
