"""The LRU over slots is cachetools' LRU, in less memory."""

from __future__ import annotations

import random

import pytest

from edge.disk.layout import PAGE_BYTES
from edge.disk.lru import SlotLru
from edge.eviction import POLICIES


@pytest.mark.parametrize("seed", range(8))
def test_it_decides_as_the_lru_of_the_ram_tier_does(seed: int) -> None:
    rng = random.Random(seed)
    ours, theirs = SlotLru(100 * PAGE_BYTES + 17), POLICIES["lru"](100 * PAGE_BYTES + 17)
    for _ in range(5000):
        slot = rng.randrange(1, 120)
        match rng.choice(("hit", "hit", "admit", "admit", "forget")):
            case "hit" if slot in theirs:
                ours.hit(slot)
                theirs.hit(slot)
            case "hit":
                ours.hit(slot)  # as for a flight that was evicted: nothing
            case "admit" if slot not in theirs:
                size_bytes = rng.choice((1, 10, 101)) * PAGE_BYTES
                assert ours.admit(slot, size_bytes) == theirs.admit(slot, size_bytes)
            case _:
                ours.forget(slot)
                theirs.forget(slot)
        assert (slot in ours, len(ours), ours.used_bytes) == (slot in theirs, len(theirs), theirs.used_bytes)


def test_sizes_count_in_whole_pages() -> None:
    lru = SlotLru(4 * PAGE_BYTES)
    assert lru.admit(1, 1) == []
    assert lru.admit(2, PAGE_BYTES + 1) == []
    assert lru.used_bytes == 3 * PAGE_BYTES
    assert lru.admit(3, 2 * PAGE_BYTES) == [1]
    assert lru.admit(9, 4 * PAGE_BYTES + 1) == [9]


def test_its_order_can_be_written_down() -> None:
    lru = SlotLru(10 * PAGE_BYTES)
    for slot in (1, 2, 3):
        lru.admit(slot, 1)
    lru.hit(1)
    older = lru.older_slots()
    assert [older[0], older[older[0]], older[older[older[0]]], older[2]] == [1, 3, 2, 0]
