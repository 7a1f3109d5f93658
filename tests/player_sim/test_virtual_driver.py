"""Sessions in virtual time: by hand, and what holds of all of them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from player_sim.abr import RULES
from player_sim.abr.bba import Bba
from player_sim.abr.throughput import Throughput
from player_sim.network import Trace
from player_sim.playback import Kind, Stall
from player_sim.schedule import schedule_of
from player_sim.session import PlayerSettings
from player_sim.traces import constant, steps
from player_sim.virtual_driver import simulate
from tests.player_sim.titles import audio_track, movie, with_audio, with_init, without_sizes

IMMEDIATE = PlayerSettings(max_buffer_s=12.0, startup_s=0.0, resume_s=0.0)


def test_a_session_on_a_constant_link_by_hand() -> None:
    """4 s of 1 Mbit/s take 1 s at 4 Mbit/s: the buffer grows by 3 s with each segment, up to its 12 s."""
    result = simulate(movie(), Bba(reservoir_s=60.0), constant(4e6), IMMEDIATE)
    assert [record.completed_s for record in result.segments] == [1.0, 2.0, 3.0, 6.0, 10.0]
    assert [record.buffer_after_s for record in result.segments] == [4.0, 7.0, 10.0, 11.0, 11.0]
    assert (result.startup_delay_s, result.stalls, result.played_s, result.end_s) == (1.0, (), 20.0, 21.0)


def test_a_link_that_falls_silent_stalls_the_session_for_as_long_as_it_lacks() -> None:
    """One segment by second 1, then silence until 31: dry at 5, the second is complete at 32."""
    result = simulate(movie(count=2), Bba(), steps([(1, 4e6), (30, 0), (100, 4e6)]), IMMEDIATE)
    assert result.stalls == (Stall(start_s=5.0, end_s=32.0, playhead_s=4.0),)
    assert result.end_s == 36.0


def test_the_throughput_rule_goes_up_when_the_link_does_and_down_again() -> None:
    trace = steps([(20, 1.5e6), (60, 10e6), (60, 1.2e6)])
    rungs = [record.rung for record in simulate(movie(count=30), Throughput(), trace, IMMEDIATE).segments]
    assert (rungs[0], max(rungs), rungs[-1]) == (0, 2, 0)


def test_init_segments_cost_time_but_tell_nothing_of_the_link() -> None:
    plain = simulate(movie(), Throughput(), constant(4e6, latency_s=0.1), IMMEDIATE)
    initialised = simulate(with_init(movie(), 50_000), Throughput(), constant(4e6, latency_s=0.1), IMMEDIATE)
    assert plain.startup_delay_s == pytest.approx(1.1)
    assert initialised.startup_delay_s == pytest.approx(1.1 + 0.2)
    estimates = [[record.estimate_bps for record in result.segments] for result in (plain, initialised)]
    assert estimates[0] == [pytest.approx(bps) if bps else None for bps in estimates[1]]


def test_a_segment_of_unknown_size_is_taken_at_its_average_rate() -> None:
    unsized = without_sizes(movie())
    result = simulate(unsized, Throughput(), constant(3e6), IMMEDIATE)
    assert schedule_of(unsized).lanes[0].sizes_bytes == (None,) * 5
    assert [record.size_bytes for record in result.segments] == [
        round(record.rendition.average_bps * 4 / 8) for record in result.segments
    ]


periods = st.tuples(st.floats(0.2, 30), st.one_of(st.just(0.0), st.floats(2e5, 3e7)))
links = st.builds(
    steps,
    st.lists(periods, min_size=1, max_size=6).filter(lambda pairs: any(rate for _, rate in pairs)),
    latency_s=st.floats(0, 1),
)
player_settings = st.builds(
    PlayerSettings,
    max_buffer_s=st.floats(1, 60),
    startup_s=st.floats(0, 20),
    resume_s=st.floats(0, 20),
    duration_s=st.none() | st.floats(0.5, 40),
    estimator=st.sampled_from(["ewma", "harmonic"]),
)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("has_audio", [False, True])
@settings(deadline=None, print_blob=True, max_examples=40)
@given(link=links, chosen=player_settings)
def test_what_every_session_keeps(rule: str, has_audio: bool, link: Trace, chosen: PlayerSettings) -> None:
    title = movie(count=9)
    if has_audio:
        title = with_audio(title, audio_track(segment_s=3.0, count=12))
    schedule = schedule_of(title)
    result = simulate(schedule, RULES[rule](), link, chosen)

    watched_s = min(36.0, chosen.duration_s or 36.0)
    assert result.is_complete
    assert result.played_s == pytest.approx(watched_s)
    assert result.startup_delay_s is not None
    stalled_s = sum(stall.duration_s for stall in result.stalls)
    # The time of a session is startup, stalls and playback, and nothing else.
    assert result.end_s == pytest.approx(result.startup_delay_s + stalled_s + result.played_s)

    moments = [
        moment
        for record in result.segments
        for moment in (record.requested_s, record.first_byte_s, record.completed_s)
    ]
    assert all(before <= after for before, after in pairwise(moments))
    assert all(before.end_s <= after.start_s for before, after in pairwise(result.stalls))
    for record in result.segments:
        assert record.buffer_before_s >= 0
        assert record.buffer_after_s <= chosen.max_buffer_s + record.duration_s + 1e-6
    for lane in schedule.lanes:
        records = [record for record in result.segments if record.kind is lane.kind]
        assert [record.index for record in records] == list(range(len(records)))
        assert records[-1].media_start_s < watched_s
        assert watched_s <= records[-1].media_start_s + records[-1].duration_s
        assert sum(record.size_bytes for record in records) == sum(
            lane.segment(record.index, record.rung).size_bytes or 0 for record in records
        )
    assert {record.kind for record in result.segments} == (
        {Kind.VIDEO, Kind.AUDIO} if has_audio else {Kind.VIDEO}
    )


@settings(deadline=None, print_blob=True, max_examples=50)
@given(st.floats(3e5, 1e7), st.floats(1.0, 10.0))
def test_more_bandwidth_never_means_a_longer_wait_on_a_constant_link(rate_bps: float, factor: float) -> None:
    """With the rung fixed; a rule may well spend more bandwidth on quality."""
    fixed = Bba(reservoir_s=1000.0)
    slow, fast = (
        simulate(movie(), fixed, constant(rate), IMMEDIATE) for rate in (rate_bps, rate_bps * factor)
    )
    assert fast.end_s <= slow.end_s + 1e-6
