"""Purging over the admin plane: one thing at once, or a batch as a job."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from json import JSONDecodeError

from aiohttp import web

from edge.admin.answers import JOBS, SERVER, problem
from edge.admin.purge_input import Batch, PurgeError, wish_of
from edge.admin.purge_jobs import Job, TooManyJobsError
from edge.pace import paced
from edge.purging import Plan, Progress

MOST_BYTES = 128 * 2**20  # of a batch
_PIECE_BYTES = 64 * 1024

routes = web.RouteTableDef()


@routes.post("/purge")
async def purge(request: web.Request) -> web.Response:
    """`/purge?url=/v/...`, or prefix=, group=, all; soft=true. A JSON object as body says the same."""
    server = request.app[SERVER]
    try:
        named = dict(request.query) | await _body(request)
        wish = wish_of(named, server.keys)
    except PurgeError as error:
        return problem(error.status, str(error))
    progress = Progress()
    await paced(server.purger.steps(Plan([wish]), progress))
    told: dict[str, object] = {wish.kind: named[wish.kind], "purged": progress.purged}
    return web.json_response(told | {"soft": True} if wish.is_soft else told)


async def _body(request: web.Request) -> dict[str, object]:
    if not request.can_read_body:
        return {}
    try:
        named = await request.json()
    except (JSONDecodeError, UnicodeDecodeError, RecursionError):
        named = None
    if not isinstance(named, dict):
        raise PurgeError('the body is no JSON object; write {"prefix": "/v/title/"}, or use the query')
    return named


@routes.post("/purge/jobs")
async def begin(request: web.Request) -> web.Response:
    """A batch: a JSON array or one entry a line; `?soft=true` holds for entries that do not say."""
    server, jobs = request.app[SERVER], request.app[JOBS]
    digest, come_bytes = sha256(request.query_string.encode()), 0
    try:
        unknown = set(request.query) - {"soft"}
        if unknown:
            raise PurgeError(
                f"{min(unknown)!r} is not known here: entries stand in the body, soft in the query"
            )
        default = wish_of({"all": True, **request.query}, server.keys)
        batch = Batch(server.keys, is_soft=default.is_soft)
        async for piece in request.content.iter_chunked(_PIECE_BYTES):
            come_bytes += len(piece)
            if come_bytes > MOST_BYTES:
                raise PurgeError(f"more than {MOST_BYTES} bytes: send them as several jobs", 413)
            digest.update(piece)
            await paced(batch.feed(piece))
            await asyncio.sleep(0)  # what has come already is read without a turn for others
        await paced(batch.end())
        job = jobs.begin(batch, digest.digest())
    except PurgeError as error:
        return problem(error.status, str(error))
    except TooManyJobsError:
        return problem(429, "enough jobs wait already: see /purge/jobs, and send this one later")
    return web.json_response(job.told(), status=202, headers={"Location": f"/purge/jobs/{job.name}"})


@routes.get("/purge/jobs")
async def recent(request: web.Request) -> web.Response:
    """The jobs that wait, run, or ended not long ago, the latest first."""
    return web.json_response({"jobs": [job.told() for job in request.app[JOBS].recent()]})


@routes.get("/purge/jobs/{name}")
async def status(request: web.Request) -> web.Response:
    job = _named(request)
    return _unknown() if job is None else web.json_response(job.told())


@routes.delete("/purge/jobs/{name}")
async def cancel(request: web.Request) -> web.Response:
    """Let a job go no further; what it has purged stays purged."""
    job = _named(request)
    if job is None:
        return _unknown()
    request.app[JOBS].cancel(job)
    return web.json_response(job.told())


def _named(request: web.Request) -> Job | None:
    return request.app[JOBS].get(request.match_info["name"])


def _unknown() -> web.Response:
    return problem(404, "no such job: it ended long ago, or before this edge began; see /purge/jobs")
