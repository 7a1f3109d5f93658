"""What caches and players are told of each kind of object (RFC 9111, 5.2; RFC 5861; RFC 8246)."""

from __future__ import annotations

from enum import Enum
from pathlib import PurePosixPath

_MEDIA_TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mpd": "application/dash+xml",
    ".mp4": "video/mp4",
    # Not video/iso.segment, the registered type of a lone segment: some players refuse it.
    ".m4s": "video/mp4",
    ".json": "application/json",
    ".vtt": "text/vtt",
    ".jpg": "image/jpeg",
    ".png": "image/png",
}


class Kind(Enum):
    """What is asked for; metrics and logs use the same words."""

    SEGMENT = "segment"
    INIT = "init"
    FILE = "file"  # of a title, but not played: a thumbnail
    MANIFEST = "manifest"
    REDIRECT = "redirect"  # to the current version
    LISTING = "listing"
    STATUS = "status"  # health, readiness, metrics
    PREFLIGHT = "preflight"
    ERROR = "error"


_IMMUTABLE = "public, max-age=31536000, immutable"
CACHE_CONTROL = {
    Kind.SEGMENT: _IMMUTABLE,
    Kind.INIT: _IMMUTABLE,
    Kind.FILE: _IMMUTABLE,
    # Its address holds the version, yet a label may change without any media doing so.
    Kind.MANIFEST: "public, max-age=5, stale-while-revalidate=30, stale-if-error=86400",
    Kind.REDIRECT: "public, max-age=2, stale-if-error=86400",
    Kind.LISTING: "public, max-age=2",
    Kind.STATUS: "no-store",
    Kind.PREFLIGHT: "public, max-age=86400",
    # Long enough to shield the origin from a herd, short enough for what is published a moment later.
    Kind.ERROR: "public, max-age=1",
}


def media_type(path: str, *, is_audio: bool = False) -> str:
    """By the ending of the path; a track of sound alone is audio/mp4."""
    found = _MEDIA_TYPES.get(PurePosixPath(path).suffix, "application/octet-stream")
    return "audio/mp4" if is_audio and found == "video/mp4" else found
