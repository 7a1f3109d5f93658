"""HEVC by libx265: Main or Main 10 profile, 4:2:0, constant quality under a cap, tagged hvc1."""

from __future__ import annotations

from encoder.codecs.base import Codec, Options, Target
from encoder.hdr import HdrMetadata

_QUALITY = 23
_TRANSFERS = {"PQ": "smpte2084", "HLG": "arib-std-b67"}


def _options(target: Target) -> Options:
    return {
        "c:v": "libx265",
        "tag:v": "hvc1",
        "preset": target.preset,
        "pix_fmt": "yuv420p10le" if target.is_hdr else "yuv420p",
        "crf": f"{target.quality(_QUALITY):g}",
        "maxrate": target.max_bps,
        "bufsize": target.buffer_bits,
        "g": target.gop_frames,
        "keyint_min": target.gop_frames,
        "force_key_frames": target.key_frames,
        "forced-idr": 1,
        "flags:v": "+cgop+bitexact",
        "x265-params": ":".join(f"{name}={value}" for name, value in _parameters(target).items()),
    }


def _parameters(target: Target) -> dict[str, str | int]:
    parameters: dict[str, str | int] = {
        "log-level": "error",
        # One thread and one frame at a time: the same bytes each time, the least memory.
        "pools": "none",
        "frame-threads": 1,
        "scenecut": 0,
        "open-gop": 0,
        "info": 0,  # no version of the library in the stream
        "repeat-headers": 0,
        "high-tier": 0,  # few decoders have more than the main tier; what is above it gets a higher level
    }
    if target.preset == "medium":
        # Without, x265 at medium is no better than x264 at medium; slower presets have it anyway.
        parameters |= {"rdoq-level": 2, "psy-rdoq": 1}
    if target.is_hdr:
        parameters |= {
            "colorprim": "bt2020",
            "transfer": _TRANSFERS[target.video_range],
            "colormatrix": "bt2020nc",
        }
        parameters |= {"range": "limited", "hdr10": int(target.hdr is not None)}
    if target.hdr:
        parameters |= _metadata(target.hdr)
    return parameters


def _metadata(hdr: HdrMetadata) -> dict[str, str | int]:
    parameters: dict[str, str | int] = {}
    if display := hdr.mastering:
        points = zip("GBR", (display.green, display.blue, display.red), strict=True)
        primaries = "".join(f"{name}({x},{y})" for name, (x, y) in points)
        white = f"WP({display.white[0]},{display.white[1]})"
        parameters["master-display"] = f"{primaries}{white}L({display.max_luminance},{display.min_luminance})"
    if hdr.light:
        parameters["max-cll"] = f"{hdr.light.max_content},{hdr.light.max_average}"
    return parameters


HEVC = Codec(
    name="hevc", encoder="libx265", options=_options, default_crf=_QUALITY, crf_range=(14, 44), may_hdr=True
)
