"""The AV1 sequence header, as far as frame headers hang on it (AV1 Bitstream, 5.5)."""

from __future__ import annotations

from dataclasses import dataclass

from media.bits import Bits

SELECT = 2  # SELECT_SCREEN_CONTENT_TOOLS, SELECT_INTEGER_MV: each frame says


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    is_reduced: bool  # reduced_still_picture_header
    has_timing: bool  # decoder model information, and uneven pictures: each shown frame has a time
    time_bits: int
    removal_bits: int
    has_removal: bool
    points: tuple[tuple[int, bool], ...]  # operating points: layers, and whether it has a decoder model
    size_bits: tuple[int, int]
    size_px: tuple[int, int]
    id_bits: int  # 0: frames have no numbers
    delta_id_bits: int
    has_large_blocks: bool
    warped_motion: bool
    reference_mvs: bool
    order_bits: int
    screen_content: int
    integer_mv: int
    superres: bool
    cdef: bool
    restoration: bool
    planes: int
    is_subsampled: bool  # in both directions
    separate_uv: bool
    film_grain: bool


def read_sequence(bits: Bits) -> Sequence:
    """Raises BitstreamError."""
    profile, _, is_reduced = bits.u(3), bits.u(1), bool(bits.u(1))
    equal, has_model, delay_bits, removal_bits, time_bits = False, False, 0, 0, 0
    points: list[tuple[int, bool]] = [(0, False)]
    if is_reduced:
        bits.u(5)
    else:
        if bits.u(1):
            bits.u(64)
            equal = bool(bits.u(1))
            if equal:
                bits.ue()  # uvlc is the same code (4.10.3)
            has_model = bool(bits.u(1))
            if has_model:
                delay_bits, _, removal_bits, time_bits = (
                    bits.u(5) + 1,
                    bits.u(32),
                    bits.u(5) + 1,
                    bits.u(5) + 1,
                )
        has_delay = bits.u(1)
        points = [_point(bits, has_model, delay_bits, has_delay) for _ in range(bits.u(5) + 1)]
    width_bits, height_bits = bits.u(4) + 1, bits.u(4) + 1
    size_px = bits.u(width_bits) + 1, bits.u(height_bits) + 1
    id_bits, delta_id_bits = 0, 0
    if not is_reduced and bits.u(1):
        delta_id_bits = bits.u(4) + 2
        id_bits = bits.u(3) + delta_id_bits + 1
    large, _, _ = bits.u(1), bits.u(1), bits.u(1)
    warped, reference_mvs, order_bits, screen, integer_mv = 0, 0, 0, SELECT, SELECT
    if not is_reduced:
        _, _, warped, _, has_order = (bits.u(1) for _ in range(5))
        if has_order:
            _, reference_mvs = bits.u(1), bits.u(1)
        screen = SELECT if bits.u(1) else bits.u(1)
        if screen:
            integer_mv = SELECT if bits.u(1) else bits.u(1)
        if has_order:
            order_bits = bits.u(3) + 1
    superres, cdef, restoration = bits.u(1), bits.u(1), bits.u(1)
    planes, is_subsampled, separate_uv = _color(bits, profile)
    return Sequence(
        is_reduced=is_reduced,
        has_timing=has_model and not equal,
        time_bits=time_bits,
        removal_bits=removal_bits,
        has_removal=has_model,
        points=tuple(points),
        size_bits=(width_bits, height_bits),
        size_px=size_px,
        id_bits=id_bits,
        delta_id_bits=delta_id_bits,
        has_large_blocks=bool(large),
        warped_motion=bool(warped),
        reference_mvs=bool(reference_mvs),
        order_bits=order_bits,
        screen_content=screen,
        integer_mv=integer_mv,
        superres=bool(superres),
        cdef=bool(cdef),
        restoration=bool(restoration),
        planes=planes,
        is_subsampled=is_subsampled,
        separate_uv=separate_uv,
        film_grain=bool(bits.u(1)),
    )


def _point(bits: Bits, has_model: bool, delay_bits: int, has_delay: int) -> tuple[int, bool]:
    layers = bits.u(12)
    if bits.u(5) > 7:
        bits.u(1)
    is_modelled = has_model and bool(bits.u(1))
    if is_modelled:
        bits.u(2 * delay_bits + 1)
    if has_delay:
        bits.u(4 * bits.u(1))
    return layers, is_modelled


def _color(bits: Bits, profile: int) -> tuple[int, bool, bool]:
    """Planes, whether chroma is 4:2:0, and whether its planes are quantized apart (5.5.2)."""
    is_high = bits.u(1)
    is_twelve = profile == 2 and is_high and bits.u(1)
    is_grey = profile != 1 and bool(bits.u(1))
    described = (bits.u(8), bits.u(8), bits.u(8)) if bits.u(1) else (2, 2, 2)
    if is_grey:
        bits.u(1)
        return 1, True, False
    if described == (1, 13, 0):  # sRGB
        return 3, False, bool(bits.u(1))
    bits.u(1)
    across, down = {0: (1, 1), 1: (0, 0)}.get(profile, (1, 0))
    if is_twelve:
        across = bits.u(1)
        down = bits.u(1) if across else 0
    if across and down:
        bits.u(2)
    return 3, bool(across and down), bool(bits.u(1))
