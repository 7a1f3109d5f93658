"""BBA's thresholds, on four rungs: 0 below 5 s, the top from 15 s on, int(3 (B - 5) / 10) between."""

from __future__ import annotations

import pytest

from player_sim.abr.bba import Bba
from tests.player_sim.abr.states import ladder, state


@pytest.mark.parametrize(
    ("buffer_s", "rung"),
    [(0, 0), (4.99, 0), (5, 0), (8.33, 0), (8.34, 1), (11.66, 1), (11.67, 2), (14.99, 2), (15, 3), (25, 3)],
)
def test_the_buffer_alone_picks_the_rung(buffer_s: float, rung: int) -> None:
    for throughput_bps in (None, 1e3, 1e9):
        assert Bba().choose(state(buffer_s=buffer_s, throughput_bps=throughput_bps)) == rung


def test_six_rungs_of_pensieve_step_every_two_seconds() -> None:
    six = ladder(300_000, 750_000, 1_200_000, 1_850_000, 2_850_000, 4_300_000)
    assert [Bba().choose(state(ladder=six, buffer_s=b)) for b in (6.9, 7, 8.9, 9, 11, 13, 14.9, 15)] == [
        0, 1, 1, 2, 3, 4, 4, 5,
    ]  # fmt: skip
