"""Fixtures for all players, and the table of their verdicts at the end of a run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, async_playwright

from encoder.encryption.key_file import write_key_file
from lab.stack import running_stack
from tests.needs import ROOT, absent, program
from tests.system.browser import CHROMIUM_ARGS
from tests.system.players.keys import key_routes
from tests.system.players.titles import SCHEMES, Site, make_encrypted, make_title
from tests.system.players.verdicts import Verdicts
from tests.system.streams import listening

_PAGE = Path(__file__).parent / "page"
_PACKAGES = ROOT / "web" / "node_modules"
_VERDICTS = pytest.StashKey[Verdicts]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if verdicts := config.stash.get(_VERDICTS, None):
        terminalreporter.section("players' verdicts")
        terminalreporter.write_line(str(verdicts))


@pytest.fixture(scope="session")
def verdicts(pytestconfig: pytest.Config) -> Verdicts:
    return pytestconfig.stash.setdefault(_VERDICTS, Verdicts())


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that all players are served from."""
    folder = tmp_path_factory.mktemp("shelf")
    folder.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "keys.toml"
    write_key_file(path)
    return path


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def web_server(shelf: Path, key_file: Path) -> AsyncIterator[str]:
    """A plain web server, which knows nothing of video: the page of the browsers, the library, the keys."""
    app = web.Application()
    app.add_routes(key_routes(key_file))
    app.router.add_static("/npm", _PACKAGES)
    app.router.add_static("/library", shelf)
    app.router.add_static("/", _PAGE)
    async with listening(app) as address:
        yield f"http://{address}/"


@pytest.fixture(scope="session")
def versions(
    shelf: Path, key_file: Path, web_server: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The titles, made once for all players."""
    source = tmp_path_factory.mktemp("source")
    made = [make_title(source, shelf)]
    made += [make_encrypted(source, shelf, scheme, key_file, web_server) for scheme in SCHEMES]
    return {published.title.name: published.title.version for published in made}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def edge(
    shelf: Path, versions: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """An edge with its shield and origin. They start when the titles are there."""
    assert all((shelf / name).is_dir() for name in versions)
    async with running_stack(shelf, tmp_path_factory.mktemp("logs"), edges=["edge-a"]) as stack:
        yield f"{stack['edge-a'].url}/"


@pytest.fixture(scope="session")
def site(versions: dict[str, str], edge: str, web_server: str) -> Site:
    return Site(edge=edge, web=web_server, versions=versions)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium(verdicts: Verdicts) -> AsyncIterator[Browser]:
    if not (_PACKAGES / "shaka-player").is_dir():
        absent("Shaka Player", "run make setup")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program("chromium", "chromium"), args=CHROMIUM_ARGS
        )
        verdicts.versions["Chromium"] = browser.version
        yield browser
        await browser.close()
