"""Rules of a playlist's text: RFC 8216 and its second edition; Apple's HLS Authoring Specification, 8."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from media.facts.hls import seconds
from media.facts.hls_text import Playlist, Tag
from media.facts.model import MediaPlaylist, Stream
from media.rules.base import Found, Rule, must

_HALF = Fraction(1, 2)
_SAME_DURATION_S = Fraction(1, 4)


def media_playlists(stream: Stream) -> tuple[MediaPlaylist, ...]:
    return stream.hls.media if stream.hls else ()


def timed(stream: Stream) -> list[MediaPlaylist]:
    return [media for media in media_playlists(stream) if media.is_timed]


def _playlists(stream: Stream) -> Iterator[tuple[str, Playlist]]:
    if stream.hls and stream.hls.multivariant:
        yield stream.hls.where, stream.hls.multivariant
    yield from ((media.where, media.playlist) for media in media_playlists(stream))


def unreadable(stream: Stream) -> Found:
    yield from stream.hls.unreadable if stream.hls else ()


def attribute_lists(stream: Stream) -> Found:
    for where, playlist in _playlists(stream):
        yield from ((where, f"{tag.name}: {tag.problem}") for tag in playlist.tags if tag.problem)


def target_is_given(stream: Stream) -> Found:
    for media in media_playlists(stream):
        if not media.target_s:
            yield media.where, "EXT-X-TARGETDURATION is missing, or no positive integer"


def extinf_within_target(stream: Stream) -> Found:
    for media in media_playlists(stream):
        for seen in media.track.segments:
            rounded = int(seen.listed.duration + _HALF)
            if media.target_s and rounded > media.target_s:
                yield (
                    f"{media.where}, segment {seen.listed.number}",
                    f"EXTINF {float(seen.listed.duration):g} rounds to {rounded}, "
                    f"above the target duration {media.target_s}",
                )


def segments_have_extinf(stream: Stream) -> Found:
    for media in media_playlists(stream):
        is_told = False
        for tag in media.playlist.tags:
            if tag.name == "EXTINF":
                is_told = seconds(tag.value) is not None
                if not is_told:
                    yield media.where, f"EXTINF:{tag.value} does not begin with a decimal number"
                    is_told = True
            elif not tag.name:
                if not is_told:
                    yield media.where, f"{tag.value} has no EXTINF"
                is_told = False


def vod_is_said(stream: Stream) -> Found:
    for media in timed(stream):
        if media.is_finished and media.playlist.value("EXT-X-PLAYLIST-TYPE") not in ("VOD", "EVENT"):
            yield media.where, "EXT-X-ENDLIST without EXT-X-PLAYLIST-TYPE:VOD"


def vod_is_finished(stream: Stream) -> Found:
    for media in media_playlists(stream):
        if media.playlist.value("EXT-X-PLAYLIST-TYPE") == "VOD" and not media.is_finished:
            yield media.where, "EXT-X-PLAYLIST-TYPE:VOD without EXT-X-ENDLIST"


def version_is_enough(stream: Stream) -> Found:
    for where, playlist in _playlists(stream):
        declared = playlist.number("EXT-X-VERSION") or 1
        needed, why = max(_needs(playlist), default=(1, ""))
        if declared < needed:
            yield where, f"EXT-X-VERSION is {declared}, {why} needs {needed}"


def one_version(stream: Stream) -> Found:
    for where, playlist in _playlists(stream):
        if len(playlist.all("EXT-X-VERSION")) > 1:
            yield where, "EXT-X-VERSION stands there more than once"


def _needs(playlist: Playlist) -> Iterator[tuple[int, str]]:
    """Versions and what asks for them (RFC 8216, 7; second edition, 8)."""
    if playlist.has_definitions:
        yield 8, "EXT-X-DEFINE"
    is_iframes = playlist.has("EXT-X-I-FRAMES-ONLY")
    for tag in playlist.tags:
        yield from _needs_of(tag, is_iframes)


def _needs_of(tag: Tag, is_iframes: bool) -> Iterator[tuple[int, str]]:
    match tag.name:
        case "EXT-X-KEY" if "KEYFORMAT" in tag.attributes or "KEYFORMATVERSIONS" in tag.attributes:
            yield 5, "KEYFORMAT"
        case "EXT-X-KEY" if "IV" in tag.attributes:
            yield 2, "IV"
        case "EXTINF" if "." in tag.value.partition(",")[0]:
            yield 3, "an EXTINF with decimals"
        case "EXT-X-BYTERANGE" | "EXT-X-I-FRAMES-ONLY":
            yield 4, tag.name
        case "EXT-X-MAP":
            yield (5, "EXT-X-MAP with I-frames") if is_iframes else (6, "EXT-X-MAP")
        case "EXT-X-MEDIA" if tag.attributes.get("INSTREAM-ID", "").startswith("SERVICE"):
            yield 7, "INSTREAM-ID with SERVICE"
        case "EXT-X-SKIP":
            yield 9, tag.name
        case "EXT-X-STREAM-INF" if any(name.startswith("REQ-") for name in tag.attributes):
            yield 12, "a REQ- attribute"


def fmp4_has_map(stream: Stream) -> Found:
    for media in media_playlists(stream):
        bare = [s for s in media.track.segments if s.container == "fmp4" and s.listed.init is None]
        if bare:
            yield media.where, f"{bare[0].listed.uri.rpartition('/')[2]} is fMP4, and there is no EXT-X-MAP"


def target_durations_agree(stream: Stream) -> Found:
    targets = {media.where: media.target_s for media in timed(stream) if media.target_s}
    if len(set(targets.values())) > 1:
        usual = next(iter(targets.values()))
        for where, target in targets.items():
            if target != usual:
                yield where, f"target duration {target}, others have {usual}"


def durations_agree(stream: Stream) -> Found:
    finished = [media for media in timed(stream) if media.is_finished]
    if not finished:
        return
    usual = finished[0].track.listed_duration
    for media in finished[1:]:
        difference = media.track.listed_duration - usual
        if abs(difference) > _SAME_DURATION_S:
            yield (
                media.where,
                f"lasts {float(media.track.listed_duration):.3f} s, {finished[0].where} {float(usual):.3f} s",
            )


RULES: tuple[Rule, ...] = (
    must(
        "rfc8216-4.3.1.1",
        "RFC 8216, 4.3.1.1",
        "Every playlist begins with EXTM3U and can be read.",
        unreadable,
    ),
    must(
        "rfc8216-4.2",
        "RFC 8216, 4.2",
        "Attribute lists are NAME=value pairs, each name once.",
        attribute_lists,
    ),
    must("rfc8216-4.3.1.2", "RFC 8216, 4.3.1.2", "EXT-X-VERSION stands there at most once.", one_version),
    must("rfc8216-7", "RFC 8216, 7", "EXT-X-VERSION is high enough for the tags used.", version_is_enough),
    must(
        "rfc8216-4.3.2.1",
        "RFC 8216, 4.3.2.1",
        "Each segment has an EXTINF with a decimal duration.",
        segments_have_extinf,
    ),
    must(
        "rfc8216-4.3.3.1-missing",
        "RFC 8216, 4.3.3.1",
        "Each media playlist has an EXT-X-TARGETDURATION.",
        target_is_given,
    ),
    must(
        "rfc8216-4.3.3.1",
        "RFC 8216, 4.3.3.1",
        "No EXTINF, rounded to whole seconds, is above the target duration.",
        extinf_within_target,
    ),
    must(
        "hls-authoring-8.6",
        "HLS Authoring Specification, 8.6",
        "A finished playlist says PLAYLIST-TYPE:VOD.",
        vod_is_said,
    ),
    must(
        "rfc8216-4.3.3.4",
        "RFC 8216, 4.3.3.4 and 4.3.3.5",
        "A VOD playlist has EXT-X-ENDLIST.",
        vod_is_finished,
    ),
    must(
        "hls-authoring-8.20",
        "HLS Authoring Specification, 8.20",
        "fMP4 segments have an EXT-X-MAP.",
        fmp4_has_map,
    ),
    must(
        "hls-authoring-8.2",
        "HLS Authoring Specification, 8.2",
        "Audio and video playlists have one target duration.",
        target_durations_agree,
    ),
    must(
        "hls-authoring-8.3",
        "HLS Authoring Specification, 8.3 and 8.7",
        "Audio and video playlists last as long as one another.",
        durations_agree,
    ),
)
