"""When all steps are done: the presentation, its pictures and subtitles, its files and manifests."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from encoder.ffmpeg import Ffmpeg
from encoder.measure import Encoded, MeasureError, presentation
from encoder.pictures import draw
from encoder.plan import Plan
from encoder.records import StepRecord
from encoder.sealing import seal
from encoder.staging import reported, write_durably
from encoder.steps import all_steps
from encoder.subtitles.writing import written
from encoder.texts import TextPlan
from encoder.work import WorkFolder
from media import cmaf
from media.boxes import BoxError
from media.dash import write_mpd
from media.encryption.protector import Protector
from media.hls import write_multivariant, write_playlists
from media.presentation import Presentation, Track
from media.rendition import Quality, Rendition, TextRendition, VideoRendition
from media.title import Title, TitleFile, content_version, write_title
from media.webvtt import write_thumbnail_index

MASTER, MPD = "master.m3u8", "manifest.mpd"

Score = Callable[[Sequence[Track[VideoRendition]]], Mapping[str, Quality]]
"""From the rungs of a title to the quality of each, by its name."""
Lock = Callable[[Sequence[Rendition]], Mapping[str, Protector]]
"""From the renditions of a title to what encrypts each, by its name."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A title in `folder`, but for its texts."""

    folder: Path
    made: Presentation
    files: tuple[TitleFile, ...]


def finish(
    plan: Plan, names: Mapping[str, str], suffix: str, texts: Sequence[TextPlan], ffmpeg: Ffmpeg,
    work: WorkFolder, cores: int | None, lock: Lock | None = None, score: Score | None = None,
) -> Finished:  # fmt: skip
    """Measure the renditions, encrypt them, cut the subtitles, draw the pictures. Raises EncodeError."""
    folder, records = work.media, _records(plan, work)
    encoded = {label: _encoded(folder, names[label], steps) for label, steps in records.items()}
    clear = made = presentation(plan, names, encoded)
    if lock:
        folder = work.empty("sealed")
        encoded = _sealed(
            names, encoded, lock([track.rendition for track in clear.tracks]), work.media, folder
        )
        made = presentation(plan, names, encoded)
    files = [file for label, rendition in encoded.items() for file in _media_files(names[label], rendition)]
    made, text_files = _with_text(made, texts, suffix, folder)
    # From what every decoder can be told to take key frames of.
    plain = [track for track, rung in zip(clear.video, plan.rungs, strict=True) if rung.codec == "h264"]
    pictures = draw(
        ffmpeg, work.media, plain, plan.timing.gop_s, into=folder,
        name=f"thumbnails/{suffix}", poster=f"thumbnails/poster-{suffix}.jpg", cores=cores,
    )  # fmt: skip
    made = replace(made, images=(pictures.images,), poster=pictures.poster)
    index = pictures.images.rendition.index_uri
    with reported(folder):
        write_durably(folder / index, write_thumbnail_index(pictures.images).encode())
    if score:
        made = replace(made, video=tuple(_rated(made.video, score(clear.video))))
    files += [_described(folder, path) for path in (*text_files, *pictures.files, index)]
    return Finished(folder, made, tuple(sorted(files, key=lambda file: file.path)))


def titled(name: str, finished: Finished, key: str) -> Title:
    return Title(
        name=name,
        version=content_version(finished.files),
        presentation=finished.made,
        files=finished.files,
        plan_key=key,
    )


def texts_of(title: Title, plan_text: str) -> dict[str, str]:
    """All that is not media, by its path in the title's folder, in the order of publishing."""
    made = title.presentation
    texts = write_playlists(made) | {"plan.json": plan_text}
    texts |= {MPD: write_mpd(made)} if made.allows_dash else {}
    return texts | {MASTER: write_multivariant(made), "title.json": write_title(title)}


def write_texts(title: Title, plan_text: str, folder: Path) -> list[str]:
    """Write all that is not media; returns what is in the title's own folder, in the order of publishing."""
    texts = texts_of(title, plan_text)
    for path, text in texts.items():
        with reported(folder):
            _write(folder / path, text.encode())
    return [path for path in texts if "/" not in path]


def _write(path: Path, data: bytes) -> None:
    """What is there already stays: the folder may be linked to one that is playing."""
    if path.is_file() and path.read_bytes() == data:
        return
    path.unlink(missing_ok=True)
    write_durably(path, data)


def _records(plan: Plan, work: WorkFolder) -> dict[str, list[StepRecord]]:
    records: dict[str, list[StepRecord]] = {}
    for step in all_steps(plan):
        record = work.done(step)
        if record is None:
            raise MeasureError(f"{step.name}: what was made of it is gone; run it again")
        records.setdefault(step.label, []).append(record)
    return records


def _encoded(folder: Path, name: str, steps: Sequence[StepRecord]) -> Encoded:
    try:
        return Encoded(cmaf.read_init((folder / name / "init.mp4").read_bytes()), steps)
    except (OSError, BoxError) as error:
        raise MeasureError(f"{name}: its header cannot be read: {error}; run it again") from None


def _sealed(
    names: Mapping[str, str], encoded: Mapping[str, Encoded], by: Mapping[str, Protector], clear: Path,
    sealed: Path,
) -> dict[str, Encoded]:  # fmt: skip
    return {
        label: replace(
            each,
            steps=seal(names[label], each.steps, by[names[label]], clear, sealed),
            protection=by[names[label]].protection,
        )
        for label, each in encoded.items()
    }


def _media_files(name: str, encoded: Encoded) -> list[TitleFile]:
    init = encoded.steps[0]
    header = TitleFile(path=f"{name}/init.mp4", size_bytes=init.init_size_bytes, sha256=init.init_sha256)
    return [header] + [
        TitleFile(path=f"{name}/{segment.number}.m4s", size_bytes=segment.size_bytes, sha256=segment.sha256)
        for segment in encoded.segments
    ]


def _rated(
    tracks: Sequence[Track[VideoRendition]], qualities: Mapping[str, Quality]
) -> Iterator[Track[VideoRendition]]:
    for track in tracks:
        rendition = replace(track.rendition, quality=qualities.get(track.rendition.name))
        yield replace(track, rendition=rendition)


def _with_text(
    made: Presentation, texts: Sequence[TextPlan], suffix: str, folder: Path
) -> tuple[Presentation, list[str]]:
    """Subtitles are cut as the picture is."""
    timeline = made.video[0].timeline
    tracks: list[Track[TextRendition]] = []
    paths: list[str] = []
    for text in texts:
        cut = written(
            f"subtitles/{text.label}-{suffix}", text.cues, timeline, language=text.language,
            label=text.title, is_default=text.is_default, is_forced=text.is_forced, is_sdh=text.is_sdh,
        )  # fmt: skip
        for path, data in cut.files.items():
            with reported(folder):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(data)
        tracks.append(cut.track)
        paths += cut.files
    return replace(made, text=tuple(tracks)), paths


def _described(root: Path, path: str) -> TitleFile:
    """A file's place, size and checksum, once its bytes are on the disk."""
    with reported(root), (root / path).open("rb") as file:
        os.fsync(file.fileno())
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
        return TitleFile(path=path, size_bytes=file.tell(), sha256=checksum)
