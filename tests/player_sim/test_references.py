"""Decision by decision against published simulators; needs their results, which stay outside the project."""

from __future__ import annotations

import csv
from functools import cache
from itertools import pairwise
from math import ceil

import pytest

from player_sim.abr import PlayerState
from player_sim.abr.bba import Bba
from player_sim.abr.bola import Bola
from player_sim.movies import parse_movie
from player_sim.network import Period, Trace
from player_sim.qoe import qoe_lin
from player_sim.result import SessionResult
from player_sim.schedule import Schedule, schedule_of
from player_sim.session import PlayerSettings, Request, Session, Wait
from player_sim.trace_file import load_network
from player_sim.virtual_driver import simulate
from tests.needs import shared


@cache
def title(name: str) -> Schedule:
    return schedule_of(parse_movie(shared(f"net-traces/movies/{name}").read_text(), name))


def reference(name: str, **wanted: str) -> list[dict[str, str]]:
    with shared(f"net-traces/reference/{name}").open(newline="") as file:
        return [row for row in csv.DictReader(file) if wanted.items() <= row.items()]


def test_bola_basic_decides_as_sabre_does() -> None:
    """Sabre starts to play with the first segment and has no resume threshold; `-a bola -ab`."""
    rows = reference("sabre_decisions.csv", alg="bola_basic")
    for row in rows:
        trace = load_network(str(shared(f"net-traces/{row['trace_dir']}/{row['trace']}")))
        settings = PlayerSettings(max_buffer_s=float(row["max_buffer_s"]), startup_s=0.0, resume_s=0.0)
        result = simulate(title(row["movie"]), Bola(), trace, settings)
        rungs = "".join(str(record.rung) for record in result.segments)
        assert rungs == row["qualities"], (row["trace"], row["max_buffer_s"])
    assert len(rows) >= 16


CHUNKS = 48
ROUND_TRIP_S = 0.08


class FromTheSecondRung(Bba):
    """Pensieve's evaluations start every session at 750 kbit/s."""

    def choose(self, state: PlayerState) -> int:
        return 1 if state.last is None else super().choose(state)


def play_in_pensieve_environment(trace: Trace) -> SessionResult:
    """Its link keeps a clock of its own: the round trip is added to each download but passes no trace time.

    Above 60 s of buffer (64 with the segment that comes next) it sleeps in steps of half a second.
    """
    settings = PlayerSettings(max_buffer_s=64.0, startup_s=0.0, resume_s=0.0, duration_s=CHUNKS * 4.0)
    session = Session(title("envivio_pensieve.json"), FromTheSecondRung(), settings)
    now_s = trace_s = 0.0
    while len(session.records) < CHUNKS:
        action = session.next_action(now_s)
        if isinstance(action, Wait):
            slept_s = ceil((action.until_s - now_s) / 0.5) * 0.5
            now_s, trace_s = now_s + slept_s, trace_s + slept_s
            continue
        assert isinstance(action, Request)
        size_bytes = action.segment.size_bytes or 0
        end_s = trace.end_s(trace_s, size_bytes)
        now_s, trace_s = now_s + ROUND_TRIP_S + end_s - trace_s, end_s
        session.completed(now_s, size_bytes)
    return session.result(now_s)


def test_bba_decides_as_in_142_runs_of_pensieves_environment_and_sums_up_as_the_published_logs() -> None:
    """The decisions are those of a re-run of the environment; the logs are published with summaries only."""
    rows = reference("pensieve_env_rerun.csv", alg="bba_5_10", trace_dir="pensieve-norway-test")
    published_logs = {row["trace"]: row for row in reference("pensieve_env_published_logs.csv", alg="bb")}
    means = []
    for row in rows:
        published = load_network(str(shared(f"net-traces/{row['trace_dir']}/{row['trace']}")))
        # The environment grants 95 % of the trace to the payload.
        trace = Trace(
            [Period(period.duration_s, period.bandwidth_bps * 0.95) for period in published.periods]
        )
        result = play_in_pensieve_environment(trace)
        assert "".join(str(record.rung) for record in result.segments) == row["levels"], row["trace"]
        stalled_s = sum(stall.duration_s for stall in result.stalls)
        assert stalled_s == pytest.approx(float(row["rebuffer_s_excl_first"]), abs=1e-5)
        rates = [record.rendition.average_bps for record in result.segments]
        # Without the first chunk, but with the switch from it.
        mean = (qoe_lin(rates, stalled_s) - rates[0] / 1e6) / (CHUNKS - 1)
        switches = sum(before != after for before, after in pairwise(rates))
        for summary in (row, published_logs[row["trace"]]):
            assert mean == pytest.approx(float(summary["qoe_lin_mean_excl_first"]), abs=1e-5)
            assert switches == int(summary["switches"])
        means.append(mean)
    assert len(means) == 142
    assert sum(means) / len(means) == pytest.approx(0.639, abs=0.0005)
