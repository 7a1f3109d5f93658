"""Traces: read from the formats that the field uses, or generated. Text in, Trace out.

Formats: sabre's JSON (UMass-LIDS), Pensieve's "cooked" lines, and CSV of throughput samples.
"""

from __future__ import annotations

import csv
import json
import random
import re
from collections.abc import Sequence
from itertools import pairwise

from player_sim.network import Period, Trace, TraceError

PENSIEVE_LATENCY_S = (
    0.08  # the round trip that Pensieve's environment adds to each chunk; its files have none
)
# The unit's b stays small: MBps would be bytes.
_CONSTANT = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgKMG])(?:bps|bit/s)")
_SCALE = {"k": 1e3, "m": 1e6, "g": 1e9}


def parse_trace(text: str, name: str) -> Trace:
    """The trace in `text`, whichever of the three formats it is in; `name` is for the error message."""
    head = text.lstrip()[:40]
    try:
        if head.startswith(("[", "{")):
            return parse_sabre(text)
        return parse_csv(text) if head.startswith("t_s,") else parse_pensieve(text)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        if isinstance(error, TraceError):
            raise TraceError(f"{name}: {error}") from None
        raise TraceError(
            f"{name}: not a trace ({error}); give sabre JSON, Pensieve lines `seconds Mbit/s`, "
            "or CSV with the header t_s,dl_kbps"
        ) from None


def parse_sabre(text: str) -> Trace:
    """A JSON list of {duration_ms, bandwidth_kbps, latency_ms}."""
    return Trace(
        [
            Period(row["duration_ms"] / 1e3, row["bandwidth_kbps"] * 1e3, row["latency_ms"] / 1e3)
            for row in json.loads(text)
        ]
    )


def parse_pensieve(text: str, latency_s: float = PENSIEVE_LATENCY_S) -> Trace:
    """Lines `seconds Mbit/s`: each sample holds since the line before; the first only sets the origin."""
    samples = [(float(time), float(rate)) for time, rate in map(str.split, text.strip().splitlines())]
    return Trace(
        [
            Period(time_s - before_s, rate * 1e6, latency_s)
            for (before_s, _), (time_s, rate) in pairwise(samples)
        ]
    )


def parse_csv(text: str, latency_s: float = 0.0) -> Trace:
    """Columns t_s and dl_kbps: rows of the same second are averaged and hold until the next second seen."""
    rates: dict[float, list[float]] = {}
    for row in csv.DictReader(text.strip().splitlines()):
        rates.setdefault(float(row["t_s"]), []).append(float(row["dl_kbps"]))
    times = [*rates, max(rates) + 1.0]  # the last sample lasts a second, the sampling interval
    return Trace(
        [
            Period(until_s - time_s, sum(rates[time_s]) / len(rates[time_s]) * 1e3, latency_s)
            for time_s, until_s in pairwise(times)
        ]
    )


def parse_constant(text: str) -> Trace | None:
    """A rate as people write it, such as `5Mbps` or `800kbps`; None if it is not one."""
    match = _CONSTANT.fullmatch(text.strip())
    return constant(float(match[1]) * _SCALE[match[2].lower()]) if match else None


def constant(bandwidth_bps: float, latency_s: float = 0.0) -> Trace:
    return Trace([Period(1.0, bandwidth_bps, latency_s)])


def steps(rates: Sequence[tuple[float, float]], latency_s: float = 0.0) -> Trace:
    """Pairs of duration in seconds and bandwidth in bits per second."""
    return Trace([Period(duration_s, bandwidth_bps, latency_s) for duration_s, bandwidth_bps in rates])


def random_walk(
    rng: random.Random,
    *,
    low_bps: float,
    high_bps: float,
    count: int = 300,
    period_s: float = 1.0,
    latency_s: float = 0.0,
    volatility: float = 0.2,
) -> Trace:
    """Bandwidth that changes by a log-normal factor each period, within its limits."""
    rate = rng.uniform(low_bps, high_bps)
    periods = []
    for _ in range(count):
        periods.append(Period(period_s, rate, latency_s))
        rate = min(high_bps, max(low_bps, rate * rng.lognormvariate(0.0, volatility)))
    return Trace(periods)
