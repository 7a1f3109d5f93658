"""The answers to requests, decided by the cores beside this module; nothing is joined into a path unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus

from aiohttp import web
from structlog.typing import FilteringBoundLogger

from origin.bodies import send_file
from origin.caching import CACHE_CONTROL, Kind
from origin.catalog import Catalog
from origin.conditional import Verdict, judge, may_use_range
from origin.published import Published, StoredObject, describe, root_of
from origin.ranges import ByteRange, UnsatisfiableRangeError, content_range, select_range
from origin.traffic import Traffic

Answer = tuple[Kind, web.StreamResponse]


@dataclass(frozen=True, slots=True)
class Origin:
    """What every request needs."""

    catalog: Catalog
    clock: Callable[[], float]
    logger: FilteringBoundLogger
    logs_requests: bool
    traffic: Traffic = field(default_factory=Traffic)


async def list_titles(origin: Origin) -> Answer:
    try:
        titles = await asyncio.to_thread(origin.catalog.all)
    except OSError:  # readiness says why
        return refuse(503)
    return Kind.LISTING, web.json_response([describe(published.title) for published in titles])


async def say_ready(origin: Origin) -> Answer:
    try:
        await asyncio.to_thread(origin.catalog.all)
    except OSError as error:
        return Kind.STATUS, web.Response(text=f"the library cannot be read: {error.strerror}\n", status=503)
    return Kind.STATUS, web.Response(text="ready\n")


async def redirect(origin: Origin, request: web.Request, name: str, manifest: str) -> Answer:
    """To the version of now; it is looked up again by each viewer who starts, not by one who plays."""
    published = await asyncio.to_thread(origin.catalog.current, name)
    if published is None:
        return refuse(404)
    location = f"{root_of(published.title)}/{manifest}"
    if request.rel_url.raw_query_string:
        location += f"?{request.rel_url.raw_query_string}"
    return Kind.REDIRECT, web.Response(status=307, headers={"Location": location})


async def _find(origin: Origin, name: str, version: str) -> Published | None:
    known = origin.catalog.version(name, version)
    if known is None:
        await asyncio.to_thread(origin.catalog.current, name)
        known = origin.catalog.version(name, version)
    return known


async def send_object(origin: Origin, request: web.Request, name: str, version: str, path: str) -> Answer:
    published = await _find(origin, name, version)
    stored = published.objects.get(path) if published else None
    if stored is None:
        return refuse(404)
    headers = {
        "Content-Type": stored.media_type,
        "Cache-Control": CACHE_CONTROL[stored.kind],
        "ETag": stored.validators.etag,
        "Last-Modified": stored.validators.last_modified,
        "Accept-Ranges": "bytes",
    }
    match judge(request.headers, stored.validators):
        case Verdict.FAILED:
            return refuse(412)
        case Verdict.NOT_MODIFIED:
            return stored.kind, web.Response(status=304, headers=headers)
    try:
        selected = _selected(request, stored)
    except UnsatisfiableRangeError:
        return refuse(416, {"Content-Range": content_range(None, stored.size_bytes)})
    return await _body(origin, request, name, path, stored, selected, headers)


def _selected(request: web.Request, stored: StoredObject) -> ByteRange | None:
    """A range is asked for by GET alone (RFC 9110, 14.2)."""
    if request.method != "GET" or not may_use_range(request.headers.get("If-Range"), stored.validators):
        return None
    return select_range(request.headers.get("Range"), stored.size_bytes)


async def _body(
    origin: Origin,
    request: web.Request,
    name: str,
    path: str,
    stored: StoredObject,
    selected: ByteRange | None,
    headers: dict[str, str],
) -> Answer:
    status = 200 if selected is None else 206
    if selected is not None:
        headers["Content-Range"] = content_range(selected, stored.size_bytes)
    first, last = selected or (0, stored.size_bytes - 1)
    if request.method == "HEAD":
        response = web.StreamResponse(headers=headers)
        response.content_length = stored.size_bytes
        return stored.kind, response
    if stored.body is not None:
        body = stored.body[first : last + 1]
        return stored.kind, web.Response(body=body, status=status, headers=headers)
    open_file = partial(origin.catalog.open, name, path, stored.size_bytes)
    try:
        return stored.kind, await send_file(request, open_file, first, last - first + 1, status, headers)
    except FileNotFoundError as error:
        origin.logger.error("missing_file", title=name, path=path, reason=str(error))
        return refuse(404)
    except OSError as error:
        origin.logger.error("unreadable_file", title=name, path=path, reason=str(error))
        return refuse(500)


def refuse(status: int, headers: Mapping[str, str] | None = None) -> Answer:
    return Kind.ERROR, web.Response(
        text=f"{status} {HTTPStatus(status).phrase}\n", status=status, headers=headers
    )
