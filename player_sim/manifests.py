"""From the address of a manifest to a presentation: HLS or DASH, whichever the answer is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from media.dash import read_mpd
from media.hls import presentation_of, read_media, read_multivariant
from media.presentation import Presentation


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text that was fetched; `url` is where it came from after redirects."""

    url: str
    content_type: str
    text: str


Fetch = Callable[[str], Awaitable[Document]]


async def load(fetch: Fetch, url: str) -> tuple[Presentation, str]:
    """The presentation at `url`, and its streaming format as CMCD names it: h or d. Raises ManifestError."""
    document = await fetch(url)
    if is_dash(document):
        return read_mpd(document.text, document.url), "d"
    return await _load_hls(fetch, document), "h"


def is_dash(document: Document) -> bool:
    """The media type decides, then the extension; HLS is what remains."""
    media_type = document.content_type.lower()
    if "dash+xml" in media_type or "mpegurl" in media_type:
        return "dash+xml" in media_type
    return urlsplit(document.url).path.endswith(".mpd")


async def _load_hls(fetch: Fetch, document: Document) -> Presentation:
    """All playlists at once: they are small, and one round trip is what a player waits for its first."""
    multivariant = read_multivariant(document.text, document.url)
    uris = multivariant.playlist_uris
    fetched = await asyncio.gather(*map(fetch, uris), return_exceptions=True)
    playlists = {}
    for uri, playlist in zip(uris, fetched, strict=True):
        if isinstance(playlist, BaseException):
            raise playlist
        playlists[uri] = read_media(playlist.text, playlist.url, variables=multivariant.variables)
    return presentation_of(multivariant, playlists)
