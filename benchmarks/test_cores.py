"""What do the cores cost: a decision, a policy's request, a manifest, a session in virtual time?"""

from __future__ import annotations

import random

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.inputs import browser_request, long_presentation, requested_keys, stored_segment
from edge.decision import Serve, decide
from edge.eviction import POLICIES
from media.dash import read_mpd, write_mpd
from media.hls import read_media, write_media
from player_sim.abr import RULES
from player_sim.schedule import schedule_of
from player_sim.session import PlayerSettings
from player_sim.traces import random_walk
from player_sim.virtual_driver import simulate

NOW_S = 1_800_000_000.0


def test_decide_a_fresh_hit(benchmark: BenchmarkFixture) -> None:
    request = browser_request(b"/v/title/1.m4s")
    stored = stored_segment(b"/v/title/1.m4s", NOW_S)
    assert benchmark(decide, request, stored, NOW_S + 10) == Serve(stored)


@pytest.mark.parametrize("name", POLICIES)
def test_policy_on_10_000_requests(benchmark: BenchmarkFixture, name: str) -> None:
    """Zipf 0.8 over 2 000 objects, a cache of a tenth of their bytes, seed 1."""
    requests = requested_keys(10_000, 2_000, 0.8, seed=1)
    capacity_bytes = sum(dict(requests).values()) // 10

    def replay() -> int:
        policy = POLICIES[name](capacity_bytes)
        misses = 0
        for key, size_bytes in requests:
            if key in policy:
                policy.hit(key)
            else:
                misses += 1
                policy.admit(key, size_bytes)
        return misses

    misses = benchmark(replay)
    benchmark.extra_info["miss ratio"] = misses / len(requests)
    assert 0 < misses < len(requests)


def test_write_a_media_playlist_of_an_hour(benchmark: BenchmarkFixture) -> None:
    track = long_presentation(900).video[0]
    assert benchmark(write_media, track).count("#EXTINF") == 900


def test_read_a_media_playlist_of_an_hour(benchmark: BenchmarkFixture) -> None:
    text = write_media(long_presentation(900).video[0])
    playlist = benchmark(read_media, text, "http://edge.example/v/t/720p/index.m3u8")
    assert len(playlist.timeline.segments) == 900


def test_write_an_mpd_of_an_hour(benchmark: BenchmarkFixture) -> None:
    assert "SegmentTimeline" in benchmark(write_mpd, long_presentation(900))


def test_read_an_mpd_of_an_hour(benchmark: BenchmarkFixture) -> None:
    text = write_mpd(long_presentation(900))
    presentation = benchmark(read_mpd, text, "http://edge.example/v/t/manifest.mpd")
    assert len(presentation.video[0].timeline.segments) == 900


@pytest.mark.parametrize("name", RULES)
def test_virtual_session_of_60_segments(benchmark: BenchmarkFixture, name: str) -> None:
    """Operations per second are sessions per second."""
    schedule = schedule_of(long_presentation(60))
    trace = random_walk(random.Random(1), low_bps=0.4e6, high_bps=8e6, latency_s=0.05)

    result = benchmark(lambda: simulate(schedule, RULES[name](), trace, PlayerSettings()))
    assert result.is_complete
