"""BOLA: a Lyapunov trade-off between utility and buffer, with the up-switch bound of BOLA-U.

Spiteri, Urgaonkar, Sitaraman, "BOLA: Near-Optimal Bitrate Adaptation for Online Videos", arXiv 1601.06748;
parameters as in sabre's BOLA basic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from player_sim.abr.base import PlayerState
from player_sim.abr.throughput import highest_sustainable


@dataclass(frozen=True, slots=True, kw_only=True)
class Bola:
    gamma_p: float = 5.0  # how much playing smoothly is worth against utility

    def choose(self, state: PlayerState) -> int:
        chosen, last = self.by_buffer(state), state.last or 0
        if chosen <= last or state.throughput_bps is None:
            return chosen
        sustainable = highest_sustainable(state, state.throughput_bps)
        if chosen <= sustainable:
            return chosen
        # Going up, at most one rung above what the link sustains: a full buffer shall not oscillate far.
        return last if last > sustainable else sustainable + 1

    def by_buffer(self, state: PlayerState) -> int:
        """The rung of the highest score (Vp (u + gp) - B) / b, the lowest of equals."""
        lowest_bps = state.ladder[0].average_bps
        utilities = [math.log(rung.average_bps / lowest_bps) for rung in state.ladder]
        room_s = max(0.0, state.max_buffer_s - state.segment_duration_s)
        vp = room_s / (utilities[-1] + self.gamma_p)
        scores = [
            (vp * (utility + self.gamma_p) - state.buffer_s) / rung.average_bps
            for utility, rung in zip(utilities, state.ladder, strict=True)
        ]
        return scores.index(max(scores))
