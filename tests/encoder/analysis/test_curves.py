from __future__ import annotations

from itertools import pairwise

import pytest

from encoder.analysis.curves import curves_of
from encoder.analysis.probes import Trial, plan_probes
from encoder.analysis.scout import AnalysisError, Scout
from encoder.codecs import CODECS
from encoder.ladder import candidates
from tests.encoder.analysis.titles import RATE, Law, probed, scout, usual
from tests.encoder.sources import HD

H264 = CODECS["h264"]
SIZES = candidates(HD, RATE)
TITLE = scout([50, 400, 100, 800, 60, 300, 90, 120, 700, 55, 80, 100])


def found(title: Scout = TITLE, law: Law = usual) -> list[dict[float, tuple[int, float]]]:
    results = probed(title, plan_probes(title, SIZES, RATE, H264, "medium"), law)
    curves = curves_of(title, results, RATE)
    return [{point.crf: (point.bps, point.vmaf) for point in curve.points} for curve in curves]


def test_the_rate_of_the_whole_follows_from_few_windows() -> None:
    whole = TITLE.bytes_of(0, TITLE.frames)
    for size, curve in zip(SIZES, found(), strict=True):
        for crf, (bps, vmaf) in curve.items():
            ratio, expected = usual(Trial(width_px=size.width_px, height_px=size.height_px, crf=crf))
            true_bps = 8 * (whole.key + whole.inter) * ratio / TITLE.frames * RATE
            assert bps == pytest.approx(true_bps, rel=0.02)
            assert vmaf == pytest.approx(expected)


def test_a_short_window_does_not_count_its_key_frame_twice() -> None:
    """Windows are half a group long: taken as they are, they would tell a rate far too high."""
    title = scout([100] * 12)
    plain = 8 * sum(title.frame_bytes[:24]) / 24 * RATE
    (bps, _), *_ = found(title, lambda _: (1.0, 80.0))[0].values()
    assert bps == pytest.approx(8 * sum(title.frame_bytes) / title.frames * RATE, rel=0.01)
    assert bps < 0.9 * plain


def test_between_and_beyond_what_was_probed_curves_fall() -> None:
    results = probed(TITLE, plan_probes(TITLE, SIZES, RATE, H264, "medium"))
    for curve in curves_of(TITLE, results, RATE):
        points = curve.sampled(0.5, H264.crf_range)
        assert points[0].crf < curve.points[0].crf
        assert points[-1].crf > curve.points[-1].crf
        assert all(H264.crf_range[0] <= point.crf <= H264.crf_range[1] for point in points)
        assert all(low.bps >= high.bps and low.vmaf >= high.vmaf for low, high in pairwise(points))
        assert all(0 <= point.vmaf <= 100 for point in points)


def test_a_window_that_contradicts_itself_bends_no_curve_upwards() -> None:
    odd = {22: (1.0, 80.0), 31: (2.0, 85.0)}
    curves = found(law=lambda trial: odd.get(int(trial.crf), (1.0, 80.0)))
    assert all(low >= high for curve in curves for low, high in pairwise(curve.values()))


def test_black_has_a_rate_and_a_vmaf_of_a_hundred() -> None:
    title = Scout(gop_frames=48, frame_bytes=(0,) * 480)
    assert {value for curve in found(title, lambda _: (0.0, 100.0)) for value in curve.values()} == {
        (100, 100.0)
    }


def test_without_probes_there_is_no_curve() -> None:
    with pytest.raises(AnalysisError, match="nothing was probed"):
        curves_of(TITLE, [], RATE)


def test_a_slower_preset_lacks_less_of_a_hundred() -> None:
    results = probed(TITLE, plan_probes(TITLE, SIZES, RATE, H264, "medium"), lambda _: (1.0, 80.0))
    assert {point.vmaf for curve in curves_of(TITLE, results, RATE, 0.9) for point in curve.points} == {82.0}
