"""VLC plays each codec to the end, lists languages and subtitles, and plays the ones it is told to."""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.needs import program
from tests.system.players.titles import CODECS, SEGMENTS, Site
from tests.system.players.verdicts import Verdicts
from tests.system.programs import TIMEOUT_S, VLC_ERROR

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="session")]

PROTOCOLS = {"hls": "edge", "dash": "web"}  # and who serves it
_HARMLESS = (
    "adaptive demux error: Failed to create demuxer (nil) Unknown",  # VLC 3 knows no thumbnails in DASH
    # In DASH the first picture of AV1 is out before VLC 3 has a clock.
    "Timestamp conversion failed for 1: no reference clock",
    "Could not convert timestamp 0 for dav1d",
)
_FETCHED = re.compile(
    r"Retrieving \S*/((?:audio-|subtitles/|[0-9]+p)\S*?)-[0-9a-f]{8}(/\d+\.m4s|/\d+\.vtt|\.vtt)$", re.M
)


@dataclass(frozen=True, slots=True)
class Played:
    log: str
    infos: tuple[str, ...]  # what it said of the streams, time and again

    def fetched(self, rendition: str) -> int:
        return len({file for name, file in _FETCHED.findall(self.log) if name == rendition})

    @property
    def listed(self) -> set[str]:
        return set(re.findall(r"Language: (\w+)", "".join(self.infos)))

    @property
    def renditions(self) -> list[str]:
        return sorted({name for name, _ in _FETCHED.findall(self.log)})

    def decoder(self, kind: str) -> str:
        """The module that decodes, "none" if there is none; the last is what it settled for."""
        found = re.findall(rf'using {kind} decoder module "(\w+)"', self.log)
        return found[-1] if found else "none"

    @property
    def errors(self) -> list[str]:
        return [line for line in VLC_ERROR.findall(self.log) if not line.endswith(_HARMLESS)]

    @property
    def version(self) -> str:
        found = re.search(r"VLC media player - (\S+)", self.log)
        return found[1] if found else "?"


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", CODECS)
async def test_a_codec_plays_to_the_end(
    site: Site, verdicts: Verdicts, unprivileged: tuple[list[str], Path], protocol: str, name: str
) -> None:
    played = await play(site.manifest("web", name, protocol), unprivileged)
    rung = "180p" if name == "h264" else f"180p-{name}"
    assert played.errors == []
    assert played.fetched(rung) == SEGMENTS
    decoder = played.decoder("video")
    verdicts.say(name, f"VLC {protocol.upper()}", f"plays; {rung} by {decoder}")
    verdicts.versions["VLC"] = played.version


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_the_whole_title_plays_in_the_languages_asked_for(
    site: Site, verdicts: Verdicts, unprivileged: tuple[list[str], Path], protocol: str
) -> None:
    wishes = ["--audio-language", "fr"]
    if protocol == "hls":  # 3.0.24 crashes once subtitles of one file, as DASH has them, are chosen
        wishes += ["--sub-language", "de"]
    played = await play(site.manifest(PROTOCOLS[protocol], "whole", protocol), unprivileged, *wishes)
    assert played.errors == []
    assert played.listed >= {"English", "French", "German"}
    sound = next(name for name in played.renditions if name.startswith("audio-fr"))
    assert played.fetched(sound) == SEGMENTS
    picture = next(name for name in played.renditions if name.startswith("180p"))
    assert played.fetched(picture) == SEGMENTS
    player = f"VLC {protocol.upper()}"
    verdicts.say("whole", player, f"plays; {picture}, {sound}")
    verdicts.say("multi-audio", player, f"en and fr listed, {sound} played")
    if protocol == "hls":
        assert played.decoder("spu") == "webvtt"
        assert played.fetched("subtitles/de") == SEGMENTS
        verdicts.say("subtitles", player, "de and fr listed, de decoded")
    else:
        verdicts.say("subtitles", player, "de and fr listed; VLC crashes when one is chosen")


async def test_aes_128_plays_to_the_end(
    site: Site, verdicts: Verdicts, unprivileged: tuple[list[str], Path]
) -> None:
    played = await play(site.manifest("edge", "aes-128", "hls"), unprivileged)
    assert played.errors == []
    assert played.fetched("180p") == SEGMENTS
    verdicts.say("aes-128", "VLC HLS", f"plays; 180p by {played.decoder('video')}")


async def play(url: str, unprivileged: tuple[list[str], Path], *wishes: str) -> Played:
    """Plays it to the end, and asks meanwhile."""
    as_nobody, home = unprivileged
    control = home / "control"
    process = await asyncio.create_subprocess_exec(
        *as_nobody, program("cvlc", "vlc-bin vlc-plugin-base"),
        "-vv", "--no-color", "--intf", "oldrc", "--rc-fake-tty", "--rc-unix", str(control),
        "--vout", "dummy", "--aout", "dummy", "--play-and-exit",
        # Faster than life, and always the highest rung, so that one rendition is fetched whole.
        "--rate", "8", "--adaptive-logic", "highest", *wishes, url,
        env={**os.environ, "HOME": str(home)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said = asyncio.create_task(process.communicate())
    try:
        async with asyncio.timeout(TIMEOUT_S):
            infos = await told_while_it_plays(control, said)
            output, _ = await said
    finally:
        if process.returncode is None:
            process.kill()
        await asyncio.gather(said, return_exceptions=True)
    log = output.decode(errors="replace")
    assert process.returncode == 0, log
    assert "Received first picture" in log
    assert "EOF reached" in log
    return Played(log, infos)


async def told_while_it_plays(control: Path, said: asyncio.Task[tuple[bytes, bytes]]) -> tuple[str, ...]:
    """All that VLC says of the streams, from its first moment to its last."""
    while not control.exists() and not said.done():
        await asyncio.sleep(0.05)
    infos: list[str] = []
    with suppress(OSError, asyncio.IncompleteReadError):  # it has come to the end
        reader, writer = await asyncio.open_unix_connection(control)
        try:
            while True:
                writer.write(b"info\n")
                infos.append((await reader.readuntil(b"end of stream info")).decode(errors="replace"))
                await asyncio.sleep(0.2)
        finally:
            writer.close()
    return tuple(infos)
