"""BOLA by hand: rungs 1, 2, 4, 8; u = 0, ln 2, ln 4, ln 8; Vp = (25 - 4) / (ln 8 + 5) = 2.9664.

Rung i overtakes rung i - 1 (half its rate) where Vp (u + gp) - B halves: at B = Vp (5 + (i - 1) ln 2 - ln 2),
that is 12.776, 14.832 and 16.888 s.
"""

from __future__ import annotations

from math import log

import pytest

from player_sim.abr.bola import Bola
from tests.player_sim.abr.states import ladder, state


@pytest.mark.parametrize(
    ("buffer_s", "rung"),
    [(0, 0), (12.77, 0), (12.78, 1), (14.82, 1), (14.84, 2), (16.88, 2), (16.89, 3), (25, 3)],
)
def test_the_buffer_decides_when_the_link_is_fast(buffer_s: float, rung: int) -> None:
    assert Bola().choose(state(buffer_s=buffer_s, throughput_bps=1e9)) == rung


def test_the_score_is_that_of_the_paper() -> None:
    vp = 21 / (log(8) + 5)
    for buffer_s in (1.0, 12.9, 14.0, 15.5, 17.0, 23.0):
        scores = [(vp * (log(rate) + 5) - buffer_s) / rate for rate in (1, 2, 4, 8)]
        assert Bola().by_buffer(state(buffer_s=buffer_s)) == scores.index(max(scores))


CASES = [  # rung before, throughput, rung; the buffer alone says the top
    pytest.param(0, 8e6, 3, id="the-link-sustains-it"),
    pytest.param(0, 3e6, 2, id="one-above-what-the-link-sustains"),
    pytest.param(0, 5e5, 1, id="one-above-the-lowest-on-a-slow-link"),
    pytest.param(2, 3e6, 2, id="above-the-link-already-no-further-up"),
    pytest.param(1, 3e6, 2, id="at-the-link-one-up"),
    pytest.param(3, 5e5, 3, id="staying-is-not-going-up"),
]


@pytest.mark.parametrize(("last", "throughput_bps", "rung"), CASES)
def test_going_up_is_bounded_by_the_link(last: int, throughput_bps: float, rung: int) -> None:
    assert Bola().choose(state(buffer_s=24.0, last=last, throughput_bps=throughput_bps)) == rung


def test_going_down_is_not_bounded() -> None:
    assert Bola().choose(state(buffer_s=0.0, last=3, throughput_bps=1e9)) == 0


def test_a_buffer_of_less_than_a_segment_keeps_to_the_lowest_rung() -> None:
    assert Bola().choose(state(max_buffer_s=3.0, buffer_s=0.0, throughput_bps=1e9)) == 0


def test_one_rung_needs_no_choice() -> None:
    assert Bola().choose(state(ladder=ladder(5_000_000), buffer_s=20.0, throughput_bps=1e3)) == 0
