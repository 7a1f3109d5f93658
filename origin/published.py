"""A published title as it is served: every object it has, by path, with what its answer says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from media.dash import write_mpd
from media.hls import write_multivariant, write_playlists
from media.presentation import Presentation
from media.rendition import Rendition, TextRendition, VideoRendition
from media.title import Title, TitleFile
from origin.caching import Kind, media_type
from origin.conditional import Validators


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """One object; `body` is None if its bytes stay in the library's file of the same path."""

    kind: Kind
    media_type: str
    size_bytes: int
    validators: Validators
    body: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A title in one version."""

    title: Title
    objects: Mapping[str, StoredObject]


def publish(title: Title, modified_s: int) -> Published:
    """Index the title's files and write its manifests. Raises ManifestError for a foreign layout."""
    kinds = _kinds(title.presentation)
    objects = {file.path: _file(file, kinds, modified_s) for file in title.files}
    objects |= {path: _manifest(path, text, modified_s) for path, text in _manifests(title)}
    return Published(title=title, objects=objects)


def root_of(title: Title) -> str:
    """Where the title's folder stands in this version."""
    return f"/v/{title.name}/{title.version}"


def describe(title: Title) -> dict[str, Any]:
    """What the list of titles says of one."""
    return {
        "name": title.name,
        "version": title.version,
        "duration_s": float(title.presentation.duration),
        "hls": f"{root_of(title)}/master.m3u8",
        "dash": f"{root_of(title)}/manifest.mpd" if title.presentation.allows_dash else None,
        "thumbnails": [
            f"{root_of(title)}/{track.rendition.index_uri}" for track in title.presentation.images
        ],
        "poster": f"{root_of(title)}/{title.presentation.poster}" if title.presentation.poster else None,
        "renditions": [_describe(track.rendition) for track in title.presentation.tracks],
        "subtitles": [_describe_text(track.rendition) for track in title.presentation.text],
    }


def _describe(rendition: Rendition) -> dict[str, Any]:
    about: dict[str, Any] = {"name": rendition.name, "codecs": rendition.codecs}
    about |= {"average_bps": rendition.average_bps, "peak_bps": rendition.peak_bps}
    if isinstance(rendition, VideoRendition):
        size = {"width_px": rendition.width_px, "height_px": rendition.height_px}
        return about | size | {"kind": "video", "frame_rate": str(rendition.frame_rate)}
    sound = {"channels": rendition.channels, "sample_rate_hz": rendition.sample_rate_hz}
    return about | sound | {"kind": "audio", "language": rendition.language}


def _describe_text(text: TextRendition) -> dict[str, Any]:
    about = {"name": text.name, "language": text.language, "label": text.label, "file": text.whole_uri}
    return about | {"is_default": text.is_default, "is_forced": text.is_forced, "is_sdh": text.is_sdh}


def _manifests(title: Title) -> Iterator[tuple[str, str]]:
    yield "master.m3u8", write_multivariant(title.presentation)
    if title.presentation.allows_dash:
        # Some DASH players resolve addresses against what they asked for, not against what it led to.
        yield "manifest.mpd", write_mpd(title.presentation, base_url=f"{root_of(title)}/")
    yield from write_playlists(title.presentation).items()


def _kinds(presentation: Presentation) -> dict[str, tuple[Kind, bool]]:
    """Of the files that are played: their kind, and whether they are sound."""
    sound = {track.rendition.name for track in presentation.audio}
    kinds: dict[str, tuple[Kind, bool]] = {}
    for track in presentation.tracks:
        is_audio = track.rendition.name in sound
        kinds |= {segment.uri: (Kind.SEGMENT, is_audio) for segment in track.timeline.segments}
        if track.init:
            kinds[track.init.uri] = (Kind.INIT, is_audio)
    for text in presentation.text:
        kinds[text.rendition.whole_uri] = (Kind.SEGMENT, False)
        kinds |= {segment.uri: (Kind.SEGMENT, False) for segment in text.timeline.segments}
    return kinds


def _file(file: TitleFile, kinds: Mapping[str, tuple[Kind, bool]], modified_s: int) -> StoredObject:
    kind, is_audio = kinds.get(file.path, (Kind.FILE, False))
    return StoredObject(
        kind=kind,
        media_type=media_type(file.path, is_audio=is_audio),
        size_bytes=file.size_bytes,
        validators=Validators(f'"{file.sha256[:32]}"', modified_s),
    )


def _manifest(path: str, text: str, modified_s: int) -> StoredObject:
    body = text.encode()
    return StoredObject(
        kind=Kind.MANIFEST,
        media_type=media_type(path),
        size_bytes=len(body),
        validators=Validators(f'"{hashlib.sha256(body).hexdigest()[:32]}"', modified_s),
        body=body,
    )
