"""A title on the air for the players of others: a short clip, and who serves it.

`server` is the one place that says who serves: the tests know addresses and nothing behind them.
"""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import pytest
from aiohttp import web

from tests.needs import ROOT
from tests.system.link import Link, relay

DURATION_S = 24
FRAME_RATE = 24
SEGMENT_S = 2
SEGMENTS = DURATION_S // SEGMENT_S
LADDER = {256: 150_000, 426: 400_000, 640: 1_200_000}  # width_px: bps
WEB = ROOT / "web" / "dist"
FOLDER = "/v/clip/1/"


@dataclass(frozen=True, slots=True)
class Stream:
    """Where players find the title, and the page that plays it."""

    url: str  # of the title's folder, ends in a slash
    page: str

    def manifest(self, protocol: str) -> str:
        return self.url + {"hls": "master.m3u8", "dash": "manifest.mpd"}[protocol]


@pytest.fixture
def link() -> Link:
    """First wide enough for the highest rung, but not for long enough to load it all; then for the lowest.

    So a player that adapts must go up and come down again.
    """
    return Link(fast_bps=3_000_000, slow_bps=300_000, fast_s=4.0)


@pytest.fixture
async def stream(server: str, page_server: str, link: Link) -> AsyncIterator[Stream]:
    """The title behind `link`, and the page."""
    async with relay(server, link) as address:
        yield Stream(url=f"http://{address}{FOLDER}", page=f"http://{page_server}/index.html")


@pytest.fixture
async def server(clip: Path) -> AsyncIterator[str]:
    """The host:port that serves the clip below FOLDER, with the fields that an edge sends."""
    app = web.Application()
    app.router.add_static(FOLDER, clip)
    app.on_response_prepare.append(say_what_an_edge_says)
    async with listening(app) as address:
        yield address


@pytest.fixture
async def page_server() -> AsyncIterator[str]:
    """The host:port of the player page; it is another origin than the title's, as in life."""
    title = {"name": "clip", "hls": "clip/master.m3u8", "dash": "clip/manifest.mpd", "duration_s": DURATION_S}

    async def titles(_: web.Request) -> web.Response:
        return web.json_response([title])

    app = web.Application()
    app.router.add_get("/titles.json", titles)
    app.router.add_static("/", WEB)
    async with listening(app) as address:
        yield address


async def say_what_an_edge_says(request: web.Request, response: web.StreamResponse) -> None:
    """Every second segment is in store at the edge, the others come through it from its shield."""
    number = Path(request.path).stem.rpartition("-")[2]
    if number.isdigit() and int(number) % 2:
        status, age_s = "shield; hit; ttl=3480, edge; fwd=uri-miss; fwd-status=200; stored", 120
    else:
        status, age_s = "edge; hit; ttl=3591", 9
    response.headers.update(
        {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Expose-Headers": "Age, Cache-Status, Content-Length",
            "Timing-Allow-Origin": "*",
            "Cache-Control": "max-age=3600",
            "Age": str(age_s),
            "Cache-Status": status,
        }
    )


@asynccontextmanager
async def listening(app: web.Application) -> AsyncIterator[str]:
    """Serve `app` on a free port of loopback; its host:port."""
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"{host}:{port}"
    finally:
        await runner.cleanup()


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A title with three rungs and audio, in CMAF segments that HLS and DASH share."""
    folder = tmp_path_factory.mktemp("clip")
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([ffmpeg, "-v", "error", *encoding(), "manifest.mpd"], cwd=folder, check=True)
    return folder


def encoding() -> Iterator[str]:
    """ffmpeg's arguments between its name and the output."""
    frames = str(SEGMENT_S * FRAME_RATE)
    scales = ";".join(f"[in{width}]scale={width}:-2[out{width}]" for width in LADDER)
    yield from ("-f", "lavfi", "-i", f"testsrc2=size=640x360:rate={FRAME_RATE}:duration={DURATION_S}")
    yield from ("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={DURATION_S}")
    yield from (
        "-filter_complex",
        f"split={len(LADDER)}{''.join(f'[in{width}]' for width in LADDER)};{scales}",
    )
    for index, (width, rate_bps) in enumerate(LADDER.items()):
        yield from ("-map", f"[out{width}]", f"-b:v:{index}", str(rate_bps))
    yield from ("-map", "1:a", "-c:a", "aac", "-b:a", "64k", "-c:v", "libx264", "-preset", "ultrafast")
    # Keyframes only where segments begin: rungs must switch at the same frames.
    yield from ("-g", frames, "-keyint_min", frames, "-sc_threshold", "0")
    yield from ("-f", "dash", "-hls_playlist", "1", "-seg_duration", str(SEGMENT_S))
    yield from ("-adaptation_sets", "id=0,streams=v id=1,streams=a")
    yield from ("-init_seg_name", "$RepresentationID$-init.mp4")
    yield from ("-media_seg_name", "$RepresentationID$-$Number$.m4s")
