"""AV1 by SVT-AV1: Main profile, 4:2:0, constant quality under a cap, closed groups of pictures."""

from __future__ import annotations

from encoder.codecs.base import Codec, Options, Target
from encoder.hdr import HdrMetadata

_QUALITY = 28
_PRESETS = {
    "ultrafast": 12, "superfast": 11, "veryfast": 10, "faster": 10, "fast": 9, "medium": 8, "slow": 6,
    "slower": 5, "veryslow": 4,
}  # fmt: skip


def _options(target: Target) -> Options:
    return {
        "c:v": "libsvtav1",
        "preset": _PRESETS[target.preset],
        "pix_fmt": "yuv420p10le" if target.is_hdr else "yuv420p",
        "maxrate": target.max_bps,
        "bufsize": target.buffer_bits,
        "g": target.gop_frames,
        "force_key_frames": target.key_frames,
        "flags:v": "+cgop+bitexact",
        "svtav1-params": ":".join(f"{name}={value}" for name, value in _parameters(target).items()),
    }


def _parameters(target: Target) -> dict[str, str | int]:
    parameters: dict[str, str | int] = {
        "lp": 1,  # from two on its threads make other bytes on each run
        # In quarters: ffmpeg's own option knows integers only.
        "crf": f"{round(4 * target.quality(_QUALITY)) / 4:g}",
        "scd": 0,  # a key frame at a scene cut would shift the later ones
        "irefresh-type": 2,  # key frames close the group of pictures
        # With its own 50 a hard scene stays a fifth above the cap; with none the last frames starve.
        "mbr-overshoot-pct": 25,
    }
    return parameters | (_metadata(target.hdr) if target.hdr else {})


def _metadata(hdr: HdrMetadata) -> dict[str, str | int]:
    parameters: dict[str, str | int] = {}
    if display := hdr.mastering:
        points = zip(
            ("G", "B", "R", "WP"), (display.green, display.blue, display.red, display.white), strict=True
        )
        places = "".join(f"{name}({x / 50_000:.5f},{y / 50_000:.5f})" for name, (x, y) in points)
        luminance = f"L({display.max_luminance / 10_000:.4f},{display.min_luminance / 10_000:.4f})"
        parameters["mastering-display"] = f"{places}{luminance}"
    if hdr.light:
        parameters["content-light"] = f"{hdr.light.max_content},{hdr.light.max_average}"
    return parameters


AV1 = Codec(
    name="av1", encoder="libsvtav1", options=_options, default_crf=_QUALITY, crf_range=(15, 60), may_hdr=True
)
