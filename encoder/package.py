"""Encode one source into a library: probe, plan, run ffmpeg, measure, publish."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import TypeAdapter

from encoder import commands
from encoder.ffmpeg import Ffmpeg, find_ffmpeg, run
from encoder.job import EncodeJob, OnProgress, Progress, Published, Stage
from encoder.ladder import LADDERS, Ladder, LadderError, LadderFile, own
from encoder.measure import MeasureError, presentation
from encoder.plan import Plan, make_plan, plan_key
from encoder.probe import fingerprint, probe
from encoder.staging import check_room, publish, remove_unused, reported, staging, write_durably
from encoder.written import described, read_encoded
from media.boxes import BoxError
from media.dash import write_mpd
from media.hls import write_media, write_multivariant
from media.presentation import Presentation
from media.title import Title, TitleError, content_version, read_title, write_title
from service.config import ConfigError, load

_MEDIA = ("*/init.mp4", "*/*.m4s")


def encode(job: EncodeJob, on_progress: OnProgress = lambda _: None) -> Published:
    """Raises EncodeError, and then has published nothing. An exception out of `on_progress` ends the run."""
    name, ladder = job.name, _ladder(job.ladder)
    on_progress(Progress(stage=Stage.PROBING))
    plan = make_plan(probe(job.input), ladder, job.settings)
    ffmpeg, input_sha256 = find_ffmpeg(), fingerprint(job.input)
    key = plan_key(plan, commands.arguments(plan, "input"), ffmpeg.version, input_sha256)
    folder = job.library / name
    before = _published(folder)
    if before and before.plan_key == key and _is_whole(before, folder):
        return Published(before, folder, is_new=False)
    with staging(job.library, name) as staged:
        _run(job, plan, ffmpeg, staged, on_progress)
        on_progress(Progress(stage=Stage.PUBLISHING, frames=plan.frames, total_frames=plan.frames))
        made = _collected(plan, key, staged)
        title = _title(name, made, key, staged)
        texts = _texts(title, _plan_text(plan, key, ffmpeg, input_sha256))
        for path, text in texts.items():
            with reported(staged):
                write_durably(staged / path, text.encode())
        names = [track.rendition.name for track in made.tracks]
        publish(staged, folder, names, [path for path in texts if "/" not in path])
    kept = [track.rendition.name for track in before.presentation.tracks] if before else []
    remove_unused(folder, {*names, *kept})
    return Published(title, folder, is_new=True)


def _ladder(name: str) -> Ladder:
    if ladder := LADDERS.get(name):
        return ladder
    if not name.endswith(".toml"):
        raise LadderError(f"--ladder {name!r}: choose one of {', '.join(LADDERS)}, or name a .toml file")
    try:
        return own(load(LadderFile, Path(name)).rungs, where=name)
    except ConfigError as error:
        raise LadderError(str(error)) from None


def _published(folder: Path) -> Title | None:
    with reported(folder):
        try:
            return read_title((folder / "title.json").read_bytes())
        except (FileNotFoundError, NotADirectoryError, TitleError):
            return None  # nothing there, or nothing that can be used


def _is_whole(title: Title, folder: Path) -> bool:
    try:
        return all((folder / file.path).stat().st_size == file.size_bytes for file in title.files)
    except OSError:
        return False


def _run(job: EncodeJob, plan: Plan, ffmpeg: Ffmpeg, staged: Path, on_progress: OnProgress) -> None:
    def on_frame(frames: int, speed: float) -> None:
        done = min(frames, plan.frames)
        on_progress(Progress(stage=Stage.ENCODING, frames=done, total_frames=plan.frames, speed=speed))

    with reported(staged):
        for label in _labels(plan):
            (staged / label).mkdir()
    run(ffmpeg, commands.arguments(plan, str(job.input.resolve())), staged, on_frame, cores=job.jobs)


def _labels(plan: Plan) -> Iterator[str]:
    yield from (rung.label for rung in plan.rungs)
    yield from (track.label for track in plan.audio)


def _collected(plan: Plan, key: str, staged: Path) -> Presentation:
    """Give the renditions their final names and measure them."""
    names = {label: f"{label}-{key[:8]}" for label in _labels(plan)}
    try:
        for label, name in names.items():
            (staged / label / commands.PLAYLIST).unlink()
            (staged / label).rename(staged / name)
        encoded = {label: read_encoded(plan, staged / name) for label, name in names.items()}
        return presentation(plan, names, encoded)
    except MeasureError:
        check_room(staged)  # ffmpeg may fill a disk and end as if all were well
        raise
    except (BoxError, OSError) as error:
        check_room(staged)
        raise MeasureError(f"ffmpeg left a rendition incomplete: {error}") from None


def _title(name: str, made: Presentation, key: str, staged: Path) -> Title:
    with reported(staged):
        paths = sorted(path for pattern in _MEDIA for path in staged.glob(pattern))
        files = tuple(described(path, staged) for path in paths)
    return Title(name=name, version=content_version(files), presentation=made, files=files, plan_key=key)


def _texts(title: Title, plan_text: str) -> dict[str, str]:
    """Everything that is not media, by its path in the title's folder, in the order of publishing."""
    made = title.presentation
    playlists = {f"{track.rendition.name}/index.m3u8": write_media(track) for track in made.tracks}
    return playlists | {
        "plan.json": plan_text,
        "manifest.mpd": write_mpd(made),
        "master.m3u8": write_multivariant(made),
        "title.json": write_title(title),
    }


def _plan_text(plan: Plan, key: str, ffmpeg: Ffmpeg, input_sha256: str) -> str:
    values = {
        "schema_version": 1,
        "plan_key": key,
        "input_sha256": input_sha256,
        "ffmpeg_version": ffmpeg.version,
        "arguments": commands.arguments(plan, "input"),
        "plan": TypeAdapter(Plan).dump_python(plan, mode="json"),
    }
    return json.dumps(values, indent=1, sort_keys=True) + "\n"
