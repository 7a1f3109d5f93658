"""Tiny encodes by the real ffmpeg, written as the encoder writes a chunk: a header, and a file a GOP."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from encoder.codecs import Codec, Target
from encoder.colour import Filter
from encoder.ffmpeg import find_ffmpeg

TARGET = Target(
    width_px=128, height_px=72, frame_rate=Fraction(24), gop_frames=24, preset="medium", max_bps=400_000
)
HDR_TARGET = replace(TARGET, video_range="PQ")
MOVING = "testsrc2=s=128x72:r=24"
OTHER = "mandelbrot=s=128x72:r=24"
BT709: list[Filter] = [
    ("format", {"pix_fmts": "yuv420p"}),
    (
        "setparams",
        {"colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709", "range": "limited"},
    ),
]


def graph(filters: Sequence[Filter]) -> str:
    """The filters one after another, as ffmpeg's command line takes them."""
    return ",".join(
        f"{name}=" + ":".join(f"{key}='{value}'" for key, value in given.items()) for name, given in filters
    )


def encoded(
    codec: Codec,
    folder: Path,
    source: str = MOVING,
    *,
    target: Target = TARGET,
    frames: int = 60,
    filters: Sequence[Filter] = BT709,
) -> Path:
    """`folder` with what was made of so many frames of ffmpeg's own `source`."""
    folder.mkdir(parents=True)
    options = [text for name, value in codec.options(target).items() for text in (f"-{name}", str(value))]
    command = [find_ffmpeg().program, "-hide_banner", "-nostdin", "-y", "-loglevel", "error"]
    command += ["-f", "lavfi", "-i", source]
    command += ["-vf", f"trim=end_frame={frames},{graph(filters)},setsar=1", *options]
    command += ["-fps_mode", "passthrough", "-fflags", "+bitexact", "-avoid_negative_ts", "disabled"]
    command += ["-f", "hls", "-hls_segment_type", "fmp4", "-hls_list_size", "0", "-start_number", "1"]
    command += ["-hls_time", f"{float(target.gop_frames / target.frame_rate):.6f}"]
    command += ["-hls_segment_options", "movflags=+cmaf+skip_sidx", "-hls_fmp4_init_filename", "init.mp4"]
    command += ["-hls_segment_filename", "%d.m4s", "ffmpeg.m3u8"]
    quiet = os.environ | {"SVT_LOG": "1"}
    subprocess.run(command, check=True, timeout=120, cwd=folder, env=quiet, stderr=subprocess.PIPE)
    return folder


def header_of(folder: Path) -> bytes:
    return (folder / "init.mp4").read_bytes()


def files_of(folder: Path) -> list[bytes]:
    return [
        (folder / f"{number}.m4s").read_bytes() for number in range(1, len(list(folder.glob("*.m4s"))) + 1)
    ]


def whole_of(folder: Path, header: bytes | None = None) -> Path:
    """All of it in one file."""
    path = folder / "whole.mp4"
    path.write_bytes((header or header_of(folder)) + b"".join(files_of(folder)))
    return path
