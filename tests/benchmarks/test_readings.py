"""The table of a comparison: medians, the better peer, the limit, and ratios within rounds."""

from __future__ import annotations

import pytest

from benchmarks.readings import LIMIT, Reading, paired_ratio, ratio, table


def rounds(**costs_us: list[float]) -> list[Reading]:
    """Readings of one size; each server's CPU per request, round by round, at 1000 requests/s."""
    return [
        Reading(number, LIMIT if server == "limit" else server, "1 KiB", 1000.0, cost_us)
        for server, costs in costs_us.items()
        for number, cost_us in enumerate(costs)
    ]


def per_cpu_s(reading: Reading) -> float:
    return reading.requests_per_cpu_s


def test_our_median_is_held_against_the_best_of_the_others() -> None:
    readings = rounds(penstock=[5, 10, 90], nginx=[20, 20, 20], varnish=[15, 15, 1])
    assert ratio(readings, per_cpu_s) == pytest.approx(1.5)


def test_a_round_in_which_the_machine_is_slow_moves_no_paired_ratio() -> None:
    readings = rounds(penstock=[5, 50, 5], nginx=[10, 100, 10])
    assert paired_ratio(readings, per_cpu_s) == pytest.approx(2)


def test_the_limit_is_no_peer() -> None:
    lines = table(rounds(penstock=[5], nginx=[10], limit=[4])).splitlines()
    assert lines[0].count("|") == lines[1].count("|") == lines[2].count("|")
    cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert cells == [
        "1 KiB",
        "1.0 k/s, 5.0 µs",
        "1.0 k/s, 10.0 µs",
        "1.0 k/s, 4.0 µs",
        "1.00",
        "2.00",
        "0.80",
    ]


def test_paired_ratios_stand_in_brackets() -> None:
    assert table(rounds(penstock=[5, 9, 5], nginx=[10, 10, 20]), is_paired=True).endswith("2.00 (2.00) |")


def test_alone_a_server_has_no_ratio() -> None:
    assert table(rounds(penstock=[5])).splitlines()[2] == "| 1 KiB | 1.0 k/s, 5.0 µs |"
