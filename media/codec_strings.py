"""Codec strings (RFC 6381) from the decoder configuration that a sample entry carries.

AVC and HEVC: ISO/IEC 14496-15, Annex E. AAC: ISO/IEC 14496-1, 7.2.6 and 14496-3, 1.6.2.1. AV1, VP9 and Opus:
their "in ISOBMFF" bindings. A codec without a rule here is named by its sample entry, as RFC 6381, 3.3 says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from media.av1_sequence import read_av1_sequence, sequence_header_of
from media.boxes import Box, BoxError
from media.parameter_sets import BitstreamError, ColourFacts, PictureFacts

CHANNELS = {
    **{n: n for n in range(1, 7)},
    7: 8,
    11: 7,
    12: 8,
    14: 8,
}  # of a channel configuration: 14496-3, table 1.19
PROTECTED = ("encv", "enca")
_HDR_TRANSFERS, _BT2020 = (16, 18), 9  # ISO/IEC 23091-2, tables 2 and 3
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


def avc_codec(entry: str, profile: int, constraints: int, level: int) -> str:
    return f"{entry}.{profile:02x}{constraints:02x}{level:02x}"


def hevc_codec(entry: str, general: bytes) -> str:
    """`general`: the twelve bytes from general_profile_space to general_level_idc."""
    space = ("", "A", "B", "C")[general[0] >> 6]
    tier = "H" if general[0] & 0x20 else "L"
    mirrored = int(f"{int.from_bytes(general[1:5]):032b}"[::-1], 2)
    parts = [entry, f"{space}{general[0] & 0x1F}", f"{mirrored:x}", f"{tier}{general[11]}"]
    return ".".join(parts + [f"{byte:x}" for byte in general[5:11].rstrip(b"\0")])


def av1_codec(entry: str, picture: PictureFacts) -> str:
    """Without the optional fields, which say colour."""
    level = (picture.level // 10 - 2) << 2 | picture.level % 10
    tier = "H" if picture.is_high_tier else "M"
    return f"{entry}.{picture.profile}.{level:02d}{tier}.{picture.bit_depth:02d}"


def _avc(entry: str, box: Box) -> CodecFacts:
    _, profile, constraints, level = box.unpack("4B")
    return CodecFacts(avc_codec(entry, profile, constraints, level))


def _hevc(entry: str, box: Box) -> CodecFacts:
    box.unpack("13B")  # as long as is read
    return CodecFacts(hevc_codec(entry, bytes(box.payload[1:13])))


def _av1(entry: str, box: Box) -> CodecFacts:
    """Profile, level and depth from the box, colour from its copy of the sequence header."""
    _, profile_level, flags = box.unpack("3B")
    tier = "H" if flags & 0x80 else "M"
    depth = 8 if not flags & 0x40 else 12 if flags & 0x20 else 10
    codec = f"{entry}.{profile_level >> 5}.{profile_level & 0x1F:02d}{tier}.{depth:02d}"
    try:
        header = sequence_header_of(bytes(box.payload[4:]))
        colour = read_av1_sequence(header).colour if header else None
    except BitstreamError as error:
        raise BoxError(f"box 'av1C' at byte {box.offset}: {error}") from None
    if colour is None or not _is_worth_saying(colour):
        return CodecFacts(codec)
    grey, chroma = flags >> 4 & 1, f"{flags >> 3 & 1}{flags >> 2 & 1}{flags & 3}"
    return CodecFacts(f"{codec}.{grey}.{chroma}.{_colour_of(colour)}.{int(colour.is_full_range)}")


def _vp9(entry: str, box: Box) -> CodecFacts:
    profile, level, flags = box.unpack("3B", 4)
    codec = f"{entry}.{profile:02d}.{level:02d}.{flags >> 4:02d}"
    if len(box.payload) < 10:
        return CodecFacts(codec)
    primaries, transfer, matrix = box.unpack("3B", 7)
    colour = ColourFacts(primaries, transfer, matrix, is_full_range=bool(flags & 1))
    if not _is_worth_saying(colour):
        return CodecFacts(codec)
    return CodecFacts(f"{codec}.{flags >> 1 & 7:02d}.{_colour_of(colour)}.{flags & 1:02d}")


def _is_worth_saying(colour: ColourFacts) -> bool:
    """The optional fields of AV1 and VP9: their absence means BT.709, which SDR is shown as anyway."""
    return colour.transfer in _HDR_TRANSFERS or colour.primaries == _BT2020


def _colour_of(colour: ColourFacts) -> str:
    return f"{colour.primaries:02d}.{colour.transfer:02d}.{colour.matrix:02d}"


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
