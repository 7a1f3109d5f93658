"""Colour: from what the source declares to BT.709, limited range, 8-bit 4:2:0, as a chain of filters.

HDR is mapped to SDR: one range for all rungs and all players.
"""

from __future__ import annotations

from encoder.source import UNKNOWN, Colour, VideoSource

Filter = tuple[str, dict[str, str | int]]

# Code points of ITU-T H.273.
_BT709, _BT601_525, _BT2020, _P3 = 1, 6, 9, (11, 12)
_HD_PX = 720  # what nobody has labelled is BT.709 from here on, BT.601 below
_WHITE_NITS = 203  # what HDR paints paper with (ITU-R BT.2408)
_TAGS: Filter = (
    "setparams",
    {"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709", "range": "limited"},
)


def to_bt709(source: VideoSource) -> list[Filter]:
    """The filters that bring the source's picture to tagged BT.709; few, if it is there already."""
    colour = source.colour
    is_wide = colour.primaries in (_BT2020, *_P3)
    if colour.is_rgb:
        convert: list[Filter] = [("scale", {"out_color_matrix": "bt709", "out_range": "limited"})]
    elif colour.video_range != "SDR":
        convert = _tone_map(colour)
    elif is_wide or _matrix(source) != _BT709 or colour.is_full_range:
        primaries = colour.primaries if is_wide else _BT709  # those of BT.601 differ by too little to see
        convert = [_zscale(_declared(_matrix(source), primaries, _BT709, colour) | _target())]
    else:
        convert = []
    return [*convert, ("format", {"pix_fmts": "yuv420p"}), _TAGS]


def _tone_map(colour: Colour) -> list[Filter]:
    declared = _declared(
        _known(colour.matrix, _BT2020), _known(colour.primaries, _BT2020), colour.transfer, colour
    )
    return [
        _zscale(declared | {"transfer": "linear", "npl": _WHITE_NITS}),
        ("format", {"pix_fmts": "gbrpf32le"}),
        _zscale({"primaries": "bt709"}),
        # Highlights fade to white; unfaded, a bright sky turns yellow.
        ("tonemap", {"tonemap": "mobius", "desat": 2}),
        _zscale(_target()),
    ]


def _zscale(options: dict[str, str | int]) -> Filter:
    """On one thread: several would each filter a slice of the picture, with seams where they meet."""
    return ("zscale", options | {"threads": 1})


def _declared(matrix: int, primaries: int, transfer: int, colour: Colour) -> dict[str, str | int]:
    """Said outright, because zscale refuses a frame that leaves one of them open."""
    return {
        "matrixin": matrix,
        "primariesin": primaries,
        "transferin": transfer,
        "rangein": "full" if colour.is_full_range else "limited",
    }


def _target() -> dict[str, str | int]:
    return {"matrix": "709", "primaries": "709", "transfer": "709", "range": "limited"}


def _matrix(source: VideoSource) -> int:
    by_size = _BT709 if min(source.coded_width_px, source.coded_height_px) >= _HD_PX else _BT601_525
    return _known(source.colour.matrix, by_size)


def _known(code: int, otherwise: int) -> int:
    return otherwise if code in (0, UNKNOWN) else code
