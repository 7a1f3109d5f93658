"""hls.js, dash.js and Shaka Player in Chromium: each codec, languages, subtitles, thumbnails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page
from playwright.async_api import TimeoutError as TooLongError

from tests.system.players.titles import CODECS, DURATION_S, SCHEMES, TONES_HZ, WIDTHS, WORDS, Site
from tests.system.players.verdicts import Verdicts

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="session")]

_LONG_S = 120  # far longer than any of it takes
_FAST = 8  # times as in life
_GAP_S = 0.1
_HEAR_HZ = 20


@dataclass(frozen=True, slots=True)
class Player:
    name: str  # in faces.js
    protocol: str
    by: str  # who serves it: "edge" or "web"

    def __str__(self) -> str:
        return f"{self.name} {self.protocol.upper()}" if self.name == "Shaka" else self.name


PLAYERS = [
    Player("hls.js", "hls", "edge"),
    Player("dash.js", "dash", "web"),
    Player("Shaka", "hls", "web"),
    Player("Shaka", "dash", "edge"),
]
players = pytest.mark.parametrize("player", PLAYERS, ids=str)


@dataclass(slots=True)
class Session:
    """A player in a page of its own."""

    page: Page

    async def open(self, player: Player, url: str, codec: str, **keys: str) -> None:
        await self.page.evaluate(
            "([name, url, codec, keys]) => window.session.open(name, url, codec, keys)",
            [player.name, url, codec, keys or None],
        )
        await self.until("session.face.rungs().length > 0")

    async def do(self, what: str) -> Any:
        return await self.page.evaluate(what)

    async def state(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.page.evaluate("session.state()")
        return found

    async def until(self, condition: str) -> None:
        """Returns once the condition holds; fails as soon as the player has."""
        either = f"() => session.failures.length > 0 || ({condition})"
        try:
            await self.page.wait_for_function(either, timeout=_LONG_S * 1000)
        except TooLongError:
            pytest.fail(f"never came: {condition}; {await self.state()}")
        failures = await self.page.evaluate("session.failures")
        assert failures == [], f"{failures} while waiting for {condition}"


@pytest_asyncio.fixture(loop_scope="session")
async def session(chromium: Browser, web_server: str) -> AsyncIterator[Session]:
    page = await chromium.new_page()
    await page.goto(f"{web_server}index.html")
    yield Session(page)
    await page.close()


@players
@pytest.mark.parametrize("name", CODECS)
async def test_a_codec_plays_to_the_end_up_and_down_the_ladder(
    session: Session, site: Site, verdicts: Verdicts, player: Player, name: str
) -> None:
    await session.open(player, site.manifest(player.by, "whole", player.protocol), CODECS[name])
    state = await plays_up_and_down(session)
    assert state["chosen"]["codec"].startswith(CODECS[name])
    verdicts.say(name, str(player), f"plays; {state['chosen']['codec']}, {len(state['widths']) - 1} switches")
    verdicts.versions[player.name] = await session.do(f"FACES['{player.name}'].version()")


@pytest.mark.parametrize(
    ("scheme", "player"),
    [
        pytest.param(scheme, player, id=f"{scheme}-{player}")
        for scheme in SCHEMES
        for player in PLAYERS
        if (scheme, player.protocol) != ("aes-128", "dash")  # which is of HLS alone
        if (scheme, str(player)) != ("cbcs", "Shaka HLS")  # knows ClearKey in HLS by addresses of keys alone
    ],
)
async def test_an_encrypted_title_plays_to_the_end_up_and_down_the_ladder(
    session: Session, site: Site, verdicts: Verdicts, player: Player, scheme: str
) -> None:
    url = site.manifest(player.by, scheme, player.protocol)
    keys = {} if scheme == "aes-128" else {"license_url": f"{site.web}license"}
    await session.open(player, url, CODECS["h264"], **keys)
    state = await plays_up_and_down(session)
    verdicts.say(scheme, str(player), f"plays; {len(state['widths']) - 1} switches")


async def plays_up_and_down(session: Session) -> dict[str, Any]:
    low, high = WIDTHS
    await session.do(f"session.face.choose({high})")
    await session.do(f"session.play({_FAST})")
    await session.until(f"video.currentTime > 1 && video.videoWidth === {WIDTHS[high]}")
    for height in (low, high):
        await session.do(f"session.face.choose({height})")
        await session.until(f"video.videoWidth === {WIDTHS[height]}")
    await session.until("video.ended")
    state = await session.state()

    assert state["position_s"] == pytest.approx(DURATION_S, abs=_GAP_S)
    assert state["chosen"]["height"] == high
    for kind in ("played", "buffered"):
        assert len(joined(state[kind])) == 1, state[kind]
    assert joined(state["played"])[0] == pytest.approx([0, DURATION_S], abs=_GAP_S)
    return state


@players
async def test_languages_are_listed_and_heard(
    session: Session, site: Site, verdicts: Verdicts, player: Player
) -> None:
    await session.open(player, site.manifest(player.by, "whole", player.protocol), CODECS["h264"])
    sounds = (await session.state())["sounds"]
    assert {sound["lang"] for sound in sounds} == set(TONES_HZ)
    await session.do("session.play(1)")
    for language, hz in TONES_HZ.items():
        await session.do(f"session.face.hear('{language}')")
        await session.until(f"Math.abs(session.tone_hz() - {hz}) < {_HEAR_HZ}")
    listed = ", ".join(f"{sound['lang']} {sound['codec']} {sound['channels']}" for sound in sounds)
    verdicts.say("multi-audio", str(player), f"switches en to fr; listed: {listed}")


@players
async def test_subtitles_are_listed_and_shown_at_their_time(
    session: Session, site: Site, verdicts: Verdicts, player: Player
) -> None:
    await session.open(player, site.manifest(player.by, "whole", player.protocol), CODECS["h264"])
    await session.until(f"session.face.texts().length === {len(WORDS)}")
    assert set((await session.state())["texts"]) == set(WORDS)
    moments = [("de", 2), ("de", 7), ("fr", 19), ("de", 25)]
    if player.name == "dash.js":  # at times 5.2.1 never fetches the file of any but the first
        moments = [("de", second) for _, second in moments]
    for language, second in moments:
        await session.do(f"session.face.read('{language}')")
        await session.do(f"session.playFrom({second}.5)")
        await session.until(f"video.currentTime >= {second}.5 && session.shows('{WORDS[language]}')")
    shown = " and ".join(sorted({language for language, _ in moments}))
    verdicts.say("subtitles", str(player), f"de and fr listed, each cue of {shown} at its time")


@pytest.mark.parametrize(
    "player", [player for player in PLAYERS if player.name != "hls.js"], ids=str
)  # which reads no image playlists
async def test_thumbnails_are_found(session: Session, site: Site, verdicts: Verdicts, player: Player) -> None:
    await session.open(player, site.manifest(player.by, "whole", player.protocol), CODECS["h264"])
    first, later = [await session.do(f"session.thumbnail({second})") for second in (0.5, 11)]
    for tile in (first, later):
        assert tile is not None
        assert tile["x"] + tile["width"] <= tile["sheetWidth"]
        assert tile["y"] + tile["height"] <= tile["sheetHeight"]
    assert (first["x"], first["y"]) == (0, 0)
    assert (first["x"], first["y"]) != (later["x"], later["y"])
    verdicts.say("thumbnails", str(player), f"{first['width']}x{first['height']} from sheets")


def joined(ranges: list[list[float]]) -> list[list[float]]:
    """Ranges with no gap to speak of between them are one."""
    whole = [list(ranges[0])]
    for start, end in ranges[1:]:
        if start - whole[-1][1] <= _GAP_S:
            whole[-1][1] = end
        else:
            whole.append([start, end])
    return whole
