"""Rules of I-frame playlists: RFC 8216, 4.3.3.6 and 4.3.4.3; Apple's HLS Authoring Specification, 6 and 9."""

from __future__ import annotations

from collections.abc import Iterator

from media.facts.model import Entry, Stream
from media.rules.base import Found, Rule, must, should
from media.rules.multivariant import resolution, rungs

_COVERED_S = 10  # the last I-frame stands for what follows it


def _iframes(stream: Stream) -> Iterator[Entry]:
    yield from stream.hls.iframes if stream.hls else ()


def are_offered(stream: Stream) -> Found:
    if stream.hls and stream.hls.multivariant and rungs(stream) and not stream.hls.iframes:
        yield stream.hls.where, "no EXT-X-I-FRAME-STREAM-INF: players cannot show pictures while scrubbing"


def say_so(stream: Stream) -> Found:
    for entry in _iframes(stream):
        if entry.media and not entry.media.playlist.has("EXT-X-I-FRAMES-ONLY"):
            yield entry.where, "EXT-X-I-FRAMES-ONLY is missing"


def have_attributes(stream: Stream) -> Found:
    for entry in _iframes(stream):
        lacking = [name for name in ("BANDWIDTH", "CODECS", "URI") if not entry.get(name)]
        if resolution(entry) is None:
            lacking.append("RESOLUTION")
        if lacking:
            yield entry.where, f"{', '.join(lacking)} missing"


def ranges_hold_frames(stream: Stream) -> Found:
    for entry in _iframes(stream):
        for seen in entry.track.segments if entry.track else ():
            if seen.is_missing or seen.container != "fmp4" or seen.header is None:
                continue
            where = f"{entry.where}, I-frame {seen.listed.number}"
            if seen.problem or seen.facts is None:
                yield where, f"its bytes hold no 'moof' box of its own: {seen.problem}"
            elif not seen.facts.starts_with_sync:
                yield where, "its bytes start with no key frame"


def cover_the_title(stream: Stream) -> Found:
    video = [
        entry.track.listed_duration
        for entry in rungs(stream)
        if entry.media and entry.media.is_finished and entry.track
    ]
    for entry in _iframes(stream):
        if entry.track and video and abs(entry.track.listed_duration - max(video)) > _COVERED_S:
            said, is_so = float(entry.track.listed_duration), float(max(video))
            yield entry.where, f"its EXTINF sum up to {said:.3f} s, the video lasts {is_so:.3f} s"


_SPEC = "HLS Authoring Specification"
RULES: tuple[Rule, ...] = (
    # MUST for Apple; without them everything plays, only scrubbing shows no pictures.
    should("hls-authoring-6.1", f"{_SPEC}, 6.1", "I-frame playlists are offered.", are_offered),
    must(
        "hls-authoring-6.8",
        f"{_SPEC}, 6.8; RFC 8216, 4.3.3.6",
        "I-frame playlists say EXT-X-I-FRAMES-ONLY.",
        say_so,
    ),
    must(
        "hls-authoring-9.3",
        f"{_SPEC}, 9.3 and 9.4; RFC 8216, 4.3.4.3",
        "EXT-X-I-FRAME-STREAM-INF has BANDWIDTH, CODECS, RESOLUTION and URI.",
        have_attributes,
    ),
    must(
        "hls-authoring-6.10",
        f"{_SPEC}, 6.10; RFC 8216, 4.3.3.6",
        "Each byte range of an I-frame playlist is the 'moof' and the I-frame.",
        ranges_hold_frames,
    ),
    should("rfc8216-4.3.3.6", "RFC 8216, 4.3.3.6", "An I-frame playlist covers the title.", cover_the_title),
)
