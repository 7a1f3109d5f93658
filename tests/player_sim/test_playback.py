"""Playback arithmetic: what the playhead, the buffers and the stalls are at each moment."""

from __future__ import annotations

import pytest

from player_sim.playback import Kind, Phase, Playback, Stall


def player(
    *kinds: Kind, end_s: float = 12.0, startup_s: float = 0.0, resume_s: float = 0.0, start_s: float = 0.0
) -> Playback:
    return Playback(
        kinds or [Kind.VIDEO], start_s=start_s, end_s=end_s, startup_s=startup_s, resume_s=resume_s
    )


def test_playback_starts_when_the_first_segment_is_there() -> None:
    playback = player(start_s=100.0)
    playback.append(Kind.VIDEO, 4.0, 101.5)
    assert (playback.phase, playback.startup_delay_s) == (Phase.PLAYING, 1.5)
    playback.advance(103.0)
    assert (playback.playhead_s, playback.buffer_s(Kind.VIDEO)) == (1.5, 2.5)
    assert playback.runs_out_s == 105.5


def test_playback_waits_for_its_startup_threshold() -> None:
    playback = player(startup_s=6.0)
    playback.append(Kind.VIDEO, 4.0, 1.0)
    assert playback.phase is Phase.STARTING
    playback.append(Kind.VIDEO, 8.0, 2.0)
    assert (playback.phase, playback.startup_delay_s) == (Phase.PLAYING, 2.0)


def test_a_title_shorter_than_the_threshold_starts_when_it_is_all_there() -> None:
    playback = player(end_s=4.0, startup_s=6.0)
    playback.append(Kind.VIDEO, 4.0, 1.0)
    assert playback.phase is Phase.PLAYING


def test_a_stall_lasts_from_the_moment_the_buffer_is_empty_to_the_next_arrival() -> None:
    playback = player()
    playback.append(Kind.VIDEO, 4.0, 1.0)
    playback.advance(6.0)
    assert (playback.phase, playback.playhead_s, playback.buffer_s(Kind.VIDEO)) == (Phase.STALLED, 4.0, 0.0)
    playback.append(Kind.VIDEO, 8.0, 7.5)
    assert playback.phase is Phase.PLAYING
    assert playback.stalls == [Stall(start_s=5.0, end_s=7.5, playhead_s=4.0)]
    assert playback.stalls[0].duration_s == 2.5


def test_a_segment_that_comes_just_in_time_causes_no_stall() -> None:
    playback = player()
    playback.append(Kind.VIDEO, 4.0, 1.0)
    playback.append(Kind.VIDEO, 8.0, 5.0)
    playback.advance(7.0)
    assert (playback.stalls, playback.playhead_s) == ([], 6.0)


def test_after_a_stall_the_resume_threshold_counts_not_that_of_startup() -> None:
    playback = player(startup_s=4.0, resume_s=8.0, end_s=40.0)
    playback.append(Kind.VIDEO, 4.0, 0.0)
    playback.append(Kind.VIDEO, 8.0, 10.0)
    assert playback.phase is Phase.STALLED
    playback.append(Kind.VIDEO, 12.0, 11.0)
    assert (playback.phase, [stall.duration_s for stall in playback.stalls]) == (Phase.PLAYING, [7.0])


def test_playback_needs_both_kinds_and_stalls_on_the_shorter_buffer() -> None:
    playback = player(Kind.VIDEO, Kind.AUDIO)
    playback.append(Kind.VIDEO, 8.0, 1.0)
    assert playback.phase is Phase.STARTING
    playback.append(Kind.AUDIO, 2.0, 2.0)
    playback.advance(5.0)
    assert (playback.phase, playback.playhead_s) == (Phase.STALLED, 2.0)
    assert (playback.buffer_s(Kind.VIDEO), playback.buffer_s(Kind.AUDIO)) == (6.0, 0.0)


def test_the_end_of_the_title_is_no_stall() -> None:
    playback = player(end_s=4.0)
    playback.append(Kind.VIDEO, 4.0, 1.0)
    playback.advance(50.0)
    playback.close(50.0)
    assert (playback.phase, playback.playhead_s, playback.stalls) == (Phase.ENDED, 4.0, [])


def test_a_stall_that_nothing_ended_counts_until_the_viewer_leaves() -> None:
    playback = player()
    playback.append(Kind.VIDEO, 4.0, 1.0)
    playback.close(9.0)
    assert [stall.duration_s for stall in playback.stalls] == [4.0]


def test_what_is_buffered_beyond_the_end_is_not_played() -> None:
    playback = player(end_s=6.0)
    playback.append(Kind.VIDEO, 8.0, 0.0)
    playback.advance(6.0)
    assert (playback.phase, playback.playhead_s) == (Phase.ENDED, 6.0)


@pytest.mark.parametrize("step_s", [0.1, 0.3, 1 / 3])
def test_many_small_steps_end_where_one_large_step_does(step_s: float) -> None:
    playback = player()
    playback.append(Kind.VIDEO, 12.0, 0.0)
    steps = 0
    while playback.phase is not Phase.ENDED:
        steps += 1
        playback.advance(steps * step_s)
    assert playback.playhead_s == 12.0
    assert steps == pytest.approx(12.0 / step_s, abs=1)
