"""Throughput rule: the highest rung that arrives within its own duration (sabre's THROUGHPUT)."""

from __future__ import annotations

from dataclasses import dataclass

from player_sim.abr.base import PlayerState


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    safety: float = 0.9  # share of the estimate that is trusted

    def choose(self, state: PlayerState) -> int:
        """The highest rung whose peak rate fits, when latency eats its share of each segment's time."""
        if state.throughput_bps is None:
            return 0
        return highest_sustainable(state, self.safety * state.throughput_bps)


def highest_sustainable(state: PlayerState, throughput_bps: float) -> int:
    """The highest rung with latency + size / throughput within a segment's duration; 0 if none."""
    usable_share = 1 - state.latency_s / state.segment_duration_s
    budget_bps = throughput_bps * usable_share
    affordable = [index for index, rung in enumerate(state.ladder) if rung.peak_bps <= budget_bps]
    return affordable[-1] if affordable else 0
