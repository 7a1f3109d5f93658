"""The index in arrays does what a dictionary does."""

from __future__ import annotations

import random

import pytest

from edge.disk.address import Address
from edge.disk.index import DiskIndex


def digest_in(rng: random.Random, *, is_crowded: bool) -> int:
    """Crowded: few tables, few places in them, so that probes run into each other."""
    return rng.choice((0, 1)) + (rng.randrange(40) << 10) if is_crowded else rng.getrandbits(64)


@pytest.mark.parametrize("is_crowded", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_it_finds_what_is_placed_and_nothing_else(seed: int, is_crowded: bool) -> None:
    rng = random.Random(seed)
    index = DiskIndex()
    model: dict[int, tuple[int, int, int]] = {}  # digest -> slot, family, pages
    for _ in range(4000):
        digest = digest_in(rng, is_crowded=is_crowded)
        if digest in model:
            index.release(model.pop(digest)[0])
        elif rng.random() < 0.8:
            family, pages = rng.choice((0, 0, 7, 8)), rng.randrange(1, 1000)
            slot = index.allocate(digest)
            assert index.find(digest) == 0
            if rng.random() < 0.1:
                index.release(slot)
                continue
            index.place(slot, family, pages, is_verified=rng.random() < 0.5)
            model[digest] = slot, family, pages
        if rng.random() < 0.05 and model:
            some = rng.choice(sorted(model))
            index.release(model.pop(some)[0])
    assert len(index) == len(model)
    assert {digest: index.find(digest) for digest in model} == {d: slot for d, (slot, _, _) in model.items()}
    for digest, (slot, family, _) in model.items():
        assert index.address(slot) == Address(digest, family)
    for family in (7, 8):
        assert sorted(index.members(family)) == sorted(d for d, held in model.items() if held[1] == family)
    digests, pages_of, flags, pairs = index.columns()
    held = {digests[slot]: pages_of[slot] for slot in range(len(digests)) if flags[slot]}
    assert held == {digest: pages for digest, (_, _, pages) in model.items()}
    assert len(pairs) == 2 * sum(1 for _, family, _ in model.values() if family)


def test_a_body_counts_as_verified_until_its_slot_is_freed() -> None:
    index = DiskIndex()
    slot = index.allocate(5)
    index.place(slot, 0, 1, is_verified=False)
    assert not index.is_verified(slot)
    index.verified(slot)
    assert index.is_verified(slot)
    index.release(slot)
    assert index.allocate(6) == slot
    index.place(slot, 0, 1, is_verified=False)
    assert not index.is_verified(slot)


def test_a_hundred_thousand_objects_take_a_few_bytes_each() -> None:
    rng = random.Random(1)
    index = DiskIndex()
    for _ in range(100_000):
        index.place(index.allocate(rng.getrandbits(64)), 0, 1, is_verified=False)
    assert index.memory_bytes < 30 * 100_000
