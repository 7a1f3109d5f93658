"""BBA-0 by hand: 25 s of buffer, so the map runs from 1 Mbit/s at 2.5 s to 8 Mbit/s at 22.5 s."""

from __future__ import annotations

import pytest

from player_sim.abr.bba0 import Bba0
from tests.player_sim.abr.states import state

CASES = [  # buffer, rung before, rung; f(B) = 1 + 7 (B - 2.5) / 20 Mbit/s
    pytest.param(2.5, 3, 0, id="in-the-reservoir-the-lowest"),
    pytest.param(22.5, 0, 3, id="in-the-upper-reservoir-the-highest"),
    pytest.param(5.0, 0, 0, id="1.875-does-not-reach-the-2-above"),
    pytest.param(5.4, 0, 1, id="2.015-reaches-it"),
    pytest.param(12.5, 1, 2, id="4.5-from-2-goes-to-4"),
    pytest.param(12.5, 2, 2, id="4.5-stays-at-4"),
    pytest.param(12.5, 3, 3, id="4.5-is-not-down-at-the-4-below-8"),
    pytest.param(11.0, 3, 2, id="3.975-from-8-falls-to-4"),
    pytest.param(5.0, 3, 1, id="1.875-from-8-falls-to-2"),
    pytest.param(12.5, None, 2, id="the-first-choice-is-as-from-the-lowest"),
]


@pytest.mark.parametrize(("buffer_s", "last", "rung"), CASES)
def test_the_rung_is_left_only_when_the_map_reaches_a_neighbour(
    buffer_s: float, last: int | None, rung: int
) -> None:
    assert Bba0().choose(state(buffer_s=buffer_s, last=last)) == rung
