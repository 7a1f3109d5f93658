"""Playing over real HTTP on loopback: both manifests, pacing, CMCD, and edges that fail."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import pytest

from media.presentation import Presentation
from player_sim.abr import RULES
from player_sim.abr.throughput import Throughput
from player_sim.cmcd import Cmcd
from player_sim.http_driver import HttpSettings, play
from player_sim.movies import constant_movie
from player_sim.playback import Kind
from player_sim.result import SessionResult
from player_sim.schedule import PlayError
from player_sim.session import PlayerSettings
from player_sim.traces import constant, steps
from player_sim.virtual_driver import simulate
from tests.player_sim.edges import Edge, edges
from tests.player_sim.titles import audio_track, with_audio, with_init

pytestmark = pytest.mark.socket

LADDER_BPS = (400_000, 800_000, 1_600_000)
IMMEDIATE = PlayerSettings(startup_s=0.0, resume_s=0.0)
QUICK = HttpSettings(backoff_s=0.001, attempts=4)


def clip(*, count: int = 4, segment_s: float = 0.1) -> Presentation:
    return with_init(constant_movie(LADDER_BPS, segment_s=segment_s, count=count), 600)


async def watch(
    edges: Sequence[Edge], manifest: str = "/v/clip/abc123/master.m3u8", **options: Any
) -> SessionResult:
    urls = [edge.url + manifest for edge in edges]
    given: dict[str, Any] = {"http": QUICK, "rng": random.Random(1)} | options
    rule, settings = given.pop("rule", RULES["bba"]()), given.pop("settings", IMMEDIATE)
    return await play(urls, rule, settings, **given)


@pytest.mark.parametrize("manifest", ["master.m3u8", "manifest.mpd"])
@pytest.mark.parametrize("folder", ["/v/clip", "/v/clip/abc123"], ids=["redirected", "direct"])
async def test_a_title_plays_to_its_end(manifest: str, folder: str) -> None:
    title = with_audio(clip(), audio_track(segment_s=0.2, count=2))
    async with edges(title) as running:
        result = await watch(running, f"{folder}/{manifest}")
        paths = running[0].paths()
    assert result.failure is None
    assert result.played_s == pytest.approx(0.4)
    assert [record.index for record in result.video] == [0, 1, 2, 3]
    assert [record.size_bytes for record in result.video] == [5_000] * 4
    assert sum(record.kind is Kind.AUDIO for record in result.segments) == 2
    assert paths.count("0/init.mp4") == 1


async def test_a_media_playlist_alone_is_a_ladder_of_one_rung() -> None:
    async with edges(clip()) as running:
        result = await watch(running, "/v/clip/abc123/1/index.m3u8")
    assert (result.failure, [record.size_bytes for record in result.segments]) == (None, [10_000] * 4)


async def test_each_segment_says_which_edge_gave_it_and_from_where() -> None:
    async with edges(clip()) as running:
        result = await watch(running)
        for record in result.segments:
            assert record.delivery is not None
            assert (record.delivery.edge, record.delivery.attempts) == (running[0].url, 1)
            assert (record.delivery.cache_status, record.delivery.age_s) == ("edge; hit", 7)


async def test_the_link_gives_bytes_no_faster_than_the_trace() -> None:
    """5,000 bytes at 200 kbit/s are 0.2 s, after 0.05 s of latency; segments of 0.1 s, so playback stalls."""
    async with edges(clip(count=3)) as running:
        result = await watch(running, trace=constant(200_000, latency_s=0.05))
    for record in result.segments:
        assert record.completed_s - record.first_byte_s >= 0.2 - 0.003
        assert record.completed_s - record.requested_s >= 0.25 - 0.003
    estimates = [record.estimate_bps for record in result.segments[1:]]
    assert all(bps is not None and bps <= 200_000 * 1.05 for bps in estimates)
    assert len(result.stalls) == 2


async def test_virtual_and_real_sessions_decide_alike_on_the_same_trace() -> None:
    """Decisions that stay the same if the drop comes 0.3 s earlier and each download 0.2 s later."""
    title = constant_movie((800_000, 2_000_000), segment_s=1.0, count=6)
    trace = steps([(1.6, 8e6), (30, 0.7e6)], latency_s=0.02)
    settings = PlayerSettings(max_buffer_s=2.6, startup_s=0.0, resume_s=0.0)
    expected = simulate(title, Throughput(), trace, settings)
    async with edges(title) as running:
        result = await watch(running, rule=Throughput(), settings=settings, trace=trace)
    assert [record.rung for record in expected.segments] == [0, 1, 1, 1, 0, 0]
    assert [record.rung for record in result.segments] == [0, 1, 1, 1, 0, 0]
    sizes = [record.size_bytes for record in expected.segments]
    assert [record.size_bytes for record in result.segments] == sizes


async def test_when_an_edge_dies_the_session_goes_on_through_the_next() -> None:
    async with edges(clip(count=6), count=2) as running:
        first, second = running
        first.held.add("0/3.m4s")
        playing = asyncio.create_task(watch(running))
        await first.is_holding.wait()
        await first.close()
        result = await playing
    assert result.failure is None
    used = [record.delivery.edge for record in result.segments if record.delivery]
    assert used == [first.url] * 2 + [second.url] * 4
    assert "0/3.m4s" in second.paths()


@pytest.mark.parametrize("fault", [503, "truncated"])
@pytest.mark.parametrize("path", ["0/2.m4s", "0/init.mp4", "1/index.m3u8", "master.m3u8"])
async def test_a_failed_answer_is_asked_for_again_at_the_next_edge(path: str, fault: int | str) -> None:
    async with edges(clip(), count=2) as running:
        running[0].faults[path] = fault
        result = await watch(running)
        assert path in running[0].paths()
        assert path in running[1].paths()
    assert result.failure is None
    assert [record.size_bytes for record in result.segments] == [5_000] * 4


async def test_one_edge_alone_is_tried_again() -> None:
    async with edges(clip()) as running:
        running[0].faults["0/2.m4s"] = "truncated"
        result = await watch(running)
    assert [record.delivery.attempts for record in result.segments if record.delivery] == [1, 2, 1, 1]


async def test_a_segment_that_stays_truncated_is_never_counted() -> None:
    async with edges(clip()) as running:
        running[0].faults["0/2.m4s"] = "truncated"
        result = await watch(running, http=HttpSettings(attempts=1))
    assert [record.index for record in result.segments] == [0]
    assert result.failure is not None
    assert "0/2.m4s" in result.failure


async def test_a_refused_segment_ends_the_session_at_once() -> None:
    async with edges(clip(), count=2) as running:
        del running[0].objects["0/2.m4s"]
        result = await watch(running)
        assert running[1].requests == []
    assert result.failure is not None
    assert result.failure.endswith("/v/clip/abc123/0/2.m4s: answered 404")


ONE_FILE = """#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:1
#EXT-X-MAP:URI="all.mp4",BYTERANGE="100@0"
#EXTINF:0.1,
#EXT-X-BYTERANGE:1000@100
all.mp4
#EXTINF:0.1,
#EXT-X-BYTERANGE:500
all.mp4
#EXT-X-ENDLIST
"""


async def test_segments_of_one_file_are_fetched_by_range_and_checked_against_it() -> None:
    async with edges(clip()) as running:
        (edge,) = running
        edge.objects["one.m3u8"] = (ONE_FILE.encode(), "application/vnd.apple.mpegurl")
        edge.objects["all.mp4"] = (bytes(1600), "video/mp4")
        edge.faults["all.mp4"] = "short"
        result = await watch(running, "/v/clip/abc123/one.m3u8")
        ranges = [request.headers["Range"] for request in edge.requests if "Range" in request.headers]
    assert result.failure is None
    assert [record.size_bytes for record in result.segments] == [1000, 500]
    # The first answer lacked a byte.
    assert ranges == ["bytes=0-99", "bytes=0-99", "bytes=100-1099", "bytes=1100-1599"]


async def test_segments_at_an_address_that_is_not_http_are_a_failure_that_names_it() -> None:
    async with edges(clip()) as running:
        playlist = ONE_FILE.replace("all.mp4", "ftp://127.0.0.1/all.mp4")
        running[0].objects["one.m3u8"] = (playlist.encode(), "application/vnd.apple.mpegurl")
        result = await watch(running, "/v/clip/abc123/one.m3u8")
    assert result.failure == "ftp://127.0.0.1/all.mp4: not an http or https address"


async def test_an_edge_that_ignores_ranges_is_refused() -> None:
    async with edges(clip()) as running:
        running[0].objects["one.m3u8"] = (ONE_FILE.encode(), "application/vnd.apple.mpegurl")
        running[0].objects["all.mp4"] = (bytes(1600), "video/mp4")
        running[0].takes_ranges = False
        result = await watch(running, "/v/clip/abc123/one.m3u8")
    assert result.failure is not None
    assert result.failure.endswith("answered 200 to a range request")


async def test_edges_that_hang_are_given_up_after_a_bounded_number_of_attempts() -> None:
    async with edges(clip()) as running:
        running[0].held.add("0/2.m4s")
        impatient = HttpSettings(timeout_s=0.05, attempts=3, backoff_s=0.001)
        result = await watch(running, http=impatient)
        assert running[0].paths().count("0/2.m4s") == 3
    assert result.failure is not None
    assert "gave up after 3 attempts" in result.failure


async def test_a_host_that_nobody_listens_on_is_a_failure_not_an_exception() -> None:
    async with edges(clip()) as running:
        pass
    result = await watch(running)
    assert (result.startup_delay_s, result.played_s, result.segments) == (None, 0.0, ())
    assert result.failure is not None
    assert running[0].url in result.failure


@pytest.mark.parametrize("body", [b"<html>", b"\xff\xfe", b""])
async def test_what_is_not_a_manifest_is_a_failure_that_names_it(body: bytes) -> None:
    async with edges(clip()) as running:
        running[0].objects["master.m3u8"] = (body, "text/plain")
        result = await watch(running)
    assert result.failure is not None
    assert "/v/clip/abc123/master.m3u8" in result.failure
    assert "\n" not in result.failure


async def test_cmcd_travels_as_one_query_argument_with_sorted_keys() -> None:
    async with edges(clip()) as running:
        await watch(running)
        told = {
            path: dict(request.query)
            for path, request in zip(running[0].paths(), running[0].requests, strict=True)
        }
    assert all(list(query) == ["CMCD"] for query in told.values())
    pairs = {path: query["CMCD"].split(",") for path, query in told.items()}
    assert all(
        keys == sorted(keys) for keys in ([pair.split("=")[0] for pair in each] for each in pairs.values())
    )
    assert {"ot=m", "su"} <= set(pairs["master.m3u8"])
    assert {"ot=i", "sf=h"} <= set(pairs["0/init.mp4"])
    assert {"ot=v", "br=400", "tb=1600", "d=100", "bl=0", "su", "st=v"} <= set(pairs["0/1.m4s"])
    assert len({pair for each in pairs.values() for pair in each if pair.startswith("sid=")}) == 1


async def test_cmcd_can_travel_in_header_fields_or_stay_away() -> None:
    async with edges(clip()) as running:
        await watch(running, http=HttpSettings(cmcd=Cmcd.HEADERS))
        segment = running[0].requests[-1]
        assert segment.query_string == ""
        assert unquote(segment.headers["CMCD-Object"]) == "br=400,d=100,ot=v,tb=1600"
        running[0].requests.clear()
        await watch(running, http=HttpSettings(cmcd=Cmcd.OFF))
        for request in running[0].requests:
            assert request.query_string == ""
            assert not any(name.startswith("CMCD") for name in request.headers)


async def test_many_players_share_nothing() -> None:
    async with edges(clip()) as running:
        results = await asyncio.gather(*(watch(running, rng=random.Random(n)) for n in range(20)))
        sids = {
            pair
            for request in running[0].requests
            for pair in request.query["CMCD"].split(",")
            if pair.startswith("sid")
        }
    assert [result.failure for result in results] == [None] * 20
    assert len(sids) == 20


async def test_addresses_that_are_not_one_stream_are_refused_before_anything_is_asked() -> None:
    with pytest.raises(PlayError, match="another path"):
        await play(["http://a/x.m3u8", "http://b/y.m3u8"], Throughput(), IMMEDIATE, rng=random.Random(0))
