"""A session's records as the lines of its plot."""

from __future__ import annotations

from lab.outcome import PlayedSession, outcome_of
from lab.plots import SessionLines
from media.ladders import ladders
from media.presentation import Presentation
from player_sim.network import Trace
from player_sim.result import SegmentRecord


def session_lines(presentation: Presentation, session: PlayedSession) -> SessionLines:
    result = session.result
    video = result.video
    link_at_s, link_bps = _link(session.trace, result.end_s)
    levels = [(at, buffer_s) for record in video for at, buffer_s in _buffer_points(record)]
    return SessionLines(
        requested_s=[record.requested_s for record in video],
        bitrate_bps=[record.rendition.average_bps for record in video],
        outcomes=[outcome_of(record) for record in video],
        buffer_at_s=[at for at, _ in levels] + [result.end_s],
        buffer_s=[buffer_s for _, buffer_s in levels] + [0.0],
        link_at_s=link_at_s,
        link_bps=link_bps,
        stalls=[(stall.start_s, stall.start_s + stall.duration_s) for stall in result.stalls],
        ladder_bps=[rung.rendition.peak_bps for rung in next(iter(ladders(presentation.video)), [])],
    )


def _buffer_points(record: SegmentRecord) -> list[tuple[float, float]]:
    before_s = max(0.0, record.buffer_after_s - record.duration_s)
    return [
        (record.requested_s, record.buffer_before_s),
        (record.completed_s, before_s),
        (record.completed_s, record.buffer_after_s),
    ]


def _link(trace: Trace, until_s: float) -> tuple[list[float], list[float]]:
    """The link's bandwidth as steps, the trace wrapped as the player wraps it."""
    at_s: list[float] = []
    rates: list[float] = []
    now_s = 0.0
    while now_s < until_s:
        for period in trace.periods:
            at_s.append(now_s)
            rates.append(period.bandwidth_bps)
            now_s += period.duration_s
            if now_s >= until_s:
                break
    return [*at_s, until_s], [*rates, rates[-1]]
