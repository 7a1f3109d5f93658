"""SIEVE against a naive model of the paper's algorithm: a plain list, a set, a hand."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from edge.eviction.sieve import Sieve

CAPACITY_BYTES = 8
KEYS = st.integers(0, 9)


class AgainstAList(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.sieve = Sieve(CAPACITY_BYTES)
        self.queue: list[int] = []  # oldest first
        self.sizes: dict[int, int] = {}
        self.visited: set[int] = set()
        self.hand: int | None = None  # the key that it points at

    def _remove(self, key: int) -> None:
        place = self.queue.index(key)
        del self.queue[place]
        if self.hand == key:
            self.hand = self.queue[place] if place < len(self.queue) else None
        self.visited.discard(key)
        del self.sizes[key]

    def _evict(self) -> int:
        place = 0 if self.hand is None else self.queue.index(self.hand)
        while self.queue[place] in self.visited:
            self.visited.remove(self.queue[place])
            place = (place + 1) % len(self.queue)
        victim = self.hand = self.queue[place]
        self._remove(victim)
        return victim

    @rule(key=KEYS)
    def hit(self, key: int) -> None:
        self.sieve.hit(key)
        if key in self.sizes:
            self.visited.add(key)

    @rule(key=KEYS, size_bytes=st.integers(1, CAPACITY_BYTES))
    def admit(self, key: int, size_bytes: int) -> None:
        if key in self.sizes:
            return
        expected = []
        while sum(self.sizes.values()) + size_bytes > CAPACITY_BYTES:
            expected.append(self._evict())
        self.queue.append(key)
        self.sizes[key] = size_bytes
        assert self.sieve.admit(key, size_bytes) == expected

    @rule(key=KEYS)
    def forget(self, key: int) -> None:
        self.sieve.forget(key)
        if key in self.sizes:
            self._remove(key)


AgainstAList.TestCase.settings = settings(
    max_examples=150, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestSieveAgainstAList = AgainstAList.TestCase


def test_the_hand_passes_over_what_was_visited_and_goes_on_from_there() -> None:
    """The paper's walk: a visited object survives one pass, and the hand does not start over."""
    sieve = Sieve(3)
    for key in "abc":
        sieve.admit(key, 1)
    sieve.hit("a")
    assert sieve.admit("d", 1) == ["b"]
    sieve.hit("c")
    assert sieve.admit("e", 1) == ["d"]
    assert sieve.admit("f", 1) == ["a"]
