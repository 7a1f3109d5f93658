"""Drawing the pictures of a title from its rungs: sheets of thumbnails, and a poster."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path

from encoder.errors import EncodeError
from encoder.ffmpeg import Ffmpeg, run
from encoder.staging import reported
from encoder.storyboard import (
    CANDIDATES,
    POSTER,
    TAKEN_FROM_PX,
    image_track,
    long_side_px,
    moment_of,
    plan_storyboard,
    poster_arguments,
    sheet_arguments,
)
from media.presentation import Track
from media.rendition import ImageRendition, VideoRendition
from media.timeline import Segment


class PictureError(EncodeError):
    """The thumbnails or the poster could not be made."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """What `draw` has written; `files` are paths in the title's folder."""

    images: Track[ImageRendition]
    poster: str
    files: tuple[str, ...]


def draw(
    ffmpeg: Ffmpeg,
    folder: Path,
    video: Sequence[Track[VideoRendition]],
    gop: Fraction,
    *,
    into: Path | None = None,
    name: str = "thumbnails",
    poster: str = "poster.jpg",
    cores: int | None = None,
) -> Pictures:
    """Write `<name>/<number>.jpg` and `poster` into the folder `into`, or into `folder`, which has the rungs.

    Raises EncodeError.
    """
    title = into or folder
    plain = [track for track in video if track.rendition.video_range == "SDR"] or list(video)
    small = next((track for track in plain if long_side_px(track.rendition) >= TAKEN_FROM_PX), plain[-1])
    duration = small.timeline.duration
    plan = plan_storyboard(small.rendition, duration, gop)
    with reported(folder), tempfile.TemporaryDirectory(dir=folder) as scratch:
        small_file = joined(folder, small, small.timeline.segments, Path(scratch) / "small.mp4")
        (Path(scratch) / "sheets").mkdir()
        arguments = sheet_arguments(plan, ceil(duration / gop), str(small_file.resolve()), "sheets")
        run(ffmpeg, arguments, Path(scratch), lambda _frames, _speed: None, cores)
        moment = moment_of((Path(scratch) / CANDIDATES).read_text())
        _draw_poster(ffmpeg, folder, plain[-1], moment, Path(scratch), cores)
        (title / poster).parent.mkdir(parents=True, exist_ok=True)
        (Path(scratch) / POSTER).replace(title / poster)
        sizes = _collected(Path(scratch) / "sheets", title / name, plan.sheets)
    track = image_track(plan, name, duration, sizes)
    paths = tuple(segment.uri for segment in track.timeline.segments)
    return Pictures(track, poster, (*paths, poster))


def _draw_poster(
    ffmpeg: Ffmpeg,
    folder: Path,
    rung: Track[VideoRendition],
    moment: Fraction,
    scratch: Path,
    cores: int | None,
) -> None:
    segments = rung.timeline.segments
    found = next((s for s in segments if moment < rung.timeline.seconds(s.end_ticks)), segments[-1])
    large_file = joined(folder, rung, [found], scratch / "large.mp4")
    arguments = poster_arguments(rung.rendition, moment, str(large_file.resolve()))
    run(ffmpeg, arguments, scratch, lambda _frames, _speed: None, cores)
    if not (scratch / POSTER).is_file():
        raise PictureError(f"{rung.rendition.name}: no picture at {float(moment):.3f} s for the poster")


def joined(folder: Path, track: Track[VideoRendition], segments: Sequence[Segment], path: Path) -> Path:
    """The init segment and these segments as one file."""
    uris = [track.init.uri] if track.init else []
    with path.open("wb") as whole:
        for uri in [*uris, *(segment.uri for segment in segments)]:
            with (folder / uri).open("rb") as part:
                shutil.copyfileobj(part, whole)
    return path


def _collected(drawn: Path, folder: Path, sheets: int) -> list[int]:
    """Move the sheets to their place; returns their sizes in bytes."""
    found = sorted(drawn.iterdir(), key=lambda path: int(path.stem))
    if len(found) != sheets:
        raise PictureError(f"{folder.name}: {len(found)} of {sheets} sheets of thumbnails were drawn")
    folder.mkdir(parents=True, exist_ok=True)
    for path in found:
        path.replace(folder / path.name)
    return [(folder / path.name).stat().st_size for path in found]
