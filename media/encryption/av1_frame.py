"""The AV1 frame header, read for its length and the tiles behind it (AV1 Bitstream, 5.9).

A header leans on the frames that it refers to: their sizes, order, segments and motion are kept by slot.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from media.bits import Bits, BitstreamError
from media.encryption.av1_sequence import SELECT, Sequence

_KEY, _INTER, _INTRA_ONLY, _SWITCH = range(4)
_ALL, _NONE = 0xFF, 7  # refresh_frame_flags; primary_ref_frame
_FEATURES = ((8, 1), (6, 1), (6, 1), (6, 1), (6, 1), (3, 0), (0, 0), (0, 0))  # bits, sign: 5.9.14
_TRANSLATION, _ROTZOOM, _AFFINE = 1, 2, 3
_STILL = ((0, 0, 1 << 16, 0, 0, 1 << 16),) * 7  # motion of the seven references: none


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """How a frame is tiled."""

    columns_log2: int
    rows_log2: int
    count: int
    size_bytes: int = 0  # of the field that a tile's size stands in


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What later frames need of one."""

    kind: int
    size: tuple[int, int]  # upscaled width, height
    order: int
    quantizers: tuple[int | None, ...]  # of the segments: SEG_LVL_ALT_Q
    motion: tuple[tuple[int, ...], ...]


@dataclass(slots=True)
class _Frame:
    kind: int
    is_shown: bool
    may_be_shown: bool
    is_resilient: bool
    is_frozen: bool = False  # disable_cdf_update
    screen_content: int = 0
    integer_mv: int = 0
    has_size: int = 0
    order: int = 0
    primary: int = _NONE
    refreshed: int = _ALL
    references: list[int] = field(default_factory=list)
    size: tuple[int, int] = (0, 0)
    width: int = 0  # coded, before it is upscaled
    precise: int = 0
    intrabc: int = 0
    base_q: int = 0
    is_plain: bool = True  # no difference between quantizers
    quantizers: tuple[int | None, ...] = (None,) * 8
    delta_q: int = 0
    motion: tuple[tuple[int, ...], ...] = _STILL

    @property
    def is_intra(self) -> bool:
        return self.kind in (_KEY, _INTRA_ONLY)

    @property
    def is_lossless(self) -> bool:
        each = [max(0, min(255, self.base_q + (q or 0))) for q in self.quantizers]
        return self.is_plain and not any(each)


class FrameReader:
    """Reads the frame headers of one segment in order."""

    def __init__(self) -> None:
        self._slots: list[Reference | None] = [None] * 8

    def read(self, bits: Bits, sequence: Sequence, layers: tuple[int, int]) -> Tiles | None:
        """None: a frame that is only shown again. `layers`: temporal, spatial. Raises BitstreamError."""
        frame = self._opening(bits, sequence)
        if frame is None:
            return None
        _identity(bits, sequence, frame)
        _removal(bits, sequence, layers)
        if not (frame.kind == _SWITCH or (frame.kind == _KEY and frame.is_shown)):
            frame.refreshed = bits.u(8)
        if (not frame.is_intra or frame.refreshed != _ALL) and frame.is_resilient and sequence.order_bits:
            self._resilient_orders(bits, sequence)
        self._sizes(bits, sequence, frame)
        if not sequence.is_reduced and not frame.is_frozen:
            bits.u(1)
        tiles = _tiles(bits, sequence, frame)
        previous = self._primary(frame)
        _quantization(bits, sequence, frame)
        _segmentation(bits, frame, previous)
        _deltas(bits, frame)
        _filters(bits, sequence, frame)
        self._prediction(bits, sequence, frame)
        _motion(bits, frame, previous)
        if sequence.film_grain and (frame.is_shown or frame.may_be_shown):
            _film_grain(bits, sequence, frame)
        self._keep(frame)
        return tiles

    def _opening(self, bits: Bits, sequence: Sequence) -> _Frame | None:
        if sequence.is_reduced:
            return _Frame(_KEY, True, False, True)
        if bits.u(1):
            slot = bits.u(3)
            bits.u(sequence.time_bits if sequence.has_timing else 0)
            bits.u(sequence.id_bits)
            shown = self._slots[slot]
            if shown is not None and shown.kind == _KEY:
                self._slots = [shown] * 8
            return None
        kind, is_shown = bits.u(2), bool(bits.u(1))
        if is_shown and sequence.has_timing:
            bits.u(sequence.time_bits)
        may_be_shown = kind != _KEY if is_shown else bool(bits.u(1))
        is_resilient = kind == _SWITCH or (kind == _KEY and is_shown) or bool(bits.u(1))
        if kind == _KEY and is_shown:
            self._slots = [None] * 8
        return _Frame(kind, is_shown, may_be_shown, is_resilient)

    def _resilient_orders(self, bits: Bits, sequence: Sequence) -> None:
        for index, slot in enumerate(self._slots):
            order = bits.u(sequence.order_bits)
            if slot is not None and slot.order != order:
                self._slots[index] = replace(slot, order=order)

    def _slot(self, index: int) -> Reference:
        slot = self._slots[index]
        if slot is None:
            raise BitstreamError("an AV1 frame refers to one that is not in its segment")
        return slot

    def _primary(self, frame: _Frame) -> Reference | None:
        return None if frame.primary == _NONE else self._slot(frame.references[frame.primary])

    def _sizes(self, bits: Bits, sequence: Sequence, frame: _Frame) -> None:
        """5.9.5 to 5.9.9, with what stands around them."""
        if frame.is_intra:
            _own_size(bits, sequence, frame)
            if frame.screen_content and frame.size[0] == frame.width:
                frame.intrabc = bits.u(1)
            return
        if sequence.order_bits and bits.u(1):
            raise BitstreamError("AV1 with short signalling of references is not handled")
        for _ in range(7):
            frame.references.append(bits.u(3))
            bits.u(sequence.delta_id_bits)
        if frame.has_size and not frame.is_resilient:
            found = next((index for index in frame.references if bits.u(1)), None)
            if found is None:
                _own_size(bits, sequence, frame)
            else:
                frame.size = self._slot(found).size
                _superres(bits, sequence, frame)
        else:
            _own_size(bits, sequence, frame)
        frame.precise = 0 if frame.integer_mv else bits.u(1)
        if not bits.u(1):
            bits.u(2)
        bits.u(1)
        if not frame.is_resilient and sequence.reference_mvs:
            bits.u(1)

    def _prediction(self, bits: Bits, sequence: Sequence, frame: _Frame) -> None:
        """Transforms, compound references, skip mode and warped motion (5.9.21 to 5.9.23)."""
        if not frame.is_lossless:
            bits.u(1)
        if not frame.is_intra and bits.u(1) and sequence.order_bits and self._may_skip(sequence, frame):
            bits.u(1)
        if not frame.is_intra and not frame.is_resilient and sequence.warped_motion:
            bits.u(1)
        bits.u(1)

    def _may_skip(self, sequence: Sequence, frame: _Frame) -> bool:
        """Two pictures to predict from: the nearest on both sides, or the two nearest before (5.9.22)."""
        half = 1 << (sequence.order_bits - 1)

        def distance(order: int, other: int) -> int:
            difference = order - other
            return (difference & (half - 1)) - (difference & half)

        orders = [self._slot(index).order for index in frame.references]
        before = {order for order in orders if distance(order, frame.order) < 0}
        after = any(distance(order, frame.order) > 0 for order in orders)
        return bool(before) and (after or len(before) > 1)

    def _keep(self, frame: _Frame) -> None:
        kept = Reference(
            kind=frame.kind,
            size=frame.size,
            order=frame.order,
            quantizers=frame.quantizers,
            motion=frame.motion,
        )
        for index in range(8):
            if frame.refreshed >> index & 1:
                self._slots[index] = kept


def _identity(bits: Bits, sequence: Sequence, frame: _Frame) -> None:
    """Tools, number, order and primary reference."""
    frame.is_frozen = bool(bits.u(1))
    frame.screen_content = bits.u(1) if sequence.screen_content == SELECT else sequence.screen_content
    if frame.screen_content:
        frame.integer_mv = bits.u(1) if sequence.integer_mv == SELECT else sequence.integer_mv
    bits.u(sequence.id_bits)
    if frame.kind == _SWITCH:
        frame.has_size = 1
    elif not sequence.is_reduced:
        frame.has_size = bits.u(1)
    frame.order = bits.u(sequence.order_bits)
    if not frame.is_intra and not frame.is_resilient:
        frame.primary = bits.u(3)


def _removal(bits: Bits, sequence: Sequence, layers: tuple[int, int]) -> None:
    if sequence.has_removal and bits.u(1):
        temporal, spatial = layers
        for idc, is_modelled in sequence.points:
            is_in = idc >> temporal & 1 and idc >> (spatial + 8) & 1
            if is_modelled and (not idc or is_in):
                bits.u(sequence.removal_bits)


def _own_size(bits: Bits, sequence: Sequence, frame: _Frame) -> None:
    frame.size = sequence.size_px
    if frame.has_size:
        frame.size = bits.u(sequence.size_bits[0]) + 1, bits.u(sequence.size_bits[1]) + 1
    _superres(bits, sequence, frame)
    if bits.u(1):
        bits.u(32)


def _superres(bits: Bits, sequence: Sequence, frame: _Frame) -> None:
    width = frame.size[0]
    divisor = bits.u(3) + 9 if sequence.superres and bits.u(1) else 8
    frame.width = (width * 8 + divisor // 2) // divisor


def _tiles(bits: Bits, sequence: Sequence, frame: _Frame) -> Tiles:
    """5.9.15."""
    shift = 5 if sequence.has_large_blocks else 4
    columns, rows = ((2 * ((px + 7) >> 3) + (1 << shift) - 1) >> shift for px in (frame.width, frame.size[1]))
    most_width, most_area = 4096 >> (shift + 2), 4096 * 2304 >> (2 * (shift + 2))
    least_columns = _log2(most_width, columns)
    least = max(least_columns, _log2(most_area, rows * columns))
    if bits.u(1):
        columns_log2 = _raised(bits, least_columns, _log2(1, min(columns, 64)))
        across = -(-columns // ((columns + (1 << columns_log2) - 1) >> columns_log2))
        rows_log2 = _raised(bits, max(least - columns_log2, 0), _log2(1, min(rows, 64)))
        down = -(-rows // ((rows + (1 << rows_log2) - 1) >> rows_log2))
    else:
        across, widest = _uneven(bits, columns, most_width)
        columns_log2 = _log2(1, across)
        area = rows * columns >> (least + 1 if least else 0)
        down, _ = _uneven(bits, rows, max(area // widest, 1))
        rows_log2 = _log2(1, down)
    size_bytes = 0
    if columns_log2 or rows_log2:
        bits.u(columns_log2 + rows_log2)
        size_bytes = bits.u(2) + 1
    return Tiles(columns_log2=columns_log2, rows_log2=rows_log2, count=across * down, size_bytes=size_bytes)


def _log2(block: int, target: int) -> int:
    found = 0
    while block << found < target:
        found += 1
    return found


def _raised(bits: Bits, least: int, most: int) -> int:
    while least < most and bits.u(1):
        least += 1
    return least


def _uneven(bits: Bits, blocks: int, most: int) -> tuple[int, int]:
    """How many tiles, and the widest."""
    at, count, widest = 0, 0, 0
    while at < blocks:
        size = _ns(bits, min(blocks - at, most)) + 1
        at, count, widest = at + size, count + 1, max(widest, size)
    return count, widest


def _ns(bits: Bits, values: int) -> int:
    """4.10.7."""
    width = values.bit_length()
    short = (1 << width) - values
    value = bits.u(width - 1)
    return value if value < short else (value << 1) - short + bits.u(1)


def _su(bits: Bits, count: int) -> int:
    """4.10.6."""
    value = bits.u(count)
    return value - (1 << count) if value >> (count - 1) else value


def _quantization(bits: Bits, sequence: Sequence, frame: _Frame) -> None:
    """5.9.12."""
    frame.base_q = bits.u(8)

    def delta() -> int:
        return _su(bits, 7) if bits.u(1) else 0

    deltas = [delta()]
    if sequence.planes > 1:
        differ = sequence.separate_uv and bits.u(1)
        deltas += [delta() for _ in range(4 if differ else 2)]
    frame.is_plain = not any(deltas)
    if bits.u(1):
        bits.u(12 if sequence.separate_uv else 8)


def _segmentation(bits: Bits, frame: _Frame, previous: Reference | None) -> None:
    """5.9.14."""
    if not bits.u(1):
        return
    is_updated = 1
    if previous is not None:
        if bits.u(1):
            bits.u(1)
        is_updated = bits.u(1)
    if not is_updated and previous is not None:
        frame.quantizers = previous.quantizers
        return
    found: list[int | None] = []
    for _ in range(8):
        values = [
            (_su(bits, 1 + size) if has_sign else bits.u(size)) if bits.u(1) else None
            for size, has_sign in _FEATURES
        ]
        found.append(values[0])
    frame.quantizers = tuple(found)


def _deltas(bits: Bits, frame: _Frame) -> None:
    """5.9.17 and 5.9.18."""
    if frame.base_q and bits.u(1):
        bits.u(2)
        if not frame.intrabc and bits.u(1):
            bits.u(3)


def _filters(bits: Bits, sequence: Sequence, frame: _Frame) -> None:
    """Loop filter, CDEF, loop restoration (5.9.11, 5.9.19, 5.9.20)."""
    is_colored = sequence.planes > 1
    if frame.intrabc:
        return
    if not frame.is_lossless:
        if (bits.u(6) | bits.u(6)) and is_colored:
            bits.u(12)
        bits.u(3)
        if bits.u(1) and bits.u(1):
            for _ in range(10):
                bits.u(7 * bits.u(1))
        if sequence.cdef:
            bits.u(2)
            bits.u((12 if is_colored else 6) << bits.u(2))
    if sequence.restoration and not (frame.is_lossless and frame.size[0] == frame.width):
        kinds = [bits.u(2) for _ in range(sequence.planes)]
        if any(kinds):
            if bits.u(1) and not sequence.has_large_blocks:
                bits.u(1)
            if sequence.is_subsampled and any(kinds[1:]):
                bits.u(1)


def _motion(bits: Bits, frame: _Frame, previous: Reference | None) -> None:
    """5.9.24."""
    if frame.is_intra:
        return
    before = previous.motion if previous else _STILL
    found = []
    for params in before:
        kind = 0
        if bits.u(1):
            kind = _ROTZOOM if bits.u(1) else _TRANSLATION if bits.u(1) else _AFFINE
        made = list(_STILL[0])
        if kind >= _ROTZOOM:
            made[2] = _parameter(bits, frame, kind, 2, params)
            made[3] = _parameter(bits, frame, kind, 3, params)
            made[4], made[5] = -made[3], made[2]
            if kind == _AFFINE:
                made[4] = _parameter(bits, frame, kind, 4, params)
                made[5] = _parameter(bits, frame, kind, 5, params)
        if kind:
            made[0] = _parameter(bits, frame, kind, 0, params)
            made[1] = _parameter(bits, frame, kind, 1, params)
        found.append(tuple(made))
    frame.motion = tuple(found)


def _parameter(bits: Bits, frame: _Frame, kind: int, index: int, params: tuple[int, ...]) -> int:
    """5.9.25."""
    size, precision = 12, 15
    if index < 2:
        coarse = 1 - frame.precise
        size, precision = (9 - coarse, 3 - coarse) if kind == _TRANSLATION else (12, 6)
    is_unit = index % 3 == 2
    most = 1 << size
    reference = (params[index] >> (16 - precision)) - (is_unit << precision)
    value = _subexp(bits, 2 * most + 1, reference + most) - most
    return (value << (16 - precision)) + (is_unit << 16)


def _subexp(bits: Bits, values: int, reference: int) -> int:
    """5.9.27 and 5.9.28."""
    value = _raw_subexp(bits, values)
    if reference << 1 <= values:
        return _recentered(reference, value)
    return values - 1 - _recentered(values - 1 - reference, value)


def _raw_subexp(bits: Bits, values: int) -> int:
    step, low = 0, 0
    while True:
        width = 3 + step - 1 if step else 3
        if values <= low + 3 * (1 << width):
            return _ns(bits, values - low) + low
        if not bits.u(1):
            return bits.u(width) + low
        low += 1 << width
        step += 1


def _recentered(reference: int, value: int) -> int:
    if value > 2 * reference:
        return value
    return reference - ((value + 1) >> 1) if value & 1 else reference + (value >> 1)


def _film_grain(bits: Bits, sequence: Sequence, frame: _Frame) -> None:
    """5.9.30."""
    if not bits.u(1):
        return
    bits.u(16)
    if frame.kind == _INTER and not bits.u(1):
        bits.u(3)
        return
    luma = bits.u(4)
    bits.u(16 * luma)
    from_luma = bits.u(1) if sequence.planes > 1 else 0
    blue = red = 0
    if sequence.planes > 1 and not from_luma and (luma or not sequence.is_subsampled):
        blue = bits.u(4)
        bits.u(16 * blue)
        red = bits.u(4)
        bits.u(16 * red)
    bits.u(2)
    lag = bits.u(2)
    positions = 2 * lag * (lag + 1)
    bits.u(8 * positions if luma else 0)
    chroma = 8 * (positions + (1 if luma else 0))
    bits.u(chroma * (bool(from_luma or blue) + bool(from_luma or red)))
    bits.u(4)
    bits.u(25 * (bool(blue) + bool(red)))
    bits.u(2)
