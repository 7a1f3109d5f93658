"""A clip to begin with: a dive into the Mandelbrot set under turning colours, with plucked notes.

All of it comes out of ffmpeg's own sources, so that no file has to be carried along; the same words make the
same bytes. Grain comes and goes and the picture flips, so that some seconds are far harder than others.
"""

from __future__ import annotations

from pathlib import Path

from encoder.ffmpeg import find_ffmpeg, run
from encoder.staging import reported

_RATE = 30
# testsrc2 brings a running timecode in letters of its own: a static ffmpeg has no font.
_PICTURE = """
mandelbrot=s=640x360:r={rate}:maxiter=300:end_pts={frames}:start_scale=3:end_scale=0.0005,
  scale=1280:720,format=yuv420p,noise=c0s=9:allf=t:c0_seed=3:enable='gte(mod(t,10),5)'[set];
gradients=s=160x90:r={rate}:n=5:c0=0x0b3d91:c1=0x1fb6c1:c2=0xf2b134:c3=0xed553b:c4=0x6a0572:seed=7
  :speed=0.012:type=spiral,scale=1280:720,format=yuv420p[colours];
[colours][set]blend=c0_mode=overlay:c1_mode=normal:c2_mode=normal,hflip=enable='gte(mod(t,14),7)'[scene];
testsrc2=s=320x180:r={rate},format=yuv420p,pad=iw+8:ih+8:4:4:white[timecode];
[scene][timecode]overlay=x='W-w-40-40*sin(t/3)':y='H-h-40'[picture]
"""
_LEFT = "0.3*exp(-4*mod(t,0.5))*sin(2*PI*220*pow(2,mod(7*floor(2*t),12)/12)*t)"
_RIGHT = "0.3*exp(-3*mod(t,0.75))*sin(2*PI*330*pow(2,mod(5*floor(t/0.75),12)/12)*t)"
_ENCODE = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "24", "-threads", "4", "-flags:v", "+bitexact"]
_ENCODE += ["-c:a", "aac", "-b:a", "160k", "-flags:a", "+bitexact", "-fflags", "+bitexact"]


def make_clip(path: Path, duration_s: int = 30) -> None:
    """Write an MP4 of 1280x720 at 30 frames per second, with stereo sound. Raises EncodeError."""
    picture = "".join(_PICTURE.format(rate=_RATE, frames=_RATE * duration_s).split("\n"))
    sound = f"aevalsrc='{_LEFT}|{_RIGHT}':s=48000[sound]"
    unfinished = path.with_suffix(".unfinished")
    command = ["-hide_banner", "-nostdin", "-y", "-loglevel", "error"]
    command += ["-filter_complex", f"{picture};{sound}", "-map", "[picture]", "-map", "[sound]"]
    command += ["-t", str(duration_s), *_ENCODE, "-f", "mp4", str(unfinished.resolve())]
    with reported(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        run(find_ffmpeg(), command, path.parent, lambda _frames, _speed: None)
        unfinished.replace(path)
