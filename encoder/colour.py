"""Colour: from what the source declares to what a rung shows, as a chain of filters.

For everybody that is BT.709, limited range, 8-bit 4:2:0: HDR is mapped to SDR. Where HDR rungs are asked for,
PQ and HLG stay what they are, in BT.2020, limited range, 10-bit 4:2:0.
"""

from __future__ import annotations

from encoder.hdr import HdrMetadata
from encoder.source import UNKNOWN, Colour, VideoSource

Options = dict[str, str | int]
Filter = tuple[str, Options]

# Code points of ITU-T H.273.
_BT709, _BT601_525, _BT2020, _P3 = 1, 6, 9, (11, 12)
_PQ = 16
_RGB = 0  # among the matrices
_HD_PX = 720  # what nobody has labelled is BT.709 from here on, BT.601 below
_WHITE_NITS = 203  # what HDR paints paper with (ITU-R BT.2408)
_PEAK_NITS = 1000  # of HLG's display (ITU-R BT.2100), and what most PQ is mastered for
_KNEE = 0.3  # of white: what is darker keeps its light
_DISPLAY_GAMMA = 2.4  # ITU-R BT.1886
_NITS = 10_000  # the units of a mastering display's luminance
# What frames carry beside the picture is meant for the picture as it was: mastering displays, Dolby Vision's
# layers, ambient light. (Captions go too: manifests say that there are none.)
_BARE: Filter = ("sidedata", {"mode": "delete"})
_TRANSFERS = {"PQ": "smpte2084", "HLG": "arib-std-b67"}


def to_bt709(source: VideoSource, hdr: HdrMetadata | None = None) -> list[Filter]:
    """The filters that bring the source's picture to tagged BT.709; few, if it is there already."""
    colour = source.colour
    is_wide = colour.primaries in (_BT2020, *_P3)
    if colour.video_range != "SDR":
        convert = _tone_map(colour, hdr)
    elif colour.is_rgb:
        convert = [("scale", {"out_color_matrix": "bt709", "out_range": "limited"})]
    elif is_wide or _matrix(source) != _BT709 or colour.is_full_range:
        primaries = colour.primaries if is_wide else _BT709  # those of BT.601 differ by too little to see
        convert = [_zscale(_declared(_matrix(source), primaries, _BT709, colour) | _target())]
    else:
        convert = []
    return [_BARE, *convert, ("format", {"pix_fmts": "yuv420p"}), _tags("bt709", "bt709", "bt709")]


def to_hdr(source: VideoSource) -> list[Filter]:
    """The filters that bring a PQ or HLG source to tagged BT.2020 with the transfer it has."""
    colour = source.colour
    is_usual = (_wide(colour.primaries), _wide(colour.matrix)) == (_BT2020, _BT2020)
    if is_usual and not colour.is_full_range and not colour.is_rgb:
        convert = []
    else:
        target: Options = {
            "matrix": "2020_ncl",
            "primaries": "2020",
            "transfer": colour.transfer,
            "range": "limited",
        }
        convert = [_zscale(_declared_hdr(colour) | target)]
    tags = _tags("bt2020nc", "bt2020", _TRANSFERS[colour.video_range])
    return [_BARE, *convert, ("format", {"pix_fmts": "yuv420p10le"}), tags]


def peak_nits(colour: Colour, hdr: HdrMetadata | None) -> int:
    """The brightest that the source shows, in cd/m²: what its metadata says, or what is usual."""
    if colour.video_range != "PQ" or hdr is None:
        return _PEAK_NITS
    if hdr.light and hdr.light.max_content:
        return max(_WHITE_NITS, hdr.light.max_content)
    return max(_WHITE_NITS, hdr.mastering.max_luminance // _NITS) if hdr.mastering else _PEAK_NITS


def _tone_map(colour: Colour, hdr: HdrMetadata | None) -> list[Filter]:
    """In display light, each of red, green and blue for itself: what is too bright fades to white.

    (ffmpeg's `tonemap` keeps the hue instead, so that a bright sky turns yellow, or with its own fading sends
    all above 400 cd/m² past white.)
    """
    curve = _curve(peak_nits(colour, hdr) / _WHITE_NITS)
    as_pq: Options = {"matrix": _RGB, "primaries": "709", "transfer": _PQ, "range": "full"}
    as_shown: Options = {"matrixin": _RGB, "primariesin": _BT709, "transferin": _BT709, "rangein": "full"}
    return [
        _zscale(_declared_hdr(colour) | as_pq),
        ("format", {"pix_fmts": "gbrp16le"}),
        ("lutrgb", {"r": curve, "g": curve, "b": curve}),
        _zscale(as_shown | _target()),
    ]


def _curve(peak: float) -> str:
    """From PQ to BT.1886 (both display light) through Möbius' function: straight up to a knee, 1 at the peak.

    `peak` is in units of the SDR white; in ffmpeg's language of expressions.
    """
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875  # SMPTE ST 2084
    nits = f"10000*pow(max(ld(0)-{c1},0)/({c2}-{c3}*ld(0)),{1 / m1:.10f})"
    light = f"st(0,pow(val/maxval,{1 / m2:.10f}));st(0,{nits}/{_WHITE_NITS})"
    shown = "ld(0)"
    if peak > 1:
        squeeze = _KNEE * _KNEE - 2 * _KNEE
        a = -_KNEE * _KNEE * (peak - 1) / (squeeze + peak)
        b = (_KNEE * _KNEE - 2 * _KNEE * peak + peak) / (peak - 1)
        gain = (b * b + 2 * b * _KNEE + _KNEE * _KNEE) / (b - a)
        shown = f"if(gt(ld(0),{_KNEE}),{gain:.8f}*(ld(0)+{a:.8f})/(ld(0)+{b:.8f}),ld(0))"
    return f"{light};round(maxval*pow(min({shown},1),{1 / _DISPLAY_GAMMA:.8f}))"


def _tags(matrix: str, primaries: str, transfer: str) -> Filter:
    names: Options = {"colorspace": matrix, "color_primaries": primaries, "color_trc": transfer}
    return ("setparams", names | {"range": "limited"})


def _zscale(options: Options) -> Filter:
    """On one thread: several would each filter a slice of the picture, with seams where they meet."""
    return ("zscale", options | {"threads": 1})


def _declared_hdr(colour: Colour) -> Options:
    return _declared(_wide(colour.matrix), _wide(colour.primaries), colour.transfer, colour)


def _declared(matrix: int, primaries: int, transfer: int, colour: Colour) -> Options:
    """Said outright, because zscale refuses a frame that leaves one of them open."""
    return {
        "matrixin": _RGB if colour.is_rgb else matrix,
        "primariesin": primaries,
        "transferin": transfer,
        "rangein": "full" if colour.is_full_range or colour.is_rgb else "limited",
    }


def _target() -> Options:
    return {"matrix": "709", "primaries": "709", "transfer": "709", "range": "limited"}


def _matrix(source: VideoSource) -> int:
    by_size = _BT709 if min(source.coded_width_px, source.coded_height_px) >= _HD_PX else _BT601_525
    return _known(source.colour.matrix, by_size)


def _wide(code: int) -> int:
    """HDR that does not say is BT.2020."""
    return _known(code, _BT2020)


def _known(code: int, otherwise: int) -> int:
    return otherwise if code in (0, UNKNOWN) else code
