"""HLS playlists of a presentation (RFC 8216; CHANNELS and VIDEO-RANGE as in its second edition).

Playlists are text, a line to a tag: written here by hand, so that durations stay exact and the order stable.
"""

from __future__ import annotations

from collections.abc import Sequence

from media.hls_media_writer import (
    VERSION,
    iframes_of,
    playlist_of,
    write_iframes,
    write_media,
    write_playlists,
)
from media.hls_sound import AudioGroup, audio_groups, media_of
from media.hls_tags import Attributes, quoted, resolution, tag, yes
from media.ladders import in_ladders
from media.presentation import Presentation
from media.rendition import AudioRendition, ImageRendition, Rendition, TextRendition, VideoRendition

__all__ = ["write_iframes", "write_media", "write_multivariant", "write_playlists"]

_TEXT_GROUP = "subtitles"
SDH = "public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound"


def write_multivariant(presentation: Presentation) -> str:
    """The playlist that lists the renditions; each one's own is at `<name>/index.m3u8`."""
    audio = audio_groups([track.rendition for track in presentation.audio]) if presentation.video else []
    text = [track.rendition for track in presentation.text]
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    lines += [tag("EXT-X-MEDIA", attributes) for group in audio for attributes in media_of(group)]
    lines += [tag("EXT-X-MEDIA", _subtitles(rendition, text)) for rendition in text]
    groups: list[AudioGroup | None] = [*audio] or [None]
    for group in groups:  # the whole ladder with the sound that everything plays, then with the next
        for track in in_ladders(presentation.video) or presentation.audio:
            lines += [tag("EXT-X-STREAM-INF", _variant(track.rendition, group, text))]
            lines += [playlist_of(track.rendition)]
    lines += [
        tag("EXT-X-I-FRAME-STREAM-INF", _iframes(track.rendition))
        for track in in_ladders(presentation.iframes)
    ]
    lines += [tag("EXT-X-IMAGE-STREAM-INF", _images(track.rendition)) for track in presentation.images]
    return "\n".join(lines) + "\n"


def _variant(rendition: Rendition, audio: AudioGroup | None, text: list[TextRendition]) -> Attributes:
    if isinstance(rendition, VideoRendition):
        attributes = _bandwidth(rendition, audio.renditions if audio else []) | _picture(rendition)
        if rendition.frame_rate:
            attributes["FRAME-RATE"] = f"{float(rendition.frame_rate):.3f}"
        attributes |= {"VIDEO-RANGE": rendition.video_range, "CLOSED-CAPTIONS": "NONE"}
        if audio:
            attributes["AUDIO"] = quoted(audio.name)
    else:
        attributes = _bandwidth(rendition, [])
    if text:
        attributes["SUBTITLES"] = quoted(_TEXT_GROUP)
    return attributes


def _iframes(rung: VideoRendition) -> Attributes:
    """Neither a frame rate nor the groups of what is played together (4.3.4.3)."""
    attributes = _bandwidth(rung, []) | _picture(rung)
    return attributes | {"VIDEO-RANGE": rung.video_range, "URI": quoted(iframes_of(rung))}


def _images(images: ImageRendition) -> Attributes:
    """The resolution is that of one thumbnail (Image Media Playlist 0.4)."""
    attributes = _bandwidth(images, []) | {"RESOLUTION": resolution(images.width_px, images.height_px)}
    return attributes | {"URI": quoted(playlist_of(images))}


def _picture(rung: VideoRendition) -> Attributes:
    is_known = rung.width_px and rung.height_px
    return {"RESOLUTION": resolution(rung.width_px, rung.height_px)} if is_known else {}


def _bandwidth(rendition: Rendition | ImageRendition, audio: list[AudioRendition]) -> Attributes:
    """What is played together is announced together: the rendition with the costliest audio (4.3.4.2)."""
    peak_bps = rendition.peak_bps + max((track.peak_bps for track in audio), default=0)
    average_bps = rendition.average_bps + max((track.average_bps for track in audio), default=0)
    codecs = dict.fromkeys([rendition.codecs, *(track.codecs for track in audio)])  # each once, in order
    return {
        "BANDWIDTH": str(peak_bps),
        "AVERAGE-BANDWIDTH": str(average_bps),
        "CODECS": quoted(",".join(codecs)),
    }


def _subtitles(rendition: TextRendition, group: list[TextRendition]) -> Attributes:
    """What is chosen unasked differs in language, FORCED or CHARACTERISTICS (4.3.4.1.1)."""
    default = next((track for track in group if track.is_default), None)
    first_of_kind = next(track for track in group if _kind(track) == _kind(rendition))
    is_default = rendition is default
    attributes = {
        "TYPE": "SUBTITLES",
        "GROUP-ID": quoted(_TEXT_GROUP),
        "NAME": quoted(_menu_name(rendition, group)),
        "LANGUAGE": quoted(rendition.language),
        "DEFAULT": yes(is_default),
        "AUTOSELECT": yes(is_default or rendition is first_of_kind),
        "FORCED": yes(rendition.is_forced),
    }
    if rendition.is_sdh:
        attributes["CHARACTERISTICS"] = quoted(SDH)
    return attributes | {"URI": quoted(playlist_of(rendition))}


def _kind(text: TextRendition) -> tuple[str, bool, bool]:
    return text.language, text.is_forced, text.is_sdh


def _menu_name(rendition: TextRendition, group: Sequence[TextRendition]) -> str:
    name = rendition.label or rendition.language
    is_taken = any(other is not rendition and name == (other.label or other.language) for other in group)
    return f"{name} ({rendition.name})" if is_taken else name
