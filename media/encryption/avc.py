"""Where the slice data of H.264 begins: after NAL header and slice header (ITU-T H.264, 7.3.3).

23001-7, 9.5.2: those stay in clear, so that what routes and parses need not decrypt. Parameter sets are those
of the sample description (`avc1`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from media.bits import Bits, BitstreamError
from media.boxes import Box
from media.encryption.samples import Range

_WITH_CHROMA = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)
_SLICE, _IDR = 1, 5
_MOST_HEADER_BYTES = 256
_P, _B, _I, _SP, _SI = range(5)  # slice_type modulo 5, table 7-6


@dataclass(frozen=True, slots=True)
class _Sps:
    has_planes: bool  # separate_colour_plane_flag
    has_chroma: bool
    frame_num_bits: int
    order_type: int
    order_bits: int
    order_always_zero: bool
    frames_only: bool


@dataclass(frozen=True, slots=True)
class _Pps:
    sps: _Sps
    is_cabac: bool
    order_in_frame: bool
    references: tuple[int, int]
    weighted: bool
    weighted_b: int
    deblocking_control: bool
    redundant: bool


@dataclass(frozen=True, slots=True)
class AvcLayout:
    """Knows the parameter sets of one rendition."""

    length_bytes: int
    pictures: Mapping[int, _Pps]

    def ranges(self, sample: memoryview) -> Iterator[Range]:
        """The slice data of each NAL unit. Raises BitstreamError."""
        for first, end in nal_units(sample, self.length_bytes):
            header = sample[first]
            if header & 0x1F in (_SLICE, _IDR):
                yield Range(
                    first + self._header_bytes(sample[first : min(end, first + _MOST_HEADER_BYTES)]), end
                )

    def _header_bytes(self, nal: memoryview) -> int:
        kind, is_reference = nal[0] & 0x1F, bool(nal[0] & 0x60)
        bits = Bits(nal, nal=True)
        bits.u(8)
        bits.ue()
        slice_type = bits.ue() % 5
        pps_id = bits.ue()
        if pps_id not in self.pictures:
            raise BitstreamError(f"a slice names picture parameter set {pps_id}, which 'avcC' does not hold")
        pps = self.pictures[pps_id]
        _order(bits, pps, is_idr=kind == _IDR)
        references = _references(bits, pps, slice_type)
        if (slice_type in (_P, _SP) and pps.weighted) or (slice_type == _B and pps.weighted_b == 1):
            _weights(bits, pps.sps, references)
        if is_reference:
            _marking(bits, is_idr=kind == _IDR)
        if pps.is_cabac and slice_type not in (_I, _SI):
            bits.ue()
        bits.se()
        if slice_type in (_SP, _SI):
            if slice_type == _SP:
                bits.u(1)
            bits.se()
        if pps.deblocking_control and bits.ue() != 1:
            bits.se(), bits.se()
        return bits.bytes_read


def avc_layout(box: Box) -> AvcLayout:
    """Of `avcC` (14496-15, 5.3.3.1). Raises BitstreamError."""
    lengths, count = box.unpack("BB", 4)
    at, series = 6, {}
    for _ in range(count & 0x1F):
        (size,) = box.unpack("H", at)
        name, sps = _sps(bytes(box.payload[at + 2 : at + 2 + size]))
        series[name] = sps
        at += 2 + size
    (count,) = box.unpack("B", at)
    at, pictures = at + 1, {}
    for _ in range(count):
        (size,) = box.unpack("H", at)
        name, pps = _pps(bytes(box.payload[at + 2 : at + 2 + size]), series)
        pictures[name] = pps
        at += 2 + size
    return AvcLayout((lengths & 3) + 1, pictures)


def nal_units(sample: memoryview, length_bytes: int) -> Iterator[tuple[int, int]]:
    """First byte, after the length, and end of each (14496-15, 5.2.3)."""
    at = 0
    while at < len(sample):
        size = int.from_bytes(sample[at : at + length_bytes])
        first, at = at + length_bytes, at + length_bytes + size
        if at > len(sample):
            raise BitstreamError("a NAL unit ends behind its sample")
        if size:
            yield first, at


def _sps(nal: bytes) -> tuple[int, _Sps]:
    bits = Bits(nal[1:], nal=True)
    profile = bits.u(8)
    bits.u(16)
    name, chroma, has_planes = bits.ue(), 1, False
    if profile in _WITH_CHROMA:
        chroma = bits.ue()
        has_planes = chroma == 3 and bool(bits.u(1))
        bits.ue(), bits.ue(), bits.u(1)
        if bits.u(1):
            for index in range(8 if chroma != 3 else 12):
                if bits.u(1):
                    _skip_scaling_list(bits, 16 if index < 6 else 64)
    frame_num_bits, order_type = bits.ue() + 4, bits.ue()
    order_bits, always_zero = 0, False
    if order_type == 0:
        order_bits = bits.ue() + 4
    elif order_type == 1:
        always_zero = bool(bits.u(1))
        bits.se(), bits.se()
        for _ in range(bits.ue()):
            bits.se()
    bits.ue(), bits.u(1), bits.ue(), bits.ue()
    has_chroma = chroma != 0 and not has_planes
    frames_only = bool(bits.u(1))
    return name, _Sps(
        has_planes, has_chroma, frame_num_bits, order_type, order_bits, always_zero, frames_only
    )


def _skip_scaling_list(bits: Bits, size: int) -> None:
    last, following = 8, 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def _pps(nal: bytes, series: Mapping[int, _Sps]) -> tuple[int, _Pps]:
    bits = Bits(nal[1:], nal=True)
    name, sps_id = bits.ue(), bits.ue()
    if sps_id not in series:
        raise BitstreamError(f"picture parameter set {name} names sequence parameter set {sps_id}: not there")
    is_cabac, order_in_frame = bool(bits.u(1)), bool(bits.u(1))
    if bits.ue():
        raise BitstreamError("slice groups (H.264, Baseline profile) are not handled")
    references = (bits.ue() + 1, bits.ue() + 1)
    weighted, weighted_b = bool(bits.u(1)), bits.u(2)
    bits.se(), bits.se(), bits.se()
    control, _, redundant = bool(bits.u(1)), bits.u(1), bool(bits.u(1))
    return name, _Pps(
        series[sps_id], is_cabac, order_in_frame, references, weighted, weighted_b, control, redundant
    )


def _order(bits: Bits, pps: _Pps, *, is_idr: bool) -> None:
    """Frame number, field, and picture order count."""
    sps = pps.sps
    bits.u(2 * sps.has_planes + sps.frame_num_bits)
    is_field = False
    if not sps.frames_only:
        is_field = bool(bits.u(1))
        bits.u(is_field)
    if is_idr:
        bits.ue()
    if sps.order_type == 0:
        bits.u(sps.order_bits)
    has_delta = sps.order_type == 0 or (sps.order_type == 1 and not sps.order_always_zero)
    if sps.order_type == 1 and has_delta:
        bits.se()
    if has_delta and pps.order_in_frame and not is_field:
        bits.se()
    if pps.redundant:
        bits.ue()


def _references(bits: Bits, pps: _Pps, slice_type: int) -> tuple[int, int]:
    """How many there are in each list, and their order (7.3.3.1)."""
    zero, one = pps.references
    if slice_type == _B:
        bits.u(1)
    if slice_type in (_P, _SP, _B) and bits.u(1):
        zero = bits.ue() + 1
        one = bits.ue() + 1 if slice_type == _B else one
    for _ in range({_P: 1, _SP: 1, _B: 2}.get(slice_type, 0)):
        if bits.u(1):
            while bits.ue() != 3:
                bits.ue()
    return zero, one if slice_type == _B else 0


def _weights(bits: Bits, sps: _Sps, references: tuple[int, int]) -> None:
    """7.3.3.2."""
    bits.ue()
    if sps.has_chroma:
        bits.ue()
    for _ in range(sum(references)):
        if bits.u(1):
            bits.se(), bits.se()
        if sps.has_chroma and bits.u(1):
            bits.se(), bits.se(), bits.se(), bits.se()


def _marking(bits: Bits, *, is_idr: bool) -> None:
    """7.3.3.3."""
    if is_idr:
        bits.u(2)
    elif bits.u(1):
        while operation := bits.ue():
            if operation in (1, 2, 3, 4, 6):
                bits.ue()
            if operation == 3:
                bits.ue()
