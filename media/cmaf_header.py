"""All that a CMAF header says, for those who check other people's: brands, edit list, and the parameter sets.

Sections are those of ISO/IEC 14496-12 and 14496-15.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from media.boxes import Box, BoxError, only, read_boxes
from media.cmaf import InitFacts, read_init
from media.codec_strings import PROTECTED, unprotected
from media.parameter_sets import ParameterSetError, PictureFacts, read_avc_sps, read_hevc_sps

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
    transfer: int | None = None  # of the `colr` box (12.1.5), or of the parameter set
    pixel_aspect: Fraction | None = None

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
    picture = _picture(inside)
    return HeaderFacts(
        init=init,
        brands=tuple(brand for box in boxes if box.kind == "ftyp" for brand in _brands(box)),
        sample_entry=unprotected(entry.kind, inside),
        is_protected=entry.kind in PROTECTED,
        edit_ticks=_edit_ticks(trak),
        picture=picture,
        transfer=_transfer(inside) or (picture.transfer if picture else None),
        pixel_aspect=_pixel_aspect(inside) or (picture.pixel_aspect if picture else None),
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


def _picture(inside: list[Box]) -> PictureFacts | None:
    for box in inside:
        try:
            if box.kind == "avcC":
                return read_avc_sps(_avc_sps(box))
            if box.kind == "hvcC" and (sps := _hevc_sps(box)):
                return read_hevc_sps(sps)
        except ParameterSetError as error:
            raise BoxError(f"box {box.kind!r} at byte {box.offset}: {error}") from None
    return None


def _avc_sps(box: Box) -> bytes:
    """The first of the configuration's (14496-15, 5.3.3.1)."""
    (count,) = box.unpack("B", 5)
    if not count & 0x1F:
        raise ParameterSetError("it holds no sequence parameter set")
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


def _transfer(inside: list[Box]) -> int | None:
    for box in inside:
        if box.kind == "colr" and bytes(box.payload[:4]) in (b"nclx", b"nclc"):
            return box.unpack("HHH", 4)[1]
    return None


def _pixel_aspect(inside: list[Box]) -> Fraction | None:
    for box in inside:
        if box.kind == "pasp":
            across, down = box.unpack("II")
            return Fraction(across, down) if across and down else None
    return None
