"""Throughput estimators: what a player believes of the link after the downloads it has seen."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


class Estimator(Protocol):
    """Fed with each completed download; both answers are about the next one."""

    @property
    def throughput_bps(self) -> float | None:
        """None until something was downloaded."""

    @property
    def latency_s(self) -> float: ...

    def add(self, size_bytes: float, transfer_s: float, latency_s: float) -> None:
        """A download of `size_bytes` in `transfer_s` from its first byte on, which came after `latency_s`."""


@dataclass(slots=True)
class Ewma:
    """The more cautious of a fast and a slow moving average (sabre and dash.js; half-lives 3 s and 8 s).

    Throughput samples weigh by the time they took, latency samples by the media time of one segment each;
    both are corrected for the start from nothing.
    """

    segment_duration_s: float
    half_lives_s: tuple[float, ...] = (3.0, 8.0)
    throughput_bps: float | None = None
    latency_s: float = 0.0
    _rates: list[float] = field(default_factory=list)
    _latencies: list[float] = field(default_factory=list)
    _time_s: float = 0.0
    _count: int = 0

    def __post_init__(self) -> None:
        self._rates = [0.0] * len(self.half_lives_s)
        self._latencies = [0.0] * len(self.half_lives_s)

    def add(self, size_bytes: float, transfer_s: float, latency_s: float) -> None:
        sample_bps = size_bytes * 8 / transfer_s
        self._time_s += transfer_s
        self._count += 1
        rates, latencies = [], []
        for index, half_life_s in enumerate(self.half_lives_s):
            kept: float = 0.5 ** (transfer_s / half_life_s)
            self._rates[index] = kept * self._rates[index] + (1 - kept) * sample_bps
            rates.append(self._rates[index] / (1 - 0.5 ** (self._time_s / half_life_s)))
            per_segment = self.segment_duration_s / half_life_s
            kept = 0.5**per_segment
            self._latencies[index] = kept * self._latencies[index] + (1 - kept) * latency_s
            latencies.append(self._latencies[index] / (1 - 0.5 ** (self._count * per_segment)))
        self.throughput_bps = min(rates)
        self.latency_s = max(latencies)


@dataclass(slots=True)
class HarmonicMean:
    """The harmonic mean of the last downloads' rates, latency included (Pensieve and MPC; window 5)."""

    window: int = 5
    latency_s: float = 0.0  # its rates already hold the latency
    _inverse_bps: deque[float] = field(default_factory=deque)

    @property
    def throughput_bps(self) -> float | None:
        return len(self._inverse_bps) / sum(self._inverse_bps) if self._inverse_bps else None

    def add(self, size_bytes: float, transfer_s: float, latency_s: float) -> None:
        self._inverse_bps.append((transfer_s + latency_s) / (size_bytes * 8))
        if len(self._inverse_bps) > self.window:
            self._inverse_bps.popleft()


# Each is made for the segment duration of the title that it will see.
ESTIMATORS: dict[str, Callable[[float], Estimator]] = {"ewma": Ewma, "harmonic": lambda _: HarmonicMean()}
