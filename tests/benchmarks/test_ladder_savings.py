from __future__ import annotations

import pytest

from benchmarks.ladder_savings import Rated, Verdict, median_share, savings

OURS = [Rated("low", 200, 60), Rated("middle", 400, 80), Rated("top", 1600, 96)]
CASES = [  # id, fixed rung's rate and VMAF, verdict, what ours need
    pytest.param(500, 80, Verdict.BETTER, 400, id="on-a-rung"),
    pytest.param(400, 70, Verdict.BETTER, 282.84, id="between-two-by-the-logarithm"),
    pytest.param(250, 70, Verdict.WORSE, 282.84, id="ours-need-more"),
    pytest.param(3000, 98, Verdict.UNSEEN, None, id="above-what-is-seen"),
    pytest.param(1500, 98, Verdict.WORSE, None, id="better-than-our-best-for-less"),
    pytest.param(300, 50, Verdict.BETTER, 200, id="our-lowest-is-better-and-cheaper"),
    pytest.param(150, 50, Verdict.BELOW, None, id="below-all-our-rungs"),
]


@pytest.mark.parametrize(("bps", "vmaf", "verdict", "needed"), CASES)
def test_a_fixed_rung_is_judged_at_its_own_quality(
    bps: float, vmaf: float, verdict: Verdict, needed: float | None
) -> None:
    (saving,) = savings([Rated("fixed", bps, vmaf)], OURS)
    assert saving.verdict is verdict
    assert saving.bps == (None if needed is None else pytest.approx(needed, abs=0.01))


def test_the_median_counts_only_rungs_that_both_ladders_have() -> None:
    fixed = [Rated("a", 800, 80), Rated("b", 500, 80), Rated("c", 400, 80), Rated("d", 9000, 99)]
    assert median_share(savings(fixed, OURS)) == pytest.approx(0.2)
