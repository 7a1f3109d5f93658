"""Sequence parameter sets of H.264 (ITU-T H.264, 7.3.2.1.1) and HEVC (ITU-T H.265, 7.3.2.2).

What the bitstream itself says of the picture need not be what the boxes around it say.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from media.bits import Bits, BitstreamError

__all__ = ["BitstreamError", "ColourFacts", "PictureFacts", "read_avc_sps", "read_hevc_sps"]

_WITH_CHROMA = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)  # profiles, 7.3.2.1.1.1
_ASPECTS = {  # table E-1
    1: (1, 1), 2: (12, 11), 3: (10, 11), 4: (16, 11), 5: (40, 33), 6: (24, 11), 7: (20, 11), 8: (32, 11),
    9: (80, 33), 10: (18, 11), 11: (15, 11), 12: (64, 33), 13: (160, 99), 14: (4, 3), 15: (3, 2), 16: (2, 1),
}  # fmt: skip
_EXTENDED_ASPECT = 255
_CHROMA_STEPS = {0: (1, 1), 1: (2, 2), 2: (2, 1), 3: (1, 1)}  # pixels to a unit of cropping, table 6-1


@dataclass(frozen=True, slots=True)
class ColourFacts:
    """Code points of ISO/IEC 23091-2, tables 2 to 4; 2 is "unspecified"."""

    primaries: int
    transfer: int
    matrix: int
    is_full_range: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFacts:
    """What a sequence parameter set says. Levels are in tenths: 41 is level 4.1."""

    profile: int
    level: int
    is_high_tier: bool = False
    chroma: int = 1  # 0 is grey, 1 4:2:0, 2 4:2:2, 3 4:4:4
    bit_depth: int = 8
    width_px: int
    height_px: int
    coded_blocks: int = 0  # macroblocks of a frame
    reference_frames: int = 0
    may_be_interlaced: bool = False
    pixel_aspect: Fraction | None = None
    colour: ColourFacts | None = None


def read_avc_sps(nal: bytes) -> PictureFacts:
    """`nal` with its one byte of header. Raises BitstreamError."""
    bits = Bits(nal[1:], nal=True)
    profile, constraints, level = bits.u(8), bits.u(8), bits.u(8)
    bits.ue()
    chroma, depth = _avc_chroma(bits) if profile in _WITH_CHROMA else (1, 8)
    _skip_avc_order(bits)
    references = bits.ue()
    bits.u(1)
    width_blocks, height_units = bits.ue() + 1, bits.ue() + 1
    frames_only = bits.u(1)
    if not frames_only:
        bits.u(1)
    bits.u(1)
    height_blocks = height_units * (2 - frames_only)
    left, right, top, bottom = [bits.ue() for _ in range(4)] if bits.u(1) else [0] * 4
    across, down = _CHROMA_STEPS[chroma]
    down *= 2 - frames_only
    aspect, colour = _vui(bits) if bits.u(1) else (None, None)
    is_level_1b = level == 11 and bool(constraints & 0x10) and profile in (66, 77, 88)
    return PictureFacts(
        profile=profile,
        level=10 if is_level_1b else level,
        chroma=chroma,
        bit_depth=depth,
        width_px=16 * width_blocks - across * (left + right),
        height_px=16 * height_blocks - down * (top + bottom),
        coded_blocks=width_blocks * height_blocks,
        reference_frames=references,
        may_be_interlaced=not frames_only,
        pixel_aspect=aspect,
        colour=colour,
    )


def _avc_chroma(bits: Bits) -> tuple[int, int]:
    chroma = bits.ue()
    if chroma not in _CHROMA_STEPS:
        raise BitstreamError(f"chroma format {chroma} is none of H.264's")
    if chroma == 3:
        bits.u(1)
    depth = 8 + max(bits.ue(), bits.ue())
    bits.u(1)
    if bits.u(1):
        for index in range(8 if chroma != 3 else 12):
            if bits.u(1):
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return chroma, depth


def _skip_scaling_list(bits: Bits, size: int) -> None:
    last, following = 8, 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def _skip_avc_order(bits: Bits) -> None:
    """Frame numbers and picture order count."""
    bits.ue()
    kind = bits.ue()
    if kind == 0:
        bits.ue()
    elif kind == 1:
        bits.u(1), bits.se(), bits.se()
        for _ in range(bits.ue()):
            bits.se()


def _vui(bits: Bits) -> tuple[Fraction | None, ColourFacts | None]:
    """Sample aspect ratio and colour, with which the usability information of both opens (E.1.1, E.2.1)."""
    aspect: Fraction | None = None
    if bits.u(1):
        code = bits.u(8)
        width, height = (bits.u(16), bits.u(16)) if code == _EXTENDED_ASPECT else _ASPECTS.get(code, (0, 0))
        aspect = Fraction(width, height) if width and height else None
    if bits.u(1):
        bits.u(1)
    if bits.u(1):
        bits.u(3)
        is_full_range = bool(bits.u(1))
        if bits.u(1):
            return aspect, ColourFacts(bits.u(8), bits.u(8), bits.u(8), is_full_range)
    return aspect, None


def read_hevc_sps(nal: bytes) -> PictureFacts:
    """`nal` with its two bytes of header. Raises BitstreamError."""
    bits = Bits(nal[2:], nal=True)
    bits.u(4)
    sub_layers = bits.u(3)
    bits.u(1)
    bits.u(2)
    is_high_tier, profile = bool(bits.u(1)), bits.u(5)
    bits.u(32 + 48)
    level = bits.u(8)
    _skip_sub_layers(bits, sub_layers)
    bits.ue()
    chroma = bits.ue()
    if chroma not in _CHROMA_STEPS:
        raise BitstreamError(f"chroma format {chroma} is none of HEVC's")
    if chroma == 3:
        bits.u(1)
    width, height = bits.ue(), bits.ue()
    left, right, top, bottom = [bits.ue() for _ in range(4)] if bits.u(1) else [0] * 4
    across, down = _CHROMA_STEPS[chroma]
    depth = 8 + max(bits.ue(), bits.ue())
    _skip_hevc_tools(bits, sub_layers)
    aspect, colour = _vui(bits) if bits.u(1) else (None, None)
    return PictureFacts(
        profile=profile,
        level=level // 3,
        is_high_tier=is_high_tier,
        chroma=chroma,
        bit_depth=depth,
        width_px=width - across * (left + right),
        height_px=height - down * (top + bottom),
        pixel_aspect=aspect,
        colour=colour,
    )


def _skip_hevc_tools(bits: Bits, sub_layers: int) -> None:
    """What stands between the bit depths and the usability information (7.3.2.2.1)."""
    order_bits = bits.ue() + 4
    is_each_said = bits.u(1)
    _skip(bits, 3 * (sub_layers + 1 if is_each_said else 1))
    _skip(bits, 6)
    if bits.u(1) and bits.u(1):
        _skip_hevc_scaling_lists(bits)
    bits.u(2)
    if bits.u(1):  # PCM
        bits.u(8)
        _skip(bits, 2)
        bits.u(1)
    deltas = 0
    for index in range(_at_most(bits.ue(), 64)):
        deltas = _skip_reference_set(bits, index, deltas)
    if bits.u(1):
        for _ in range(_at_most(bits.ue(), 32)):
            bits.u(order_bits + 1)
    bits.u(2)


def _skip_hevc_scaling_lists(bits: Bits) -> None:
    """7.3.4."""
    for size in range(4):
        for _ in range(2 if size == 3 else 6):
            if not bits.u(1):
                bits.ue()
                continue
            if size > 1:
                bits.se()
            _skip(bits, min(64, 1 << (4 + 2 * size)))


def _skip_reference_set(bits: Bits, index: int, deltas: int) -> int:
    """7.3.7; `deltas` is how many pictures the set before names, the answer how many this one does."""
    if index and bits.u(1):
        bits.u(1), bits.ue()
        return sum(bits.u(1) or bits.u(1) for _ in range(deltas + 1))
    pictures = _at_most(bits.ue(), 16) + _at_most(bits.ue(), 16)
    for _ in range(pictures):
        bits.ue(), bits.u(1)
    return pictures


def _skip(bits: Bits, count: int) -> None:
    for _ in range(count):
        bits.ue()


def _at_most(count: int, limit: int) -> int:
    if count > limit:
        raise BitstreamError(f"a parameter set counts {count} where {limit} are the most")
    return count


def _skip_sub_layers(bits: Bits, count: int) -> None:
    """What 7.3.3 says of each temporal layer below the highest."""
    present = [(bits.u(1), bits.u(1)) for _ in range(count)]
    if count:
        bits.u(2 * (8 - count))
    for has_profile, has_level in present:
        bits.u(88 * has_profile)
        bits.u(8 * has_level)
