"""Titles in libraries: encoding one for a demonstration, reading what is known of a published one."""

from __future__ import annotations

from pathlib import Path
from time import monotonic

from rich.console import Console

from encoder.clip import make_clip
from encoder.findings import read_findings
from encoder.job import EncodeJob
from encoder.library import Library
from encoder.package import encode
from encoder.plan import Settings, read_source
from encoder.reporting import reporter
from encoder.staging import LibraryError
from lab.ladder import TitleLadders, ladders_of
from media.title import Title, TitleError, read_title
from service.run import leave_on_sigterm


def encode_title(source: Path | None, folder: Path, console: Console) -> tuple[Title, float | None]:
    """Encode `source` into `folder`/library; returns the title and the seconds it took, None if it was there.

    Without a source, a clip is made in `folder` once. The preset is a fast one: a demonstration is not kept.
    Raises EncodeError.
    """
    library = folder / "library"
    library.mkdir(parents=True, exist_ok=True)
    if source is None:
        source = folder / "penstock-demo.mp4"
        if not source.exists():
            console.print(f"Making a clip: {source}")
            make_clip(source)
    leave_on_sigterm()
    started_s = monotonic()
    with reporter(console) as on_progress:
        published = encode(
            EncodeJob(input=source, library=library, settings=Settings(preset="veryfast")), on_progress
        )
    return published.title, monotonic() - started_s if published.is_new else None


def read_published(library: Library, name: str) -> Title:
    """Raises LibraryError."""
    place = library.name_of(name)
    text = library.read(name, "title.json")
    if text is None:
        raise LibraryError(f"{place}: no title is there; name the folder that holds its title.json")
    try:
        return read_title(text)
    except TitleError as error:
        raise LibraryError(f"{place}: {error}") from None


def title_ladders(library: Library, title: Title) -> TitleLadders | None:
    """None if nothing was probed and no rung was measured."""
    plan = library.read(title.name, "plan.json") or b""
    findings = read_findings(plan)
    return ladders_of(title.presentation, findings.analyses if findings else (), read_source(plan))
