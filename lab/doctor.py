"""`penstock doctor`: what this machine has, what it lacks, and how to get it."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Annotated

from rich.console import Console
from rich.table import Table
from typer import Exit, Option

from encoder.errors import EncodeError
from encoder.ffmpeg import find_ffmpeg
from lab.up import PAGE


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked for."""

    name: str
    found: str  # a version or a path; empty: it is missing
    is_needed: bool  # without it the main job does not run
    way_out: str


def doctor_command(as_json: Annotated[bool, Option("--json", help="Write JSON.")] = False) -> None:
    """Say what this machine lacks and how to get it; exit code 0 only if nothing that is needed is missing.

    Example: penstock doctor
    """
    findings = list(examine())
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        Console().print(_table(findings))
    if any(finding.is_needed and not finding.found for finding in findings):
        raise Exit(1)


def examine() -> Iterator[Finding]:
    """Look for all that the project can use, the needed first."""
    python = platform.python_version() if sys.version_info >= (3, 11) else ""
    yield Finding("Python ≥ 3.11", python, True, "make setup PYTHON=python3.12")
    for package in ("aiohttp", "uvloop", "httptools", "av"):
        yield Finding(package, _version(package), True, "make setup")
    yield Finding("ffmpeg with x264, AAC, zscale", _ffmpeg(), True, "pip install imageio-ffmpeg")
    page = str(PAGE) if PAGE.is_file() else ""
    yield Finding("the player page", page, False, "make setup (bundles it with Node)")
    for program, package, use in _PROGRAMS:
        path = shutil.which(program) or shutil.which(program, path="/usr/sbin") or ""
        yield Finding(f"{program} ({use})", path, False, f"on Debian: apt-get install {package}")


_PROGRAMS = (
    ("ffprobe", "ffmpeg", "checks of the tests"),
    ("cvlc", "vlc-bin vlc-plugin-base", "playing, and the tests"),
    ("chromium", "chromium", "the browser tests"),
    ("nginx", "nginx-light", "a peer of the edge benchmark"),
    ("varnishd", "varnish", "a peer of the edge benchmark"),
    ("wrk", "wrk", "the load of the edge benchmark"),
)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _ffmpeg() -> str:
    try:
        return str(find_ffmpeg())
    except EncodeError:
        return ""


def _table(findings: list[Finding]) -> Table:
    table = Table(title="penstock doctor", title_justify="left")
    for heading in ("", "what", "found", "the way out"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        mark = (
            "[green]✓[/green]"
            if finding.found
            else "[red]✗[/red]"
            if finding.is_needed
            else "[yellow]–[/yellow]"
        )
        table.add_row(mark, finding.name, finding.found, "" if finding.found else finding.way_out)
    return table
