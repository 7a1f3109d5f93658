"""`penstock report`: what is known of a published title's ladder, as a page with its picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from typer import Argument, Option

from encoder.errors import EncodeError
from encoder.library import library_at
from lab.ladder import CodecLadder, TitleLadders, change
from lab.library import read_published, title_ladders
from lab.report import title_values, write_title_report
from media.title import Title
from service.command import fail


def report_command(
    title: Annotated[
        str, Argument(metavar="TITLE", help="A title's folder, or its URL such as s3://bucket/videos/clip.")
    ],
    report: Annotated[Path, Option("--output", "-o", metavar="FOLDER", help="Where the report goes.")] = Path(
        "report"
    ),
    as_json: Annotated[bool, Option("--json", help="Write the figures as JSON.")] = False,
) -> None:
    """Show a published title's ladder: the hull, the rungs on it as measured, Apple's fixed ladder beside it.

    Example: penstock report library/clip -o report
    """
    try:
        found, ladders = _known(title)
    except EncodeError as error:
        raise fail("report", error, 1) from None
    if ladders is None:
        way_out = "encode it with --ladder auto, or with --vmaf"
        raise fail("report", f"{title}: no rung of it was measured; {way_out}", 1)
    try:
        page = write_title_report(found, ladders, report)
    except OSError as error:
        raise fail(
            "report", f"{error.filename or report}: {error.strerror}; name a folder with -o", 1
        ) from None
    if as_json:
        print(json.dumps(title_values(found, ladders)))
        return
    console = Console()
    for ladder in ladders.ladders:
        _show(ladder, console)
    console.print(f"Report: {page}", soft_wrap=True)


def _known(place: str) -> tuple[Title, TitleLadders | None]:
    """Raises EncodeError."""
    if "://" in place:
        above, _, name = place.rstrip("/").rpartition("/")
    else:
        folder = Path(place).resolve()
        above, name = str(folder.parent), folder.name
    library = library_at(above)
    title = read_published(library, name)
    return title, title_ladders(library, title)


def _show(ladder: CodecLadder, console: Console) -> None:
    heading = ladder.codec if ladder.video_range == "SDR" else f"{ladder.codec}, {ladder.video_range}"
    if ladder.rungs:
        table = _table(heading, "rung", "kbit/s", "VMAF", "p5")
        for rung in ladder.rungs:
            table.add_row(rung.name, f"{rung.bps / 1000:.0f}", f"{rung.vmaf:.1f}", f"{rung.p5:.1f}")
        console.print(table)
    if ladder.fixed:
        columns = "size", "kbit/s", "VMAF", "the hull takes", "the rungs take"
        table = _table(f"{heading}, Apple's fixed ladder, estimated", *columns)
        for step in ladder.fixed:
            size = f"{step.width_px}×{step.height_px}"
            changes = change(step.hull_saving), change(step.saving)
            table.add_row(size, f"{step.bps / 1000:.0f}", f"{step.vmaf:.1f}", *changes)
        console.print(table)


def _table(title: str, first: str, *figures: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True)
    for figure in figures:
        table.add_column(figure, justify="right", no_wrap=True)
    return table
