"""Progress: a bar on a terminal, a plain line now and then elsewhere, lines of JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from encoder.job import OnProgress, Progress, Stage

_LINE_EVERY = 10  # per cent


@contextmanager
def reporter(console: Console, title: str = "") -> Iterator[OnProgress]:
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (
        TextColumn("{task.fields[title]}"),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console) as bar:
        task = bar.add_task(Stage.PROBING.value, total=None, speed="", title=title)

        def show(progress: Progress) -> None:
            bar.update(
                task,
                description=progress.stage.value,
                completed=progress.frames,
                total=progress.total_frames or None,
                speed=f"{progress.speed:.1f}×" if progress.speed else "",
            )

        yield show


@contextmanager
def json_reporter(title: str) -> Iterator[OnProgress]:
    """An object a line on standard output whenever a stage begins or another hundredth is done."""
    said: set[tuple[Stage, int]] = set()

    def say(progress: Progress) -> None:
        per_cent = _per_cent(progress)
        if (progress.stage, per_cent) in said:
            return
        said.add((progress.stage, per_cent))
        told = {
            "event": "progress",
            "title": title,
            "stage": progress.stage.value,
            "frames": progress.frames,
            "total_frames": progress.total_frames,
            "speed": round(progress.speed, 3),
            "eta_s": None if progress.eta_s is None else round(progress.eta_s, 1),
        }
        print(json.dumps(told), flush=True)  # noqa: T201

    yield say


def _lines(console: Console) -> OnProgress:
    """A line when a stage begins, and one for each tenth of the encoding."""
    said: set[tuple[Stage, int]] = set()

    def say(progress: Progress) -> None:
        per_cent = _per_cent(progress)
        step = (progress.stage, per_cent // _LINE_EVERY)
        if step in said:
            return
        said.add(step)
        is_long = progress.total_frames and progress.stage is not Stage.PUBLISHING
        amount = f" {per_cent} %" if is_long else ""
        speed = f", {progress.speed:.1f} times real time" if progress.speed else ""
        console.print(f"{progress.stage.value}{amount}{speed}", highlight=False)

    return say


def _per_cent(progress: Progress) -> int:
    return 100 * progress.frames // progress.total_frames if progress.total_frames else 0
