"""I-frame tracks: the key frames of a rung as byte ranges of the segments that are there anyway.

A range runs from the `moof` to the end of the key frame's sample, as Apple's tools cut it: with the init
segment before it, a decoder has one picture and no second encode was needed. Only a key frame that opens its
fragment can be had alone; section numbers are those of ISO/IEC 14496-12.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from media.boxes import Box, BoxError, read_boxes
from media.cmaf import InitFacts
from media.presentation import Track
from media.rendition import VideoRendition
from media.timeline import ByteRange, Segment, Timeline

_NON_SYNC = 0x10000  # sample_is_non_sync_sample, 8.8.3.1


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFrame:
    start_ticks: int  # decode time
    byte_range: ByteRange  # of the segment's file: `moof`, and `mdat` up to the end of the sample


def key_frames(data: bytes, init: InitFacts) -> tuple[KeyFrame, ...]:
    """The key frames that open a fragment of this media segment. Raises BoxError."""
    fragments = [_opening(moof, init) for moof in read_boxes(data) if moof.kind == "moof"]
    found = tuple(frame for frame in fragments if frame)
    if found and found[-1].byte_range[1] >= len(data):
        raise BoxError(f"the key frame at byte {found[-1].byte_range[0]} ends behind the segment")
    return found


def iframe_track(track: Track[VideoRendition], found: Sequence[Sequence[KeyFrame]]) -> Track[VideoRendition]:
    """The key frames of a rung as a track; `found` has what `key_frames` says of each segment, in order.

    Each is shown until the next one comes. Raises ValueError if the rung does not start with one, or if its
    segments are encrypted whole, so that no part can be had alone.
    """
    if track.protection and not track.protection.allows_ranges:
        raise ValueError(f"{track.rendition.name}: no I-frames of segments that are encrypted whole")
    frames = [
        (segment.uri, frame)
        for segment, frames in zip(track.timeline.segments, found, strict=True)
        for frame in frames
    ]
    starts = [frame.start_ticks for _, frame in frames] + [track.timeline.segments[-1].end_ticks]
    if not frames or starts[0] != track.timeline.start_ticks:
        raise ValueError(f"{track.rendition.name}: does not start with a key frame of its own")
    segments = tuple(
        Segment(
            number=number,
            start_ticks=start,
            duration_ticks=end - start,
            uri=uri,
            byte_range=frame.byte_range,
            size_bytes=frame.byte_range[1] - frame.byte_range[0] + 1,
        )
        for number, ((uri, frame), (start, end)) in enumerate(zip(frames, pairwise(starts), strict=True), 1)
    )
    timeline = Timeline(timescale=track.timeline.timescale, segments=segments)
    rendition = replace(
        track.rendition, average_bps=timeline.average_bps, peak_bps=timeline.peak_bps, quality=None
    )
    return replace(track, rendition=rendition, timeline=timeline)


def _opening(moof: Box, init: InitFacts) -> KeyFrame | None:
    """The first sample of a fragment, if it is a key frame."""
    traf = moof.child("traf")
    default_size, default_flags = _defaults(traf.child("tfhd"), init)
    trun = next((box for box in traf.children() if box.kind == "trun" and _samples(box)), None)
    if trun is None:
        return None
    offset, size, flags = _first_sample(trun)
    size, flags = size or default_size, default_flags if flags is None else flags
    if offset is None or not size:
        raise BoxError(f"box 'trun' at byte {trun.offset} does not say where its first sample is")
    if flags & _NON_SYNC:
        return None
    version, _ = traf.child("tfdt").version_and_flags()
    (start_ticks,) = traf.child("tfdt").unpack("Q" if version else "I", 4)  # 8.8.12
    return KeyFrame(start_ticks=start_ticks, byte_range=(moof.offset, moof.offset + offset + size - 1))


def _defaults(tfhd: Box, init: InitFacts) -> tuple[int, int]:
    """Size and flags of samples that carry none (8.8.7); the base of offsets is the moof, as CMAF has it."""
    _, flags = tfhd.version_and_flags()
    if flags & 0x1:
        raise BoxError(f"box 'tfhd' at byte {tfhd.offset} counts from elsewhere than its 'moof'")
    at = 8 + (4 if flags & 0x2 else 0) + (4 if flags & 0x8 else 0)
    size, sample_flags = 0, init.default_sample_flags
    if flags & 0x10:
        (size,) = tfhd.unpack("I", at)
        at += 4
    if flags & 0x20:
        (sample_flags,) = tfhd.unpack("I", at)
    return size, sample_flags


def _samples(trun: Box) -> int:
    return trun.unpack("I", 4)[0]


def _first_sample(trun: Box) -> tuple[int | None, int | None, int | None]:
    """Offset from the moof, size and flags of a run's first sample, each None if it is not there (8.8.8)."""
    _, flags = trun.version_and_flags()
    at, offset, sample_flags = 8, None, None
    if flags & 0x1:
        (offset,) = trun.unpack("i", at)
        at += 4
    if flags & 0x4:
        (sample_flags,) = trun.unpack("I", at)
        at += 4
    words = [word for word in (0x100, 0x200, 0x400, 0x800) if flags & word]
    first = dict(zip(words, trun.unpack(f"{len(words)}I", at), strict=True))
    if sample_flags is None:
        sample_flags = first.get(0x400)
    return offset, first.get(0x200), sample_flags
