from __future__ import annotations

import json
from math import gcd

import pytest

from encoder.analysis.scout import AnalysisError
from encoder.analysis.vmaf import STEP, model, quality, scores


def log(*found: tuple[int, float]) -> str:
    frames = [
        {"frameNum": number, "metrics": {"integer_motion2": 0.1, "vmaf": vmaf}} for number, vmaf in found
    ]
    return json.dumps({"version": "3", "frames": frames, "pooled_metrics": {"vmaf": {"mean": 1}}})


def test_scores_come_in_the_order_of_frames() -> None:
    assert scores(log((4, 92.5), (0, 90), (2, 91))) == [90, 91, 92.5]


def test_the_second_of_each_pair_is_no_score_even_if_it_is_logged() -> None:
    assert scores(log((0, 90), (1, 10), (2, 91), (3, 10))) == [90, 91]


BROKEN = [  # id, log, what the error says
    pytest.param("", "cannot be read.*is the disk full", id="empty-after-a-full-disk"),
    pytest.param('{"version": "3", "frames": [{"frameNum": 0, "met', "cannot be read", id="cut-short"),
    pytest.param('{"frames": [{"frameNum": 0, "metrics": {"psnr": 1}}]}', "cannot be read", id="no-vmaf"),
    pytest.param('{"frames": []}', "scored no frame", id="no-frames"),
    pytest.param('{"frames": null}', "cannot be read", id="null"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_a_log_that_says_nothing_is_told(text: str, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        scores(text)


def test_a_rendition_has_a_mean_a_worst_twentieth_and_a_mean_of_each_segment() -> None:
    found = [*[90.0] * 19, 50.0]
    measured = quality(found, step=10, segment_frames=50, frames=200)
    assert measured.mean == 88
    assert measured.p5 == 90
    assert list(measured.segments) == [90, 90, 90, 82]
    assert measured.frames == 20
    worse = quality([*found[:18], 60.0, 50.0], step=10, segment_frames=50, frames=200)
    assert worse.p5 == 60


def test_a_segment_too_short_for_a_scored_frame_goes_by_the_one_before() -> None:
    assert quality([90.0, 80.0], step=11, segment_frames=5, frames=14).segments == (90, 90, 80)


def test_a_single_frame_has_a_quality() -> None:
    assert quality([97.5], STEP, 96, 1).segments == (97.5,)


@pytest.mark.parametrize("count", [9, 11])
def test_frames_that_are_missing_or_too_many_are_an_error_and_no_shift(count: int) -> None:
    with pytest.raises(AnalysisError, match=f"{count} of 10 frames were scored"):
        quality([90.0] * count, step=11, segment_frames=96, frames=110)


@pytest.mark.parametrize("rate", [24, 25, 30, 48, 50, 60])
def test_the_frames_scored_fall_on_every_place_of_a_group(rate: int) -> None:
    assert gcd(STEP, 2 * rate) == 1


def test_4k_is_watched_from_nearer() -> None:
    assert model(2160) == "version=vmaf_4k_v0.6.1"
    assert model(1080) == "version=vmaf_v0.6.1"
