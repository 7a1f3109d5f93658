"""The session core, driven by hand: what it asks for, and when."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from player_sim.abr import PlayerState
from player_sim.playback import Kind, Phase
from player_sim.schedule import PlayError, schedule_of
from player_sim.session import Done, PlayerSettings, Request, Session, Wait
from tests.player_sim.titles import audio_track, movie, with_audio, with_init


@dataclass
class Scripted:
    """Chooses as it is told, and remembers what it was shown."""

    rungs: tuple[int, ...] = (0,)
    seen: list[PlayerState] = field(default_factory=list)

    def choose(self, state: PlayerState) -> int:
        self.seen.append(state)
        return self.rungs[min(len(self.seen), len(self.rungs)) - 1]


IMMEDIATE = PlayerSettings(max_buffer_s=10.0, startup_s=0.0, resume_s=0.0)


def request(session: Session, now_s: float) -> Request:
    action = session.next_action(now_s)
    assert isinstance(action, Request)
    return action


def fetch(session: Session, start_s: float, end_s: float, size_bytes: int = 500_000) -> Request:
    """Do the next request; the first byte comes a tenth of a second after it was sent."""
    sent = request(session, start_s)
    session.first_byte(start_s + 0.1)
    session.completed(end_s, size_bytes)
    return sent


def test_segments_are_asked_for_in_order_until_the_buffer_is_full() -> None:
    session = Session(schedule_of(movie()), Scripted(), IMMEDIATE)
    assert [fetch(session, time_s, time_s + 0.5).index for time_s in (0.0, 0.5)] == [0, 1]
    # At 1.0 the playhead is at 0.5: 7.5 s are buffered, and 4 more fit once 1.5 s have been played.
    assert session.next_action(1.0) == Wait(2.5)
    assert request(session, 2.5).index == 2


def test_a_finished_download_lets_the_session_play_out_and_end() -> None:
    session = Session(schedule_of(movie(count=2)), Scripted(), IMMEDIATE)
    fetch(session, 0.0, 0.5)
    fetch(session, 0.5, 1.0)
    assert session.next_action(1.0) == Wait(8.5)
    assert session.next_action(8.5) == Done()
    result = session.result(8.5)
    assert (result.is_complete, result.played_s, result.startup_delay_s, result.stalls) == (
        True,
        8.0,
        0.5,
        (),
    )


def test_the_rule_sees_the_state_at_the_moment_of_the_request() -> None:
    rule = Scripted((0, 2, 1))
    session = Session(schedule_of(movie()), rule, replace(IMMEDIATE, max_buffer_s=20.0))
    fetch(session, 0.0, 1.1, size_bytes=500_000)
    fetch(session, 1.5, 2.6)
    request(session, 2.6)
    first, second, third = rule.seen
    assert (first.last, first.throughput_bps, first.buffer_s) == (None, None, 0.0)
    assert (second.last, second.segment_index, second.segment_count) == (0, 1, 5)
    assert second.throughput_bps == pytest.approx(4e6)
    assert second.latency_s == pytest.approx(0.1)
    assert second.buffer_s == pytest.approx(3.6)
    assert second.sizes_bytes == (500_000, 1_000_000, 2_000_000)
    assert third.last == 2
    assert third.buffer_s == pytest.approx(6.5)


def test_a_segment_leaves_a_record_of_how_it_came() -> None:
    session = Session(schedule_of(movie()), Scripted((1,)), IMMEDIATE, start_s=10.0)
    fetch(session, 10.0, 12.0, size_bytes=999)
    (record,) = session.result(12.0).segments
    assert (record.kind, record.index, record.rung, record.size_bytes) == (Kind.VIDEO, 0, 1, 999)
    assert (record.requested_s, record.completed_s) == (10.0, 12.0)
    assert record.ttfb_s == pytest.approx(0.1)
    assert (record.buffer_before_s, record.buffer_after_s, record.estimate_bps) == (0.0, 4.0, None)
    assert (record.media_start_s, record.duration_s, record.rendition.name) == (0.0, 4.0, "1")


def test_the_kind_that_is_furthest_behind_is_fetched_first_video_on_equal_terms() -> None:
    title = with_audio(movie(count=2), audio_track(segment_s=2.0, count=4))
    session = Session(schedule_of(title), Scripted(), IMMEDIATE)
    order = [fetch(session, time_s / 10, time_s / 10 + 0.1).kind for time_s in range(6)]
    assert order == [Kind.VIDEO, Kind.AUDIO, Kind.AUDIO, Kind.VIDEO, Kind.AUDIO, Kind.AUDIO]


def test_an_audio_track_that_ends_early_does_not_hold_the_picture_back() -> None:
    title = with_audio(movie(count=2), audio_track(segment_s=3.9, count=2))
    session = Session(schedule_of(title), Scripted(), IMMEDIATE)
    for time_s in range(4):
        fetch(session, time_s / 10, time_s / 10 + 0.1)
    end = session.next_action(0.4)
    assert isinstance(end, Wait)
    assert session.next_action(end.until_s) == Done()
    assert session.result(end.until_s).played_s == 8.0


def test_of_several_audio_tracks_the_default_is_played() -> None:
    french = audio_track(segment_s=4.0, count=5, name="fr")
    english = audio_track(segment_s=4.0, count=5)
    other = replace(french, rendition=replace(french.rendition, is_default=False))
    schedule = schedule_of(with_audio(movie(), other, english))
    assert [track.rendition.name for track in schedule.lanes[1].tracks] == ["en"]


def test_an_init_segment_comes_once_with_the_first_segment_of_its_rendition() -> None:
    session = Session(schedule_of(with_init(movie(), 700)), Scripted((0, 1, 0)), IMMEDIATE)
    inits = [fetch(session, time_s, time_s + 0.5).init for time_s in (0.0, 0.5, 5.0)]
    assert [init.uri if init else None for init in inits] == ["0/init.mp4", "1/init.mp4", None]


def test_time_before_the_attempt_that_went_through_is_not_taken_for_latency() -> None:
    session = Session(schedule_of(movie()), Scripted(), IMMEDIATE)
    request(session, 0.0)
    session.first_byte(0.2)
    session.attempt(5.0)
    session.first_byte(5.1)
    session.completed(6.1, 500_000)
    assert session.estimator.latency_s == pytest.approx(0.1)
    assert session.estimator.throughput_bps == pytest.approx(4e6)
    assert session.records[0].ttfb_s == pytest.approx(5.1)


def test_a_body_that_comes_with_its_head_still_gives_a_finite_estimate() -> None:
    session = Session(schedule_of(movie()), Scripted(), IMMEDIATE)
    request(session, 0.0)
    session.first_byte(0.3)
    session.completed(0.3, 500_000)
    throughput_bps = session.estimator.throughput_bps
    assert throughput_bps is not None
    assert 1e9 < throughput_bps < 1e15


def test_a_threshold_that_the_buffer_cannot_reach_is_given_up_when_it_is_full() -> None:
    session = Session(schedule_of(movie()), Scripted(), PlayerSettings(max_buffer_s=10.0, startup_s=10.0))
    fetch(session, 0.0, 0.5)
    fetch(session, 0.5, 1.0)
    assert session.playback.phase is Phase.STARTING
    assert session.next_action(1.0) == Wait(3.0)
    assert (session.playback.phase, session.playback.startup_delay_s) == (Phase.PLAYING, 1.0)


def test_segments_longer_than_the_whole_buffer_are_played_one_by_one() -> None:
    session = Session(schedule_of(movie(count=2)), Scripted(), replace(IMMEDIATE, max_buffer_s=3.0))
    fetch(session, 0.0, 1.0)
    assert session.next_action(1.0) == Wait(5.0)
    assert request(session, 5.0).index == 1


def test_a_viewer_who_watches_six_seconds_downloads_two_segments_of_four() -> None:
    session = Session(schedule_of(movie()), Scripted(), replace(IMMEDIATE, duration_s=6.0))
    fetch(session, 0.0, 0.5)
    fetch(session, 0.5, 1.0)
    assert session.next_action(1.0) == Wait(6.5)
    assert session.next_action(6.5) == Done()
    assert session.result(6.5).played_s == 6.0


def test_a_failed_request_ends_the_session_and_says_why() -> None:
    session = Session(schedule_of(movie()), Scripted(), IMMEDIATE)
    fetch(session, 0.0, 0.5)
    request(session, 0.5)
    session.failed(2.5, "all edges are gone")
    assert session.next_action(2.5) == Done()
    result = session.result(2.5)
    assert (result.is_complete, result.failure, result.played_s) == (False, "all edges are gone", 2.0)


def test_news_of_a_download_without_a_request_is_an_error_of_the_driver() -> None:
    with pytest.raises(RuntimeError, match="ask next_action first"):
        Session(schedule_of(movie()), Scripted(), IMMEDIATE).completed(1.0, 5)


def test_of_several_codecs_the_one_that_everything_plays_is_walked_through() -> None:
    plain = movie()
    hevc = tuple(
        replace(rung, rendition=replace(rung.rendition, codecs="hvc1.1.6.L93.90", name=f"{number}-hevc"))
        for number, rung in enumerate(plain.video)
    )
    h264 = tuple(
        replace(rung, rendition=replace(rung.rendition, codecs="avc1.64001f")) for rung in plain.video
    )
    schedule = schedule_of(replace(plain, video=(*hevc, *h264)))
    assert schedule.ladder == tuple(rung.rendition for rung in h264)


def test_a_single_rung_needs_no_rule() -> None:
    lone = replace(movie(), video=movie().video[:1])
    rule = Scripted((7,))
    assert fetch(Session(schedule_of(lone), rule, IMMEDIATE), 0.0, 1.0).rung == 0
    assert rule.seen == []


def test_sound_alone_plays() -> None:
    title = replace(movie(), video=(), audio=(audio_track(segment_s=2.0, count=1),))
    session = Session(schedule_of(title), Scripted(), IMMEDIATE)
    assert fetch(session, 0.0, 1.0).kind is Kind.AUDIO
    assert session.next_action(1.0) == Wait(3.0)


REFUSED = [
    pytest.param(replace(movie(), is_live=True), "live", id="live"),
    pytest.param(
        replace(movie(), video=(*movie().video, *movie(count=4).video)),
        "0: 5, 1: 5, 2: 5, 0: 4, 1: 4, 2: 4; they must be cut alike",
        id="rungs-that-are-not-cut-alike",
    ),
    pytest.param(replace(movie(), video=movie(count=0).video), "0: 0, 1: 0", id="no-segments"),
    pytest.param(
        replace(
            movie(),
            video=tuple(
                replace(track, rendition=replace(track.rendition, average_bps=0)) for track in movie().video
            ),
        ),
        "no bandwidth",
        id="rungs-without-bandwidth",
    ),
]


@pytest.mark.parametrize(("title", "message"), REFUSED)
def test_what_cannot_be_played_is_refused_with_the_reason(title: object, message: str) -> None:
    with pytest.raises(PlayError, match=message):
        schedule_of(title)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_buffer_s": 0}, "max_buffer_s = 0"),
        ({"duration_s": -1}, "duration_s = -1"),
        ({"startup_s": -0.1}, "startup_s = -0.1"),
        ({"estimator": "magic"}, "choose one of ewma, harmonic"),
    ],
)
def test_settings_are_checked(values: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PlayerSettings(**values)  # type: ignore[arg-type]
