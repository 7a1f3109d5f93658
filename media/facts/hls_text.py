"""A playlist as it is written: every tag in order, with its attributes (RFC 8216, 4.1 and 4.2).

Nothing is dropped, nothing is judged here; durations stay the decimals that they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from media.hls_variables import substitute
from media.manifest import ManifestError, first_line

_ATTRIBUTE = re.compile(r'\s*([A-Z0-9-]+)\s*=\s*("[^"\r\n]*"|[^",]*)\s*(?:,|$)')
_WITH_ATTRIBUTES = frozenset(
    "EXT-X-" + name
    for name in (
        "DATERANGE", "DEFINE", "I-FRAME-STREAM-INF", "IMAGE-STREAM-INF", "KEY", "MAP", "MEDIA", "PART",
        "PART-INF", "PRELOAD-HINT", "RENDITION-REPORT", "SERVER-CONTROL", "SESSION-DATA", "SESSION-KEY",
        "SKIP", "START", "STREAM-INF", "TILES", "CONTENT-STEERING",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """One tag, or one address (then `name` is empty and `value` the address)."""

    name: str  # without "#"
    value: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)  # without the quotes
    quoted: frozenset[str] = frozenset()  # the attributes that have them
    problem: str = ""  # why its attribute list is none (4.2)

    def __str__(self) -> str:
        return f"#{self.name}:{self.value}" if self.name else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Playlist:
    """A multivariant or a media playlist."""

    uri: str
    tags: tuple[Tag, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    has_definitions: bool = False  # EXT-X-DEFINE

    @property
    def is_multivariant(self) -> bool:
        return any(tag.name in ("EXT-X-STREAM-INF", "EXT-X-I-FRAME-STREAM-INF") for tag in self.tags)

    def all(self, name: str) -> list[Tag]:
        return [tag for tag in self.tags if tag.name == name]

    def has(self, name: str) -> bool:
        return any(tag.name == name for tag in self.tags)

    def value(self, name: str) -> str | None:
        """Of the first tag of that name."""
        return next((tag.value for tag in self.tags if tag.name == name), None)

    def number(self, name: str) -> int | None:
        """The same as a decimal integer, if it is one."""
        text = (self.value(name) or "").strip()
        return int(text) if re.fullmatch(r"\d{1,18}", text, re.ASCII) else None


def read_playlist(text: str, uri: str, variables: Mapping[str, str] | None = None) -> Playlist:
    """Raises ManifestError if `text` is no playlist at all, or its variables cannot be filled in."""
    text = text.removeprefix("\ufeff")
    if not text.startswith("#EXTM3U"):
        raise ManifestError(f"{uri}: not an HLS playlist: it begins with {first_line(text)}")
    filled, known = substitute(text, uri, variables or {})
    tags = tuple(_tags(filled))
    return Playlist(uri=uri, tags=tags, variables=known, has_definitions="\n#EXT-X-DEFINE:" in text)


def _tags(text: str) -> Iterator[Tag]:
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("#EXT"):
            name, _, value = line[1:].partition(":")
            yield _with_attributes(name, value) if name in _WITH_ATTRIBUTES else Tag(name=name, value=value)
        elif line and not line.startswith("#"):
            yield Tag(name="", value=line)


def _with_attributes(name: str, value: str) -> Tag:
    attributes: dict[str, str] = {}
    quoted: set[str] = set()
    at, problem = 0, ""
    while at < len(value):
        match = _ATTRIBUTE.match(value, at)
        if match is None:
            problem = f"{value[at : at + 40]!r} is no attribute"
            break
        key, text = match[1], match[2]
        if key in attributes:
            problem = f"{key} stands there twice"
        if text.startswith('"'):
            quoted.add(key)
        attributes[key] = text.strip('"').strip() if text.startswith('"') else text.strip()
        at = match.end()
    return Tag(name=name, value=value, attributes=attributes, quoted=frozenset(quoted), problem=problem)
