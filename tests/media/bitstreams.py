"""Bytes of a bitstream, written bit by bit: parameter sets, and the boxes around them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

HIGH = 100


def box(kind: str, *payload: bytes) -> bytes:
    content = b"".join(payload)
    return struct.pack(">I4s", 8 + len(content), kind.encode("latin-1")) + content


def full(kind: str, version: int, flags: int, layout: str = "", *values: int) -> bytes:
    return box(kind, struct.pack(f">I{layout}", version << 24 | flags, *values))


class Bits:
    """What `media.parameter_sets` reads, the other way round."""

    def __init__(self) -> None:
        self._bits = ""

    def u(self, count: int, value: int) -> Bits:
        self._bits += f"{value:0{count}b}" if count else ""
        return self

    def ue(self, *values: int) -> Bits:
        for value in values:
            code = f"{value + 1:b}"
            self._bits += "0" * (len(code) - 1) + code
        return self

    def closed(self) -> bytes:
        """With the trailing bits."""
        bits = self._bits + "1"
        bits += "0" * (-len(bits) % 8)
        return int(bits, 2).to_bytes(len(bits) // 8)

    def nal(self, header: bytes) -> bytes:
        """With the trailing bits, and the emulation prevention bytes (H.264, 7.4.1)."""
        data, zeros = bytearray(), 0
        for byte in self.closed():
            if zeros >= 2 and byte <= 3:
                data.append(3)
                zeros = 0
            data.append(byte)
            zeros = zeros + 1 if not byte else 0
        return header + bytes(data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What a parameter set says; width and height in even pixels."""

    width_px: int = 640
    height_px: int = 360
    profile: int = HIGH
    level: int = 30  # in tenths
    chroma: int = 1
    depth: int = 8
    references: int = 1
    is_interlaced: bool = False
    transfer: int | None = None
    is_high_tier: bool = False  # of AV1


def avc_sps(picture: Picture) -> bytes:
    bits = Bits().u(8, picture.profile).u(8, 0).u(8, picture.level).ue(0)
    if picture.profile >= HIGH:
        bits.ue(picture.chroma)
        if picture.chroma == 3:
            bits.u(1, 0)
        bits.ue(picture.depth - 8, picture.depth - 8).u(1, 0).u(1, 0)
    bits.ue(0, 0, 0, picture.references).u(1, 0)
    across, down = (1 if picture.chroma == 3 else 2), (1 if picture.chroma in (2, 3) else 2)
    unit = 32 if picture.is_interlaced else 16
    columns, rows = -(-picture.width_px // 16), -(-picture.height_px // unit)
    bits.ue(columns - 1, rows - 1).u(1, not picture.is_interlaced)
    if picture.is_interlaced:
        bits.u(1, 0)
        down *= 2
    right, bottom = columns * 16 - picture.width_px, rows * unit - picture.height_px
    bits.u(1, 0).u(1, 1).ue(0, right // across, 0, bottom // down)
    _vui(bits, picture)
    return bits.nal(b"\x67")


def avcc(picture: Picture) -> bytes:
    sps = avc_sps(picture)
    head = bytes([1, picture.profile, 0, picture.level, 0xFF, 0xE1])
    return box("avcC", head, struct.pack(">H", len(sps)), sps, b"\x01\x00\x01\x68")


def hevc_sps(picture: Picture) -> bytes:
    bits = (
        Bits().u(4, 0).u(3, 0).u(1, 1).u(3, 0).u(5, picture.profile).u(32, 0).u(48, 0).u(8, picture.level * 3)
    )
    bits.ue(0, picture.chroma)
    if picture.chroma == 3:
        bits.u(1, 0)
    bits.ue(picture.width_px, picture.height_px).u(1, 0).ue(picture.depth - 8, picture.depth - 8)
    bits.ue(4).u(1, 1).ue(4, 2, 0)  # picture order in 8 bits, the buffer
    bits.ue(0, 3, 0, 3, 0, 0)  # block sizes
    _hevc_scaling_lists(bits.u(1, 1).u(1, 1))
    bits.u(2, 0).u(1, 1).u(8, 0x77).ue(0, 0).u(1, 0)  # PCM
    # Three sets of references: of two and one pictures, from it by prediction, and of none.
    bits.ue(3).ue(2, 1).ue(0).u(1, 1).ue(1).u(1, 1).ue(0).u(1, 1)
    bits.u(1, 1).u(1, 0).ue(3).u(1, 1).u(2, 0b01).u(2, 0b00).u(1, 1)
    bits.u(1, 0).ue(0, 0)
    bits.u(1, 1).ue(1).u(8, 200).u(1, 1)  # one long-term reference
    bits.u(2, 0)
    _vui(bits, picture)
    return bits.nal(b"\x42\x01")


def _hevc_scaling_lists(bits: Bits) -> None:
    """Of each size one list that is written, the others copied."""
    for size in range(4):
        for number in range(2 if size == 3 else 6):
            bits.u(1, not number)
            if number:
                bits.ue(1)
                continue
            if size > 1:
                bits.ue(3)
            bits.ue(*[0] * min(64, 1 << (4 + 2 * size)))


def _vui(bits: Bits, picture: Picture) -> None:
    bits.u(1, picture.transfer is not None)
    if picture.transfer is not None:
        bits.u(1, 0).u(1, 0).u(1, 1).u(3, 5).u(1, 0).u(1, 1).u(8, 9).u(8, picture.transfer).u(8, 9)


def av1_sequence(picture: Picture) -> bytes:
    """The payload of a sequence header, with a decoder model and two operating points."""
    bits = Bits().u(3, picture.profile).u(2, 0)
    bits.u(1, 1).u(32, 1).u(32, 25).u(1, 1).ue(0).u(1, 1).u(5, 9).u(32, 1).u(5, 3).u(5, 3)
    bits.u(1, 1).u(5, 1)
    index = 4 * (picture.level // 10 - 2) + picture.level % 10
    for level in (index, 0):
        bits.u(12, 0).u(5, level)
        if level > 7:
            bits.u(1, picture.is_high_tier)
        bits.u(1, 1).u(10, 5).u(10, 5).u(1, 0).u(1, 1).u(4, 9)
    bits.u(4, 15).u(4, 15).u(16, picture.width_px - 1).u(16, picture.height_px - 1)
    bits.u(1, 1).u(7, 0).u(3, 7)  # frame numbers, tools
    bits.u(4, 0).u(1, 1).u(2, 3).u(1, 0).u(1, 1).u(1, 0).u(1, 1).u(3, 6).u(3, 7)
    bits.u(1, picture.depth > 8)
    if picture.profile == 2 and picture.depth > 8:
        bits.u(1, picture.depth == 12)
    if picture.profile != 1:
        bits.u(1, picture.chroma == 0)
    bits.u(1, picture.transfer is not None)
    if picture.transfer is not None:
        bits.u(8, 9).u(8, picture.transfer).u(8, 9)
    bits.u(1, 0)
    if picture.profile == 2 and picture.depth == 12 and picture.chroma:
        bits.u(1, picture.chroma < 3)
        if picture.chroma < 3:
            bits.u(1, picture.chroma == 1)
    return bits.closed()


def av1c(picture: Picture) -> bytes:
    sequence = av1_sequence(picture)
    index = 4 * (picture.level // 10 - 2) + picture.level % 10
    flags = picture.is_high_tier << 7 | (picture.depth > 8) << 6 | (picture.depth == 12) << 5 | 0b1101
    units = b"\x12\x00" + bytes([0x0A, len(sequence)]) + sequence  # a temporal delimiter before it
    return box("av1C", bytes([0x81, picture.profile << 5 | index, flags, 0]), units)


def hvcc(picture: Picture) -> bytes:
    sps = hevc_sps(picture)
    head = bytes([1, picture.profile]) + bytes(10) + bytes([picture.level * 3]) + bytes(9) + b"\x01"
    return box("hvcC", head, b"\xa1", struct.pack(">HH", 1, len(sps)), sps)


def vpcc() -> bytes:
    return box("vpcC", bytes(4), bytes([0, 10, 0x80]) + bytes(5))


def picture_entry(kind: str, picture: Picture, config: bytes) -> bytes:
    size = struct.pack(">HH", picture.width_px, picture.height_px)
    return box(kind, bytes(24), size, bytes(50), config)


def sound_entry(channels: int, sample_rate_hz: int) -> bytes:
    def descriptor(tag: int, content: bytes) -> bytes:
        return bytes([tag, len(content)]) + content

    specific = bytes([0x11, 0x80 | channels << 3])  # AAC-LC at 48 kHz
    config = descriptor(4, b"\x40" + bytes(12) + descriptor(5, specific))
    esds = box("esds", bytes(4), descriptor(3, bytes(3) + config))
    return box("mp4a", bytes(16), struct.pack(">HHHHI", channels, 16, 0, 0, sample_rate_hz << 16), esds)


def header(handler: str, entry: bytes, timescale: int, brand: str = "cmfc") -> bytes:
    """A CMAF header."""
    hdlr = box("hdlr", bytes(8), handler.encode(), bytes(13))
    mdhd = full("mdhd", 0, 0, "IIIII", 0, 0, timescale, 0, 0)
    stsd = box("stsd", struct.pack(">II", 0, 1), entry)
    trak = box("trak", box("tkhd"), box("mdia", mdhd, hdlr, box("minf", box("stbl", stsd))))
    trex = full("trex", 0, 0, "IIIII", 1, 1, 0, 0, 0)
    ftyp = box("ftyp", b"iso6", bytes(4), b"iso6", brand.encode())
    return ftyp + box("moov", trak, box("mvex", trex))


SYNC, NON_SYNC = 0x02000000, 0x01010000


def fragment(start_ticks: int, sample_ticks: int, flags: list[int], sizes: list[int]) -> bytes:
    """A `moof` with one run, and its media: zeros."""
    samples = [word for pair in zip(sizes, flags, strict=True) for word in pair]
    tfhd = full("tfhd", 0, 0x20008, "II", 1, sample_ticks)
    offset = 16 + 8 + len(tfhd) + 20 + 20 + 4 * len(samples) + 8 + 8  # of the media, from the `moof` on
    run = full("trun", 0, 0x601, f"II{len(samples)}I", len(flags), offset, *samples)
    traf = box("traf", tfhd, full("tfdt", 1, 0, "Q", start_ticks), run)
    moof = box("moof", full("mfhd", 0, 0, "I", 1), traf)
    assert offset == len(moof) + 8
    return moof + box("mdat", bytes(sum(sizes)))
