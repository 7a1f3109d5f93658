"""A title on the air for the players of others: encoded here, served by an origin, a shield and an edge."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from encoder.clip import make_clip
from encoder.job import EncodeJob
from encoder.package import encode
from encoder.plan import Settings
from lab.stack import running_stack
from lab.up import PAGE
from media.title import Title
from tests.system.link import Link, relay

DURATION_S = 24
FRAME_RATE = 30
SEGMENT_S = 4
SEGMENTS = DURATION_S // SEGMENT_S
LADDER = {144: 150_000, 240: 400_000, 360: 1_200_000}  # short side in px: bps


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
async def stream(title: Title, server: str, page_server: str, link: Link) -> AsyncIterator[Stream]:
    """The title behind `link`, and the page."""
    async with relay(server, link) as address:
        folder = f"http://{address}/v/{title.name}/{title.version}/"
        yield Stream(url=folder, page=f"http://{page_server}/index.html")


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def title(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Title:
    """A title with three rungs and audio."""
    folder = tmp_path_factory.mktemp("source")
    make_clip(folder / "clip.mp4", duration_s=DURATION_S)
    ladder = folder / "ladder.toml"
    steps = [f"[[rungs]]\nshort_side_px = {side_px}\nmax_bps = {bps}\n" for side_px, bps in LADDER.items()]
    ladder.write_text("\n".join(steps))
    settings = Settings(preset="ultrafast")
    return encode(
        EncodeJob(input=folder / "clip.mp4", library=library, ladder=str(ladder), settings=settings)
    ).title


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(library: Path, title: Title, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The host:port of an edge, with a shield and an origin behind it, for all tests."""
    assert (library / title.name).is_dir()
    async with running_stack(library, tmp_path_factory.mktemp("logs"), edges=["edge-a"]) as stack:
        yield stack["edge-a"].url.removeprefix("http://")


@pytest.fixture
async def page_server(title: Title) -> AsyncIterator[str]:
    """The host:port of the player page; it is another origin than the title's, as in life."""
    offered = {
        "name": title.name,
        "hls": "clip/master.m3u8",
        "dash": "clip/manifest.mpd",
        "duration_s": DURATION_S,
    }

    async def titles(_: web.Request) -> web.Response:
        return web.json_response([offered])

    app = web.Application()
    app.router.add_get("/titles.json", titles)
    app.router.add_static("/", PAGE.parent)
    async with listening(app) as address:
        yield address


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
