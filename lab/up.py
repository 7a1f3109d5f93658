"""`penstock up`: the whole path left running, with a page to watch it and URLs for any player."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import aiohttp
from aiohttp import web
from rich.console import Console
from typer import Argument, Option

from encoder.errors import EncodeError
from lab.library import encode_title
from lab.stack import Stack, StackError, running_stack
from service.command import fail
from service.run import run

PAGE = Path(__file__).resolve().parent.parent / "web" / "dist" / "index.html"


def up_command(
    source: Annotated[
        Path | None, Argument(metavar="[INPUT]", help="A video. Default: a clip made here.")
    ] = None,
    folder: Annotated[Path, Option(help="Library, clip and logs.")] = Path("demo"),
    port: Annotated[int, Option(help="Of the page; the edges take the two after it.")] = 8080,
    ram: Annotated[str, Option(metavar="SIZE", help="Of each cache.")] = "256MiB",
) -> None:
    """Encode INPUT if need be, start origin → shield → two edges and the page, and stay until Ctrl-C.

    Example: penstock up clip.mp4
    """
    console = Console()
    if not PAGE.is_file():
        raise fail("up", "the player page is not bundled; run: make setup", 1)
    try:
        encode_title(source, folder, console)

        async def session(stop: asyncio.Event) -> None:
            async with running_stack(folder / "library", folder / "logs", ram=ram, port=port + 1) as stack:
                runner = web.AppRunner(build_page(stack), access_log=None)
                await runner.setup()
                await web.TCPSite(runner, "127.0.0.1", port).start()
                await _say(stack, port, console)
                await stop.wait()
                await runner.cleanup()

        run(session)
    except (EncodeError, StackError) as error:
        raise fail("up", error, 1) from None
    except OSError as error:
        raise fail("up", f"port {port}: {error.strerror or error}; choose another with --port", 1) from None


def build_page(stack: Stack) -> web.Application:
    """The page's files, and the titles that it offers."""

    async def index(_: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE)

    async def titles_json(_: web.Request) -> web.Response:
        return web.json_response(await titles(stack))

    app = web.Application()
    app.add_routes([web.get("/", index), web.get("/titles.json", titles_json), web.static("/", PAGE.parent)])
    return app


async def titles(stack: Stack) -> list[dict[str, Any]]:
    """What the origin offers, with URLs through the first edge that runs."""
    edge = next(service for service in stack.edges if service.is_running)
    async with aiohttp.ClientSession() as client, client.get(f"{stack['origin'].url}/titles") as answer:
        known = await answer.json()
    return [title | {"hls": edge.url + title["hls"], "dash": edge.url + title["dash"]} for title in known]


async def _say(stack: Stack, port: int, console: Console) -> None:
    console.print(
        f"[bold]Open http://127.0.0.1:{port}/[/bold] to watch, or paste into VLC or ffplay:", highlight=False
    )
    for title in await titles(stack):
        for kind in ("hls", "dash"):
            console.print(
                f"  {title['name']:<24} {kind.upper():<4} {title[kind]}", highlight=False, soft_wrap=True
            )
    for service in stack.services:
        metrics = f"{service.admin_url}/metrics"
        console.print(
            f"  {service.name:<24}      {service.url}  metrics {metrics}", highlight=False, soft_wrap=True
        )
    console.print("Ctrl-C ends it all.")
