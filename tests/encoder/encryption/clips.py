"""Small clear CMAF tracks drawn by ffmpeg, and what it says of them: the judge of our encryption."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from encoder.ffmpeg import find_ffmpeg
from media.boxes import read_boxes

_PICTURE = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=24:d=3,noise=alls=6:allf=t", "-pix_fmt", "yuv420p"]
_SOUND = ["-f", "lavfi", "-i", "aevalsrc=0.4*sin(440*t*(2+t))|0.3*random(0):s=48000:d=3"]
_X264 = [*_PICTURE, "-g", "24", "-c:v", "libx264"]
_X265 = [*_PICTURE, "-g", "24", "-c:v", "libx265", "-tag:v", "hvc1"]

VIDEO = {
    "avc": [*_X264, "-preset", "medium"],
    "avc-many-slices": [*_X264, "-preset", "slow", "-x264-params", "slices=4:weightp=2:bframes=3"],
    "avc-baseline": [*_X264, "-profile:v", "baseline", "-refs", "3"],
    "avc-interlaced": [*_X264, "-x264-params", "tff=1:weightb=1:b-pyramid=normal"],
    "hevc": [*_X265, "-preset", "ultrafast", "-x265-params", "log-level=none"],
    "hevc-wave-fronts": [
        *_X265, "-preset", "medium",
        "-x265-params", "log-level=none:wpp=1:ctu=16:slices=2:weightb=1:open-gop=0:bframes=4:deblock=1,1",
    ],
    "av1": [*_PICTURE, "-g", "24", "-c:v", "libsvtav1", "-preset", "10", "-svtav1-params", "tile-columns=1"],
    "av1-aom": [
        *_PICTURE, "-g", "24", "-c:v", "libaom-av1", "-cpu-used", "8", "-row-mt", "1", "-tiles", "2x2",
        "-aom-params", "enable-global-motion=1:film-grain-test=1",
    ],
    "vp9": [*_PICTURE, "-g", "24", "-c:v", "libvpx-vp9", "-deadline", "good", "-cpu-used", "5"],
    "vp9-tiles": [
        "-f", "lavfi", "-i", "testsrc2=s=640x180:r=24:d=2", "-pix_fmt", "yuv420p", "-g", "24",
        "-c:v", "libvpx-vp9", "-deadline", "good", "-cpu-used", "4", "-tile-columns", "1",
        "-auto-alt-ref", "1", "-lag-in-frames", "16", "-aq-mode", "3",
    ],
}  # fmt: skip
SOUND = {"aac": [*_SOUND, "-c:a", "aac"], "opus": [*_SOUND, "-c:a", "libopus"]}


@dataclass(frozen=True, slots=True)
class Clip:
    init: bytes
    segments: tuple[bytes, ...]

    @property
    def data(self) -> bytes:
        return self.init + b"".join(self.segments)


@cache
def clip(name: str) -> Clip:
    """One second to a segment."""
    cut = ["-movflags", "cmaf", *([] if name in VIDEO else ["-frag_duration", "1000000"])]
    with TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp4")
        _run([*(VIDEO | SOUND)[name], *cut, "-f", "mp4", str(path)])
        return split(path.read_bytes())


def split(data: bytes) -> Clip:
    boxes = list(read_boxes(data))
    init, segments = b"", list[bytes]()
    for box, end in zip(boxes, [*(box.offset for box in boxes[1:]), len(data)], strict=True):
        raw = data[box.offset : end]
        if box.kind in ("ftyp", "moov"):
            init += raw
        elif box.kind == "moof":
            segments.append(raw)
        elif box.kind == "mdat":
            segments[-1] += raw
    return Clip(init, tuple(segments))


def decoded(path: Path | str, *options: str, must: bool = True) -> str:
    """A hash for each frame, as ffmpeg decodes them; unless it `must`, ffmpeg may give up on them."""
    return _run([*options, "-i", str(path), "-f", "framemd5", "-"], must=must).stdout.decode()


def traced(path: Path) -> list[str]:
    """What ffmpeg reads in the headers of each packet: position in bits, name, bits, value."""
    lines = _run(["-loglevel", "verbose", "-i", str(path), "-c", "copy", "-bsf:v", "trace_headers",
                  "-f", "null", "-"]).stderr.decode()  # fmt: skip
    return [line.partition("] ")[2] for line in lines.splitlines() if line.startswith("[trace_headers")]


def _run(arguments: list[str], *, must: bool = True) -> subprocess.CompletedProcess[bytes]:
    command = [find_ffmpeg().program, "-hide_banner", "-nostdin", "-y"]
    if "-loglevel" not in arguments:
        command += ["-loglevel", "error"]
    return subprocess.run([*command, *arguments], check=must, capture_output=True, timeout=120)
