"""Trace formats and generators."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from player_sim.network import Period, Trace, TraceError
from player_sim.trace_file import load_network
from player_sim.traces import constant, parse_constant, parse_trace, random_walk, steps
from tests.needs import shared

FORMATS = [
    pytest.param(
        '[{"duration_ms": 1500, "bandwidth_kbps": 800, "latency_ms": 20}]',
        [(1.5, 800e3, 0.02)],
        id="sabre",
    ),
    pytest.param("0.0\t9.9\n0.5\t4.0\n2.0 1.0\n", [(0.5, 4e6, 0.08), (1.5, 1e6, 0.08)], id="pensieve"),
    pytest.param("7.5 9.9\n8.5 2.0\n", [(1.0, 2e6, 0.08)], id="pensieve-that-does-not-start-at-0"),
    pytest.param(
        "t_s,dl_kbps,network_mode\n0,7,5G\n1,10,5G\n1,20,LTE\n4,300,5G\n",
        [(1, 7e3, 0), (3, 15e3, 0), (1, 300e3, 0)],
        id="csv-with-two-rows-in-a-second",
    ),
]


@pytest.mark.parametrize(("text", "periods"), FORMATS)
def test_each_format_is_known_by_its_look(text: str, periods: list[tuple[float, float, float]]) -> None:
    assert parse_trace(text, "a.trace").periods == tuple(Period(*period) for period in periods)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[]",
        '[{"duration_ms": 5}]',
        "{}",
        "[1, 2]",
        "t_s,dl_kbps\n",
        "t_s,rate\n1,2\n",
        "0 1\n0 2\n",
    ],
)
def test_what_is_not_a_trace_is_refused_in_one_line_that_names_it(text: str) -> None:
    with pytest.raises(TraceError, match=r"^some\.trace: ") as refusal:
        parse_trace(text, "some.trace")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "bandwidth_bps"),
    [
        ("5Mbps", 5e6),
        ("1.5 Mbit/s", 1.5e6),
        ("800kbps", 8e5),
        ("1Gbps", 1e9),
        ("2mbps", 2e6),
        ("5", None),
        ("5MB", None),
    ],
)
def test_a_rate_is_written_with_its_unit(text: str, bandwidth_bps: float | None) -> None:
    trace = parse_constant(text)
    assert (trace.periods[0].bandwidth_bps if trace else None) == bandwidth_bps


def test_the_network_of_a_command_is_a_rate_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "bus"
    file.write_text("0 1\n2 3\n")
    assert load_network("3Mbps").periods == constant(3e6).periods
    assert load_network(str(file)).periods == (Period(2.0, 3e6, 0.08),)
    with pytest.raises(TraceError, match="give a rate such as 5Mbps, or a trace file"):
        load_network("5MBps")


def test_steps_follow_each_other() -> None:
    assert steps([(2, 1e6), (3, 2e6)], latency_s=0.1).periods == (Period(2, 1e6, 0.1), Period(3, 2e6, 0.1))


def test_a_random_walk_is_the_same_for_the_same_seed_and_stays_within_its_limits() -> None:
    def walk(seed: int) -> Trace:
        return random_walk(random.Random(seed), low_bps=1e6, high_bps=5e6, count=500)

    assert walk(7).periods == walk(7).periods != walk(8).periods
    rates = [period.bandwidth_bps for period in walk(7).periods]
    assert 1e6 <= min(rates) < max(rates) <= 5e6


@pytest.mark.parametrize("folder", ["norway-3g", "fcc-hd", "pensieve-norway-test", "oboe", "irish-5g"])
def test_published_traces_are_read_to_the_duration_and_mean_that_are_known_of_them(folder: str) -> None:
    manifest = shared("net-traces/manifest.csv").read_text().splitlines()
    columns = manifest[0].split(",")
    rows = [dict(zip(columns, line.split(","), strict=True)) for line in manifest[1:]]
    checked = 0
    for row in rows:
        if row["dir"] == folder:
            trace = load_network(str(shared(f"net-traces/{folder}/{row['file']}")))
            assert trace.loop_s == pytest.approx(float(row["duration_s"]), abs=1.0)
            assert trace.loop_bits / trace.loop_s / 1e3 == pytest.approx(float(row["mean_kbps"]), rel=0.01)
            checked += 1
    assert checked
