"""A small library as the encoder publishes it: media files first, title.json last and in one rename."""

from __future__ import annotations

import hashlib
from pathlib import Path

from media.presentation import Presentation
from media.title import Title, TitleFile, content_version, write_title
from tests.media.presentations import audio, iframes, images, renamed, text, video


def folders(marker: bytes = b"first") -> tuple[str, str]:
    """The folders of the rung and of the sound: their names change with their content."""
    suffix = hashlib.sha256(marker).hexdigest()[:8]
    return f"360p-{suffix}", f"audio-en-{suffix}"


RUNG, SOUND = folders()


def publish(library: Path, name: str = "bunny", marker: bytes = b"first", segment_bytes: int = 1000) -> Title:
    """Publish a title of one rung and one audio track; another `marker` makes another version."""
    rung, sound = folders(marker)
    picture = renamed(video(360), rung)
    presentation = Presentation(
        video=(picture,),
        audio=(renamed(audio("en"), sound),),
        text=(text("de"),),
        iframes=(iframes(picture),),
        images=(images(end_ms=2500),),
        poster="poster.jpg",
    )
    paths = {track.init.uri for track in presentation.tracks if track.init}
    paths |= {segment.uri for track in presentation.all_tracks for segment in track.timeline.segments}
    paths |= {*(track.rendition.whole_uri for track in presentation.text), "poster.jpg"}
    files = [_put(library / name, path, content(path, marker, segment_bytes)) for path in sorted(paths)]
    files.append(_put(library / name, "thumbnails/index.vtt", marker))
    title = Title(
        name=name,
        version=content_version(files),
        presentation=presentation,
        files=tuple(files),
        plan_key="",
    )
    put_title_json(library / name, write_title(title))
    return title


def content(path: str, marker: bytes = b"first", size_bytes: int = 1000) -> bytes:
    """Bytes that differ from path to path and from place to place."""
    seed = hashlib.sha256(path.encode() + marker).digest()
    return (seed * (size_bytes // len(seed) + 1))[:size_bytes]


def put_title_json(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "title.json.partial"
    partial.write_text(text)
    partial.rename(folder / "title.json")


def _put(folder: Path, path: str, body: bytes) -> TitleFile:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(body)
    return TitleFile(path=path, size_bytes=len(body), sha256=hashlib.sha256(body).hexdigest())
