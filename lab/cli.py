"""The `penstock` command. Each subcommand is a typed function that its service owns; it is imported only when
it is asked for, so that an edge starts without ffmpeg, and `--help` without anything.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module

from rich.console import Console
from rich.table import Table

from service.command import run_command

COMMANDS = {  # name: (module, function, what it does)
    "encode": (
        "encoder.__main__",
        "encode_command",
        "Cut a video into renditions and publish it in a library.",
    ),
    "origin": ("origin.__main__", "origin_command", "Serve a library over HTTP."),
    "edge": ("edge.__main__", "edge_command", "Run an HTTP cache in front of an origin."),
    "play": ("player_sim.__main__", "play_command", "Play a stream with simulated players over real HTTP."),
    "demo": ("lab.demo", "demo_command", "Encode, serve through caches, play, and write a report."),
    "up": ("lab.up", "up_command", "Leave the whole path running, with a page to watch it."),
    "validate": (
        "lab.validate",
        "validate_command",
        "Say what is wrong with a stream, where, and by which rule.",
    ),
    "report": (
        "lab.title_report",
        "report_command",
        "Show a title's ladder: the hull, its rungs, their quality.",
    ),
    "purge": ("lab.purge", "purge_command", "Forget a URL at an edge."),
    "doctor": ("lab.doctor", "doctor_command", "Say what this machine lacks and how to get it."),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Find the subcommand and run it with the rest of the arguments."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help", "help"):
        Console().print(_overview())
        raise SystemExit(0 if given else 2)
    name = given[0]
    if name not in COMMANDS:
        near = get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "see: penstock --help"
        print(f"penstock: there is no command {name!r}; {hint}", file=sys.stderr)
        raise SystemExit(2)
    module, function, _ = COMMANDS[name]
    run_command(getattr(import_module(module), function), given[1:], f"penstock {name}")


def _overview() -> Table:
    table = Table(title="penstock COMMAND [OPTIONS]", title_justify="left", box=None, show_header=False)
    for name, (_, _, what) in COMMANDS.items():
        table.add_row(f"[bold]{name}[/bold]", what)
    table.add_section()
    table.add_row("", "Each has its own --help, with an example: penstock encode --help")
    return table
