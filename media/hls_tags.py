"""How a tag of a playlist is spelled (RFC 8216, 4.2)."""

from __future__ import annotations

from media.manifest import printable
from media.timeline import ByteRange

Attributes = dict[str, str]


def tag(name: str, attributes: Attributes) -> str:
    return f"#{name}:" + ",".join(f"{key}={value}" for key, value in attributes.items())


def quoted(text: str) -> str:
    """A quoted string holds neither quotes nor line breaks (4.2)."""
    return '"' + printable(text).replace('"', "'") + '"'


def byte_range_of(byte_range: ByteRange) -> str:
    """Length and offset (4.3.2.2)."""
    first, last = byte_range
    return f"{last - first + 1}@{first}"


def resolution(width_px: int, height_px: int) -> str:
    return f"{width_px}x{height_px}"


def yes(is_so: bool) -> str:
    return "YES" if is_so else "NO"
