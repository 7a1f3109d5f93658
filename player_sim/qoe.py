"""Quality of experience of one session, from what it left behind.

QoE_lin is that of Pensieve (Mao et al., SIGCOMM 2017; from Yin et al., SIGCOMM 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from player_sim.result import SegmentRecord, SessionResult


@dataclass(frozen=True, slots=True, kw_only=True)
class QoeWeights:
    """What a viewer minds, in Mbit/s of one segment."""

    stall_per_s: float = 4.3
    change_per_mbps: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Qoe:
    """Bit rates are those of the renditions on average, over the video that was played."""

    startup_delay_s: float | None  # None: playback never started
    played_s: float
    stall_count: int
    stall_s: float  # after the start of playback
    rebuffer_ratio: float  # stalled share of the time after startup
    mean_bitrate_bps: float  # weighted by time played
    switches: int  # between consecutive segments
    mean_change_bps: float  # mean |ΔR| over consecutive segments
    qoe_lin: float  # mean per segment; the startup delay is left out of it


def qoe_of(result: SessionResult, weights: QoeWeights = QoeWeights()) -> Qoe:
    played = [record for record in result.video if record.media_start_s < result.played_s]
    rates = [record.rendition.average_bps for record in played]
    changes = [abs(after - before) for before, after in pairwise(rates)]
    stall_s = sum(stall.duration_s for stall in result.stalls)
    watched_s = result.played_s + stall_s
    return Qoe(
        startup_delay_s=result.startup_delay_s,
        played_s=result.played_s,
        stall_count=len(result.stalls),
        stall_s=stall_s,
        rebuffer_ratio=stall_s / watched_s if watched_s else 0.0,
        mean_bitrate_bps=_time_weighted_bps(played, result.played_s),
        switches=sum(after.rung != before.rung for before, after in pairwise(played)),
        mean_change_bps=sum(changes) / len(changes) if changes else 0.0,
        qoe_lin=qoe_lin(rates, stall_s, weights) / len(rates) if rates else 0.0,
    )


def qoe_lin(
    rates_bps: Sequence[float],
    stall_s: float,
    weights: QoeWeights = QoeWeights(),
) -> float:
    """The sum over segments: Σ R - stall_per_s · stalled - change_per_mbps · Σ |ΔR|, R in Mbit/s."""
    change_bps = sum(abs(after - before) for before, after in pairwise(rates_bps))
    gain = sum(rates_bps) - weights.change_per_mbps * change_bps
    return gain / 1e6 - weights.stall_per_s * stall_s


def _time_weighted_bps(played: Sequence[SegmentRecord], until_s: float) -> float:
    seconds = [min(record.duration_s, until_s - record.media_start_s) for record in played]
    weighted = sum(
        record.rendition.average_bps * duration_s for record, duration_s in zip(played, seconds, strict=True)
    )
    return weighted / sum(seconds) if played else 0.0
