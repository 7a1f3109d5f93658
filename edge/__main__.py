"""`python -m edge`: one edge process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import time
from typing import Annotated

from aiohttp import web
from typer import Option

from edge.app import build_app
from edge.config import EdgeConfig
from edge.eviction import POLICIES
from edge.server import Server
from service import config, log
from service.command import fail, run_command
from service.run import run
from service.units import Address


def edge_command(
    upstream: Annotated[str | None, Option(help="URL of the origin, or of a shield edge.")] = None,
    listen: Annotated[str | None, Option(metavar="HOST:PORT", help="Where viewers ask.")] = None,
    admin: Annotated[str | None, Option(metavar="HOST:PORT", help="Health, metrics and purge.")] = None,
    admin_token: Annotated[
        str | None, Option(envvar="PENSTOCK_ADMIN_TOKEN", help="What a purge presents.")
    ] = None,
    name: Annotated[str | None, Option(help="This cache's name in Cache-Status.")] = None,
    ram: Annotated[str | None, Option(metavar="SIZE", help="The RAM tier, such as 512MiB.")] = None,
    eviction: Annotated[str | None, Option(help=f"Eviction policy: {', '.join(POLICIES)}.")] = None,
    max_object: Annotated[str | None, Option(metavar="SIZE", help="Larger bodies are not stored.")] = None,
    access_log: Annotated[Path | None, Option(help="JSON lines; SIGHUP opens it anew.")] = None,
    log_level: Annotated[str | None, Option(help="debug, info, warning or error.")] = None,
    config_file: Annotated[
        Path | None, Option("--config", help="TOML; deploy/edge.toml shows every key. Flags win.")
    ] = None,
) -> None:
    """Run an HTTP cache in front of an origin until a signal ends it.

    Example: penstock edge --upstream http://127.0.0.1:8000 --listen 127.0.0.1:8080 --ram 2GiB
    """
    given = dict(locals())
    path = given.pop("config_file")
    try:
        settings = config.load(EdgeConfig, path, given)
    except config.ConfigError as error:
        raise fail("edge", error) from None
    try:
        serve(settings)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise fail("edge", f"cannot serve: {where}{error.strerror or error}", 1) from None


def serve(settings: EdgeConfig) -> None:
    """Run one edge until a signal. Raises OSError if it cannot listen or open its log."""
    log.configure(settings.log_level)
    server = Server(settings, clock=time)

    async def session(stop: asyncio.Event) -> None:
        async with server:
            runner = web.AppRunner(build_app(server), access_log=None)
            admin = settings.admin and await _open(runner, settings.admin)
            server.logger.info(
                "listening", address=str(server.address), admin=str(admin or ""), upstream=settings.upstream
            )
            await stop.wait()
            await runner.cleanup()

    run(session, on_reload=server.log.reopen)


async def _open(runner: web.AppRunner, where: Address) -> Address:
    """Start the admin plane; returns its address."""
    await runner.setup()
    await web.TCPSite(runner, where.host, where.port).start()
    return Address(*runner.addresses[0][:2])


if __name__ == "__main__":
    run_command(edge_command, name="edge")
