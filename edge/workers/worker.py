"""One process of an edge: the data plane and its admin plane, put together and run."""

from __future__ import annotations

import asyncio
from multiprocessing import parent_process
from time import time

from aiohttp import web

from edge.admin.app import build_app
from edge.config import EdgeConfig
from edge.reload import Reloader, Settings, reason_of
from edge.server import Server
from edge.workers.supervisor import open_site, tell
from edge.workers.team import Post
from service import log
from service.config import ConfigError
from service.log import get_logger
from service.run import run


def serve_one_of(config: EdgeConfig, post: Post, *, settings: Settings) -> None:
    """Run the worker at `post` as a process of its own: what keeps it from serving is one line."""
    try:
        serve_worker(config, post, settings=settings)
    except (ConfigError, OSError) as error:
        get_logger(config.name).error("a worker cannot serve", worker=post.index, reason=reason_of(error))
        raise SystemExit(1) from None


def serve_worker(config: EdgeConfig, post: Post | None, *, settings: Settings) -> None:
    """Run all of an edge, or the worker at `post`, for which its supervisor speaks, until a signal.

    Raises OSError if it cannot listen or open its log, and ConfigError for a certificate that is none.
    """
    log.configure(config.log_level)
    server = Server(config, clock=time, post=post)
    reloader = Reloader(server, settings, is_quiet=post is not None)

    async def session(stop: asyncio.Event) -> None:
        supervisor = parent_process()
        if supervisor is not None:  # no worker outlives it
            asyncio.get_running_loop().add_reader(supervisor.sentinel, stop.set)
        async with server:
            runner = web.AppRunner(build_app(server), access_log=None)
            await runner.setup()
            if post is not None:
                await web.UnixSite(runner, str(post.admin_socket(post.index))).start()
            else:
                admin = config.admin and await open_site(runner, config.admin)
                tell(server.logger, config, server.address, server.tls_address, admin)
            try:
                await stop.wait()
                await reloader.close()
                await server.drain()
            finally:  # the admin plane stays until the end, also where that comes early
                await runner.cleanup()

    run(session, on_reload=reloader)
