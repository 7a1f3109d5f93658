"""H.264 by libx264: High profile, 8-bit 4:2:0, constant quality under a cap.

The level is left to libx264, which announces the lowest that size, rate, buffer and references allow.
"""

from __future__ import annotations

from encoder.codecs.base import Codec, Options, Target

_QUALITY = 22


def _options(target: Target) -> Options:
    return {
        "c:v": "libx264",
        "preset": target.preset,
        "profile:v": "high",
        "pix_fmt": "yuv420p",
        # libx264's frame threads read one another's buffer state as it happens to be: only one thread gives
        # the same bytes each time. The rungs keep a machine's cores busy side by side.
        "threads": 1,
        "crf": f"{target.quality(_QUALITY):g}",
        # Less for grain that is not there, and for flat areas, than libx264's own 1.0: 5 to 16 per cent fewer
        # bits at equal VMAF (decision 20).
        "psy-rd": "0.5:0",
        "aq-strength": "0.6",
        "maxrate": target.max_bps,
        "bufsize": target.buffer_bits,
        "g": target.gop_frames,
        "keyint_min": target.gop_frames,
        # A key frame at a scene cut would shift the later ones: rungs must switch at the same frames.
        "sc_threshold": 0,
        "force_key_frames": target.key_frames,
        # cgop: a segment needs nothing of the one before; bitexact: no library version in the stream.
        "flags:v": "+cgop+bitexact",
    }


H264 = Codec(name="h264", encoder="libx264", options=_options, default_crf=_QUALITY, crf_range=(14, 42))
