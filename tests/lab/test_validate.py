"""`penstock validate`: over a real web server, in a folder, with a decoder; and what it cannot judge."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from lab.reading import Reader
from media.facts.model import Got, Want
from media.rules import RULES
from tests.encoder.sources import FAST, PICTURE, SOUND, draw
from tests.encoder.titles import encode_fast
from tests.media.validated import DASH, HLS, Files, build
from tests.needs import ROOT

pytestmark = pytest.mark.socket


@dataclass
class Site:
    """A web server with a title on it, which notes what it is asked."""

    files: Files
    url: str = ""
    has_ranges: bool = True
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        path, wanted = request.path.removeprefix("/title/"), request.headers.get("Range", "")
        self.asked.append((path, wanted))
        if path not in self.files:
            raise web.HTTPNotFound
        data = self.files[path]
        if not wanted or not self.has_ranges:
            return web.Response(body=data)
        part = request.http_range
        start, stop = part.start or 0, min(part.stop or len(data), len(data))
        if start >= len(data):
            return web.Response(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
        fields = {"Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"}
        return web.Response(status=206, body=data[start:stop], headers=fields)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site(build())
    app = web.Application()
    app.router.add_get("/{tail:.*}", site.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.url = f"http://127.0.0.1:{runner.addresses[0][1]}/title/"
    yield site
    await runner.cleanup()


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


async def validate(target: str | Path, *options: str) -> Ended:
    """The command, in a process of its own: the server of the test goes on meanwhile."""
    command = [sys.executable, "-m", "lab", "validate", str(target), *options]
    ended = await asyncio.to_thread(
        partial(subprocess.run, command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def laid_out(files: Files, folder: Path) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


@pytest.mark.parametrize("name", [HLS, DASH, ""])
async def test_a_good_title_on_a_web_server_is_good(site: Site, name: str) -> None:
    ended = await validate(site.url + name)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"good 5 renditions, 15 segments, {len(RULES)} rules: 0 must, 0 should\n"
    segments = [wanted for path, wanted in site.asked if path.endswith(".m4s")]
    assert segments
    assert all(wanted.startswith("bytes=0-") for wanted in segments)


async def test_a_server_without_ranges_is_read_all_the_same(site: Site) -> None:
    site.has_ranges = False
    assert (await validate(site.url + HLS)).code == 0


async def test_what_is_wrong_is_told_with_its_place_and_rule(site: Site) -> None:
    del site.files["540p/2.m4s"]
    site.files["de/index.m3u8"] = site.files["de/index.m3u8"].replace(b"TYPE:VOD", b"TYPE:NONE")
    ended = await validate(site.url + HLS)
    assert (ended.code, ended.err) == (1, "")
    assert ended.out.splitlines() == [
        "must   http-available",
        "       Everything that a manifest names can be had. (RFC 8216, 6.2.1; RFC 9110, 15.5)",
        "       540p/2.m4s: 404 Not Found",
        "must   hls-authoring-8.6",
        "       A finished playlist says PLAYLIST-TYPE:VOD. (HLS Authoring Specification, 8.6)",
        "       de/index.m3u8: EXT-X-ENDLIST without EXT-X-PLAYLIST-TYPE:VOD",
        f"broken 5 renditions, 15 segments, {len(RULES)} rules: 2 must, 0 should",
    ]


async def test_a_warning_is_counted_and_fails_nothing(tmp_path: Path) -> None:
    files = build()
    files[HLS] = files[HLS].replace(b"CLOSED-CAPTIONS=NONE,", b"")
    ended = await validate(laid_out(files, tmp_path), "--json")
    told = json.loads(ended.out)
    assert (ended.code, told["is_good"], told["must"], told["should"]) == (0, True, 0, 3)
    assert told["findings"][0]["rule"] == "rfc8216-4.3.4.2-no-captions"
    assert told["findings"][0]["where"] == "234p/index.m3u8"


async def test_many_places_of_one_rule_are_cut_unless_all_are_asked_for(tmp_path: Path) -> None:
    folder = laid_out(build(), tmp_path)
    for path in folder.glob("*/*.m4s"):
        path.unlink()
    short, long = await validate(folder / HLS), await validate(folder / HLS, "--all")
    assert "       and 10 more; --all shows them" in short.out.splitlines()
    assert long.out.count(".m4s: No such file or directory") == 15
    assert (short.code, long.code) == (1, 1)


async def test_a_folder_is_judged_with_both_of_its_manifests(tmp_path: Path) -> None:
    files = build()
    files[DASH] = files[DASH].replace(b'id="540p" bandwidth="', b'id="540p" bandwidth="9')
    told = json.loads((await validate(laid_out(files, tmp_path), "--json")).out)
    assert [finding["rule"] for finding in told["findings"]] == ["both-rates"]


async def test_what_lies_outside_the_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.m4s").write_bytes(b"secret")
    folder = laid_out(build(), tmp_path / "title")
    playlist = folder / "540p" / "index.m3u8"
    playlist.write_text(playlist.read_text().replace("\n2.m4s", "\n../../secret.m4s"))
    ended = await validate(folder / HLS)
    assert "secret.m4s: lies outside the folder that is validated" in ended.out


UNUSABLE = [  # what is named, what is said
    pytest.param("nowhere", "no such file or folder; name a title's folder, a manifest, or a URL", id="none"),
    pytest.param("empty", "holds no .m3u8 and no .mpd; name the folder of one title", id="empty-folder"),
    pytest.param("two", "holds several manifests (a.mpd, b.mpd); name one of them", id="two-manifests"),
    pytest.param("page.html", "not a DASH manifest: its root is 'html', not 'MPD'", id="html"),
    pytest.param("noise", "neither an HLS playlist nor a DASH manifest: it begins with", id="noise"),
]


@pytest.mark.parametrize(("name", "reason"), UNUSABLE)
async def test_what_cannot_be_judged_is_one_line_and_status_2(name: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "two").mkdir()
    for path in ("two/a.mpd", "two/b.mpd"):
        (tmp_path / path).write_text("<MPD/>")
    (tmp_path / "page.html").write_text("<html></html>")
    (tmp_path / "noise").write_bytes(bytes(range(128, 160)))
    ended = await validate(tmp_path / name)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert ended.err.startswith("validate: ")
    assert reason in ended.err


async def test_a_url_that_does_not_answer_is_one_line_and_status_2(site: Site) -> None:
    ended = await validate(site.url + "other.m3u8")
    assert (ended.code, ended.err) == (2, f"validate: {site.url}other.m3u8: 404 Not Found\n")
    ended = await validate(site.url + "other/")
    reason = "neither master.m3u8 (404 Not Found) nor manifest.mpd is there"
    assert (ended.code, ended.err) == (2, f"validate: {site.url}other/: {reason}\n")
    ended = await validate("http://127.0.0.1:9/master.m3u8")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "Cannot connect" in ended.err
    ended = await validate("gopher://127.0.0.1/")
    assert (ended.code, ended.err.count("\n")) == (2, 1)


async def test_a_server_that_never_answers_costs_no_more_than_the_timeout(site: Site) -> None:
    never = asyncio.Event()

    async def wait(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await never.wait()
        writer.close()

    async with await asyncio.start_server(wait, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/master.m3u8"
        ended = await validate(url, "--timeout", "0.2")
        never.set()
    assert (ended.code, ended.err) == (
        2,
        f"validate: {url}: not done after 0.2 s; raise it with --timeout\n",
    )
    assert site.asked == []


@pytest.mark.parametrize("has_ranges", [True, False])
async def test_a_range_is_read_from_any_server(site: Site, has_ranges: bool) -> None:
    site.has_ranges = has_ranges
    site.files = {"ten": b"0123456789"}
    async with aiohttp.ClientSession() as client:
        reader = Reader(client)
        uri = f"{site.url}ten"
        assert await reader.read(Want(uri, 2, 3)) == Got(b"234", 10)
        assert await reader.read(Want(uri, 0, 64)) == Got(b"0123456789", 10)
        assert await reader.read(Want(uri, 4)) == Got(b"456789", 10)
        assert (await reader.read(Want("file:///etc/hostname"))).problem
        assert (await reader.read(Want(uri, 10, 5))).data == b""


@pytest.mark.system
async def test_a_title_of_our_own_encoder_breaks_nothing(tmp_path: Path) -> None:
    source = draw(tmp_path / "source.mp4", *PICTURE, *SOUND, *FAST, "-c:a", "aac", "-t", "9")
    published = encode_fast(source, tmp_path / "library")
    ended = await validate(published.folder, "--deep", "--json")
    told = json.loads(ended.out)
    assert (ended.code, told["must"]) == (0, 0), told["findings"]
    assert told["decoded"] == told["segments"] > 0
    victim = next(iter(sorted(published.folder.glob("*p-*/1.m4s"))))
    data = victim.read_bytes()
    media_at = data.index(b"mdat") + 4
    media_end = media_at - 8 + int.from_bytes(data[media_at - 8 : media_at - 4])
    victim.write_bytes(data[:media_at] + bytes(media_end - media_at) + data[media_end:])
    told = json.loads((await validate(published.folder, "--deep", "--json")).out)
    assert {finding["rule"] for finding in told["findings"] if finding["severity"] == "must"} == {
        "deep-decodes"
    }
