"""Sources for the tests of the encoder: facts made up, and small clips drawn by ffmpeg."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from encoder.audio.source import AudioSource
from encoder.ffmpeg import find_ffmpeg
from encoder.ladder import Ladder, auto
from encoder.plan import Plan, Settings, make_plan, output_rate
from encoder.source import Source, VideoSource

HD = VideoSource(
    coded_width_px=1920,
    coded_height_px=1080,
    width_px=1920,
    height_px=1080,
    frame_rate=Fraction(30),
    is_constant_rate=True,
    start=Fraction(0),
    end=Fraction(10),
)
STEREO = AudioSource(index=0, codec="aac", sample_rate_hz=48_000, channels=2, layout="stereo")
PICTURE = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=30"]
SOUND = ["-f", "lavfi", "-i", "sine=440:r=48000"]
FAST = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]


def sized(width_px: int, height_px: int) -> VideoSource:
    return replace(
        HD, coded_width_px=width_px, coded_height_px=height_px, width_px=width_px, height_px=height_px
    )


def whole(video: VideoSource = HD, *audio: AudioSource) -> Source:
    return Source(video=video, audio=audio)


PLAIN = Settings()


def planned(source: Source, settings: Settings = PLAIN, ladder: Ladder = auto) -> Plan:
    """With the same ladder for each codec."""
    rungs = ladder(source.video, output_rate(source.video))
    return make_plan(source, dict.fromkeys(settings.codecs, rungs), settings)


def draw(path: Path, *arguments: str) -> Path:
    """Have ffmpeg write `path`; returns it."""
    command = [find_ffmpeg().program, "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]
    subprocess.run([*command, *arguments, str(path)], check=True, timeout=120)
    return path
