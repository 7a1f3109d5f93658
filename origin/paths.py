"""The path of a request, taken apart once: nothing is normalised, what looks odd names nothing."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes


def split_path(raw_path: str) -> tuple[str, ...] | None:
    """The decoded segments of a path as it was sent, or None if no object can have that path.

    Empty and dot segments, and a slash, backslash or control character behind a percent sign name nothing.
    """
    if not raw_path.startswith("/"):
        return None
    try:
        segments = tuple(unquote_to_bytes(part).decode() for part in raw_path[1:].split("/"))
    except UnicodeDecodeError:
        return None
    return segments if all(_is_plain(segment) for segment in segments) else None


def _is_plain(segment: str) -> bool:
    return (
        segment not in ("", ".", "..")
        and segment.isprintable()
        and not any(mark in segment for mark in "/\\")
    )
