"""Plays a session in virtual time, alone on a trace-driven link: a day passes in seconds."""

from __future__ import annotations

from media.presentation import Presentation
from player_sim.abr.base import AbrRule
from player_sim.network import Trace
from player_sim.result import SessionResult
from player_sim.schedule import Schedule, schedule_of
from player_sim.session import Done, PlayerSettings, Session, Wait


def simulate(
    title: Presentation | Schedule, rule: AbrRule, trace: Trace, settings: PlayerSettings
) -> SessionResult:
    """Play all of `title` from second 0 of the trace. For many sessions of one title, pass its Schedule."""
    schedule = schedule_of(title) if isinstance(title, Presentation) else title
    session = Session(schedule, rule, settings)
    now_s = 0.0
    while True:
        action = session.next_action(now_s)
        if isinstance(action, Done):
            return session.result(now_s)
        if isinstance(action, Wait):
            now_s = action.until_s
            continue
        if action.init is not None:
            now_s = trace.transfer(now_s, action.init.size_bytes or 0).end_s
            session.attempt(now_s)
        size_bytes = action.lane.expected_bytes[action.index][action.rung]
        transfer = trace.transfer(now_s, size_bytes)
        session.first_byte(transfer.first_byte_s)
        now_s = transfer.end_s
        session.completed(now_s, size_bytes)
