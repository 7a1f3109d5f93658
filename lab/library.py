"""The library of a demonstration: a title encoded into it, from a given input or from a clip made here."""

from __future__ import annotations

from pathlib import Path
from time import monotonic

from rich.console import Console

from encoder.clip import make_clip
from encoder.job import EncodeJob
from encoder.package import encode
from encoder.plan import Settings
from encoder.reporting import reporter
from media.title import Title
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
