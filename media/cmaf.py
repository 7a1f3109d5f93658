"""CMAF headers and fragments: what the encoder must know of the bytes that it publishes.

Section numbers are those of ISO/IEC 14496-12; CMAF (ISO/IEC 23000-19, 7.3) allows one track to a file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from media.boxes import Box, BoxError, only, read_boxes
from media.cmaf_fragments import FragmentFacts, SampleDefaults, facts_of
from media.codec_strings import codec_facts

__all__ = ["FragmentFacts", "InitFacts", "defaults_of", "read_fragment", "read_init"]

Kind = Literal["video", "audio"]

_HANDLERS: dict[int, Kind] = {int.from_bytes(b"vide"): "video", int.from_bytes(b"soun"): "audio"}
_VISUAL_ENTRY_BYTES, _AUDIO_ENTRY_BYTES = 78, 28  # before the boxes inside: 12.1.3, 12.2.3


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
    return facts_of(list(read_boxes(data)), defaults_of(init))


def defaults_of(init: InitFacts | None) -> SampleDefaults:
    """What the samples are whose fragment does not say (8.8.3)."""
    return SampleDefaults(init.default_sample_ticks, init.default_sample_flags) if init else SampleDefaults()


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
