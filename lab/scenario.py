"""The viewers of a demonstration: eight links between a fibre and a train, each with a rule of its own."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from player_sim.network import Trace
from player_sim.traces import constant, random_walk, steps

_MBPS = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who watches: the name of the session, its ABR rule, and its link."""

    name: str
    rule: str
    network: str  # in words
    trace: Trace


def viewers(count: int, seed: int) -> Iterator[Viewer]:
    """`count` viewers, the eight kinds in turn; `seed` and the viewer's number choose random links."""
    for number in range(count):
        kinds = _kinds(random.Random(f"{seed}/{number}"))
        name, rule, network, trace = kinds[number % len(kinds)]
        round_name = f"{name} {number // len(kinds) + 1}" if count > len(kinds) else name
        yield Viewer(name=round_name, rule=rule, network=network, trace=trace)


def _kinds(rng: random.Random) -> list[tuple[str, str, str, Trace]]:
    tunnel = steps([(8, 6 * _MBPS), (6, 0.4 * _MBPS), (60, 6 * _MBPS)], 0.03)
    lift = steps([(10, 0.6 * _MBPS), (60, 5 * _MBPS)], 0.04)
    train = random_walk(rng, low_bps=0.4 * _MBPS, high_bps=6 * _MBPS, latency_s=0.06, volatility=0.4)
    evening = random_walk(rng, low_bps=1 * _MBPS, high_bps=4 * _MBPS, latency_s=0.03)
    return [
        ("fibre", "throughput", "20 Mbit/s", constant(20 * _MBPS, 0.005)),
        ("cable", "bba", "6 Mbit/s", constant(6 * _MBPS, 0.02)),
        ("DSL", "bola", "2.5 Mbit/s", constant(2.5 * _MBPS, 0.025)),
        ("3G", "throughput", "0.9 Mbit/s", constant(0.9 * _MBPS, 0.08)),
        ("tunnel", "bola", "6 → 0.4 → 6 Mbit/s", tunnel),
        ("train", "throughput", "0.4–6 Mbit/s", train),
        ("lift", "bba", "0.6 → 5 Mbit/s", lift),
        ("evening", "bola", "1–4 Mbit/s", evening),
    ]
