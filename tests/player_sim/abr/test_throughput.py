"""The throughput rule at its edges: rungs of 1, 2, 4 and 8 Mbit/s, nine tenths of the estimate trusted."""

from __future__ import annotations

import pytest

from player_sim.abr.throughput import Throughput
from tests.player_sim.abr.states import state

CASES = [  # throughput, latency, rung
    pytest.param(None, 0.0, 0, id="nothing-known"),
    pytest.param(0.0, 0.0, 0, id="a-dead-link"),
    pytest.param(2e6, 0.0, 0, id="2-Mbps-does-not-sustain-a-rung-of-2"),
    pytest.param(2.22e6, 0.0, 0, id="nor-do-2.22"),
    pytest.param(2.23e6, 0.0, 1, id="2.23-do"),
    pytest.param(9e6, 0.0, 3, id="enough-for-the-top"),
    pytest.param(9e6, 0.4, 2, id="a-latency-of-a-tenth-costs-a-tenth"),
    pytest.param(9e6, 4.0, 0, id="latency-eats-it-all"),
    pytest.param(9e6, 9.0, 0, id="latency-beyond-a-segment"),
]


@pytest.mark.parametrize(("throughput_bps", "latency_s", "rung"), CASES)
def test_the_highest_rung_that_the_link_sustains(
    throughput_bps: float | None, latency_s: float, rung: int
) -> None:
    assert Throughput().choose(state(throughput_bps=throughput_bps, latency_s=latency_s)) == rung
