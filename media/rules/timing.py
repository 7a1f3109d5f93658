"""Rules of media time: what the fragments say against one another, and against the playlists."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from media.facts.model import MediaPlaylist, Stream, Track
from media.rules.base import Found, Rule, must, should

_EXACT_S = Fraction(1, 1000)
_GOP_S = 2
_OVER_TARGET_S = Fraction(1, 2)
_FRAME_S = Fraction(1, 24)  # the longest usual frame of video, to judge sound by
_TOGETHER_S = Fraction(1, 10)
_LISTED_EXACT_S = Fraction(1, 100)


def _where(track: Track, number: int) -> str:
    return f"{track.where}, segment {number}"


def starts_with_sync(stream: Stream) -> Found:
    for track in stream.tracks:
        for seen in track.segments:
            if track.kind == "video" and seen.facts and not seen.facts.starts_with_sync:
                yield _where(track, seen.listed.number), "does not start with a key frame"


def key_frames_are_near(stream: Stream) -> Found:
    for track in stream.tracks:
        for seen in track.segments:
            if track.kind == "video" and seen.facts and seen.header:
                timescale = seen.header.init.timescale
                longest = Fraction(seen.facts.longest_gop_ticks, timescale)
                if longest > _GOP_S + Fraction(seen.facts.longest_sample_ticks, timescale):
                    yield (
                        _where(track, seen.listed.number),
                        f"{float(longest):.3f} s from one key frame to the next",
                    )


def time_is_continuous(stream: Stream) -> Found:
    for track in stream.tracks:
        for run in track.stretches():
            for earlier, later in pairwise(run):
                if earlier.end is None or later.start is None:
                    continue
                gap = later.start - earlier.end
                if abs(gap) > _EXACT_S:
                    kind = "a gap" if gap > 0 else "an overlap"
                    yield _where(track, later.listed.number), f"{kind} of {float(abs(gap)):.3f} s before it"


def fragments_join(stream: Stream) -> Found:
    for track in stream.tracks:
        for seen in track.segments:
            if seen.facts and seen.header and seen.facts.inner_gap_ticks:
                gap = Fraction(seen.facts.inner_gap_ticks, seen.header.init.timescale)
                if abs(gap) > _EXACT_S:
                    yield (
                        _where(track, seen.listed.number),
                        f"{float(gap):+.3f} s between its own fragments",
                    )


def starts_together(stream: Stream) -> Found:
    starts = {track.where: start for track in stream.tracks if (start := _first_shown(track)) is not None}
    periods = {each.period for each in stream.dash.representations} if stream.dash else set()
    if not starts or len(periods) > 1:
        return
    usual = next(iter(starts.values()))
    for where, start in starts.items():
        if abs(start - usual) > _TOGETHER_S:
            yield where, f"begins at {float(start):.3f} s, {next(iter(starts))} at {float(usual):.3f} s"


def _first_shown(track: Track) -> Fraction | None:
    seen = track.segments[0]
    if not seen.facts or not seen.header:
        return None
    return Fraction(seen.facts.first_shown_ticks - seen.header.edit_ticks, seen.header.init.timescale)


def variants_are_aligned(stream: Stream) -> Found:
    video = [m for m in _timed(stream) if m.is_finished and m.track.kind == "video" and m.role == "variant"]
    if not video:
        return
    usual = _starts(video[0].track)
    for media in video[1:]:
        starts = _starts(media.track)
        slack = _EXACT_S if media.track.is_measured and video[0].track.is_measured else _LISTED_EXACT_S
        if len(starts) != len(usual):
            yield media.where, f"{len(starts)} segments, {video[0].where} has {len(usual)}"
            continue
        for seen, at, other in zip(media.track.segments, starts, usual, strict=True):
            if abs(at - other) > slack:
                yield (
                    _where(media.track, seen.listed.number),
                    f"starts at {float(at):.3f} s, in {video[0].where} at {float(other):.3f} s",
                )
                break


def _starts(track: Track) -> list[Fraction]:
    return [seen.listed.start if seen.start is None else seen.start for seen in track.segments]


def _timed(stream: Stream) -> Iterator[MediaPlaylist]:
    yield from (media for media in (stream.hls.media if stream.hls else ()) if media.is_timed)


def extinf_is_true(stream: Stream) -> Found:
    """Over any segments in a row: the difference between what is listed and what is there, at its widest."""
    for media in _timed(stream):
        for run in media.track.stretches():
            lowest = highest = drift = Fraction(0)
            for seen in run:
                if seen.duration is None:
                    break
                drift += seen.listed.duration - seen.duration
                lowest, highest = min(lowest, drift), max(highest, drift)
            if highest - lowest > _frame(media.track) + _EXACT_S:
                yield (
                    media.where,
                    f"EXTINF and media drift apart by {float(highest - lowest):.3f} s "
                    f"over {len(run)} segments",
                )


def _frame(track: Track) -> Fraction:
    longest = max((s.facts.longest_sample_ticks for s in track.segments if s.facts), default=0)
    timescale = track.header.init.timescale if track.header else 1
    frame = Fraction(longest, timescale)
    return frame if track.kind == "video" else max(frame, _FRAME_S)


def target_is_kept(stream: Stream) -> Found:
    for media in _timed(stream):
        for seen in media.track.segments:
            if media.target_s and seen.duration and seen.duration > media.target_s + _OVER_TARGET_S:
                yield (
                    _where(media.track, seen.listed.number),
                    f"lasts {float(seen.duration):.3f} s, the target duration is {media.target_s}",
                )


_SPEC = "HLS Authoring Specification"
RULES: tuple[Rule, ...] = (
    must(
        "hls-authoring-7.4",
        f"{_SPEC}, 7.4; ISO/IEC 23000-19, 7.3",
        "Video segments start with a key frame.",
        starts_with_sync,
    ),
    should(
        "hls-authoring-1.13", f"{_SPEC}, 1.13", "There is a key frame every two seconds.", key_frames_are_near
    ),
    must(
        "hls-authoring-7.3",
        f"{_SPEC}, 7.1 and 7.3; ISO/IEC 23000-19, 7.3",
        "A segment begins where the one before it ended (tfdt).",
        time_is_continuous,
    ),
    must("cmaf-fragments", "ISO/IEC 23000-19, 7.3", "The fragments of a segment join.", fragments_join),
    should(
        "penstock-common-start",
        "Penstock; RFC 8216, 6.2.4",
        "Picture and sound begin together, within 0.1 s.",
        starts_together,
    ),
    must(
        "hls-authoring-8.22",
        f"{_SPEC}, 8.22; RFC 8216, 6.2.4",
        "All rungs start their segments at the same moments.",
        variants_are_aligned,
    ),
    must(
        "hls-authoring-8.1",
        f"{_SPEC}, 8.1",
        "The EXTINF of any segments in a row sum up to what they last, within a frame.",
        extinf_is_true,
    ),
    must(
        "hls-authoring-7.7",
        f"{_SPEC}, 7.7",
        "No segment lasts more than half a second above the target duration.",
        target_is_kept,
    ),
)
