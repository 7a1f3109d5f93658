"""Estimators against closed forms."""

from __future__ import annotations

import pytest

from player_sim.estimator import ESTIMATORS, Ewma, HarmonicMean


@pytest.mark.parametrize("name", ESTIMATORS)
def test_nothing_is_believed_before_the_first_download(name: str) -> None:
    assert ESTIMATORS[name](4.0).throughput_bps is None


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_steady_link_is_estimated_as_it_is(name: str) -> None:
    estimator = ESTIMATORS[name](4.0)
    for size_bytes in (10_000, 1_000_000, 300_000):
        estimator.add(size_bytes, size_bytes * 8 / 3e6, 0.0)
    assert estimator.throughput_bps == pytest.approx(3e6)


def test_after_one_download_the_average_is_that_download() -> None:
    estimator = Ewma(4.0)
    estimator.add(1_000_000, 2.0, 0.08)
    assert estimator.throughput_bps == pytest.approx(4e6)
    assert estimator.latency_s == pytest.approx(0.08)


def test_the_more_cautious_half_life_wins_in_both_directions() -> None:
    """Two samples of the same duration d: weights 2^(-d/h) (1 - 2^(-d/h)) and 1 - 2^(-d/h), normalised."""

    def closed_form(first: float, second: float, duration_s: float, half_life_s: float) -> float:
        kept = 2 ** (-duration_s / half_life_s)
        return (first * kept + second) / (kept + 1)

    for first_bps, second_bps in ((8e6, 2e6), (2e6, 8e6)):
        estimator = Ewma(4.0)
        estimator.add(first_bps * 2 / 8, 2.0, 0.1)
        estimator.add(second_bps * 2 / 8, 2.0, 0.3)
        expected = min(closed_form(first_bps, second_bps, 2.0, half_life) for half_life in (3.0, 8.0))
        assert estimator.throughput_bps == pytest.approx(expected)
        slowest = max(closed_form(0.1, 0.3, 4.0, half_life) for half_life in (3.0, 8.0))
        assert estimator.latency_s == pytest.approx(slowest)


def test_the_harmonic_mean_is_of_the_last_five_and_counts_latency() -> None:
    estimator = HarmonicMean()
    for mbps in (100, 1, 2, 4, 4, 4):
        estimator.add(mbps * 1e6 / 8, 0.75, 0.25)  # a second each, so `mbps` in all
    assert estimator.throughput_bps == pytest.approx(5 / (1 + 1 / 2 + 3 / 4) * 1e6)
