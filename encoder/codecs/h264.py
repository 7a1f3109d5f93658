"""H.264 by libx264: High profile, 8-bit 4:2:0, constant quality under a cap.

The level is left to libx264, which announces the lowest that size, rate, buffer and references allow.
"""

from __future__ import annotations

from encoder.plan import Plan, RungPlan

_QUALITY = 22  # libx264's CRF
_BUFFER_S = 1.0


def options(plan: Plan, rung: RungPlan) -> dict[str, str | int]:
    return {
        "c:v": "libx264",
        "preset": plan.settings.preset,
        "profile:v": "high",
        # libx264's frame threads read one another's buffer state as it happens to be: only one thread gives
        # the same bytes each time. The rungs keep a machine's cores busy side by side.
        "threads": 1,
        "crf": _QUALITY,
        # A segment takes at most the cap and one buffer: the peak stays within 1 + buffer / segment of it.
        "maxrate": rung.rung.max_bps,
        "bufsize": round(rung.rung.max_bps * _BUFFER_S),
        "g": plan.gop_frames,
        "keyint_min": plan.gop_frames,
        # A key frame at a scene cut would shift the later ones: rungs must switch at the same frames.
        "sc_threshold": 0,
        # On the grid whatever the encoder thinks of it.
        "force_key_frames": f"expr:not(mod(n,{plan.gop_frames}))",
        # cgop: a segment needs nothing of the one before; bitexact: no library version in the stream.
        "flags:v": "+cgop+bitexact",
    }
