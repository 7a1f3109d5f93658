"""VP9 by libvpx: profile 0, 8-bit 4:2:0, constant quality under a cap, in one pass.

(One pass has no alternative reference frames: a hard picture takes more bits than in H.264.)
"""

from __future__ import annotations

from encoder.codecs.base import Codec, Options, Target

_QUALITY = 27
_PRESETS = {
    "ultrafast": 8, "superfast": 7, "veryfast": 6, "faster": 5, "fast": 4, "medium": 3, "slow": 2,
    "slower": 1, "veryslow": 0,
}  # fmt: skip


def _options(target: Target) -> Options:
    return {
        "c:v": "libvpx-vp9",
        "tag:v": "vp09",
        "pix_fmt": "yuv420p",
        "threads": 1,
        "row-mt": 0,  # rows would be encoded side by side
        "deadline": "good",
        "cpu-used": _PRESETS[target.preset],
        "crf": round(target.quality(_QUALITY)),  # libvpx counts in whole steps
        "b:v": target.max_bps,  # with a CRF this is a cap too
        "maxrate": target.max_bps,
        "bufsize": target.buffer_bits,
        "g": target.gop_frames,
        "keyint_min": target.gop_frames,
        "force_key_frames": target.key_frames,
        "lag-in-frames": 25,
        "flags:v": "+bitexact",
    }


VP9 = Codec(name="vp9", encoder="libvpx-vp9", options=_options, default_crf=_QUALITY, crf_range=(15, 60))
