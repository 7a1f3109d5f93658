"""A trace-driven link: what bandwidth and latency it has at each moment, and when a download is through.

All answers are exact integrals over the piecewise constant trace, which starts again when it ends.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf
from typing import NamedTuple


class TraceError(ValueError):
    """The trace cannot be played; the message says what, where, and the way out."""


class Period(NamedTuple):
    """A stretch of time over which the link stays the same."""

    duration_s: float
    bandwidth_bps: float
    latency_s: float = 0.0  # from the request to the first byte


@dataclass(frozen=True, slots=True)
class Transfer:
    """When the first and the last byte of a download arrive."""

    first_byte_s: float
    end_s: float


class Trace:
    """The link over time, from second 0 on."""

    __slots__ = ("_bits_until", "_starts_s", "loop_bits", "loop_s", "periods")

    def __init__(self, periods: Sequence[Period]) -> None:
        for number, period in enumerate(periods, 1):
            if not (
                0 < period.duration_s < inf
                and 0 <= period.bandwidth_bps < inf
                and 0 <= period.latency_s < inf
            ):
                raise TraceError(
                    f"period {number} is {period}: make it last, and nothing negative or endless"
                )
        if not any(period.bandwidth_bps for period in periods):
            raise TraceError("no period of the trace has any bandwidth: no download would ever end")
        self.periods = tuple(periods)
        self._starts_s = [0.0, *accumulate(period.duration_s for period in periods)]
        self._bits_until = [0.0, *accumulate(period.duration_s * period.bandwidth_bps for period in periods)]
        self.loop_s = self._starts_s.pop()
        self.loop_bits = self._bits_until[-1]

    def transfer(self, start_s: float, size_bytes: float) -> Transfer:
        """A download of `size_bytes` whose request leaves at `start_s`, alone on the link."""
        first_byte_s = self.first_byte_s(start_s)
        return Transfer(first_byte_s, self.end_s(first_byte_s, size_bytes))

    def first_byte_s(self, start_s: float) -> float:
        """When a request sent at `start_s` is answered.

        A period uses up its share of the request's latency: half a latency of 200 ms leaves half of the next
        period's (the semantics of sabre, so that its results can be met).
        """
        now_s, share = start_s, 1.0
        within_s = start_s % self.loop_s
        index = self._index(within_s)
        left_s = self._starts_s[index] + self.periods[index].duration_s - within_s
        while share * self.periods[index].latency_s > left_s:
            share -= left_s / self.periods[index].latency_s
            now_s += left_s
            index = (index + 1) % len(self.periods)
            left_s = self.periods[index].duration_s
        return now_s + share * self.periods[index].latency_s

    def end_s(self, first_byte_s: float, size_bytes: float) -> float:
        """When `size_bytes` have arrived of a body that began to arrive at `first_byte_s`."""
        bits = self._bits_at(first_byte_s) + size_bytes * 8
        loops, rest_bits = divmod(bits, self.loop_bits)
        # The earliest moment: bits that complete a loop were there before its silent end.
        index = bisect_left(self._bits_until, rest_bits) - 1
        if index < 0:
            loops, index, rest_bits = loops - 1, self._last_busy(), self.loop_bits
        within_s = (
            self._starts_s[index] + (rest_bits - self._bits_until[index]) / self.periods[index].bandwidth_bps
        )
        return max(first_byte_s, loops * self.loop_s + within_s)

    def arrived_bytes(self, first_byte_s: float, until_s: float) -> float:
        """The inverse of `end_s`: what is there at `until_s` of a long body that began at `first_byte_s`."""
        return max(0.0, self._bits_at(until_s) - self._bits_at(first_byte_s)) / 8

    def _bits_at(self, time_s: float) -> float:
        """All that the link could carry from second 0 until `time_s`."""
        loops, within_s = divmod(time_s, self.loop_s)
        index = self._index(within_s)
        into_s = within_s - self._starts_s[index]
        return loops * self.loop_bits + self._bits_until[index] + into_s * self.periods[index].bandwidth_bps

    def _index(self, within_s: float) -> int:
        return bisect_right(self._starts_s, within_s) - 1

    def _last_busy(self) -> int:
        return bisect_left(self._bits_until, self.loop_bits) - 1
