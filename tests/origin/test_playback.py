"""Real media through the real origin: what its manifests say, ffmpeg plays to the end."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
from fractions import Fraction
from pathlib import Path
from time import time

import imageio_ffmpeg
import pytest
from aiohttp import web

from media.cmaf import InitFacts, read_fragment, read_init
from media.presentation import InitSegment, Presentation, Track, is_aligned
from media.rendition import AudioRendition, VideoRendition
from media.timeline import Segment, Timeline
from media.title import Title, TitleFile, content_version, write_title
from origin.app import build_app, build_runner
from origin.config import OriginConfig
from tests.origin.library import put_title_json

pytestmark = pytest.mark.system

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
FRAMES = 120


def encode(folder: Path) -> None:
    """Two rungs and a tone, cut every 48 frames of 24000/1001."""
    command = [FFMPEG, "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=24000/1001"]
    command += ["-f", "lavfi", "-i", "sine=r=48000", "-map", "0", "-map", "0", "-map", "1"]
    command += ["-t", "5.005", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-g", "48", "-s:v:0", "160x90"]
    command += ["-c:a", "aac", "-f", "dash", "-seg_duration", "2"]
    command += ["-init_seg_name", "$RepresentationID$-init.mp4"]
    command += ["-media_seg_name", "$RepresentationID$-$Number$.m4s", "all.mpd"]
    subprocess.run(command, cwd=folder, check=True)


def moved(folder: Path, number: int, name: str) -> tuple[InitFacts, InitSegment, Timeline]:
    """Put what ffmpeg wrote of one stream where the library wants it, and read its boxes."""
    (folder / name).mkdir()
    (folder / f"{number}-init.mp4").rename(folder / name / "init.mp4")
    facts = read_init((folder / name / "init.mp4").read_bytes())
    segments = []
    for count in range(1, len(list(folder.glob(f"{number}-*.m4s"))) + 1):
        path = (folder / f"{number}-{count}.m4s").rename(folder / name / f"{count}.m4s")
        fragment = read_fragment(path.read_bytes(), facts)
        segments.append(
            Segment(
                number=count,
                start_ticks=fragment.start_ticks,
                duration_ticks=fragment.duration_ticks,
                uri=f"{name}/{count}.m4s",
            )
        )
    timeline = Timeline(timescale=facts.timescale, segments=tuple(segments))
    return facts, InitSegment(uri=f"{name}/init.mp4"), timeline


def rung(folder: Path, number: int, name: str) -> Track[VideoRendition]:
    facts, init, timeline = moved(folder, number, name)
    assert facts.width_px
    assert facts.height_px
    rendition = VideoRendition(
        name=name,
        codecs=facts.codecs,
        average_bps=200_000 * (number + 1),
        peak_bps=300_000 * (number + 1),
        width_px=facts.width_px,
        height_px=facts.height_px,
        frame_rate=Fraction(24000, 1001),
    )
    return Track(rendition=rendition, init=init, timeline=timeline)


def sound(folder: Path, number: int, name: str) -> Track[AudioRendition]:
    facts, init, timeline = moved(folder, number, name)
    rendition = AudioRendition(
        name=name,
        codecs=facts.codecs,
        average_bps=70_000,
        peak_bps=80_000,
        sample_rate_hz=facts.sample_rate_hz or 0,
        channels=facts.channels or 0,
    )
    return Track(rendition=rendition, init=init, timeline=timeline)


def published(folder: Path) -> Title:
    presentation = Presentation(
        video=(rung(folder, 0, "90p"), rung(folder, 1, "180p")), audio=(sound(folder, 2, "audio"),)
    )
    paths = [path for path in sorted(folder.glob("*/*")) if path.suffix in (".mp4", ".m4s")]
    files = tuple(
        TitleFile(
            path=str(path.relative_to(folder)),
            size_bytes=path.stat().st_size,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in paths
    )
    version = content_version(files)
    title = Title(name=folder.name, version=version, presentation=presentation, files=files, plan_key="")
    put_title_json(folder, write_title(title))
    return title


@pytest.mark.parametrize("manifest", ["master.m3u8", "manifest.mpd"])
async def test_ffmpeg_plays_every_frame_of_every_rung(manifest: str, tmp_path: Path) -> None:
    folder = tmp_path / "clip"
    folder.mkdir()
    encode(folder)
    title = published(folder)
    assert is_aligned(title.presentation)
    runner = build_runner(build_app(OriginConfig(library=tmp_path), clock=time))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/v/clip/{manifest}"
    player = await asyncio.create_subprocess_exec(
        *[FFMPEG, "-v", "warning", "-i", url, "-map", "0:v", "-map", "0:a", "-f", "framemd5", "-"],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    frames, complaints = await player.communicate()
    await runner.cleanup()
    assert player.returncode == 0, complaints
    assert b"error" not in complaints.lower()
    streams = [line.partition(b",")[0] for line in frames.splitlines() if not line.startswith(b"#")]
    assert (streams.count(b"0"), streams.count(b"1")) == (FRAMES, FRAMES)
    assert streams.count(b"2") > 230  # of 1024 samples each
