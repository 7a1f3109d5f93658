from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs
from yarl import URL

from media.dash import read_mpd
from media.hls import presentation_of, read_media, read_multivariant
from media.presentation import boundaries
from media.title import Title
from origin.app import build_app, build_runner
from origin.config import OriginConfig
from tests.origin.library import RUNG, SOUND, content, folders, publish, put_title_json

pytestmark = pytest.mark.socket

IMMUTABLE = "public, max-age=31536000, immutable"
SHORT = "public, max-age=5, stale-while-revalidate=30, stale-if-error=86400"


@dataclass(frozen=True)
class Served:
    """A running origin over a library with one title, and a client that decodes nothing."""

    library: Path
    title: Title
    port: int
    client: aiohttp.ClientSession

    @property
    def root(self) -> str:
        return f"/v/bunny/{self.title.version}"

    async def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, Any, bytes]:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        url = URL(f"http://127.0.0.1:{self.port}{path}", encoded=True)
        async with self.client.request(method, url, headers=fields, allow_redirects=False) as answer:
            return answer.status, answer.headers, await answer.read()

    async def send(self, request: bytes) -> bytes:
        """Raw bytes over a connection of its own; everything that comes back until it ends."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer


@asynccontextmanager
async def serving(library: Path, title: Title, **settings: Any) -> AsyncIterator[Served]:
    runner = build_runner(build_app(OriginConfig(library=library, **settings), clock=time))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession(auto_decompress=False) as client:
        yield Served(library, title, runner.addresses[0][1], client)
    await runner.cleanup()


@pytest.fixture
async def origin(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path, publish(tmp_path)) as served:
        yield served


OBJECTS = [  # path (below the version's root if relative), media type, Cache-Control
    pytest.param(f"{RUNG}/1.m4s", "video/mp4", IMMUTABLE, id="video-segment"),
    pytest.param(f"{RUNG}/init.mp4", "video/mp4", IMMUTABLE, id="video-init"),
    pytest.param(f"{SOUND}/3.m4s", "audio/mp4", IMMUTABLE, id="audio-segment"),
    pytest.param(f"{SOUND}/init.mp4", "audio/mp4", IMMUTABLE, id="audio-init"),
    pytest.param("thumbnails/1.jpg", "image/jpeg", IMMUTABLE, id="thumbnail"),
    pytest.param("poster.jpg", "image/jpeg", IMMUTABLE, id="poster"),
    pytest.param("thumbnails/index.vtt", "text/vtt", IMMUTABLE, id="thumbnail-index"),
    pytest.param("subtitles/de-7c8d9e0f/2.vtt", "text/vtt", IMMUTABLE, id="subtitle-segment"),
    pytest.param("subtitles/de-7c8d9e0f.vtt", "text/vtt", IMMUTABLE, id="subtitles-in-one-file"),
    pytest.param("master.m3u8", "application/vnd.apple.mpegurl", SHORT, id="multivariant-playlist"),
    pytest.param(f"{RUNG}/index.m3u8", "application/vnd.apple.mpegurl", SHORT, id="media-playlist"),
    pytest.param(f"{RUNG}/iframes.m3u8", "application/vnd.apple.mpegurl", SHORT, id="iframe-playlist"),
    pytest.param(
        "subtitles/de-7c8d9e0f/index.m3u8", "application/vnd.apple.mpegurl", SHORT, id="subtitle-playlist"
    ),
    pytest.param("thumbnails/index.m3u8", "application/vnd.apple.mpegurl", SHORT, id="image-playlist"),
    pytest.param("manifest.mpd", "application/dash+xml", SHORT, id="dash-manifest"),
]


@pytest.mark.parametrize(("path", "media_type", "cache_control"), OBJECTS)
async def test_every_object_says_what_it_is_and_how_long_it_keeps(
    origin: Served, path: str, media_type: str, cache_control: str
) -> None:
    status, headers, body = await origin.ask(f"{origin.root}/{path}")
    assert status == 200
    assert headers["Content-Type"] == media_type
    assert headers["Cache-Control"] == cache_control
    assert headers["ETag"].startswith('"')
    assert headers["Last-Modified"].endswith(" GMT")
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Timing-Allow-Origin"] == "*"
    assert "Content-Range" in headers["Access-Control-Expose-Headers"]
    assert int(headers["Content-Length"]) == len(body) > 0


@pytest.mark.parametrize(("path", "media_type", "cache_control"), OBJECTS)
async def test_a_head_has_the_same_fields_and_no_body(
    origin: Served, path: str, media_type: str, cache_control: str
) -> None:
    _, of_get, _ = await origin.ask(f"{origin.root}/{path}")
    request = (
        f"HEAD {origin.root}/{path} HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\nConnection: close\r\n\r\n"
    )
    raw = await origin.send(request.encode())
    head, _, body = raw.partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == b""
    for name in ("Content-Type", "Content-Length", "Cache-Control", "ETag", "Last-Modified", "Accept-Ranges"):
        assert fields[name] == of_get[name]
    assert (fields["Content-Type"], fields["Cache-Control"]) == (media_type, cache_control)


@pytest.mark.parametrize(("path", "media_type", "cache_control"), OBJECTS)
async def test_what_a_client_holds_is_not_sent_again(
    origin: Served, path: str, media_type: str, cache_control: str
) -> None:
    _, known, _ = await origin.ask(f"{origin.root}/{path}")
    by_tag = await origin.ask(f"{origin.root}/{path}", If_None_Match=known["ETag"])
    by_date = await origin.ask(f"{origin.root}/{path}", If_Modified_Since=known["Last-Modified"])
    for status, headers, body in (by_tag, by_date):
        assert (status, body) == (304, b"")
        assert (headers["ETag"], headers["Cache-Control"]) == (known["ETag"], cache_control)
        assert "Content-Type" not in headers or headers["Content-Type"] == media_type
    status, _, _ = await origin.ask(f"{origin.root}/{path}", If_Match='"another"')
    assert status == 412


@pytest.mark.parametrize("path", [f"{RUNG}/1.m4s", "master.m3u8"])
async def test_ranges_of_files_and_of_manifests(origin: Served, path: str) -> None:
    url = f"{origin.root}/{path}"
    _, known, whole = await origin.ask(url)
    status, headers, body = await origin.ask(url, Range="bytes=10-19")
    assert (status, body) == (206, whole[10:20])
    assert headers["Content-Range"] == f"bytes 10-19/{len(whole)}"
    assert headers["Content-Length"] == "10"
    status, _, body = await origin.ask(url, Range="bytes=-5")
    assert (status, body) == (206, whole[-5:])
    status, _, body = await origin.ask(url, Range="bytes=0-1,5-6")
    assert (status, body) == (200, whole)
    status, headers, _ = await origin.ask(url, Range="bytes=100000-")
    assert (status, headers["Content-Range"]) == (416, f"bytes */{len(whole)}")
    assert headers["Cache-Control"] == "public, max-age=1"
    status, _, body = await origin.ask(url, Range="bytes=0-4", If_Range=known["ETag"])
    assert (status, body) == (206, whole[:5])
    status, _, body = await origin.ask(url, Range="bytes=0-4", If_Range='"another"')
    assert (status, body) == (200, whole)
    status, _, body = await origin.ask(url, Range="bytes=0-4", If_None_Match=known["ETag"])
    assert (status, body) == (304, b"")


async def test_a_large_segment_arrives_whole_and_in_part(tmp_path: Path) -> None:
    size_bytes = 3_000_000
    async with serving(tmp_path, publish(tmp_path, segment_bytes=size_bytes)) as origin:
        expected = content(f"{RUNG}/2.m4s", size_bytes=size_bytes)
        status, _, body = await origin.ask(f"{origin.root}/{RUNG}/2.m4s")
        assert (status, body == expected) == (200, True)
        status, _, body = await origin.ask(f"{origin.root}/{RUNG}/2.m4s", Range="bytes=1000-2000999")
        assert (status, body == expected[1000:2001000]) == (206, True)
        _, _, metrics = await origin.ask("/metrics")
        assert b'penstock_origin_sent_bytes_total{kind="segment"} 5e+06' in metrics


async def test_the_manifests_play_what_the_title_holds(origin: Served) -> None:
    base = f"http://origin.example{origin.root}"
    _, _, master = await origin.ask(f"{origin.root}/master.m3u8")
    multivariant = read_multivariant(master.decode(), f"{base}/master.m3u8")
    playlists = {}
    for uri in (*multivariant.playlist_uris, *multivariant.extra_uris):
        _, _, text = await origin.ask(uri.removeprefix("http://origin.example"))
        playlists[uri] = read_media(text.decode(), uri)
    hls = presentation_of(multivariant, playlists)
    _, _, text = await origin.ask(f"{origin.root}/manifest.mpd")
    dash = read_mpd(text.decode(), f"{base}/manifest.mpd")
    for key_frame in hls.iframes[0].timeline.segments:
        first, last = key_frame.byte_range or (0, 0)
        path = key_frame.uri.removeprefix("http://origin.example")
        status, _, body = await origin.ask(path, Range=f"bytes={first}-{last}")
        assert (status, body) == (206, content(path.removeprefix(f"{origin.root}/"))[first : last + 1])
    for presentation in (hls, dash):
        assert [len(boundaries(track.timeline)) for track in presentation.tracks] == [4, 4]
        for track in (*presentation.tracks, *presentation.text, *presentation.images):
            for segment in track.timeline.segments:
                path = segment.uri.removeprefix("http://origin.example")
                _, _, body = await origin.ask(path)
                assert body == content(path.removeprefix(f"{origin.root}/"))


async def test_the_list_of_titles_leads_to_both_manifests(origin: Served) -> None:
    status, headers, body = await origin.ask("/titles")
    (listed,) = json.loads(body)
    assert (status, headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert (listed["name"], listed["version"]) == ("bunny", origin.title.version)
    assert listed["duration_s"] == pytest.approx(4.5046712)
    assert [each["name"] for each in listed["renditions"]] == [RUNG, SOUND]
    assert [(each["language"], each["is_forced"]) for each in listed["subtitles"]] == [("de", False)]
    for address in (listed["hls"], listed["dash"], listed["poster"], *listed["thumbnails"]):
        assert (await origin.ask(address))[0] == 200


@pytest.mark.parametrize("manifest", ["master.m3u8", "manifest.mpd"])
async def test_without_a_version_a_manifest_leads_to_the_current_one(origin: Served, manifest: str) -> None:
    status, headers, _ = await origin.ask(f"/v/bunny/{manifest}?session=a%2Fb")
    assert (status, headers["Location"]) == (307, f"{origin.root}/{manifest}?session=a%2Fb")
    assert headers["Cache-Control"] == "public, max-age=2, stale-if-error=86400"


async def test_a_new_version_is_noticed_and_the_old_one_goes_on(origin: Served) -> None:
    second = publish(origin.library, marker=b"second")
    _, headers, _ = await origin.ask("/v/bunny/master.m3u8")
    assert headers["Location"] == f"/v/bunny/{second.version}/master.m3u8"
    path = f"{folders(b'second')[0]}/1.m4s"
    _, _, body = await origin.ask(f"/v/bunny/{second.version}/{path}")
    assert body == content(path, b"second")
    _, _, body = await origin.ask(f"{origin.root}/{RUNG}/1.m4s")
    assert body == content(f"{RUNG}/1.m4s")


async def test_a_title_that_is_published_later_is_found_by_its_version(origin: Served) -> None:
    later = publish(origin.library, "later")
    status, _, _ = await origin.ask(f"/v/later/{later.version}/{RUNG}/1.m4s")
    assert status == 200


async def test_a_broken_title_harms_no_other(origin: Served) -> None:
    put_title_json(origin.library / "broken", "{")
    with capture_logs() as logs:
        status, _, body = await origin.ask("/titles")
    assert (status, [each["name"] for each in json.loads(body)]) == (200, ["bunny"])
    assert [line["title"] for line in logs if line["event"] == "broken_title"] == ["broken"]
    assert (await origin.ask("/v/broken/master.m3u8"))[0] == 404


ABSENT = [
    "/",
    "/v",
    "/v/bunny",
    "/v/nobody/master.m3u8",
    "/v/bunny/000000000000/master.m3u8",
    "/v/bunny/{version}",
    "/v/bunny/{version}/",
    "/v/bunny/{version}/9.m4s",
    "/v/bunny/{version}/title.json",
    f"/v/bunny/{{version}}/{RUNG}",
    f"/v/bunny/{{version}}/{RUNG}/99.m4s",
    "/v/bunny/title.json",
    "/titles/bunny",
]


@pytest.mark.parametrize("path", ABSENT)
async def test_what_is_not_there_is_not_found(origin: Served, path: str) -> None:
    status, headers, _ = await origin.ask(path.format(version=origin.title.version))
    assert (status, headers["Cache-Control"]) == (404, "public, max-age=1")
    assert headers["Access-Control-Allow-Origin"] == "*"


TRAVERSALS = [
    "/v/bunny/{version}/../../secret",
    "/v/bunny/{version}/%2e%2e/%2e%2e/secret",
    "/v/bunny/{version}/.%2e/.%2e/secret",
    "/v/bunny/{version}/..%2f..%2fsecret",
    "/v/bunny/{version}/%2e%2e%5csecret",
    "/v/bunny/{version}//secret",
    "/v/bunny/{version}/secret%00.m4s",
    "/v/%2e%2e/secret/master.m3u8",
    "/v/..%2fbunny/{version}/master.m3u8",
    "/v/bunny/{version}/%252e%252e/secret",
    "/../secret",
    "//secret",
    "http://x/v/bunny/{version}/../../secret",
]


@pytest.mark.parametrize("path", TRAVERSALS)
async def test_no_path_leads_out_of_the_library(origin: Served, path: str) -> None:
    for place in (origin.library, origin.library.parent, origin.library / "bunny"):
        (place / "secret").write_text("TOP SECRET")
    target = path.format(version=origin.title.version)
    raw = await origin.send(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert raw.startswith(b"HTTP/1.1 404 ")
    assert b"SECRET" not in raw


async def test_a_target_in_absolute_form_is_served(origin: Served) -> None:
    request = f"GET http://x{origin.root}/{RUNG}/1.m4s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert (await origin.send(request.encode())).endswith(content(f"{RUNG}/1.m4s"))


async def test_a_link_out_of_the_library_is_not_served(origin: Served) -> None:
    secret = origin.library.parent / "secret.m4s"
    secret.write_bytes(b"s" * 1000)
    segment = origin.library / "bunny" / RUNG / "1.m4s"
    segment.unlink()
    segment.symlink_to(secret)
    status, headers, body = await origin.ask(f"{origin.root}/{RUNG}/1.m4s")
    assert (status, headers["Cache-Control"]) == (404, "public, max-age=1")
    assert b"sss" not in body


async def test_a_file_that_was_changed_under_us_is_not_served_as_what_it_was(origin: Served) -> None:
    (origin.library / "bunny" / RUNG / "1.m4s").write_bytes(b"short")
    with capture_logs() as logs:
        status, headers, _ = await origin.ask(f"{origin.root}/{RUNG}/1.m4s")
    assert (status, headers["Cache-Control"]) == (500, "public, max-age=1")
    assert [line["event"] for line in logs] == ["unreadable_file"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE"])
async def test_the_library_is_read_only(origin: Served, method: str) -> None:
    status, headers, _ = await origin.ask(f"{origin.root}/master.m3u8", method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


async def test_a_browser_may_ask_from_any_page(origin: Served) -> None:
    status, headers, body = await origin.ask(
        f"{origin.root}/master.m3u8",
        "OPTIONS",
        Origin="https://player.example",
        Access_Control_Request_Method="GET",
        Access_Control_Request_Headers="range",
    )
    assert (status, body) == (204, b"")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "GET" in headers["Access-Control-Allow-Methods"]
    assert "Range" in headers["Access-Control-Allow-Headers"]


async def test_health_readiness_and_metrics_are_never_cached(origin: Served) -> None:
    await origin.ask(f"{origin.root}/{RUNG}/1.m4s")
    await origin.ask("/v/nobody/master.m3u8")
    for path in ("/health", "/ready", "/metrics"):
        status, headers, body = await origin.ask(path)
        assert (status, headers["Cache-Control"]) == (200, "no-store")
    text = body.decode()
    assert 'penstock_origin_requests_total{kind="segment",status="200"} 1.0' in text
    assert 'penstock_origin_requests_total{kind="error",status="404"} 1.0' in text
    assert 'penstock_origin_sent_bytes_total{kind="segment"} 1000.0' in text


async def test_a_library_that_has_gone_is_not_ready(origin: Served) -> None:
    origin.library.rename(origin.library.with_name("gone"))
    assert (await origin.ask("/ready"))[0] == 503
    assert (await origin.ask("/titles"))[0] == 503
    assert (await origin.ask("/health"))[0] == 200


MALFORMED = [
    pytest.param(b"GET\r\n\r\n", id="no-target"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", id="tls"),
    pytest.param(
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", id="two-lengths"
    ),
    pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20000 + b"\r\n\r\n", id="long-field"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\n", id="bad-field-name"),
]


@pytest.mark.parametrize("request_bytes", MALFORMED)
async def test_a_malformed_request_is_refused_in_one_line(
    origin: Served, request_bytes: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with capture_logs() as logs:
        raw = await origin.send(request_bytes)
    assert raw.startswith(b"HTTP/1.1 400 ") or raw.startswith(b"HTTP/1.0 400 ")
    assert b"Traceback" not in raw
    assert all("\n" not in str(value) for line in logs for value in line.values())
    assert "Traceback" not in capfd.readouterr().err
    assert (await origin.ask("/health"))[0] == 200


async def test_requests_are_logged_if_asked_for(tmp_path: Path) -> None:
    async with serving(tmp_path, publish(tmp_path), access_log=True) as origin:
        with capture_logs() as logs:
            await origin.ask(f"{origin.root}/{RUNG}/1.m4s", Range="bytes=0-9")
    (line,) = [line for line in logs if line["event"] == "request"]
    assert (line["kind"], line["status"], line["sent_bytes"]) == ("segment", 206, 10)
    assert line["path"] == f"{origin.root}/{RUNG}/1.m4s"


async def test_a_viewer_who_leaves_in_the_middle_leaves_no_file_open(tmp_path: Path) -> None:
    size_bytes = 16_000_000  # more than the sockets on both sides hold
    async with serving(tmp_path, publish(tmp_path, segment_bytes=size_bytes)) as origin:
        reader, writer = await asyncio.open_connection("127.0.0.1", origin.port, limit=1024)
        writer.write(f"GET {origin.root}/{RUNG}/1.m4s HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await reader.readexactly(1000)
        assert open_segments()
        writer.transport.abort()
    assert not open_segments()


def open_segments() -> list[str]:
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return [target for link in links if (target := str(_read_link(link))).endswith(".m4s")]


def _read_link(link: Path) -> Path | None:
    try:
        return link.readlink()
    except FileNotFoundError:  # closed since it was listed
        return None
