"""Rules of the bytes themselves: they can be fetched, they are CMAF (ISO/IEC 23000-19), they decode."""

from __future__ import annotations

from media.facts.model import Decoded, Seen, Stream, Track
from media.rules.base import Found, Rule, must, should

_CMAF_BRANDS = ("cmfc", "cmf2", "cmff", "cmfs", "cmfl")


def nothing_is_missing(stream: Stream) -> Found:
    yield from dict.fromkeys(stream.missing)


def headers_are_read(stream: Stream) -> Found:
    found = [problem for track in stream.tracks for problem in track.init_problems]
    if stream.hls:
        found += [p for m in stream.hls.media if m.role != "subtitles" for p in m.track.init_problems]
    if stream.dash:
        found += [p for each in stream.dash.representations if each.track for p in each.track.init_problems]
    yield from dict.fromkeys(found)


def fragments_are_read(stream: Stream) -> Found:
    for track in stream.tracks:
        for seen in track.segments:
            if seen.problem and not seen.is_missing:
                yield f"{track.where}, segment {seen.listed.number}", seen.problem


def brands_are_said(stream: Stream) -> Found:
    for track in stream.tracks:
        for header in track.headers:
            if not set(header.brands) & set(_CMAF_BRANDS):
                yield track.where, f"brands {' '.join(header.brands) or 'none'}: none is CMAF's"


def decodes(stream: Stream) -> Found:
    for track in stream.tracks:
        for seen in track.segments:
            if seen.decoded and seen.decoded.problem:
                yield f"{track.where}, segment {seen.listed.number}", seen.decoded.problem


def frames_are_all_there(stream: Stream) -> Found:
    for track in stream.tracks:
        for seen in track.segments:
            frames = _decoded(track, seen)
            if frames and seen.facts and frames.frames != seen.facts.sample_count:
                yield (
                    f"{track.where}, segment {seen.listed.number}",
                    f"{frames.frames} frames were decoded of {seen.facts.sample_count}",
                )


def key_frame_is_one(stream: Stream) -> Found:
    for track in stream.tracks:
        for seen in track.segments:
            frames = _decoded(track, seen)
            if frames and not frames.starts_with_key_frame:
                where = f"{track.where}, segment {seen.listed.number}"
                yield where, "the first frame decoded is no key frame"


def _decoded(track: Track, seen: Seen) -> Decoded | None:
    """Of a picture that decodes."""
    is_picture = track.kind == "video" and seen.decoded is not None and not seen.decoded.problem
    return seen.decoded if is_picture else None


RULES: tuple[Rule, ...] = (
    must(
        "http-available",
        "RFC 8216, 6.2.1; RFC 9110, 15.5",
        "Everything that a manifest names can be had.",
        nothing_is_missing,
    ),
    must(
        "cmaf-header",
        "ISO/IEC 23000-19, 7.3",
        "Init segments are CMAF headers: one moov with one track.",
        headers_are_read,
    ),
    must(
        "cmaf-boxes",
        "ISO/IEC 23000-19, 7.3; ISO/IEC 14496-12, 8.8",
        "Segments are whole boxes, with moof, tfdt and trun.",
        fragments_are_read,
    ),
    should("cmaf-brand", "ISO/IEC 23000-19, 7.2", "Init segments carry a CMAF brand.", brands_are_said),
    must("deep-decodes", "Penstock, with --deep", "Every segment decodes.", decodes),
    must(
        "deep-frames",
        "Penstock, with --deep",
        "As many frames decode as the fragments say.",
        frames_are_all_there,
    ),
    must(
        "deep-key-frame",
        "HLS Authoring Specification, 7.4; with --deep",
        "The first frame of each segment decodes as a key frame.",
        key_frame_is_one,
    ),
)
