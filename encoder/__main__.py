"""`python -m encoder INPUT... -o LIBRARY`: encode videos into a library and say how far it is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, cast, get_args

from rich.console import Console
from typer import Argument, Option

from encoder.audio.plan import CODECS as AUDIO_CODECS
from encoder.audio.plan import R128_LUFS, AudioSettings
from encoder.codecs import CODECS
from encoder.encryption.key_file import write_key_file
from encoder.encryption.settings import EncryptionSettings
from encoder.errors import EncodeError
from encoder.job import EncodeJob, JobError, Published
from encoder.ladder import LADDERS
from encoder.package import encode
from encoder.plan import Settings
from encoder.reporting import json_reporter, reporter
from encoder.subtitles.files import named
from media.protection import Scheme
from service.command import fail, run_command
from service.run import leave_on_sigterm

_TOKEN = "PENSTOCK_KEY_SERVER_TOKEN"


def encode_command(
    inputs: Annotated[list[Path], Argument(metavar="INPUT", help="Video files, one title each.")],
    library: Annotated[
        str,
        Option("--output", "-o", metavar="LIBRARY", help="A folder, or a URL such as s3://bucket/videos."),
    ],
    title: Annotated[str | None, Option(help="The title's name; else after the file's.")] = None,
    ladder: Annotated[str, Option(help=f"{', '.join(LADDERS)}, or a TOML file of one's own.")] = "auto",
    codec: Annotated[
        str, Option(help=f"Of {', '.join(CODECS)}, with commas; H.264 is always offered.")
    ] = "h264",
    preset: Annotated[str, Option(help="How hard the encoder tries: ultrafast to veryslow.")] = "medium",
    hdr: Annotated[bool, Option("--hdr", help="HDR rungs too, in HEVC and AV1, of an HDR source.")] = False,
    audio_codec: Annotated[
        str, Option(help=f"Of {', '.join(AUDIO_CODECS)}, with commas; AAC in stereo is always offered.")
    ] = "aac",
    surround: Annotated[bool, Option("--surround", help="5.1 too, of what has it.")] = False,
    loudness: Annotated[
        str, Option(metavar="LUFS|source", help="Loudness of the sound (EBU R 128), or as the source has it.")
    ] = f"{R128_LUFS:g}",
    subtitles: Annotated[
        list[str] | None,
        Option(metavar="FILE[:LANG[:FLAG]]", help="SRT, ASS, WebVTT or TTML; FLAG: default, forced or sdh."),
    ] = None,
    vmaf: Annotated[
        bool | None, Option("--vmaf/--no-vmaf", help="Measure every rung; else only with --ladder auto.")
    ] = None,
    encrypt: Annotated[
        str | None,
        Option(metavar="SCHEME", help=f"{', '.join(get_args(Scheme))}; with keys from a file or a server."),
    ] = None,
    key_file: Annotated[
        Path | None, Option(metavar="FILE", help="Keys in TOML; see docs/encryption.md.")
    ] = None,
    new_keys: Annotated[bool, Option("--new-keys", help="Make the key file, unless it is there.")] = False,
    key_server: Annotated[
        str | None, Option(metavar="URL", help=f"Asked for the keys; a token for it from {_TOKEN}.")
    ] = None,
    rotate_keys: Annotated[
        int | None, Option(metavar="N", help="The next key after each N segments.")
    ] = None,
    key_url: Annotated[
        str | None, Option(metavar="URL", help="Where players fetch a key, with {kid} for its id.")
    ] = None,
    license_url: Annotated[
        str | None, Option(metavar="URL", help="A ClearKey licence server, for players.")
    ] = None,
    jobs: Annotated[int | None, Option(help="Processor cores to use; else all.")] = None,
    cluster: Annotated[
        str | None, Option(metavar="tcp://HOST:PORT", help="A Dask scheduler whose workers do the encoding.")
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Lines of JSON: progress, then the title.")] = False,
) -> None:
    """Cut a video into renditions for HLS and DASH and publish it in a library, whole or not at all.

    What is done is kept: after a crash or Ctrl-C the same command goes on from there.

    Example: penstock encode movie.mp4 -o library --codec h264,av1 --subtitles movie.de.srt
    """
    leave_on_sigterm()
    try:
        sound = AudioSettings(
            codecs=_names(audio_codec), is_surround=surround, loudness_lufs=_loudness(loudness)
        )
        settings = Settings(codecs=_names(codec), preset=preset, is_hdr=hdr, audio=sound)
        lock = None
        if encrypt:
            lock = EncryptionSettings(
                scheme=cast(Scheme, encrypt),
                key_file=key_file,
                key_server=key_server,
                rotate_every_segments=rotate_keys,
                key_url=key_url,
                license_url=license_url,
            )
            if new_keys and key_file is None:
                raise JobError("--new-keys: name the file that they go into with --key-file")
            if new_keys and key_file and not key_file.exists():
                write_key_file(key_file, lock.key_count)
        elif new_keys or any((key_file, key_server, rotate_keys, key_url, license_url)):
            raise JobError(f"there are keys, but no scheme; add --encrypt {' or '.join(get_args(Scheme))}")
        texts = tuple(named(argument) for argument in subtitles or ())
        if len(inputs) > 1 and (title is not None or texts):
            option = "--title" if title is not None else "--subtitles"
            raise JobError(f"{option} is for one title, but there are {len(inputs)} inputs; leave it out")
        all_jobs = [
            EncodeJob(
                input=source,
                library=library,
                title=title,
                ladder=ladder,
                settings=settings,
                subtitles=texts,
                encryption=lock,
                is_scored=vmaf,
                key_server_token=os.environ.get(_TOKEN),
                jobs=jobs,
                cluster=cluster,
            )
            for source in inputs
        ]
        _check_together(all_jobs)
        for job in all_jobs:
            with json_reporter(job.name) if as_json else reporter(Console(), job.name) as on_progress:
                published = encode(job, on_progress)
            for note in published.notes:
                Console(stderr=True).print(f"encode: {note}", markup=False, highlight=False, soft_wrap=True)
            print(_json(published) if as_json else _line(published))  # noqa: T201
    except EncodeError as error:
        raise fail("encode", error, 1) from None


def _check_together(all_jobs: list[EncodeJob]) -> None:
    """What can be known of all inputs before the first is begun. Raises JobError."""
    by_name: dict[str, EncodeJob] = {}
    for job in all_jobs:
        other = by_name.setdefault(job.name, job)
        if other is not job:
            raise JobError(f"{other.input} and {job.input} would both be {job.name}; encode one with --title")
    missing = next((job.input for job in all_jobs if not job.input.is_file()), None)
    if missing and len(all_jobs) > 1:  # of one alone the probe says more
        raise JobError(f"{missing}: no such file; name a video file")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _loudness(text: str) -> float | None:
    if text == "source":
        return None
    try:
        return float(text)
    except ValueError:
        raise JobError(f"--loudness {text!r}: write a number of LUFS such as -23, or source") from None


def _line(published: Published) -> str:
    what = "published" if published.is_new else "is there already, from the same input: nothing to do"
    return f"{published.place} {what}"


def _json(published: Published) -> str:
    title = published.title
    return json.dumps(
        {
            "event": "published",
            "title": title.name,
            "version": title.version,
            "folder": published.place,
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
