"""Playlist variables, EXT-X-DEFINE and its references (RFC 8216bis, 4.3 and 4.4.2.3): m3u8 ignores them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from media.manifest import ManifestError

_DEFINE = "#EXT-X-DEFINE:"
_ATTRIBUTE = re.compile(r'([A-Z]+)="([^"]*)"')
_REFERENCE = re.compile(r"\{\$([A-Za-z0-9_-]+)\}")


def substitute(text: str, uri: str, imported: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The playlist with its references filled in, and its variables; `imported` are the multivariant's.

    Without a definition a playlist has no references, whatever looks like one. Raises ManifestError.
    """
    variables: dict[str, str] = {}

    def fill(reference: re.Match[str]) -> str:
        return _value(reference[1], variables, uri)

    lines = []
    for line in text.splitlines():
        if line.startswith(_DEFINE):
            variables.update(_definition(line, uri, imported))
        else:
            lines.append(_REFERENCE.sub(fill, line) if variables else line)
    return "\n".join(lines), variables


def _definition(line: str, uri: str, imported: Mapping[str, str]) -> dict[str, str]:
    attributes = dict(_ATTRIBUTE.findall(line))
    if "NAME" in attributes:
        return {attributes["NAME"]: attributes.get("VALUE", "")}
    if name := attributes.get("QUERYPARAM"):
        return {name: _value(name, dict(parse_qsl(urlsplit(uri).query, keep_blank_values=True)), uri)}
    if name := attributes.get("IMPORT"):
        return {name: _value(name, imported, uri)}
    raise ManifestError(f"{uri}: {line} defines nothing: NAME, QUERYPARAM or IMPORT is missing")


def _value(name: str, variables: Mapping[str, str], uri: str) -> str:
    if name not in variables:
        raise ManifestError(f"{uri}: the playlist needs the variable {name!r}, which has no value")
    return variables[name]
