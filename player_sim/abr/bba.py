"""BBA as Pensieve's evaluation has it: the buffer alone picks the rung, linearly over the ladder's indices.

After Huang et al., "A Buffer-Based Approach to Rate Adaptation", SIGCOMM 2014.
"""

from __future__ import annotations

from dataclasses import dataclass

from player_sim.abr.base import PlayerState


@dataclass(frozen=True, slots=True, kw_only=True)
class Bba:
    reservoir_s: float = 5.0  # below it: the lowest rung
    cushion_s: float = 10.0  # above reservoir and cushion: the highest

    def choose(self, state: PlayerState) -> int:
        top = len(state.ladder) - 1
        if state.buffer_s < self.reservoir_s:
            return 0
        if state.buffer_s >= self.reservoir_s + self.cushion_s:
            return top
        return int(top * (state.buffer_s - self.reservoir_s) / self.cushion_s)
