"""`python -m origin`: one origin process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import time
from typing import Annotated

from aiohttp import web
from typer import Option

from origin.app import build_app, build_runner
from origin.config import OriginConfig
from service import config, log
from service.command import fail, run_command
from service.run import run
from service.units import Address


def origin_command(
    library: Annotated[Path | None, Option(help="The folder that titles are published into.")] = None,
    listen: Annotated[str | None, Option(metavar="HOST:PORT", help="Where edges and viewers ask.")] = None,
    access_log: Annotated[bool | None, Option(help="Log each request.")] = None,
    log_level: Annotated[str | None, Option(help="debug, info, warning or error.")] = None,
    config_file: Annotated[
        Path | None, Option("--config", help="TOML; deploy/origin.toml shows every key. Flags win.")
    ] = None,
) -> None:
    """Serve a library over HTTP until a signal ends it.

    Example: penstock origin --library library --listen 127.0.0.1:8000
    """
    given = dict(locals())
    path = given.pop("config_file")
    try:
        settings = config.load(OriginConfig, path, given)
    except config.ConfigError as error:
        raise fail("origin", error) from None
    if not settings.library.is_dir():
        raise fail("origin", f"library = {settings.library}: no such folder; publish a title there first")
    try:
        serve(settings)
    except OSError as error:
        raise fail("origin", f"cannot serve on {settings.listen}: {error.strerror or error}", 1) from None


def serve(settings: OriginConfig) -> None:
    """Run one origin until a signal. Raises OSError if it cannot listen."""
    log.configure(settings.log_level)

    async def session(stop: asyncio.Event) -> None:
        runner = build_runner(build_app(settings, clock=time))
        await runner.setup()
        try:
            await web.TCPSite(runner, settings.listen.host, settings.listen.port).start()
            address = Address(*runner.addresses[0][:2])
            log.get_logger("origin").info("listening", address=str(address), library=str(settings.library))
            await stop.wait()
        finally:
            await runner.cleanup()

    run(session)


if __name__ == "__main__":
    run_command(origin_command, name="origin")
