"""The table that people read; the JSON is tested where the command is."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

from rich.console import Console

from player_sim.abr.throughput import Throughput
from player_sim.report import is_success, session_table
from player_sim.session import PlayerSettings
from player_sim.traces import constant
from player_sim.virtual_driver import simulate
from tests.player_sim.titles import movie


def test_the_table_has_a_row_for_each_session_and_one_of_means() -> None:
    good = simulate(movie(), Throughput(), constant(1.2e6), PlayerSettings())
    bad = replace(good, failure="the edge is gone", startup_delay_s=None)
    out = StringIO()
    Console(file=out, width=160).print(session_table([good, bad]))
    rows = [line.replace("│", " ").split() for line in out.getvalue().splitlines()]
    cells = {row[0]: row[1:] for row in rows if len(row) > 1}
    assert cells["1"] == ["3.33", "0", "0.0", "1000", "0", "1.00", "played"]
    assert cells["2"] == ["-", "0", "0.0", "1000", "0", "1.00", "the", "edge", "is", "gone"]
    assert cells["mean"][0] == "3.33"
    assert (is_success([good]), is_success([good, bad])) == (True, False)
