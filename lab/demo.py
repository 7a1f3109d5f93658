"""`penstock demo`: the whole path in one command. Encode, serve through two tiers of caches, play, report."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.progress import Progress
from typer import Argument, Exit, Option

from encoder.errors import EncodeError
from encoder.library import library_at
from lab.library import encode_title, title_ladders
from lab.measure import tiers
from lab.outcome import PlayedSession, Run, run_values
from lab.report import write_report
from lab.scenario import Viewer, viewers
from lab.stack import Service, Stack, StackError, running_stack
from lab.tables import print_run
from media.title import Title
from player_sim.abr import RULES
from player_sim.http_driver import play
from player_sim.session import PlayerSettings
from service.command import fail
from service.run import all_until, run

_TOGETHER = 4  # viewers arrive by so many at once, so that caches see simultaneous requests
_BETWEEN_S = 2.0  # and so far apart
_MAX_BUFFER_S = 12.0  # small, as of a live player: the link's changes are felt


def demo_command(
    source: Annotated[
        Path | None, Argument(metavar="[INPUT]", help="A video. Default: a clip made here.")
    ] = None,
    folder: Annotated[Path, Option(help="Library, clip and logs.")] = Path("demo"),
    report: Annotated[Path, Option(help="Where the report goes.")] = Path("report"),
    sessions: Annotated[int, Option(min=1, help="Viewers, on eight kinds of links in turn.")] = 8,
    ram: Annotated[str, Option(metavar="SIZE", help="Of each cache.")] = "256MiB",
    duration: Annotated[float | None, Option(min=1, help="Seconds of the title to play.")] = None,
    seed: Annotated[int, Option(help="Of the links that change at random.")] = 1,
    as_json: Annotated[bool, Option("--json", help="Write the figures as JSON.")] = False,
) -> None:
    """Encode INPUT, start origin → shield → two edges, let viewers on different links play it, and report.

    Example: penstock demo clip.mp4 --sessions 16
    """
    console = Console(stderr=as_json)
    try:
        title, encode_s = encode_title(source, folder, console)
        outcome: list[Run] = []

        async def session(stop: asyncio.Event) -> None:
            async with running_stack(folder / "library", folder / "logs", ram=ram) as stack:
                people = list(viewers(sessions, seed))
                played = await _play_all(
                    stack,
                    title,
                    people,
                    PlayerSettings(max_buffer_s=_MAX_BUFFER_S, duration_s=duration),
                    console,
                    stop,
                )
                outcome.append(
                    Run(
                        title=title.name,
                        presentation=title.presentation,
                        encode_s=encode_s,
                        sessions=played,
                        tiers=await tiers(stack),
                        ladders=title_ladders(library_at(folder / "library"), title),
                    )
                )

        run(session)
    except (EncodeError, StackError) as error:
        raise fail("demo", error, 1) from None
    if not outcome:
        raise fail("demo", "stopped before the end; no report was written", 1)
    finished = outcome[0]
    page = write_report(finished, report)
    if as_json:
        print(json.dumps(run_values(finished)))
    else:
        print_run(finished, console)
        console.print(f"Report: {page}", soft_wrap=True)
    if len(finished.sessions) < sessions or not finished.is_success:
        raise Exit(1)


async def _play_all(
    stack: Stack,
    title: Title,
    people: Sequence[Viewer],
    settings: PlayerSettings,
    console: Console,
    stop: asyncio.Event,
) -> list[PlayedSession]:
    """All viewers, each asking its edge first and the other when that fails; a signal ends them early."""
    duration_s = float(title.presentation.duration)
    playing = f"{len(people)} viewers play {duration_s:.0f} s through {len(stack.edges)} edges"
    with Progress(console=console, disable=not console.is_terminal) as progress:
        if not console.is_terminal:
            console.print(playing)
        bar = progress.add_task(playing, total=len(people))
        tasks = [
            asyncio.create_task(_watch(viewer, number, stack.edges, title, settings))
            for number, viewer in enumerate(people)
        ]
        for task in tasks:
            task.add_done_callback(lambda _: progress.advance(bar))
        await all_until(stop, tasks)
    return [task.result() for task in tasks if not task.cancelled()]


async def _watch(
    viewer: Viewer, number: int, edges: Sequence[Service], title: Title, settings: PlayerSettings
) -> PlayedSession:
    await asyncio.sleep(number // _TOGETHER * _BETWEEN_S)
    first = number % len(edges)
    manifest = "manifest.mpd" if number % 4 == 3 else "master.m3u8"  # every fourth plays DASH
    urls = [
        f"{edge.url}/v/{title.name}/{title.version}/{manifest}" for edge in (*edges[first:], *edges[:first])
    ]
    result = await play(
        urls, RULES[viewer.rule](), settings, trace=viewer.trace, rng=random.Random(f"player/{number}")
    )
    return PlayedSession(
        name=viewer.name,
        rule=viewer.rule,
        network=viewer.network,
        trace=viewer.trace,
        edge=edges[first].name,
        result=result,
    )
