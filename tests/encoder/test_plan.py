from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from encoder.audio.source import AudioSource
from encoder.ladder import apple
from encoder.plan import Plan, Settings, output_rate, plan_key
from encoder.source import VideoSource
from tests.encoder.sources import HD, STEREO, planned, whole

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
    return planned(whole(video, *audio))


@pytest.mark.parametrize(("nominal", "is_constant", "output", "gop_frames"), RATES)
def test_the_output_rate_is_constant_and_segments_last_whole_frames(
    nominal: Fraction, is_constant: bool, output: Fraction, gop_frames: int
) -> None:
    source = replace(HD, frame_rate=nominal, is_constant_rate=is_constant)
    plan = plan_of(source)
    assert output_rate(source) == plan.timing.frame_rate == output
    assert plan.timing.gop_frames == gop_frames
    assert plan.timing.segment_frames == 2 * gop_frames
    # ffmpeg is told in microseconds: what they cannot say exactly would drift.
    assert (plan.timing.segment_s * 1_000_000).denominator == 1


def test_every_frame_of_a_source_that_starts_late_is_counted_once() -> None:
    late = replace(HD, frame_rate=Fraction(24), start=Fraction(21, 1000), end=Fraction(136313, 3000))
    assert plan_of(late).timing.frames == 1090


def test_sound_that_outlasts_the_picture_holds_the_last_frame() -> None:
    plan = plan_of(HD, replace(STEREO, end=Fraction(12)))
    assert (plan.timing.frames, plan.timing.held_frames) == (360, 60)


def test_a_little_more_sound_than_picture_is_cut() -> None:
    plan = plan_of(HD, replace(STEREO, end=Fraction(1003, 100)))
    assert (plan.timing.frames, plan.timing.held_frames) == (300, 0)


def test_a_title_is_cut_where_its_source_has_key_frames() -> None:
    minute = replace(HD, end=Fraction(60))
    source = replace(whole(minute), key_frames=tuple(Fraction(at) for at in range(0, 60, 5)))
    chunks = planned(source).chunks
    assert [(chunk.first_frame / 30, chunk.seek) for chunk in chunks] == [(0, None), (20, 20), (40, 40)]


def test_rungs_of_equal_height_have_different_labels() -> None:
    labels = [rung.label for rung in planned(whole(), ladder=apple).rungs]
    assert labels == [
        "234p", "360p", "432p-730k", "432p-1100k", "540p", "720p-3000k", "720p-4500k", "1080p-6000k",
        "1080p-7800k",
    ]  # fmt: skip


def test_rungs_of_another_codec_say_so_and_follow_what_everybody_plays() -> None:
    plan = planned(whole(replace(HD, width_px=640, height_px=360)), Settings(codecs=("hevc", "h264")))
    assert [(rung.label, rung.codec) for rung in plan.rungs] == [
        ("234p", "h264"), ("360p", "h264"), ("234p-hevc", "hevc"), ("360p-hevc", "hevc"),
    ]  # fmt: skip


def test_the_key_changes_with_all_that_changes_the_output() -> None:
    plan = plan_of(HD, STEREO)
    french = plan_of(HD, replace(STEREO, language="fr"))
    keys = {
        plan_key(plan, [["-crf", "22"]], "9.0", "aa"),
        plan_key(plan, [["-crf", "23"]], "9.0", "aa"),
        plan_key(plan, [["-crf"], ["22"]], "9.0", "aa"),
        plan_key(plan, [["-crf", "22"]], "9.1", "aa"),
        plan_key(plan, [["-crf", "22"]], "9.0", "ab"),
        plan_key(plan, [["-crf", "22"]], "9.0", "aa", ["subtitles"]),
        plan_key(french, [["-crf", "22"]], "9.0", "aa"),
    }
    assert len(keys) == 7
    assert plan_key(plan, [["-crf", "22"]], "9.0", "aa") in keys
