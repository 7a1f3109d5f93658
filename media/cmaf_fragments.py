"""Movie fragments: what `moof` boxes say of the samples that follow them (ISO/IEC 14496-12, 8.8).

A segment's head is enough: the boxes stand before the media, whose size is known without reading it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from media.boxes import Box, BoxError

_NON_SYNC = 0x10000  # sample_is_non_sync_sample, 8.8.3.1
_DURATION, _SIZE, _FLAGS, _COMPOSITION = 0x100, 0x200, 0x400, 0x800  # what a run's samples carry, 8.8.8
_MOST_SAMPLES = 2**20  # of a run: a box of a few bytes may claim any number


@dataclass(frozen=True, slots=True, kw_only=True)
class FragmentFacts:
    """What a media segment, of one fragment or several, says of its time."""

    start_ticks: int
    duration_ticks: int
    sample_count: int
    starts_with_sync: bool  # a decoder may begin here
    longest_gop_ticks: int = 0  # from a sync sample, or the start, to the next one or the end
    longest_sample_ticks: int = 0
    first_shown_ticks: int = 0  # the earliest composition time
    inner_gap_ticks: int = 0  # the widest gap (or overlap, negative) between its own fragments


@dataclass(frozen=True, slots=True)
class SampleDefaults:
    """Duration and flags of samples that carry none; None: nobody has said."""

    ticks: int | None = None
    flags: int | None = None


def facts_of(boxes: Sequence[Box], defaults: SampleDefaults) -> FragmentFacts:
    """The `moof` boxes among `boxes` as one segment. Raises BoxError."""
    runs = [_fragment(moof, defaults) for moof in boxes if moof.kind == "moof"]
    if not runs:
        raise BoxError("the segment holds no 'moof' box")
    gaps = [later.start_ticks - earlier.end_ticks for earlier, later in pairwise(runs)]
    syncs = [sync for run in runs for sync in run.sync_ticks]
    return FragmentFacts(
        start_ticks=runs[0].start_ticks,
        duration_ticks=sum(run.ticks for run in runs),
        sample_count=sum(run.samples for run in runs),
        starts_with_sync=bool(syncs) and syncs[0] == runs[0].start_ticks,
        longest_gop_ticks=max(b - a for a, b in pairwise([runs[0].start_ticks, *syncs, runs[-1].end_ticks])),
        longest_sample_ticks=max(run.longest_ticks for run in runs),
        first_shown_ticks=min(run.first_shown_ticks for run in runs),
        inner_gap_ticks=max(gaps, key=abs, default=0),
    )


def head_boxes(head: bytes, size_bytes: int) -> tuple[list[Box], bool]:
    """The whole boxes in `head`, the beginning of a segment of `size_bytes`; and whether no more follow.

    The media in an `mdat` need not be there. Raises BoxError if a box goes beyond the segment.
    """
    found: list[Box] = []
    view, at = memoryview(head), 0
    while at < size_bytes:
        if at + 16 > len(head) and len(head) < size_bytes:
            return found, False
        kind, header_bytes, box_bytes = _box_head(view[at:], at, size_bytes - at)
        if at + box_bytes > len(head) and kind != "mdat":
            return found, False
        found.append(Box(kind, view[at + header_bytes : at + box_bytes], at))
        at += box_bytes
    return found, True


def _box_head(view: memoryview, at: int, room: int) -> tuple[str, int, int]:
    head = Box("head", view, at)
    size, code = head.unpack("II")
    kind, header_bytes = code.to_bytes(4).decode("latin-1"), 8
    if size == 1:  # a 64-bit size follows
        (size,), header_bytes = head.unpack("Q", 8), 16
    elif size == 0:  # to the end of the file
        size = room
    if not header_bytes <= size <= room:
        raise BoxError(f"box {kind!r} at byte {at} says {size} bytes, {room} are left")
    return kind, header_bytes, size


@dataclass(frozen=True, slots=True)
class _Run:
    samples: int
    ticks: int
    longest_ticks: int
    sync_ticks: list[int]
    first_shown_ticks: int
    start_ticks: int

    @property
    def end_ticks(self) -> int:
        return self.start_ticks + self.ticks


def _fragment(moof: Box, defaults: SampleDefaults) -> _Run:
    """All runs of a fragment as one."""
    traf = moof.child("traf")
    defaults = _defaults(traf.child("tfhd"), defaults)
    at = start_ticks = _decode_time(traf.child("tfdt"))
    runs = []
    for box in traf.children():
        if box.kind == "trun" and (run := _run(box, defaults, at)):
            runs.append(run)
            at = run.end_ticks
    if not runs:
        raise BoxError(f"box 'traf' at byte {traf.offset} holds no samples")
    return _Run(
        samples=sum(run.samples for run in runs),
        ticks=at - start_ticks,
        longest_ticks=max(run.longest_ticks for run in runs),
        sync_ticks=[sync for run in runs for sync in run.sync_ticks],
        first_shown_ticks=min(run.first_shown_ticks for run in runs),
        start_ticks=start_ticks,
    )


def _decode_time(tfdt: Box) -> int:
    version, _ = tfdt.version_and_flags()
    (ticks,) = tfdt.unpack("Q" if version else "I", 4)  # 8.8.12
    return ticks


def _defaults(tfhd: Box, outer: SampleDefaults) -> SampleDefaults:
    """A fragment's own defaults come before those of the init segment (8.8.7)."""
    _, flags = tfhd.version_and_flags()
    at = 8 + (8 if flags & 0x1 else 0) + (4 if flags & 0x2 else 0)
    ticks, sample_flags = outer.ticks, outer.flags
    if flags & 0x8:
        (ticks,) = tfhd.unpack("I", at)
        at += 4
    if flags & 0x10:
        at += 4  # the size
    if flags & 0x20:
        (sample_flags,) = tfhd.unpack("I", at)
    return SampleDefaults(ticks, sample_flags)


def _run(trun: Box, defaults: SampleDefaults, start_ticks: int) -> _Run | None:
    """Each sample has up to four words: duration, size, flags, composition offset (8.8.8)."""
    version, flags = trun.version_and_flags()
    (samples,) = trun.unpack("I", 4)
    if not samples:
        return None
    if samples > _MOST_SAMPLES:
        raise BoxError(f"box 'trun' at byte {trun.offset} claims {samples} samples")
    at = 8 + (4 if flags & 0x1 else 0)
    first_flags: int | None = None
    if flags & 0x4:
        (first_flags,) = trun.unpack("I", at)
        at += 4
    words = [word for word in (_DURATION, _SIZE, _FLAGS, _COMPOSITION) if flags & word]
    table = trun.unpack(f"{samples * len(words)}I", at)
    columns = {word: table[index :: len(words)] for index, word in enumerate(words)}
    durations = _column(trun, columns.get(_DURATION), defaults.ticks, samples)
    if first_flags is None or samples > 1:
        sample_flags = [*_column(trun, columns.get(_FLAGS), defaults.flags, samples)]
    else:
        sample_flags = [first_flags]
    if first_flags is not None:
        sample_flags[0] = first_flags
    *starts, end_ticks = accumulate(durations, initial=start_ticks)
    offsets = [_signed(o) if version else o for o in columns.get(_COMPOSITION, ())] or [0] * samples
    return _Run(
        samples=samples,
        ticks=end_ticks - start_ticks,
        longest_ticks=max(durations),
        sync_ticks=[at for at, flag in zip(starts, sample_flags, strict=True) if not flag & _NON_SYNC],
        first_shown_ticks=min(at + offset for at, offset in zip(starts, offsets, strict=True)),
        start_ticks=start_ticks,
    )


def _column(trun: Box, values: Sequence[int] | None, default: int | None, samples: int) -> Sequence[int]:
    if values is not None:
        return values
    if default is None:
        raise BoxError(f"box 'trun' at byte {trun.offset} leans on defaults; its init segment is needed")
    return [default] * samples


def _signed(word: int) -> int:
    return word - 2**32 if word >= 2**31 else word
