"""`python -m player_sim URL…`: play a stream, with any number of players at once, and say how it went."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from player_sim.abr import RULES
from player_sim.addresses import Edges
from player_sim.cmcd import Cmcd
from player_sim.http_driver import HttpSettings, play
from player_sim.report import as_values, is_success, session_table
from player_sim.result import SessionResult
from player_sim.session import PlayerSettings
from player_sim.trace_file import load_network
from service.run import all_until, run


def play_command(
    urls: Annotated[list[str], typer.Argument(metavar="URL...", help="One stream, through each edge.")],
    rule: Annotated[str, typer.Option(help=f"ABR rule: {', '.join(RULES)}.")] = "bola",
    network: Annotated[
        str | None, typer.Option(help="A rate such as 5Mbps, or a trace file. Default: as fast as it goes.")
    ] = None,
    sessions: Annotated[int, typer.Option(min=1, help="Players at once, spread over the edges.")] = 1,
    duration: Annotated[float | None, typer.Option(help="Seconds of the title to play.")] = None,
    max_buffer: Annotated[float, typer.Option(help="Seconds of buffer.")] = 30.0,
    cmcd: Annotated[Cmcd, typer.Option(help="How players tell of themselves (CTA-5004).")] = Cmcd.QUERY,
    seed: Annotated[int, typer.Option(help="Of session ids and back-off jitter.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON instead of a table.")] = False,
) -> None:
    """Play a stream over HTTP; exit code 0 only if every session played to its end.

    Example: penstock play http://127.0.0.1:8080/v/clip/master.m3u8 --rule bola --network 5Mbps
    """
    try:
        if rule not in RULES:
            raise ValueError(f"--rule {rule}: choose one of {', '.join(RULES)}")
        settings = PlayerSettings(max_buffer_s=max_buffer, duration_s=duration)
        trace = load_network(network) if network else None
        Edges(urls)  # refuses what cannot be one stream before any player starts
    except ValueError as error:
        typer.echo(f"player_sim: {error}", err=True)
        raise typer.Exit(2) from None

    def player(number: int) -> Coroutine[None, None, SessionResult]:
        first = number % len(urls)  # spread over the edges
        return play(
            [*urls[first:], *urls[:first]],
            RULES[rule](),
            settings,
            trace=trace,
            http=HttpSettings(cmcd=cmcd),
            rng=random.Random(f"{seed}/{number}"),
        )

    results = _play_all([partial(player, number) for number in range(sessions)])
    if as_json:
        typer.echo(json.dumps(as_values(results)))
    else:
        Console().print(session_table(results))
    if len(results) < sessions or not is_success(results):
        raise typer.Exit(1)


Player = Callable[[], Coroutine[None, None, SessionResult]]


def _play_all(players: Sequence[Player]) -> list[SessionResult]:
    """Play all at once, with a bar on a terminal; after a signal, those that had ended by then."""
    results: list[SessionResult] = []

    async def play_until(stop: asyncio.Event) -> None:
        console = Console(stderr=True)
        with Progress(console=console, disable=not console.is_terminal) as progress:
            bar = progress.add_task("sessions", total=len(players))
            tasks = [asyncio.create_task(player()) for player in players]
            for task in tasks:
                task.add_done_callback(lambda _: progress.advance(bar))
            await all_until(stop, tasks)
        results.extend(task.result() for task in tasks if not task.cancelled())

    run(play_until)
    return results


if __name__ == "__main__":
    typer.run(play_command)
