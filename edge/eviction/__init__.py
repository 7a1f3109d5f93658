"""Eviction policies, one a file. A new one is its file and a line here; tests and benchmarks find it."""

from __future__ import annotations

from collections.abc import Callable

from edge.eviction.base import EvictionPolicy, Key
from edge.eviction.lru import Lru
from edge.eviction.sieve import Sieve

POLICIES: dict[str, Callable[[int], EvictionPolicy]] = {
    "lru": Lru,
    "sieve": Sieve,
}

__all__ = ["POLICIES", "EvictionPolicy", "Key"]
