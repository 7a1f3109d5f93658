"""All that a CMAF header says, for those who check other people's: brands, edit list, and the parameter sets.

Sections are those of ISO/IEC 14496-12 and 14496-15.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from media.av1_sequence import read_av1_sequence, sequence_header_of
from media.boxes import Box, BoxError, only, read_boxes
from media.cmaf import InitFacts, read_init
from media.cmaf_protection import TrackProtection, read_protection
from media.codec_strings import PROTECTED, av1_codec, avc_codec, hevc_codec, unprotected
from media.parameter_sets import (
    BitstreamError,
    ColourFacts,
    PictureFacts,
    read_avc_sps,
    read_hevc_sps,
)

_VISUAL_ENTRY_BYTES, _AUDIO_ENTRY_BYTES = 78, 28
_HEVC_SPS = 33  # nal_unit_type


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderFacts:
    """An init segment."""

    init: InitFacts
    brands: tuple[str, ...]
    sample_entry: str  # as it was before encryption
    is_protected: bool
    edit_ticks: int = 0  # of media time, which the edit list shows first (8.6.6)
    picture: PictureFacts | None = None  # where the codec's parameter sets are read here
    bitstream_codecs: str = ""  # RFC 6381, as those sets have it, whatever the boxes around them say
    box_colour: ColourFacts | None = None  # of the `colr` box (12.1.5)
    pixel_aspect: Fraction | None = None
    protection: TrackProtection | None = None

    @property
    def transfer(self) -> int | None:
        """Of the `colr` box, or of the parameter set (ISO/IEC 23091-2, table 3)."""
        colour = self.box_colour or (self.picture.colour if self.picture else None)
        return colour.transfer if colour else None

    @property
    def size_px(self) -> tuple[int, int]:
        """As the bitstream says, or else the sample entry."""
        if self.picture:
            return self.picture.width_px, self.picture.height_px
        return self.init.width_px or 0, self.init.height_px or 0


def read_header(data: bytes) -> HeaderFacts:
    """Raises BoxError."""
    init = read_init(data)
    boxes = list(read_boxes(data))
    trak = only("moov", boxes, inside="the init segment").child("trak")
    entry = trak.child("mdia", "minf", "stbl", "stsd").children(skip=8)[0]
    inside = entry.children(_VISUAL_ENTRY_BYTES if init.kind == "video" else _AUDIO_ENTRY_BYTES)
    entry_kind = unprotected(entry.kind, inside)
    picture, bitstream_codecs = _bitstream(entry_kind, inside) or (None, "")
    return HeaderFacts(
        init=init,
        brands=tuple(brand for box in boxes if box.kind == "ftyp" for brand in _brands(box)),
        sample_entry=entry_kind,
        is_protected=entry.kind in PROTECTED,
        edit_ticks=_edit_ticks(trak),
        picture=picture,
        bitstream_codecs=bitstream_codecs,
        box_colour=_colour(inside),
        pixel_aspect=_pixel_aspect(inside) or (picture.pixel_aspect if picture else None),
        protection=read_protection(inside) if entry.kind in PROTECTED else None,
    )


def _brands(ftyp: Box) -> list[str]:
    text = bytes(ftyp.payload).decode("latin-1")
    return [text[:4], *(text[at : at + 4] for at in range(8, len(text) - 3, 4))]


def _edit_ticks(trak: Box) -> int:
    """The media time of the first edit that shows something."""
    lists = [elst for edts in trak.children() if edts.kind == "edts" for elst in edts.children()]
    for elst in lists:
        version, _ = elst.version_and_flags()
        (count,) = elst.unpack("I", 4)
        layout, size = ("Qq", 20) if version else ("Ii", 12)
        for number in range(min(count, 16)):
            _, media_time = elst.unpack(layout, 8 + size * number)
            if media_time >= 0:
                return media_time
    return 0


def _bitstream(entry: str, inside: list[Box]) -> tuple[PictureFacts, str] | None:
    """What the parameter sets in the configuration say, and the name that they give the codec."""
    for box in inside:
        try:
            if box.kind == "avcC":
                sps = _avc_sps(box)
                return read_avc_sps(sps), avc_codec(entry, *sps[1:4])
            if box.kind == "hvcC" and (found := _hevc_sps(box)):
                return read_hevc_sps(found), hevc_codec(entry, found.replace(b"\0\0\3", b"\0\0")[3:15])
            if box.kind == "av1C" and (header := sequence_header_of(bytes(box.payload[4:]))):
                picture = read_av1_sequence(header)
                return picture, av1_codec(entry, picture)
        except BitstreamError as error:
            raise BoxError(f"box {box.kind!r} at byte {box.offset}: {error}") from None
    return None


def _avc_sps(box: Box) -> bytes:
    """The first of the configuration's (14496-15, 5.3.3.1)."""
    (count,) = box.unpack("B", 5)
    if not count & 0x1F:
        raise BitstreamError("it holds no sequence parameter set")
    (size,) = box.unpack("H", 6)
    return bytes(box.payload[8 : 8 + size])


def _hevc_sps(box: Box) -> bytes | None:
    """The first of the configuration's, if it holds one (14496-15, 8.3.3.1)."""
    (arrays,) = box.unpack("B", 22)
    at = 23
    for _ in range(arrays):
        kind, count = box.unpack("BH", at)
        at += 3
        for _ in range(count):
            (size,) = box.unpack("H", at)
            if kind & 0x3F == _HEVC_SPS:
                return bytes(box.payload[at + 2 : at + 2 + size])
            at += 2 + size
    return None


def _colour(inside: list[Box]) -> ColourFacts | None:
    for box in inside:
        kind = bytes(box.payload[:4])
        if box.kind == "colr" and kind in (b"nclx", b"nclc"):
            primaries, transfer, matrix = box.unpack("HHH", 4)
            is_full_range = kind == b"nclx" and bool(box.unpack("B", 10)[0] & 0x80)
            return ColourFacts(primaries, transfer, matrix, is_full_range)
    return None


def _pixel_aspect(inside: list[Box]) -> Fraction | None:
    for box in inside:
        if box.kind == "pasp":
            across, down = box.unpack("II")
            return Fraction(across, down) if across and down else None
    return None
