"""Where the slice data of HEVC begins: after NAL header and slice segment header (ITU-T H.265, 7.3.6).

Parameter sets are those of the sample description (`hvc1`), read in media/encryption/hevc_sets.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from media.bits import Bits, BitstreamError
from media.encryption.avc import nal_units
from media.encryption.hevc_sets import Pps, read_deltas
from media.encryption.samples import Range

_B, _P = 0, 1  # slice_type, table 7-7
_LAST_SLICE = 31  # nal_unit_type of a VCL NAL unit, table 7-1
_RESERVED = (*range(10, 16), *range(22, 32))
_IRAP = range(16, 24)
_IDR = (19, 20)
_MOST_HEADER_BYTES = 2048  # entry points of wave fronts may be many


@dataclass(frozen=True, slots=True)
class HevcLayout:
    """Knows the parameter sets of one rendition."""

    length_bytes: int
    pictures: Mapping[int, Pps]

    def ranges(self, sample: memoryview) -> Iterator[Range]:
        """The slice data of each NAL unit. Raises BitstreamError."""
        for first, end in nal_units(sample, self.length_bytes):
            kind = sample[first] >> 1 & 0x3F
            if kind <= _LAST_SLICE and kind not in _RESERVED:
                head = sample[first : min(end, first + _MOST_HEADER_BYTES)]
                yield Range(first + self._header_bytes(head, kind), end)

    def _header_bytes(self, nal: memoryview, kind: int) -> int:
        bits = Bits(nal, nal=True)
        bits.u(16)
        is_first = bits.u(1)
        if kind in _IRAP:
            bits.u(1)
        pps_id = bits.ue()
        if pps_id not in self.pictures:
            raise BitstreamError(f"a slice names picture parameter set {pps_id}, which 'hvcC' does not hold")
        pps = self.pictures[pps_id]
        is_dependent = 0
        if not is_first:
            is_dependent = bits.u(1) if pps.dependent_slices else 0
            bits.u(pps.sps.address_bits)
        if not is_dependent:
            _independent(bits, pps, kind)
        if pps.entry_points and (points := bits.ue()):
            size = bits.ue() + 1
            bits.u(size * points)
        if pps.header_extension:
            bits.u(8 * bits.ue())
        bits.u(1)  # of byte_alignment(): a whole byte of it where the header ends with one
        return bits.bytes_read


def _independent(bits: Bits, pps: Pps, kind: int) -> None:
    sps = pps.sps
    bits.u(pps.extra_bits)
    slice_type = bits.ue()
    bits.u(pps.output_flag + 2 * sps.has_planes)
    pictures, has_motion = (0, 0) if kind in _IDR else _reference_pictures(bits, pps)
    luma, chroma = 0, 0
    if sps.adaptive_offset:
        luma, chroma = bits.u(1), bits.u(1) if sps.has_chroma else 0
    if slice_type in (_P, _B):
        _inter(bits, pps, slice_type == _B, pictures, has_motion)
    bits.se()
    if pps.chroma_qp_offsets:
        bits.se(), bits.se()
    bits.u(pps.chroma_qp_offset_list)
    is_unfiltered = pps.is_unfiltered
    if pps.deblocking_override and bits.u(1):
        is_unfiltered = bool(bits.u(1))
        if not is_unfiltered:
            bits.se(), bits.se()
    if pps.filter_across and (luma or chroma or not is_unfiltered):
        bits.u(1)


def _reference_pictures(bits: Bits, pps: Pps) -> tuple[int, int]:
    """How many pictures may be referred to, and whether motion is predicted over time."""
    sps = pps.sps
    bits.u(sps.order_bits)
    if not bits.u(1):
        deltas = read_deltas(bits, len(sps.delta_sets), sps.delta_sets)
    else:
        known = len(sps.delta_sets)
        deltas = sps.delta_sets[bits.u((known - 1).bit_length() if known > 1 else 0)]
    pictures = sum(used for _, used in deltas)
    if sps.long_terms is not None:
        pictures += _long_terms(bits, sps.long_terms, sps.order_bits)
    return pictures, bits.u(1) if sps.temporal_motion else 0


def _long_terms(bits: Bits, listed: tuple[int, ...], order_bits: int) -> int:
    from_list = bits.ue() if listed else 0
    used = 0
    for index in range(from_list + bits.ue()):
        if index < from_list:
            used += listed[bits.u((len(listed) - 1).bit_length())]
        else:
            bits.u(order_bits)
            used += bits.u(1)
        if bits.u(1):
            bits.ue()
    return used


def _inter(bits: Bits, pps: Pps, is_b: bool, pictures: int, has_motion: int) -> None:
    zero, one = pps.references
    if bits.u(1):
        zero = bits.ue() + 1
        one = bits.ue() + 1 if is_b else one
    lists = [zero, one] if is_b else [zero]
    if pps.lists_modification and pictures > 1:
        for count in lists:
            if bits.u(1):
                bits.u(count * (pictures - 1).bit_length())
    bits.u(is_b + pps.cabac_init)
    if has_motion:
        from_zero = bits.u(1) if is_b else 1
        if lists[0 if from_zero else 1] > 1:
            bits.ue()
    if pps.weighted_b if is_b else pps.weighted:
        _weights(bits, lists, has_chroma=pps.sps.has_chroma)
    bits.ue()


def _weights(bits: Bits, lists: list[int], *, has_chroma: bool) -> None:
    """7.3.6.3; all references are of other pictures."""
    bits.ue()
    if has_chroma:
        bits.se()
    for count in lists:
        lumas = [bits.u(1) for _ in range(count)]
        chromas = [bits.u(1) for _ in range(count)] if has_chroma else [0] * count
        for luma, chroma in zip(lumas, chromas, strict=True):
            for _ in range(2 * luma + 4 * chroma):
                bits.se()
