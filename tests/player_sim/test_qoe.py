"""QoE numbers by hand."""

from __future__ import annotations

import pytest

from player_sim.playback import Kind, Stall
from player_sim.qoe import QoeWeights, qoe_lin, qoe_of
from player_sim.result import SegmentRecord, SessionResult
from tests.player_sim.titles import LADDER_BPS, movie


def record(index: int, rung: int, duration_s: float = 4.0) -> SegmentRecord:
    return SegmentRecord(
        kind=Kind.VIDEO,
        index=index,
        rung=rung,
        rendition=movie().video[rung].rendition,
        media_start_s=4.0 * index,
        duration_s=duration_s,
        size_bytes=1,
        requested_s=0.0,
        first_byte_s=0.0,
        completed_s=0.0,
        buffer_before_s=0.0,
        buffer_after_s=0.0,
        estimate_bps=None,
    )


def session(*rungs: int, played_s: float, stalls: tuple[Stall, ...] = ()) -> SessionResult:
    return SessionResult(
        start_s=0.0,
        end_s=100.0,
        startup_delay_s=1.5,
        played_s=played_s,
        stalls=stalls,
        segments=tuple(record(index, rung) for index, rung in enumerate(rungs)),
    )


def test_a_session_by_hand() -> None:
    """Rates 1, 2, 2, 4 Mbit/s: |ΔR| = 1 + 0 + 2; stalls of 1 and 3 s beside 16 s of playback."""
    stalls = (Stall(2.0, 3.0, 1.0), Stall(5.0, 8.0, 3.0))
    qoe = qoe_of(session(0, 1, 1, 2, played_s=16.0, stalls=stalls))
    assert (qoe.startup_delay_s, qoe.played_s, qoe.stall_count, qoe.stall_s) == (1.5, 16.0, 2, 4.0)
    assert qoe.rebuffer_ratio == pytest.approx(4 / 20)
    assert qoe.mean_bitrate_bps == pytest.approx(9e6 / 4)
    assert qoe.switches == 2
    assert qoe.mean_change_bps == pytest.approx(1e6)
    assert qoe.qoe_lin == pytest.approx((9 - 4.3 * 4 - 3) / 4)


def test_what_was_downloaded_but_not_played_does_not_count() -> None:
    """Ten seconds of 1, 2, 4 and 4 Mbit/s: 4, 4 and 2 s of the first three."""
    qoe = qoe_of(session(0, 1, 2, 2, played_s=10.0))
    assert qoe.mean_bitrate_bps == pytest.approx((4 * 1e6 + 4 * 2e6 + 2 * 4e6) / 10)
    assert qoe.switches == 2
    assert qoe.mean_change_bps == pytest.approx(1.5e6)


def test_a_session_that_never_played_has_nothing_to_show() -> None:
    qoe = qoe_of(session(played_s=0.0))
    assert (qoe.mean_bitrate_bps, qoe.rebuffer_ratio, qoe.switches, qoe.qoe_lin) == (0.0, 0.0, 0, 0.0)


def test_one_segment_has_no_change() -> None:
    qoe = qoe_of(session(2, played_s=4.0))
    assert qoe.mean_change_bps == 0
    assert qoe.qoe_lin == pytest.approx(LADDER_BPS[2] / 1e6)


def test_the_weights_of_qoe_lin_are_parameters() -> None:
    rates = [1e6, 3e6]
    assert qoe_lin(rates, 0.5) == pytest.approx(4 - 4.3 * 0.5 - 2)
    assert qoe_lin(rates, 0.5, QoeWeights(stall_per_s=2.66, change_per_mbps=0.5)) == pytest.approx(
        4 - 1.33 - 1
    )
