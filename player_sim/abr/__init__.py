"""ABR rules, one a file. A new rule is one file and one line here; the contract test then runs over it."""

from __future__ import annotations

from collections.abc import Callable

from player_sim.abr.base import AbrRule, PlayerState
from player_sim.abr.bba import Bba
from player_sim.abr.bba0 import Bba0
from player_sim.abr.bola import Bola
from player_sim.abr.throughput import Throughput

RULES: dict[str, Callable[[], AbrRule]] = {
    "bba": Bba,
    "bba0": Bba0,
    "bola": Bola,
    "throughput": Throughput,
}

__all__ = ["RULES", "AbrRule", "PlayerState"]
