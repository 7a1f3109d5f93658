"""Media playlists of finished tracks (RFC 8216, 4.3.2 and 4.3.3): segments, key frames, sheets of thumbnails.

Sheets are those of the Image Media Playlist specification 0.4 (EXT-X-IMAGES-ONLY, EXT-X-TILES), which Roku
and Shaka Player read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise

from media.hls_encryption import key_tags
from media.hls_tags import byte_range_of, quoted, resolution, tag
from media.presentation import InitSegment, Presentation, Track
from media.rendition import AnyRendition, ImageRendition, VideoRendition
from media.timeline import Segment, Timeline

VERSION = 6  # the first with EXT-X-MAP for ordinary segments (section 7)


def write_playlists(presentation: Presentation) -> dict[str, str]:
    """Every media playlist of a title, by its path in the title's folder."""
    sound_and_picture, text, images = presentation.tracks, presentation.text, presentation.images
    ordinary: tuple[Track[AnyRendition], ...] = (*sound_and_picture, *text, *images)
    playlists = {playlist_of(track.rendition): write_media(track) for track in ordinary}
    return playlists | {iframes_of(track.rendition): write_iframes(track) for track in presentation.iframes}


def playlist_of(rendition: AnyRendition) -> str:
    return f"{rendition.name}/index.m3u8"


def iframes_of(rung: VideoRendition) -> str:
    return f"{rung.name}/iframes.m3u8"


def write_media(track: Track[AnyRendition]) -> str:
    """The playlist of one finished track; its addresses are relative to the rendition's folder."""
    rendition = track.rendition
    if isinstance(rendition, ImageRendition):
        return _playlist(track, ["#EXT-X-IMAGES-ONLY"], [_tiles(rendition)])
    return _playlist(track)


def write_iframes(track: Track[VideoRendition]) -> str:
    """The playlist of the key frames alone; a duration reaches to the next key frame (4.3.3.6)."""
    return _playlist(track, ["#EXT-X-I-FRAMES-ONLY"])


def _playlist(track: Track[AnyRendition], what: Sequence[str] = (), each_segment: Sequence[str] = ()) -> str:
    timeline, folder = track.timeline, f"{track.rendition.name}/"
    moments = _moments_us(timeline)
    durations_us = [end - start for start, end in pairwise(moments)]
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{_target_duration_s(durations_us)}",
        f"#EXT-X-MEDIA-SEQUENCE:{timeline.segments[0].number if timeline.segments else 0}",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        *what,
    ]
    if track.init:
        lines.append(_map(track.init, folder))
    # After EXT-X-MAP: behind an AES-128 key the init segment would be taken for encrypted (8216bis, 4.4.4.5).
    keys = key_tags(track)
    for segment, duration_us in zip(timeline.segments, durations_us, strict=True):
        lines += [*next(keys), f"#EXTINF:{_seconds(duration_us)},", *each_segment, *_address(segment, folder)]
    return "\n".join([*lines, "#EXT-X-ENDLIST"]) + "\n"


def _map(init: InitSegment, folder: str) -> str:
    attributes = {"URI": quoted(_relative(init.uri, folder))}
    if init.byte_range:
        attributes["BYTERANGE"] = quoted(byte_range_of(init.byte_range))
    return tag("EXT-X-MAP", attributes)


def _address(segment: Segment, folder: str) -> Iterable[str]:
    if segment.byte_range:
        yield f"#EXT-X-BYTERANGE:{byte_range_of(segment.byte_range)}"
    yield _relative(segment.uri, folder)


def _tiles(images: ImageRendition) -> str:
    return tag(
        "EXT-X-TILES",
        {
            "RESOLUTION": resolution(images.width_px, images.height_px),
            "LAYOUT": resolution(images.columns, images.rows),
            "DURATION": _seconds(round(images.interval * 10**6)),
        },
    )


def _moments_us(timeline: Timeline) -> list[int]:
    """Where segments start and end, rounded once each: a sum of durations never drifts from the truth."""
    ticks = [segment.start_ticks for segment in timeline.segments]
    ticks += [segment.end_ticks for segment in timeline.segments[-1:]]
    return [round(timeline.seconds(tick) * 10**6) for tick in ticks]


def _seconds(microseconds: int) -> str:
    return f"{microseconds // 10**6}.{microseconds % 10**6:06d}"


def _target_duration_s(durations_us: list[int]) -> int:
    """No duration, rounded to whole seconds, is above it (4.3.3.1)."""
    longest = Fraction(max(durations_us, default=0), 10**6)
    return max(1, int(longest + Fraction(1, 2)))


def _relative(uri: str, folder: str) -> str:
    """A folder may lie in another, as subtitles do: each level is one step up."""
    if uri.startswith(folder):
        return uri.removeprefix(folder)
    return uri if "://" in uri else f"{'../' * folder.count('/')}{uri}"
