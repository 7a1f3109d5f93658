"""The storyboard of a title, thumbnails for seeking, and the choice of its poster: what ffmpeg is told to do.

Both come from what is encoded already, of which only the key frames are decoded: every so many of them is a
thumbnail, and of some spread over the title the richest that is not dark names the moment of the poster,
which is then taken from the highest rung. The same bytes each time: one thread to an encoder, exact scaling,
no version written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, isqrt

from media.presentation import Track
from media.rendition import ImageRendition, VideoRendition
from media.timeline import Segment, Timeline

_LONG_SIDE_PX = 320  # of a thumbnail
_POSTER_SIDE_PX = 1280
TAKEN_FROM_PX = 600  # the lowest rung of at least that long side has enough to see
_GRID = 5  # columns and rows of a full sheet
_SHORTEST_S, _LONGEST_S = 1, 10  # from one thumbnail to the next
_WANTED = 100  # thumbnails of a title, if the interval allows
_CANDIDATES = 24  # for the poster, spread over the title
_CLOCK = 90_000  # ticks per second in what is told of them
_DARK = 40  # mean luma of 8 bits: black is 16, a night scene is above
_QUALITY = {"sheet": "5", "poster": "3"}  # of ffmpeg's JPEG: 2 to 31, from best to worst
_GLOBAL = ["-hide_banner", "-nostdin", "-y", "-loglevel", "error"]
_JPEG = [
    "-c:v",
    "mjpeg",
    "-threads",
    "1",
    "-flags:v",
    "+bitexact",
    "-fflags",
    "+bitexact",
    "-map_metadata",
    "-1",
]
_KEY_FRAMES = ["-skip_frame", "nokey", "-copyts"]
CANDIDATES, POSTER = "candidates.txt", "poster.jpg"  # in the working folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Storyboard:
    """How the thumbnails of a title are taken and laid out."""

    width_px: int
    height_px: int
    columns: int
    rows: int
    every: int  # key frames from one thumbnail to the next
    interval: Fraction  # the same in seconds
    thumbnails: int

    @property
    def sheets(self) -> int:
        return ceil(self.thumbnails / (self.columns * self.rows))


def plan_storyboard(rung: VideoRendition, duration: Fraction, gop: Fraction) -> Storyboard:
    """About a hundred thumbnails, 1 to 10 s apart, on key frames, which come every `gop` seconds."""
    longest = max(1, int(_LONGEST_S / gop))
    every = min(longest, max(ceil(_SHORTEST_S / gop), round(duration / gop / _WANTED)))
    thumbnails = max(1, ceil(duration / gop / every))
    columns = min(_GRID, isqrt(thumbnails - 1) + 1)
    width_px, height_px = _fitted(rung, _LONG_SIDE_PX)
    return Storyboard(
        width_px=width_px,
        height_px=height_px,
        columns=columns,
        rows=min(_GRID, ceil(thumbnails / columns)),
        every=every,
        interval=every * gop,
        thumbnails=thumbnails,
    )


def sheet_arguments(plan: Storyboard, key_frames: int, input_path: str, folder: str) -> list[str]:
    """ffmpeg's arguments for `<folder>/<number>.jpg`, and for what `moment_of` reads."""
    tiles = f"{_scaled(plan.width_px, plan.height_px)},tile={plan.columns}x{plan.rows}"
    spread = ceil(key_frames / _CANDIDATES)
    graph = (
        f"[0:v]split[a][b];[a]select='not(mod(n,{plan.every}))',{tiles}[sheets];"
        f"[b]select='not(mod(n,{spread}))',scale=160:-2,format=yuv420p,settb=1/{_CLOCK},"
        f"signalstats,entropy,metadata=print:file={CANDIDATES}[candidates]"
    )
    command = [*_GLOBAL, *_KEY_FRAMES, "-i", input_path, "-filter_complex", graph]
    command += ["-map", "[sheets]", "-fps_mode", "passthrough", *_JPEG, "-q:v", _QUALITY["sheet"]]
    command += ["-start_number", "1", "-f", "image2", f"{folder}/%d.jpg"]
    # No pictures but lines that say when each is and what it is like: the poster is taken from a better one.
    return [*command, "-map", "[candidates]", "-f", "null", "-"]


def poster_arguments(rung: VideoRendition, moment: Fraction, input_path: str) -> list[str]:
    """The first key frame at `moment` or later, in seconds of the title."""
    size = _scaled(*_fitted(rung, _POSTER_SIDE_PX))
    # Half a millisecond: the moment has gone through a time base or two.
    graph = f"select='gte(t,{float(moment - Fraction(1, 2000)):.6f})',{size}"
    command = [*_GLOBAL, *_KEY_FRAMES, "-i", input_path, "-vf", graph, "-frames:v", "1"]
    return [*command, "-fps_mode", "passthrough", *_JPEG, "-q:v", _QUALITY["poster"], "-f", "image2", POSTER]


def moment_of(candidates: str) -> Fraction:
    """When the picture is that makes the poster, from what ffmpeg's metadata filter printed of each.

    The richest in shades that is not dark; if all are dark, the richest.
    """
    found: list[tuple[bool, float, Fraction]] = []
    for frame in candidates.split("frame:")[1:]:
        ticks = re.search(r"\bpts:(\d+)", frame)
        values = dict(line.split("=", 1) for line in frame.splitlines() if "=" in line)
        if ticks:
            is_light = float(values.get("lavfi.signalstats.YAVG", 0)) > _DARK
            shades = float(values.get("lavfi.entropy.entropy.normal.Y", 0))
            found.append((is_light, shades, Fraction(int(ticks[1]), _CLOCK)))
    return max(found, key=lambda candidate: candidate[:2], default=(False, 0.0, Fraction(0)))[2]


def image_track(
    plan: Storyboard, name: str, duration: Fraction, sizes: Sequence[int]
) -> Track[ImageRendition]:
    """The sheets as a track; the last one ends with the title. `sizes` are their bytes."""
    timescale = 1000 * plan.interval.denominator
    sheet = int(plan.interval * plan.columns * plan.rows * timescale)
    moments = [*range(0, sheet * len(sizes), sheet), min(sheet * len(sizes), int(duration * timescale))]
    segments = tuple(
        Segment(
            number=number,
            start_ticks=start,
            duration_ticks=end - start,
            uri=f"{name}/{number}.jpg",
            size_bytes=size_bytes,
        )
        for number, ((start, end), size_bytes) in enumerate(zip(pairwise(moments), sizes, strict=True), 1)
    )
    timeline = Timeline(timescale=timescale, segments=segments)
    rendition = ImageRendition(
        name=name,
        average_bps=timeline.average_bps,
        peak_bps=timeline.peak_bps,
        width_px=plan.width_px,
        height_px=plan.height_px,
        columns=plan.columns,
        rows=plan.rows,
        interval=plan.interval,
    )
    return Track(rendition=rendition, init=None, timeline=timeline)


def _scaled(width_px: int, height_px: int) -> str:
    """JPEG's own colour: BT.601 over the full range (JFIF)."""
    exact = "flags=bicubic+accurate_rnd+bitexact"
    colour = "in_color_matrix=bt709:out_color_matrix=smpte170m:in_range=tv:out_range=pc"
    return f"scale={width_px}:{height_px}:{colour}:{exact},setsar=1,format=yuvj420p"


def _fitted(rung: VideoRendition, wanted_px: int) -> tuple[int, int]:
    """Even sides in the rung's aspect, never above its own."""
    scale = min(Fraction(1), Fraction(wanted_px, long_side_px(rung)))
    return 2 * max(1, round(rung.width_px * scale / 2)), 2 * max(1, round(rung.height_px * scale / 2))


def long_side_px(rung: VideoRendition) -> int:
    return max(rung.width_px, rung.height_px)
