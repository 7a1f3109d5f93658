"""Read HLS playlists, our own and other people's: the door to m3u8 (RFC 8216 and its second edition)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import Any
from urllib.parse import urljoin

import m3u8

from media.hls_encryption import protection_of
from media.hls_entries import (
    audio_media,
    iframe_variant,
    image_stream,
    rung,
    text_media,
    tiles,
    variant,
)
from media.hls_playlists import (
    AudioMedia,
    ImageStream,
    MediaPlaylist,
    Multivariant,
    TextMedia,
    Tiles,
    Variant,
    presentation_of,
)
from media.hls_variables import substitute
from media.hls_writer import write_iframes, write_media, write_multivariant, write_playlists
from media.manifest import ManifestError, first_line, name_of
from media.presentation import InitSegment
from media.timeline import ByteRange, Segment, Timeline

__all__ = [
    "AudioMedia",
    "ImageStream",
    "ManifestError",
    "MediaPlaylist",
    "Multivariant",
    "TextMedia",
    "Tiles",
    "Variant",
    "presentation_of",
    "read_media",
    "read_multivariant",
    "write_iframes",
    "write_media",
    "write_multivariant",
    "write_playlists",
]


def read_multivariant(text: str, uri: str) -> Multivariant:
    """Read what `uri` answered; a media playlist alone is a ladder of one rung. Raises ManifestError."""
    text, variables = substitute(text, uri, {})
    with _reading(uri):
        values = _parse(text, uri)
        if values["segments"]:
            lone = rung({}, name=name_of(uri.rpartition("/")[2]), codecs="")
            return Multivariant(uri=uri, variants=(Variant(rendition=lone, uri=uri),), variables=variables)
        if not values["playlists"]:
            raise ManifestError(f"{uri}: the playlist lists neither variants nor segments")
        media = [item for item in values["media"] if item.get("type") == "AUDIO" and "uri" in item]
        groups = {item["group_id"] for item in media}
        return Multivariant(
            uri=uri,
            variants=tuple(variant(playlist, uri, groups) for playlist in values["playlists"]),
            audio=tuple(audio_media(item, uri, values["playlists"]) for item in media),
            text=tuple(
                text_media(item, uri)
                for item in values["media"]
                if item.get("type") == "SUBTITLES" and "uri" in item
            ),
            iframes=tuple(iframe_variant(item, uri) for item in values["iframe_playlists"]),
            images=tuple(image_stream(item, uri) for item in values["image_playlists"]),
            variables=variables,
        )


def read_media(
    text: str, uri: str, timescale: int = 90000, variables: Mapping[str, str] | None = None
) -> MediaPlaylist:
    """Read a media playlist; of several init segments the first. Raises ManifestError.

    Moments are summed up exactly and rounded to ticks once each. `variables` are those of the multivariant.
    """
    text, _ = substitute(text, uri, variables or {})
    with _reading(uri):
        values = _parse(text, uri)
        found = [item for item in values["segments"] if "uri" in item]  # the last may be parts so far
        if values["playlists"] or not found:
            what = "lists variants, not segments" if values["playlists"] else "lists no segments"
            raise ManifestError(f"{uri}: the playlist {what}")
        segments = tuple(_segments(found, uri, values["media_sequence"], timescale))
        return MediaPlaylist(
            init=_init(values["segment_map"][0], uri) if values["segment_map"] else None,
            timeline=Timeline(timescale=timescale, segments=segments),
            is_live=not values["is_endlist"] and values["playlist_type"] != "vod",
            target_duration_s=values.get("targetduration", 0),
            is_encrypted=any(key and key.get("method") != "NONE" for key in values["keys"]),
            protection=protection_of(found, values["keys"], uri),
            tiles=tiles(values["tiles"][0]) if values["tiles"] else None,
        )


@contextmanager
def _reading(uri: str) -> Iterator[None]:
    """Whatever m3u8 or a conversion trips over becomes one line."""
    try:
        yield
    except ManifestError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ManifestError(f"{uri}: not a playlist as RFC 8216 has it: {error}") from None


def _parse(text: str, uri: str) -> dict[str, Any]:
    if not text.lstrip("\ufeff").startswith("#EXTM3U"):
        raise ManifestError(f"{uri}: not an HLS playlist: it begins with {first_line(text)}")
    values: dict[str, Any] = m3u8.parse(text)
    return values


def _segments(found: list[dict[str, Any]], uri: str, number: int, timescale: int) -> Iterator[Segment]:
    elapsed, start_ticks, previous = Fraction(0), 0, None
    for item in found:
        # m3u8 reads a float; its shortest form is the decimal that was written.
        elapsed += Fraction(repr(item["duration"]))
        end_ticks = round(elapsed * timescale)
        segment = Segment(
            number=number,
            start_ticks=start_ticks,
            duration_ticks=end_ticks - start_ticks,
            uri=urljoin(uri, item["uri"]),
        )
        if "byterange" in item:
            segment = _within(segment, item["byterange"], previous)
        yield segment
        number, start_ticks, previous = number + 1, end_ticks, segment


def _within(segment: Segment, text: str, previous: Segment | None) -> Segment:
    """Without an offset a range goes on where the one before it ended, in the same resource (4.3.2.2)."""
    length, _, offset = text.partition("@")
    if offset:
        first = int(offset)
    elif previous and previous.byte_range and previous.uri == segment.uri:
        first = previous.byte_range[1] + 1
    else:
        raise ValueError(f"EXT-X-BYTERANGE:{text} has no offset and no range before it to go on from")
    return replace(segment, byte_range=(first, first + int(length) - 1), size_bytes=int(length))


def _init(item: dict[str, str], uri: str) -> InitSegment:
    byte_range: ByteRange | None = None
    if "byterange" in item:
        length, _, offset = item["byterange"].partition("@")
        byte_range = (int(offset or 0), int(offset or 0) + int(length) - 1)
    return InitSegment(
        uri=urljoin(uri, item["uri"]),
        byte_range=byte_range,
        size_bytes=int(length) if byte_range else None,
    )
