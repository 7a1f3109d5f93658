"""`python -m encoder INPUT... -o LIBRARY`: encode videos into a library and say how far it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from rich.console import Console
from typer import Argument, Option

from encoder.codecs import CODECS
from encoder.errors import EncodeError
from encoder.job import EncodeJob, JobError, Published
from encoder.ladder import LADDERS
from encoder.package import encode
from encoder.plan import Settings
from encoder.reporting import reporter
from service.command import fail, run_command
from service.run import leave_on_sigterm


def encode_command(
    inputs: Annotated[list[Path], Argument(metavar="INPUT", help="Video files, one title each.")],
    library: Annotated[Path, Option("--output", "-o", metavar="LIBRARY", help="The folder to publish into.")],
    title: Annotated[str | None, Option(help="The title's name; else after the file's.")] = None,
    ladder: Annotated[str, Option(help=f"{', '.join(LADDERS)}, or a TOML file of one's own.")] = "auto",
    codec: Annotated[str, Option(help=f"The video codec: {', '.join(CODECS)}.")] = "h264",
    preset: Annotated[str, Option(help="How hard the encoder tries: ultrafast to veryslow.")] = "medium",
    jobs: Annotated[int | None, Option(help="Processor cores to use; else all.")] = None,
    as_json: Annotated[bool, Option("--json", help="One line of JSON for each title.")] = False,
) -> None:
    """Cut a video into renditions for HLS and DASH and publish it in a library, whole or not at all.

    Example: penstock encode movie.mp4 -o library
    """
    leave_on_sigterm()
    console = Console(stderr=as_json)
    settings = Settings(codec=codec, preset=preset)
    try:
        if title is not None and len(inputs) > 1:
            raise JobError(f"--title names one title, but there are {len(inputs)} inputs; leave it out")
        for source in inputs:
            job = EncodeJob(
                input=source, library=library, title=title, ladder=ladder, settings=settings, jobs=jobs
            )
            with reporter(console) as on_progress:
                published = encode(job, on_progress)
            print(_json(published) if as_json else _line(published))  # noqa: T201
    except EncodeError as error:
        raise fail("encode", error, 1) from None


def _line(published: Published) -> str:
    what = "published" if published.is_new else "is there already, from the same input: nothing to do"
    return f"{published.folder} {what}"


def _json(published: Published) -> str:
    title = published.title
    return json.dumps(
        {
            "title": title.name,
            "version": title.version,
            "folder": str(published.folder),
            "is_new": published.is_new,
            "duration_s": float(title.presentation.duration),
            "renditions": [
                {"name": track.rendition.name, "peak_bps": track.rendition.peak_bps}
                for track in title.presentation.tracks
            ],
        }
    )


if __name__ == "__main__":
    run_command(encode_command, name="encode")
