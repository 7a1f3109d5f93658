"""Progress for people: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from encoder.job import OnProgress, Progress, Stage

_LINE_EVERY = 10  # per cent


@contextmanager
def reporter(console: Console) -> Iterator[OnProgress]:
    if not console.is_terminal:
        yield _lines(console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console) as bar:
        task = bar.add_task(Stage.PROBING.value, total=None, speed="")

        def show(progress: Progress) -> None:
            bar.update(
                task,
                description=progress.stage.value,
                completed=progress.frames,
                total=progress.total_frames or None,
                speed=f"{progress.speed:.1f}×" if progress.speed else "",
            )

        yield show


def _lines(console: Console) -> OnProgress:
    """A line when a stage begins, and one for each tenth of the encoding."""
    said: set[tuple[Stage, int]] = set()

    def say(progress: Progress) -> None:
        per_cent = 100 * progress.frames // progress.total_frames if progress.total_frames else 0
        step = (progress.stage, per_cent // _LINE_EVERY)
        if step in said:
            return
        said.add(step)
        amount = f" {per_cent} %" if progress.stage is Stage.ENCODING else ""
        speed = f", {progress.speed:.1f} times real time" if progress.speed else ""
        console.print(f"{progress.stage.value}{amount}{speed}", highlight=False)

    return say
