from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.analysis.probes import chosen_groups, plan_probes, probing_preset
from encoder.analysis.scout import Scout
from encoder.codecs import CODECS
from encoder.codecs.base import PRESETS
from encoder.ladder import candidates
from tests.encoder.analysis.titles import GOP, RATE, scout
from tests.encoder.sources import HD, sized

SIZES = candidates(HD, RATE)
H264 = CODECS["h264"]


def test_windows_begin_with_groups_of_every_complexity() -> None:
    title = scout([50] * 10 + [400] * 10 + [100] * 10)
    probes = plan_probes(title, SIZES, RATE, H264, "medium")
    kinds = {title.frame_bytes[probe.start + 1] for probe in probes}
    assert kinds == {50, 100, 400}
    assert all(probe.start % GOP == 0 for probe in probes)
    assert sum(probe.weight for probe in probes) == pytest.approx(1)


def test_scenes_are_preferred_that_no_other_window_stands_for() -> None:
    groups = scout([100] * 8, cuts=(5 * GOP,)).groups()
    assert {group.scene for group, _ in chosen_groups(groups, 2, GOP)} == {0, 1}


@pytest.mark.parametrize("minutes", [1, 10, 150])
def test_little_is_probed_of_a_title_and_less_of_a_long_one(minutes: int) -> None:
    title = scout([100] * 30 * minutes)
    probes = plan_probes(title, SIZES, RATE, H264, "medium")
    assert sum(probe.frames for probe in probes) <= min(title.frames // 8, 20 * int(RATE))


@given(
    sizes=st.lists(st.integers(0, 9999), min_size=1, max_size=600),
    gop_frames=st.sampled_from([2, 24, 48, 60, 120]),
    rate=st.sampled_from([Fraction(1), Fraction(24000, 1001), Fraction(60)]),
)
def test_windows_lie_within_the_title_whatever_its_length(
    sizes: list[int], gop_frames: int, rate: Fraction
) -> None:
    title = Scout(gop_frames=gop_frames, frame_bytes=tuple(sizes))
    probes = plan_probes(title, SIZES, rate, H264, "medium")
    assert probes
    for probe, after in zip(probes, [*probes[1:], None], strict=True):
        assert 0 < probe.frames <= gop_frames
        assert probe.start + probe.frames <= (after.start if after else title.frames)
    assert sum(probe.weight for probe in probes) == pytest.approx(1)


@pytest.mark.parametrize("codec", CODECS)
def test_every_size_is_tried_at_qualities_that_the_codec_has_use_for(codec: str) -> None:
    (probe, *_) = plan_probes(scout([100] * 9), SIZES, RATE, CODECS[codec], "medium")
    best, worst = CODECS[codec].crf_range
    assert {(trial.width_px, trial.height_px) for trial in probe.trials} == {
        (size.width_px, size.height_px) for size in SIZES
    }
    assert all(best < trial.crf < worst for trial in probe.trials)
    assert len(probe.trials) == 2 * len(SIZES)


def test_a_tiny_source_is_tried_at_its_own_size_alone() -> None:
    (probe, *_) = plan_probes(scout([100]), candidates(sized(64, 36), RATE), RATE, H264, "medium")
    assert {(trial.width_px, trial.height_px) for trial in probe.trials} == {(64, 36)}


@pytest.mark.parametrize("preset", PRESETS)
def test_probes_are_no_slower_than_what_they_stand_for(preset: str) -> None:
    assert PRESETS.index(probing_preset(preset)) <= PRESETS.index(preset)
