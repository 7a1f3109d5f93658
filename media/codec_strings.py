"""Codec strings (RFC 6381) from the decoder configuration that a sample entry carries.

AVC and HEVC: ISO/IEC 14496-15, Annex E. AAC: ISO/IEC 14496-1, 7.2.6 and 14496-3, 1.6.2.1. AV1, VP9 and Opus:
their "in ISOBMFF" bindings. A codec without a rule here is named by its sample entry, as RFC 6381, 3.3 says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from media.boxes import Box, BoxError

CHANNELS = {
    **{n: n for n in range(1, 7)},
    7: 8,
    11: 7,
    12: 8,
    14: 8,
}  # of a channel configuration: 14496-3, table 1.19
PROTECTED = ("encv", "enca")
_MPEG4_AUDIO = 0x40
_ES_DESCRIPTOR, _DECODER_CONFIG, _DECODER_SPECIFIC = 3, 4, 5


@dataclass(frozen=True, slots=True)
class CodecFacts:
    codecs: str
    channels: int | None = None  # where the configuration knows better than the sample entry


def codec_facts(entry: str, boxes: list[Box]) -> CodecFacts:
    """`entry` is the type of the sample entry, `boxes` are those inside it."""
    entry = unprotected(entry, boxes)
    for box in boxes:
        if box.kind in _READERS:
            return _READERS[box.kind](entry, box)
    return CodecFacts(entry)


def unprotected(entry: str, boxes: list[Box]) -> str:
    """What an encrypted sample entry was before: `sinf/frma` says (14496-12, 8.12)."""
    if entry not in PROTECTED:
        return entry
    formats = [box.child("frma") for box in boxes if box.kind == "sinf"]
    return bytes(formats[0].payload[:4]).decode("latin-1") if formats else entry


def _avc(entry: str, box: Box) -> CodecFacts:
    _, profile, constraints, level = box.unpack("4B")
    return CodecFacts(f"{entry}.{profile:02x}{constraints:02x}{level:02x}")


def _hevc(entry: str, box: Box) -> CodecFacts:
    _, general, compatibility, constraints, low, level = box.unpack("BBIIHB")
    space = ("", "A", "B", "C")[general >> 6]
    tier = "H" if general & 0x20 else "L"
    mirrored = int(f"{compatibility:032b}"[::-1], 2)
    rest = (constraints << 16 | low).to_bytes(6).rstrip(b"\0")
    parts = [entry, f"{space}{general & 0x1F}", f"{mirrored:x}", f"{tier}{level}"]
    return CodecFacts(".".join(parts + [f"{byte:x}" for byte in rest]))


def _av1(entry: str, box: Box) -> CodecFacts:
    _, profile_level, depth_flags = box.unpack("3B")
    tier = "H" if depth_flags & 0x80 else "M"
    depth = 8 if not depth_flags & 0x40 else 12 if depth_flags & 0x20 else 10
    return CodecFacts(f"{entry}.{profile_level >> 5}.{profile_level & 0x1F:02d}{tier}.{depth:02d}")


def _vp9(entry: str, box: Box) -> CodecFacts:
    profile, level, depth_and_chroma = box.unpack("3B", 4)
    return CodecFacts(f"{entry}.{profile:02d}.{level:02d}.{depth_and_chroma >> 4:02d}")


def _opus(_entry: str, box: Box) -> CodecFacts:
    _, channels = box.unpack("2B")
    return CodecFacts("opus", channels)


def _mp4a(entry: str, box: Box) -> CodecFacts:
    """Descriptors nest: elementary stream, decoder configuration, decoder-specific information."""
    stream = _descriptor(box, box.payload[4:], _ES_DESCRIPTOR)
    config = _descriptor(box, stream[3:], _DECODER_CONFIG)  # no optional fields in files: 14496-14, 3.1.2
    object_type = config[0]
    if object_type != _MPEG4_AUDIO:
        return CodecFacts(f"{entry}.{object_type:02x}")
    audio_type, channels = _audio_specific(bytes(_descriptor(box, config[13:], _DECODER_SPECIFIC)))
    return CodecFacts(f"{entry}.40.{audio_type}", channels)


def _descriptor(box: Box, data: memoryview, tag: int) -> memoryview:
    """The payload of the descriptor that opens `data`; its size is up to four groups of seven bits."""
    size, at = 0, 1
    while at < min(len(data), 5):
        size = size << 7 | data[at] & 0x7F
        at += 1
        if not data[at - 1] & 0x80:
            break
    if not size or data[0] != tag or at + size > len(data):
        raise BoxError(f"box 'esds' at byte {box.offset}: descriptor {tag} is missing or cut short")
    return data[at : at + size]


def _audio_specific(config: bytes) -> tuple[int, int | None]:
    """Audio object type and channel count of an AudioSpecificConfig."""
    bits = f"{int.from_bytes(config):0{8 * len(config)}b}".ljust(64, "0")
    audio_type, at = int(bits[:5], 2), 5
    if audio_type == 31:
        audio_type, at = 32 + int(bits[5:11], 2), 11
    at += 28 if bits[at : at + 4] == "1111" else 4  # an explicit sampling frequency takes 24 bits more
    return audio_type, CHANNELS.get(int(bits[at : at + 4], 2))


_READERS: dict[str, Callable[[str, Box], CodecFacts]] = {
    "avcC": _avc,
    "hvcC": _hevc,
    "av1C": _av1,
    "vpcC": _vp9,
    "dOps": _opus,
    "esds": _mp4a,
}
