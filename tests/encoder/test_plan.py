from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from encoder.ladder import apple, auto
from encoder.plan import Plan, Settings, make_plan, output_rate, plan_key
from encoder.source import AudioSource, VideoSource
from tests.encoder.sources import HD, STEREO, whole

NTSC_FILM = Fraction(24000, 1001)
RATES = [  # id, nominal, constant, output, frames of a GOP
    pytest.param(Fraction(24), True, Fraction(24), 48, id="film"),
    pytest.param(NTSC_FILM, True, NTSC_FILM, 48, id="ntsc-film-stays-exact"),
    pytest.param(Fraction(25), True, Fraction(25), 50, id="pal"),
    pytest.param(Fraction(30000, 1001), True, Fraction(30000, 1001), 60, id="ntsc"),
    pytest.param(Fraction(60000, 1001), True, Fraction(60000, 1001), 120, id="ntsc-60"),
    pytest.param(Fraction(60), True, Fraction(60), 120, id="60-is-the-most"),
    pytest.param(Fraction(120), True, Fraction(60), 120, id="120-is-halved"),
    pytest.param(Fraction(120000, 1001), True, Fraction(60000, 1001), 120, id="ntsc-120-is-halved"),
    pytest.param(Fraction(144), True, Fraction(36), 72, id="144-is-halved-twice"),
    pytest.param(Fraction(18), True, Fraction(18), 36, id="super-8-keeps-its-natural-rate"),
    pytest.param(Fraction(25, 2), True, Fraction(25, 2), 25, id="12.5"),
    pytest.param(Fraction(1000, 33), True, Fraction(30), 60, id="a-rate-rounded-to-milliseconds"),
    pytest.param(Fraction(51600, 1841), False, Fraction(30000, 1001), 60, id="variable-takes-the-nearest"),
    pytest.param(Fraction(2397, 100), False, NTSC_FILM, 48, id="variable-film"),
    pytest.param(Fraction(1, 4), True, Fraction(5), 10, id="slower-than-a-segment-can-say"),
]


def plan_of(video: VideoSource = HD, *audio: AudioSource) -> Plan:
    return make_plan(whole(video, *audio), auto, Settings())


@pytest.mark.parametrize(("nominal", "is_constant", "output", "gop_frames"), RATES)
def test_the_output_rate_is_constant_and_segments_last_whole_frames(
    nominal: Fraction, is_constant: bool, output: Fraction, gop_frames: int
) -> None:
    source = replace(HD, frame_rate=nominal, is_constant_rate=is_constant)
    plan = plan_of(source)
    assert output_rate(source) == plan.frame_rate == output
    assert plan.gop_frames == gop_frames
    assert plan.segment_frames == 2 * gop_frames
    # ffmpeg is told in microseconds: what they cannot say exactly would drift.
    assert (plan.segment_s * 1_000_000).denominator == 1


def test_every_frame_of_a_source_that_starts_late_is_counted_once() -> None:
    late = replace(HD, frame_rate=Fraction(24), start=Fraction(21, 1000), end=Fraction(136313, 3000))
    assert plan_of(late).frames == 1090


def test_sound_is_stereo_at_48_khz_in_whole_frames_that_cover_the_picture() -> None:
    (track,) = plan_of(HD, replace(STEREO, channels=6, sample_rate_hz=96_000, layout="5.1")).audio
    assert (track.sample_rate_hz, track.channels, track.bitrate_bps) == (48_000, 2, 128_000)
    assert track.samples % 1024 == 0
    assert 0 <= track.samples - 10 * 48_000 < 1024


def test_mono_stays_mono_and_44_1_khz_stays() -> None:
    (track,) = plan_of(HD, replace(STEREO, channels=1, sample_rate_hz=44_100)).audio
    assert (track.sample_rate_hz, track.channels) == (44_100, 1)


def test_each_language_has_one_track_and_the_first_is_the_default() -> None:
    tracks = [replace(STEREO, index=index, language=code) for index, code in enumerate(["en", "en", "fr"])]
    plan = plan_of(HD, *tracks)
    assert [(track.label, track.track, track.is_default) for track in plan.audio] == [
        ("audio-en", 0, True),
        ("audio-fr", 2, False),
    ]


def test_a_title_without_audio_has_no_audio() -> None:
    assert plan_of().audio == ()


def test_sound_that_outlasts_the_picture_holds_the_last_frame() -> None:
    plan = plan_of(HD, replace(STEREO, end=Fraction(12)))
    assert (plan.frames, plan.held_frames) == (360, 60)


def test_a_little_more_sound_than_picture_is_cut() -> None:
    plan = plan_of(HD, replace(STEREO, end=Fraction(1003, 100)))
    assert (plan.frames, plan.held_frames) == (300, 0)


def test_rungs_of_equal_height_have_different_labels() -> None:
    labels = [rung.label for rung in make_plan(whole(), apple, Settings()).rungs]
    assert labels == [
        "234p", "360p", "432p-730k", "432p-1100k", "540p", "720p-3000k", "720p-4500k", "1080p-6000k",
        "1080p-7800k",
    ]  # fmt: skip


def test_the_key_changes_with_all_that_changes_the_output() -> None:
    plan = plan_of(HD, STEREO)
    french = plan_of(HD, replace(STEREO, language="fr"))
    keys = {
        plan_key(plan, ["-crf", "22"], "9.0", "aa"),
        plan_key(plan, ["-crf", "23"], "9.0", "aa"),
        plan_key(plan, ["-crf", "22"], "9.1", "aa"),
        plan_key(plan, ["-crf", "22"], "9.0", "ab"),
        plan_key(french, ["-crf", "22"], "9.0", "aa"),
    }
    assert len(keys) == 5
    assert plan_key(plan, ["-crf", "22"], "9.0", "aa") in keys
