"""The tags of a multivariant playlist as m3u8 gives them, and the nouns that they are (RFC 8216, 4.3.4).

What a tag does not say is 0 or empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any
from urllib.parse import urljoin

from media.hls_playlists import AudioMedia, ImageStream, TextMedia, Tiles, Variant
from media.hls_sound import AUXILIARY, DESCRIBES_VIDEO
from media.manifest import frame_rate_of, name_of, split_codecs
from media.rendition import AudioRendition, Rendition, TextRendition, VideoRendition

Tag = dict[str, Any]


def variant(playlist: Tag, uri: str, groups: set[str]) -> Variant:
    """A variant's group counts only if its audio has playlists: without, it is muxed with the picture."""
    info = playlist["stream_info"]
    codecs = info.get("codecs", "")
    video, audio = split_codecs(codecs)
    group = info["audio"] if info.get("audio") in groups else None
    name = name_of(playlist["uri"])
    rendition: Rendition
    if audio and not video and "resolution" not in info:
        peak_bps, average_bps = _bandwidth(info)
        rendition = _audio(name, audio, peak_bps=peak_bps, average_bps=average_bps)
    else:
        rendition = rung(info, name, video if group else codecs)
    return Variant(rendition=rendition, uri=urljoin(uri, playlist["uri"]), audio_group=group)


def rung(info: Mapping[str, Any], name: str, codecs: str) -> VideoRendition:
    width_px, height_px = _size(info.get("resolution", "0x0"))
    peak_bps, average_bps = _bandwidth(info)
    return VideoRendition(
        name=name,
        codecs=codecs,
        average_bps=average_bps,
        peak_bps=peak_bps,
        width_px=width_px,
        height_px=height_px,
        frame_rate=frame_rate_of(repr(info.get("frame_rate", 0))),
        video_range=info.get("video_range", "SDR"),
    )


def iframe_variant(item: Tag, uri: str) -> Variant:
    """Named like the rung whose key frames these are, if the library is laid out as ours."""
    info = item["iframe_stream_info"]
    name = name_of(item["uri"]).removesuffix("/iframes")
    return Variant(rendition=rung(info, name, info.get("codecs", "")), uri=urljoin(uri, item["uri"]))


def image_stream(item: Tag, uri: str) -> ImageStream:
    info = item["image_stream_info"]
    width_px, height_px = _size(info.get("resolution", "0x0"))
    peak_bps, average_bps = _bandwidth(info)
    return ImageStream(
        name=name_of(item["uri"]),
        uri=urljoin(uri, item["uri"]),
        codecs=info.get("codecs", "jpeg"),
        average_bps=average_bps,
        peak_bps=peak_bps,
        width_px=width_px,
        height_px=height_px,
    )


def tiles(item: Tag) -> Tiles:
    columns, rows = _size(item["layout"])
    return Tiles(columns=columns, rows=rows, interval=Fraction(repr(item["duration"])))


def _size(text: str) -> tuple[int, int]:
    """Some write the size in quotes."""
    width, _, height = text.strip('"').lower().partition("x")
    return int(width), int(height)


def _bandwidth(info: Mapping[str, Any]) -> tuple[int, int]:
    peak_bps: int = info.get("bandwidth", 0)
    return peak_bps, info.get("average_bandwidth", peak_bps)


def _audio(name: str, codecs: str, **known: Any) -> AudioRendition:
    unknown = {"average_bps": 0, "peak_bps": 0, "sample_rate_hz": 0, "channels": 0}
    return AudioRendition(name=name, codecs=codecs, **unknown | known)


def audio_media(item: Tag, uri: str, playlists: list[Tag]) -> AudioMedia:
    """The codecs of a group stand at the variants that use it."""
    users = [p["stream_info"] for p in playlists if p["stream_info"].get("audio") == item["group_id"]]
    language, name = item.get("language", "und"), item.get("name", "")
    rendition = _audio(
        name_of(item["uri"]),
        next((audio for info in users if (audio := split_codecs(info.get("codecs", ""))[1])), ""),
        channels=int(item.get("channels", "0").partition("/")[0]),
        language=language,
        label="" if name == language else name,
        is_default=item.get("default") == "YES",
        is_commentary=AUXILIARY in item.get("characteristics", ""),
        is_descriptive=DESCRIBES_VIDEO in item.get("characteristics", ""),
    )
    return AudioMedia(rendition=rendition, uri=urljoin(uri, item["uri"]), group=item["group_id"])


def text_media(item: Tag, uri: str) -> TextMedia:
    language, name = item.get("language", "und"), item.get("name", "")
    rendition = TextRendition(
        name=name_of(item["uri"]),
        average_bps=0,
        peak_bps=0,
        language=language,
        label="" if name == language else name,
        is_default=item.get("default") == "YES",
        is_forced=item.get("forced") == "YES",
        is_sdh="describes-music-and-sound" in item.get("characteristics", ""),
    )
    return TextMedia(rendition=rendition, uri=urljoin(uri, item["uri"]))
