"""BBA-0: a linear map from buffer to bit rate, left only when it reaches a neighbouring rung.

Huang et al., "A Buffer-Based Approach to Rate Adaptation", SIGCOMM 2014, algorithm 1; the map spans the
buffer between two shares of its size.
"""

from __future__ import annotations

from dataclasses import dataclass

from player_sim.abr.base import PlayerState


@dataclass(frozen=True, slots=True, kw_only=True)
class Bba0:
    reservoir: float = 0.1  # shares of the maximum buffer
    upper: float = 0.9

    def choose(self, state: PlayerState) -> int:
        rates = [rung.average_bps for rung in state.ladder]
        top, last = len(rates) - 1, state.last or 0
        level = (state.buffer_s / state.max_buffer_s - self.reservoir) / (self.upper - self.reservoir)
        if level <= 0:
            return 0
        if level >= 1:
            return top
        suggested_bps = rates[0] + level * (rates[top] - rates[0])
        if last < top and suggested_bps >= rates[last + 1]:
            return max(index for index, rate in enumerate(rates) if rate <= suggested_bps)
        if last > 0 and suggested_bps <= rates[last - 1]:
            return min(index for index, rate in enumerate(rates) if rate >= suggested_bps)
        return last
