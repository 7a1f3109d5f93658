"""LRU against a naive model: the order is exact although hits are settled in batches."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from edge.eviction.lru import Lru

CAPACITY_BYTES = 8
KEYS = st.integers(0, 9)


class AgainstAList(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.lru = Lru(CAPACITY_BYTES)
        self.order: list[tuple[int, int]] = []  # key and size, least recently used first

    def _touch(self, key: int) -> None:
        found = [entry for entry in self.order if entry[0] == key]
        self.order = [entry for entry in self.order if entry[0] != key] + found

    @rule(key=KEYS)
    def hit(self, key: int) -> None:
        self.lru.hit(key)
        self._touch(key)

    @rule(keys=st.lists(KEYS, min_size=1, max_size=4), times=st.integers(1020, 1030))
    def hit_across_the_boundary_of_a_batch(self, keys: list[int], times: int) -> None:
        for key in keys * times:
            self.lru.hit(key)
        for key in keys:
            self._touch(key)

    @rule(key=KEYS, size_bytes=st.integers(1, CAPACITY_BYTES))
    def admit(self, key: int, size_bytes: int) -> None:
        if any(held == key for held, _ in self.order):
            return
        expected = []
        while sum(size for _, size in self.order) + size_bytes > CAPACITY_BYTES:
            expected.append(self.order.pop(0)[0])
        self.order.append((key, size_bytes))
        assert self.lru.admit(key, size_bytes) == expected

    @rule(key=KEYS)
    def forget(self, key: int) -> None:
        self.lru.forget(key)
        self.order = [entry for entry in self.order if entry[0] != key]


AgainstAList.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestLruAgainstAList = AgainstAList.TestCase


def test_the_last_touch_counts_on_both_sides_of_a_batch() -> None:
    lru = Lru(3)
    for key in "abc":
        lru.admit(key, 1)
    for _ in range(4095):
        lru.hit("b")
    lru.hit("a")  # settles
    lru.hit("c")
    assert [lru.admit(key, 1) for key in "xyz"] == [["b"], ["a"], ["c"]]
