"""The sequence header of AV1 (AV1 Bitstream & Decoding Process Specification, 5.5), as `av1C` carries it."""

from __future__ import annotations

from media.bits import Bits, BitstreamError
from media.parameter_sets import ColourFacts, PictureFacts

_SEQUENCE_HEADER = 1  # obu_type
_UNSPECIFIED, _BT709, _SRGB, _IDENTITY = 2, 1, 13, 0
_LEVELS_WITH_TIER = 7  # above it a tier is said


def sequence_header_of(units: bytes) -> bytes | None:
    """The payload of the first sequence header among open bitstream units with sizes (5.3)."""
    at = 0
    while at < len(units):
        head = units[at]
        at += 2 if head & 4 else 1  # an extension takes a byte more
        if not head & 2:
            raise BitstreamError("an open bitstream unit does not say its size")
        size, at = _leb128(units, at)
        if at + size > len(units):
            raise BitstreamError("an open bitstream unit is cut short")
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            return units[at : at + size]
        at += size
    return None


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    """The value, and where it ends (4.10.5)."""
    value = 0
    for number, byte in enumerate(data[at : at + 8]):
        value |= (byte & 0x7F) << 7 * number
        if not byte & 0x80:
            return value, at + number + 1
    raise BitstreamError("an open bitstream unit holds no size where one is due")


def read_av1_sequence(payload: bytes) -> PictureFacts:
    """Raises BitstreamError."""
    bits = Bits(payload)
    profile = bits.u(3)
    bits.u(1)
    is_reduced = bool(bits.u(1))
    level, is_high_tier = (bits.u(5), False) if is_reduced else _operating_points(bits)
    width_bits, height_bits = bits.u(4) + 1, bits.u(4) + 1
    width, height = bits.u(width_bits) + 1, bits.u(height_bits) + 1
    _skip_tools(bits, is_reduced)
    depth, chroma, colour = _colour(bits, profile)
    return PictureFacts(
        profile=profile,
        level=20 + 10 * (level >> 2) + (level & 3),
        is_high_tier=is_high_tier,
        chroma=chroma,
        bit_depth=depth,
        width_px=width,
        height_px=height,
        colour=colour,
    )


def _operating_points(bits: Bits) -> tuple[int, bool]:
    """Level index and tier of the first, which is the whole stream."""
    delay_bits = 0
    if bits.u(1):
        delay_bits = _timing(bits)
    has_display_delay = bits.u(1)
    points = []
    for _ in range(bits.u(5) + 1):
        bits.u(12)
        level = bits.u(5)
        is_high_tier = bool(level > _LEVELS_WITH_TIER and bits.u(1))
        if delay_bits and bits.u(1):
            bits.u(2 * delay_bits + 1)
        if has_display_delay and bits.u(1):
            bits.u(4)
        points.append((level, is_high_tier))
    return points[0]


def _timing(bits: Bits) -> int:
    """How many bits the delays of a decoder model have; 0 where there is none (5.5.3, 5.5.4)."""
    bits.u(64)
    if bits.u(1):
        bits.ue()
    if not bits.u(1):
        return 0
    delay_bits = bits.u(5) + 1
    bits.u(32 + 5 + 5)
    return delay_bits


def _skip_tools(bits: Bits, is_reduced: bool) -> None:
    if not is_reduced and bits.u(1):
        bits.u(4 + 3)
    bits.u(3)
    if not is_reduced:
        bits.u(4)
        has_order = bits.u(1)
        bits.u(2 * has_order)
        has_screen_tools = True if bits.u(1) else bool(bits.u(1))
        if has_screen_tools and not bits.u(1):
            bits.u(1)
        bits.u(3 * has_order)
    bits.u(3)


def _colour(bits: Bits, profile: int) -> tuple[int, int, ColourFacts]:
    """Bit depth, chroma format as H.264 counts it, and colour (5.5.2)."""
    is_high = bits.u(1)
    is_twelve = bool(profile == 2 and is_high and bits.u(1))
    depth = 12 if is_twelve else 10 if is_high else 8
    is_grey = bool(profile != 1 and bits.u(1))
    primaries, transfer, matrix = (
        (bits.u(8), bits.u(8), bits.u(8)) if bits.u(1) else (_UNSPECIFIED, _UNSPECIFIED, _UNSPECIFIED)
    )
    if is_grey:
        return depth, 0, ColourFacts(primaries, transfer, matrix, bool(bits.u(1)))
    if (primaries, transfer, matrix) == (_BT709, _SRGB, _IDENTITY):
        return depth, 3, ColourFacts(primaries, transfer, matrix, is_full_range=True)
    is_full_range = bool(bits.u(1))
    chroma = _chroma(bits, profile, is_twelve)
    return depth, chroma, ColourFacts(primaries, transfer, matrix, is_full_range)


def _chroma(bits: Bits, profile: int, is_twelve: bool) -> int:
    if profile == 0:
        return 1
    if profile == 1:
        return 3
    if not is_twelve:
        return 2
    return 3 if not bits.u(1) else 1 if bits.u(1) else 2
