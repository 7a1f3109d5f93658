from __future__ import annotations

from itertools import pairwise
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.analysis.curves import Point
from encoder.analysis.hull import frontier, hull, rate_at
from tests.encoder.analysis.titles import point

POINTS = st.lists(
    st.builds(point, st.sampled_from([234, 360, 720]), st.integers(50, 9000), st.floats(0, 100)), min_size=1
)


def test_the_frontier_leaves_out_what_another_beats() -> None:
    good, dear, poor, best = (
        point(360, 500, 70),
        point(720, 600, 65),
        point(360, 500, 60),
        point(720, 900, 90),
    )
    assert frontier([dear, best, poor, good]) == (good, best)


def test_of_equals_the_smaller_size_stays() -> None:
    assert frontier([point(720, 500, 70), point(360, 500, 70)]) == (point(360, 500, 70),)


def test_the_hull_leaves_out_what_a_mixture_of_two_beats() -> None:
    low, dent, high = point(360, 100, 40), point(360, 200, 50), point(720, 400, 80)
    assert frontier([low, dent, high]) == (low, dent, high)
    assert hull([low, dent, high]) == (low, high)


@given(POINTS)
def test_a_hull_is_concave_and_above_every_point(points: list[Point]) -> None:
    found = hull(points)
    slopes = [(high.vmaf - low.vmaf) / log(high.bps / low.bps) for low, high in pairwise(found)]
    assert all(steep >= flat - 1e-9 for steep, flat in pairwise(slopes))
    assert set(found) <= set(frontier(points)) <= set(points)
    for each in points:
        rate = rate_at(found, each.vmaf)
        assert rate is None or rate <= each.bps * (1 + 1e-9)


def test_a_rate_is_read_off_the_line_and_not_beyond_it() -> None:
    line = [point(360, 100, 40), point(720, 400, 80)]
    assert rate_at(line, 60) == pytest.approx(200_000)
    assert rate_at(line, 80) == pytest.approx(400_000)
    assert rate_at(line, 81) is None
    assert rate_at(line, 39) is None
