"""One command of the command line: the door from typed functions to typer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer


def run_command(
    function: Callable[..., Any], arguments: Sequence[str] | None = None, name: str | None = None
) -> None:
    """Run `function` with `arguments` (the process's, if None) and end the process with its exit code."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")
    app.command()(function)
    app(arguments, prog_name=name)


def fail(name: str, reason: object, code: int = 2) -> typer.Exit:
    """Say in one line on standard error what is wrong; raise what is returned to end the command."""
    print(f"{name}: {reason}", file=sys.stderr)  # noqa: T201
    return typer.Exit(code)
