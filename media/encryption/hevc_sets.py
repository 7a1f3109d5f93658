"""What a slice segment header hangs on in HEVC's parameter sets (ITU-T H.265, 7.3.2.2, 7.3.2.3 and 7.3.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from media.bits import Bits, BitstreamError
from media.boxes import Box

Deltas = tuple[tuple[int, int], ...]  # distance in picture order, and whether the picture itself uses it
_SPS, _PPS = 33, 34


@dataclass(frozen=True, slots=True, kw_only=True)
class Sps:
    has_planes: bool
    has_chroma: bool
    order_bits: int
    address_bits: int
    adaptive_offset: bool
    delta_sets: tuple[Deltas, ...]
    long_terms: tuple[int, ...] | None  # whether each is used; None: there are none in slices either
    temporal_motion: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pps:
    sps: Sps
    dependent_slices: bool
    output_flag: int
    extra_bits: int
    cabac_init: int
    references: tuple[int, int]
    chroma_qp_offsets: bool
    weighted: bool
    weighted_b: bool
    entry_points: bool
    filter_across: bool
    deblocking_override: bool
    is_unfiltered: bool
    lists_modification: bool
    header_extension: bool
    chroma_qp_offset_list: int


def read_sets(box: Box) -> tuple[int, dict[int, Pps]]:
    """Bytes of a NAL unit's length, and the sets of `hvcC` (14496-15, 8.3.3.1). Raises BitstreamError."""
    lengths, arrays = box.unpack("BB", 21)
    at, nals = 23, []
    for _ in range(arrays):
        kind, count = box.unpack("BH", at)
        at += 3
        for _ in range(count):
            (size,) = box.unpack("H", at)
            nals.append((kind & 0x3F, bytes(box.payload[at + 4 : at + 2 + size])))
            at += 2 + size
    series = dict(_sps(nal) for kind, nal in nals if kind == _SPS)
    return (lengths & 3) + 1, dict(_pps(nal, series) for kind, nal in nals if kind == _PPS)


def read_deltas(bits: Bits, index: int, known: Sequence[Deltas]) -> Deltas:
    """A short-term reference picture set (7.3.7, 7.4.8); a slice's own has the index after the known ones."""
    if index and bits.u(1):
        return _predicted(bits, known[index - 1 - (bits.ue() if index == len(known) else 0)])
    negative, positive = bits.ue(), bits.ue()
    if negative + positive > 32:
        raise BitstreamError("a reference picture set is too long")
    found, delta = [], 0
    for _ in range(negative):
        delta -= bits.ue() + 1
        found.append((delta, bits.u(1)))
    delta = 0
    for _ in range(positive):
        delta += bits.ue() + 1
        found.append((delta, bits.u(1)))
    return tuple(found)


def _predicted(bits: Bits, other: Deltas) -> Deltas:
    """From another set, moved: (7-61) and (7-62)."""
    sign = bits.u(1)
    shift = (1 - 2 * sign) * (bits.ue() + 1)
    found = []
    for delta in (*(delta for delta, _ in other), 0):
        used = bits.u(1)
        if (used or bits.u(1)) and delta + shift:
            found.append((delta + shift, used))
    return tuple(
        sorted((each for each in found if each[0] < 0), reverse=True)
        + sorted(each for each in found if each[0] > 0)
    )


def _sps(nal: bytes) -> tuple[int, Sps]:
    bits = Bits(nal, nal=True)
    bits.u(4)
    sub_layers = bits.u(3)
    bits.u(1 + 96)
    present = [(bits.u(1), bits.u(1)) for _ in range(sub_layers)]
    bits.u(2 * (8 - sub_layers) if sub_layers else 0)
    for profile, level in present:
        bits.u(88 * profile + 8 * level)
    name, chroma = bits.ue(), bits.ue()
    has_planes = chroma == 3 and bool(bits.u(1))
    width, height = bits.ue(), bits.ue()
    if bits.u(1):
        bits.ue(), bits.ue(), bits.ue(), bits.ue()
    bits.ue(), bits.ue()
    order_bits = bits.ue() + 4
    for _ in range(sub_layers + 1 if bits.u(1) else 1):
        bits.ue(), bits.ue(), bits.ue()
    block_log2 = bits.ue() + 3 + bits.ue()
    bits.ue(), bits.ue(), bits.ue(), bits.ue()
    if bits.u(1) and bits.u(1):
        _skip_scaling_lists(bits)
    bits.u(1)
    adaptive_offset = bool(bits.u(1))
    if bits.u(1):
        bits.u(8), bits.ue(), bits.ue(), bits.u(1)
    sets: list[Deltas] = []
    count = bits.ue()
    for index in range(count):
        sets.append(_own_deltas(bits, index, sets))
    long_terms = None
    if bits.u(1):
        long_terms = tuple(bits.u(order_bits + 1) & 1 for _ in range(bits.ue()))
    blocks = -(-width >> block_log2) * -(-height >> block_log2)
    return name, Sps(
        has_planes=has_planes,
        has_chroma=chroma != 0 and not has_planes,
        order_bits=order_bits,
        address_bits=(blocks - 1).bit_length(),
        adaptive_offset=adaptive_offset,
        delta_sets=tuple(sets),
        long_terms=long_terms,
        temporal_motion=bool(bits.u(1)),
    )


def _own_deltas(bits: Bits, index: int, sets: Sequence[Deltas]) -> Deltas:
    """A sequence parameter set's own set is predicted from the one before it."""
    if index and bits.u(1):
        return _predicted(bits, sets[index - 1])
    return read_deltas(bits, 0, ())


def _skip_scaling_lists(bits: Bits) -> None:
    """7.3.4."""
    for size in range(4):
        for _ in range(0, 6, 3 if size == 3 else 1):
            if not bits.u(1):
                bits.ue()
                continue
            if size > 1:
                bits.se()
            for _ in range(min(64, 1 << (4 + 2 * size))):
                bits.se()


def _pps(nal: bytes, series: Mapping[int, Sps]) -> tuple[int, Pps]:
    bits = Bits(nal, nal=True)
    name, sps_id = bits.ue(), bits.ue()
    if sps_id not in series:
        raise BitstreamError(f"picture parameter set {name} names sequence parameter set {sps_id}: not there")
    dependent, output_flag, extra, _, cabac_init = (bits.u(n) for n in (1, 1, 3, 1, 1))
    references = (bits.ue() + 1, bits.ue() + 1)
    bits.se()
    _, has_skip = bits.u(1), bits.u(1)
    if bits.u(1):
        bits.ue()
    bits.se(), bits.se()
    qp_offsets, weighted, weighted_b, _, tiles, wave_fronts = (bits.u(1) for _ in range(6))
    if tiles:
        _skip_tiles(bits)
    filter_across = bits.u(1)
    override, unfiltered = 0, 0
    if bits.u(1):
        override, unfiltered = bits.u(1), bits.u(1)
        if not unfiltered:
            bits.se(), bits.se()
    if bits.u(1):
        _skip_scaling_lists(bits)
    modification, _, extension = bits.u(1), bits.ue(), bits.u(1)
    return name, Pps(
        sps=series[sps_id],
        dependent_slices=bool(dependent),
        output_flag=output_flag,
        extra_bits=extra,
        cabac_init=cabac_init,
        references=references,
        chroma_qp_offsets=bool(qp_offsets),
        weighted=bool(weighted),
        weighted_b=bool(weighted_b),
        entry_points=bool(tiles or wave_fronts),
        filter_across=bool(filter_across),
        deblocking_override=bool(override),
        is_unfiltered=bool(unfiltered),
        lists_modification=bool(modification),
        header_extension=bool(extension),
        chroma_qp_offset_list=_range_extension(bits, has_skip),
    )


def _skip_tiles(bits: Bits) -> None:
    columns, rows = bits.ue(), bits.ue()
    if not bits.u(1):
        for _ in range(columns + rows):
            bits.ue()
    bits.u(1)


def _range_extension(bits: Bits, has_skip: int) -> int:
    """Whether slices may switch the list of chroma QP offsets (7.3.2.3.2)."""
    if not bits.u(1):
        return 0
    has_range, *others = (bits.u(1) for _ in range(4))
    bits.u(4)
    if any(others):
        raise BitstreamError("HEVC with multilayer, 3D or screen content extensions is not handled")
    if not has_range:
        return 0
    if has_skip:
        bits.ue()
    bits.u(1)
    return bits.u(1)
