"""`title.json`: what a library says of one title, written last by the encoder, read first by the origin.

The text is stable byte for byte: sorted keys, fractions as "24000/1001", media time in ticks. Media files
never change once published, so their checksums make the version that stands in every URL.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from media.presentation import Presentation

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class TitleError(ValueError):
    """A title.json that cannot be used; the message says where and why, in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleFile:
    """One immutable file of a title: an init segment, a media segment, a thumbnail."""

    path: str  # relative to the title's folder, parts joined by "/"
    size_bytes: int
    sha256: str  # 64 lower-case hex digits

    def __post_init__(self) -> None:
        if any(part in ("", ".", "..") for part in self.path.split("/")) or not self.path.isprintable():
            raise ValueError(f"path {self.path!r} must stay below the title's folder")
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"{self.path}: sha256 {self.sha256!r} is not 64 lower-case hex digits")
        if self.size_bytes < 0:
            raise ValueError(f"{self.path}: size_bytes = {self.size_bytes} is negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """A published title: what is played, and the files that it is made of."""

    schema_version: Literal[1] = 1
    name: str
    version: str  # content_version(files)
    presentation: Presentation
    files: tuple[TitleFile, ...]
    plan_key: str  # hash of the input and the settings: equal means that nothing is to be done

    def __post_init__(self) -> None:
        if not is_title_name(self.name):
            raise ValueError(f"name {self.name!r}: use 1 to 128 letters, digits or '-_.', no dot first")
        if self.version != content_version(self.files):
            raise ValueError(f"version {self.version!r} is not that of the files; encode the title again")
        if missing := _uris(self.presentation) - {file.path for file in self.files}:
            raise ValueError(f"{min(missing)} is played but not among the files; encode the title again")


def is_title_name(name: str) -> bool:
    """One path segment of a URL and one folder: ASCII, never hidden, at most 128 characters."""
    return _NAME.fullmatch(name) is not None


def content_version(files: Iterable[TitleFile]) -> str:
    """Twelve hex digits that change when any file's path or content does."""
    lines = sorted(f"{file.path}\0{file.sha256}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:12]


def write_title(title: Title) -> str:
    """The text of title.json; equal titles give equal bytes."""
    values = _SCHEMA.dump_python(title, mode="json")
    values["files"].sort(key=lambda file: file["path"])
    return json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read_title(text: str | bytes) -> Title:
    """Raises TitleError if `text` is not a title of this schema."""
    try:
        return _SCHEMA.validate_json(text)
    except ValidationError as error:
        mistake = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in mistake["loc"])
    reason = mistake["msg"].removeprefix("Value error, ")
    raise TitleError(f"title.json: {where}: {reason}" if where else f"title.json: {reason}")


def _uris(presentation: Presentation) -> set[str]:
    uris = {track.init.uri for track in presentation.all_tracks if track.init}
    uris |= {segment.uri for track in presentation.all_tracks for segment in track.timeline.segments}
    uris |= {track.rendition.whole_uri for track in presentation.text}
    return uris | ({presentation.poster} if presentation.poster else set())


_SCHEMA = TypeAdapter(Title)
