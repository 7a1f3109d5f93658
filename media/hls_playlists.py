"""The nouns of HLS: what a multivariant and a media playlist say, and how they join to a presentation.

A variant's bandwidth counts what is played together: where audio is a track of its own, the rung's bits per
second include it, and the audio's are 0. So is every number that a playlist does not give.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeVar

from media.ladders import in_ladders
from media.manifest import ManifestError
from media.presentation import InitSegment, Presentation, Track
from media.protection import Protection
from media.rendition import (
    AnyRendition,
    AudioRendition,
    ImageRendition,
    TextRendition,
    VideoRendition,
)
from media.timeline import Timeline

Kind = TypeVar("Kind", bound=AnyRendition)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One EXT-X-STREAM-INF. `rendition` is an AudioRendition if the variant has no picture."""

    rendition: VideoRendition | AudioRendition
    uri: str  # of its media playlist, absolute
    audio_group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioMedia:
    """One EXT-X-MEDIA of type AUDIO that has a playlist of its own."""

    rendition: AudioRendition
    uri: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMedia:
    """One EXT-X-MEDIA of type SUBTITLES."""

    rendition: TextRendition
    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageStream:
    """One EXT-X-IMAGE-STREAM-INF; how its sheets are laid out stands in its media playlist."""

    name: str
    uri: str
    codecs: str
    average_bps: int
    peak_bps: int
    width_px: int
    height_px: int


Item = TypeVar("Item", Variant, AudioMedia, TextMedia, ImageStream)


@dataclass(frozen=True, slots=True, kw_only=True)
class Multivariant:
    """A multivariant playlist; its media playlists are still to be fetched."""

    uri: str
    variants: tuple[Variant, ...]
    audio: tuple[AudioMedia, ...] = ()
    text: tuple[TextMedia, ...] = ()
    iframes: tuple[Variant, ...] = ()
    images: tuple[ImageStream, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)  # for media playlists that import them

    @property
    def playlist_uris(self) -> tuple[str, ...]:
        """What `presentation_of` wants for picture and sound, each once."""
        return tuple(dict.fromkeys([*(v.uri for v in self.variants), *(a.uri for a in self.audio)]))

    @property
    def extra_uris(self) -> tuple[str, ...]:
        """What it takes besides, if it is given: subtitles, I-frames, thumbnails."""
        text, iframes = (item.uri for item in self.text), (item.uri for item in self.iframes)
        return tuple(dict.fromkeys([*text, *iframes, *(item.uri for item in self.images)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """How the thumbnails of a playlist lie on their sheets (EXT-X-TILES)."""

    columns: int
    rows: int
    interval: Fraction  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPlaylist:
    """A media playlist. Its timeline starts at tick 0, also if the list has slid on."""

    init: InitSegment | None
    timeline: Timeline
    is_live: bool  # it may still grow
    target_duration_s: int
    is_encrypted: bool = False
    protection: Protection | None = None  # if the method is one that is known here
    tiles: Tiles | None = None


def presentation_of(multivariant: Multivariant, playlists: Mapping[str, MediaPlaylist]) -> Presentation:
    """Join a ladder and its media playlists by address; what has no playlist here is left out.

    A picture offered with several audio groups counts once, with the one that is listed first; the sound of
    the others comes after that group's. Raises ManifestError.
    """
    variants = [variant for variant in multivariant.variants if variant.uri in playlists]
    rungs: dict[str, Variant] = {}
    for variant in variants:
        rungs.setdefault(variant.uri, variant)
    video, audio = [], []
    for rung in sorted(rungs.values(), key=lambda rung: rung.rendition.peak_bps):
        if isinstance(rung.rendition, VideoRendition):
            video.append(_track(rung.rendition, playlists[rung.uri]))
        else:
            audio.append(_track(rung.rendition, playlists[rung.uri]))
    if video:  # then sound alone is a rung of last resort, and not to be played beside the picture
        first = {rung.audio_group for rung in rungs.values()}
        used = {variant.audio_group for variant in variants}
        listed = sorted(multivariant.audio, key=lambda item: item.group not in first)
        media = [item for item in listed if item.group in used]
        audio = [_track(item.rendition, playlists[uri]) for uri, item in _given(media, playlists)]
    if not video and not audio:
        raise ManifestError(f"{multivariant.uri}: none of its media playlists could be had")
    return Presentation(
        video=tuple(in_ladders(video)),
        audio=tuple(audio),
        text=tuple(_track(item.rendition, playlists[u]) for u, item in _given(multivariant.text, playlists)),
        iframes=tuple(in_ladders(_iframes(multivariant, playlists))),
        images=tuple(
            _track(_thumbnails(item, tiles), playlists[uri])
            for uri, item in _given(multivariant.images, playlists)
            if (tiles := playlists[uri].tiles)
        ),
        is_live=any(playlists[uri].is_live for uri in multivariant.playlist_uris if uri in playlists),
    )


def _track(rendition: Kind, playlist: MediaPlaylist) -> Track[Kind]:
    return Track(
        rendition=rendition,
        init=playlist.init,
        timeline=playlist.timeline,
        protection=playlist.protection,
    )


def _given(items: Iterable[Item], playlists: Mapping[str, MediaPlaylist]) -> list[tuple[str, Item]]:
    """What has a playlist here; the same one offered in several groups counts once, as it comes first."""
    by_uri: dict[str, Item] = {}
    for item in items:
        by_uri.setdefault(item.uri, item)
    return [(uri, item) for uri, item in by_uri.items() if uri in playlists]


def _iframes(
    multivariant: Multivariant, playlists: Mapping[str, MediaPlaylist]
) -> Iterator[Track[VideoRendition]]:
    given = _given(multivariant.iframes, playlists)
    for uri, item in sorted(given, key=lambda given: given[1].rendition.peak_bps):
        if isinstance(item.rendition, VideoRendition):
            yield _track(item.rendition, playlists[uri])


def _thumbnails(stream: ImageStream, tiles: Tiles) -> ImageRendition:
    return ImageRendition(
        name=stream.name,
        codecs=stream.codecs,
        average_bps=stream.average_bps,
        peak_bps=stream.peak_bps,
        width_px=stream.width_px,
        height_px=stream.height_px,
        columns=tiles.columns,
        rows=tiles.rows,
        interval=tiles.interval,
    )
