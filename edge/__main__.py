"""`python -m edge`: one edge process."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from time import time

from aiohttp import web

from edge.app import build_app
from edge.config import EdgeConfig
from edge.server import Server
from service import config, log
from service.run import run


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal; 0 after a clean end, 2 where the configuration cannot be used."""
    options = vars(_parser().parse_args(arguments))
    path = options.pop("config")
    try:
        return serve(config.load(EdgeConfig, path, options))
    except config.ConfigError as error:
        print(f"edge: {error}", file=sys.stderr)  # noqa: T201
        return 2


def serve(settings: EdgeConfig) -> int:
    """Run one edge until a signal; 1 if it cannot listen."""
    log.configure(settings.log_level)
    server = Server(settings, clock=time)

    async def session(stop: asyncio.Event) -> None:
        async with server:
            admin = await _open_admin(server)
            server.logger.info(
                "listening",
                address=str(server.address),
                admin=admin and str(admin),
                upstream=settings.upstream,
            )
            await stop.wait()

    try:
        run(session, on_reload=server.log.reopen)
    except OSError as error:
        print(f"edge: cannot serve on {settings.listen}: {error.strerror or error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


async def _open_admin(server: Server) -> object:
    """Start the admin plane; returns its address, or None where none is asked for."""
    settings = server.config
    if settings.admin is None:
        return None
    runner = web.AppRunner(build_app(server), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, settings.admin.host, settings.admin.port)
    await site.start()
    return "{}:{}".format(*runner.addresses[0][:2])


def _parser() -> argparse.ArgumentParser:
    """A flag for every key of the configuration; what is not given stays as the file has it."""
    parser = argparse.ArgumentParser(prog="edge", description="An HTTP cache in front of an origin.")
    parser.add_argument("--config", type=Path, help="a TOML file; deploy/edge.toml shows every key")
    for field in fields(EdgeConfig):
        parser.add_argument("--" + field.name.replace("_", "-"), dest=field.name)
    return parser


if __name__ == "__main__":
    sys.exit(main())
