"""The nouns of HLS: what a multivariant and a media playlist say, and how they join to a presentation.

A variant's bandwidth counts what is played together: where audio is a track of its own, the rung's bits per
second include it, and the audio's are 0. So is every number that a playlist does not give.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from media.manifest import ManifestError
from media.presentation import InitSegment, Presentation, Track
from media.rendition import AudioRendition, Rendition, VideoRendition
from media.timeline import Timeline

Kind = TypeVar("Kind", bound=Rendition)


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
class Multivariant:
    """A multivariant playlist; its media playlists are still to be fetched."""

    uri: str
    variants: tuple[Variant, ...]
    audio: tuple[AudioMedia, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)  # for media playlists that import them

    @property
    def playlist_uris(self) -> tuple[str, ...]:
        """What `presentation_of` wants, each once."""
        return tuple(dict.fromkeys([*(v.uri for v in self.variants), *(a.uri for a in self.audio)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPlaylist:
    """A media playlist. Its timeline starts at tick 0, also if the list has slid on."""

    init: InitSegment | None
    timeline: Timeline
    is_live: bool  # it may still grow
    target_duration_s: int
    is_encrypted: bool = False


def presentation_of(multivariant: Multivariant, playlists: Mapping[str, MediaPlaylist]) -> Presentation:
    """Join a ladder and its media playlists by address; what has no playlist here is left out.

    A picture offered with several audio groups counts once, with its cheapest. Raises ManifestError.
    """
    variants = [variant for variant in multivariant.variants if variant.uri in playlists]
    rungs: dict[str, Variant] = {}
    for variant in sorted(variants, key=lambda variant: variant.rendition.peak_bps):
        rungs.setdefault(variant.uri, variant)
    video, audio = [], []
    for rung in rungs.values():
        if isinstance(rung.rendition, VideoRendition):
            video.append(_track(rung.rendition, playlists[rung.uri]))
        else:
            audio.append(_track(rung.rendition, playlists[rung.uri]))
    if video:  # then sound alone is a rung of last resort, and not to be played beside the picture
        groups = {rung.audio_group for rung in rungs.values()}
        media = {item.uri: item for item in reversed(multivariant.audio) if item.group in groups}
        audio = [_track(media[u].rendition, playlists[u]) for u in reversed(media) if u in playlists]
    if not video and not audio:
        raise ManifestError(f"{multivariant.uri}: none of its media playlists could be had")
    return Presentation(
        video=tuple(video),
        audio=tuple(audio),
        is_live=any(playlists[uri].is_live for uri in multivariant.playlist_uris if uri in playlists),
    )


def _track(rendition: Kind, playlist: MediaPlaylist) -> Track[Kind]:
    return Track(rendition=rendition, init=playlist.init, timeline=playlist.timeline)
