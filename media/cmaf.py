"""CMAF headers and fragments: what the encoder must know of the bytes that it publishes.

Section numbers are those of ISO/IEC 14496-12; CMAF (ISO/IEC 23000-19, 7.3) allows one track to a file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from media.boxes import Box, BoxError, only, read_boxes
from media.codec_strings import codec_facts

Kind = Literal["video", "audio"]

_HANDLERS: dict[int, Kind] = {int.from_bytes(b"vide"): "video", int.from_bytes(b"soun"): "audio"}
_VISUAL_ENTRY_BYTES, _AUDIO_ENTRY_BYTES = 78, 28  # before the boxes inside: 12.1.3, 12.2.3
_NON_SYNC = 0x10000  # sample_is_non_sync_sample, 8.8.3.1
_DURATION, _FLAGS = 0x100, 0x400  # a run's samples carry their own, 8.8.8


@dataclass(frozen=True, slots=True, kw_only=True)
class InitFacts:
    """What an init segment says of its track."""

    timescale: int
    kind: Kind
    codecs: str  # RFC 6381
    width_px: int | None = None
    height_px: int | None = None
    sample_rate_hz: int | None = None
    channels: int | None = None
    default_sample_ticks: int = 0  # of the samples whose fragment does not say (8.8.3)
    default_sample_flags: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FragmentFacts:
    """What a media segment, of one fragment or several, says of its time."""

    start_ticks: int
    duration_ticks: int
    sample_count: int
    starts_with_sync: bool  # a decoder may begin here


def read_init(data: bytes) -> InitFacts:
    """Read a CMAF header: one `moov` with one track. Raises BoxError."""
    moov = only("moov", list(read_boxes(data)), inside="the init segment")
    media = moov.child("trak", "mdia")
    (handler,) = media.child("hdlr").unpack("I", 8)  # 8.4.3
    if handler not in _HANDLERS:
        raise BoxError(f"handler {handler.to_bytes(4)!r}: only video and audio tracks are read")
    kind = _HANDLERS[handler]
    default_ticks, _, default_flags = moov.child("mvex", "trex").unpack("III", 12)  # 8.8.3
    entry = _sample_entry(media.child("minf", "stbl", "stsd"))
    facts = InitFacts(
        timescale=_timescale(media.child("mdhd")),
        kind=kind,
        codecs=entry.kind,
        default_sample_ticks=default_ticks,
        default_sample_flags=default_flags,
    )
    return _with_picture(facts, entry) if kind == "video" else _with_sound(facts, entry)


def read_fragment(data: bytes, init: InitFacts | None = None) -> FragmentFacts:
    """Read a media segment; `init` is needed if the fragments lean on its defaults. Raises BoxError."""
    runs = [_fragment(moof, init) for moof in read_boxes(data) if moof.kind == "moof"]
    if not runs:
        raise BoxError("the segment holds no 'moof' box")
    return FragmentFacts(
        start_ticks=runs[0].start_ticks,
        duration_ticks=sum(run.duration_ticks for run in runs),
        sample_count=sum(run.sample_count for run in runs),
        starts_with_sync=runs[0].starts_with_sync,
    )


def _timescale(mdhd: Box) -> int:
    version, _ = mdhd.version_and_flags()
    (timescale,) = mdhd.unpack("I", 20 if version else 12)  # 8.4.2
    if not timescale:
        raise BoxError(f"box 'mdhd' at byte {mdhd.offset}: a timescale of 0")
    return timescale


def _sample_entry(stsd: Box) -> Box:
    entries = stsd.children(skip=8)  # 8.5.2
    if len(entries) != 1:
        raise BoxError(f"box 'stsd' at byte {stsd.offset} holds {len(entries)} sample entries, not one")
    return entries[0]


def _with_picture(facts: InitFacts, entry: Box) -> InitFacts:
    width_px, height_px = entry.unpack("HH", 24)
    codec = codec_facts(entry.kind, entry.children(_VISUAL_ENTRY_BYTES))
    return replace(facts, codecs=codec.codecs, width_px=width_px, height_px=height_px)


def _with_sound(facts: InitFacts, entry: Box) -> InitFacts:
    channels, *_, rate = entry.unpack("HHHHI", 16)  # the rate is 16.16 fixed point
    codec = codec_facts(entry.kind, entry.children(_AUDIO_ENTRY_BYTES))
    return replace(facts, codecs=codec.codecs, sample_rate_hz=rate >> 16, channels=codec.channels or channels)


def _fragment(moof: Box, init: InitFacts | None) -> FragmentFacts:
    traf = moof.child("traf")
    defaults = _defaults(traf.child("tfhd"), init)
    runs = [run for box in traf.children() if box.kind == "trun" and (run := _run(box, defaults)).samples]
    if not runs:
        raise BoxError(f"box 'traf' at byte {traf.offset} holds no samples")
    return FragmentFacts(
        start_ticks=_decode_time(traf.child("tfdt")),
        duration_ticks=sum(run.ticks for run in runs),
        sample_count=sum(run.samples for run in runs),
        starts_with_sync=not runs[0].first_flags & _NON_SYNC,
    )


def _decode_time(tfdt: Box) -> int:
    version, _ = tfdt.version_and_flags()
    (ticks,) = tfdt.unpack("Q" if version else "I", 4)  # 8.8.12
    return ticks


@dataclass(frozen=True, slots=True)
class _Defaults:
    """Duration and flags of samples that carry none; None: nobody has said."""

    ticks: int | None
    flags: int | None


def _defaults(tfhd: Box, init: InitFacts | None) -> _Defaults:
    """A fragment's own defaults come before those of the init segment (8.8.7)."""
    _, flags = tfhd.version_and_flags()
    at = 8 + (8 if flags & 0x1 else 0) + (4 if flags & 0x2 else 0)
    ticks = init.default_sample_ticks if init else None
    sample_flags = init.default_sample_flags if init else None
    if flags & 0x8:
        (ticks,) = tfhd.unpack("I", at)
        at += 4
    if flags & 0x10:
        at += 4  # the size
    if flags & 0x20:
        (sample_flags,) = tfhd.unpack("I", at)
    return _Defaults(ticks, sample_flags)


@dataclass(frozen=True, slots=True)
class _Run:
    samples: int
    ticks: int
    first_flags: int


def _run(trun: Box, defaults: _Defaults) -> _Run:
    """Each sample has up to four words: duration, size, flags, composition offset (8.8.8)."""
    _, flags = trun.version_and_flags()
    (samples,) = trun.unpack("I", 4)
    at = 8 + (4 if flags & 0x1 else 0)
    ticks, first_flags = defaults.ticks, defaults.flags
    if flags & 0x4:
        (first_flags,) = trun.unpack("I", at)
        at += 4
    words = [word for word in (_DURATION, 0x200, _FLAGS, 0x800) if flags & word]
    table = trun.unpack(f"{samples * len(words)}I", at)
    if samples and _FLAGS in words:
        first_flags = table[words.index(_FLAGS)]
    if _DURATION in words:
        ticks = sum(table[words.index(_DURATION) :: len(words)])
    elif ticks is not None:
        ticks *= samples
    if ticks is None or first_flags is None:
        raise BoxError(f"box 'trun' at byte {trun.offset} leans on defaults; its init segment is needed")
    return _Run(samples, ticks, first_flags)
