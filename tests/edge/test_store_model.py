"""The RAM tier against a plain model: whatever is kept, cut, evicted and purged, it says nothing wrong."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.eviction import POLICIES
from edge.message import Request
from edge.ranges import Span
from edge.slices import Part
from edge.store import Store
from edge.stored import Speaker, StoredResponse
from tests.edge.messages import NAME, NOW_S, head, request, stored

SLICE, TOTAL = 4096, 20_000
BODIES = {version: bytes([65 + version]) * TOTAL for version in range(3)}
TARGETS = ["/a", "/b", "/a/b"]
ACCEPTS = ["x", "y"]


def asked(target: int, accept: int) -> Request:
    return request(TARGETS[target], accept=ACCEPTS[accept])


def named(version: int, vary: int, group: int) -> dict[str, str]:
    """What the origin says: one version has one tag, and perhaps varies, and is in some groups."""
    return {
        "etag": f'"{version}"',
        "cache_control": "max-age=60",
        **({"vary": "accept"} if vary else {}),
        **({"cache_groups": f'"g{group}"'} if group else {}),
    }


NUMBER = st.integers(0, 2)
WHO = (st.integers(0, 2), st.integers(0, 1))
STEPS = st.one_of(
    st.tuples(st.just("keep"), *WHO, NUMBER, st.integers(0, 1), NUMBER),
    st.tuples(
        st.just("part"),
        *WHO,
        NUMBER,
        st.integers(0, 1),
        NUMBER,
        st.integers(0, TOTAL - 1),
        st.integers(1, 9000),
    ),
    st.tuples(st.just("touch"), *WHO, st.integers(0, TOTAL - 1)),
    st.tuples(st.just("drop"), *WHO),
    st.tuples(st.just("purge"), st.integers(0, 2)),
    st.tuples(st.just("expire"), st.integers(0, 2)),
    st.tuples(st.just("renew"), NUMBER, NUMBER),
)


class Life:
    """A store, and what was last said for each selecting request."""

    def __init__(self, policy: str, capacity_bytes: int) -> None:
        self.store = Store(POLICIES[policy](capacity_bytes))

    def keep(self, target: int, accept: int, version: int, vary: int, group: int) -> None:
        by = asked(target, accept)
        held = stored(BODIES[version], named(version, vary, group), key=by.key)
        assert self.store.keep(by, held) is (self.store.lookup(by) is held)
        assert self.store.parts(by) is None

    def part(
        self, target: int, accept: int, version: int, vary: int, group: int, first: int, size: int
    ) -> None:
        by = asked(target, accept)
        span = Span(first, min(TOTAL, first + size) - 1)
        data = BODIES[version][span.first : span.last + 1]
        self.store.keep_part(
            by, Part(head(200, named(version, vary, group)), span, TOTAL), data, Speaker(NAME), SLICE
        )

    def touch(self, target: int, accept: int, position: int) -> None:
        by = asked(target, accept)
        whole, sliced = self.store.lookup(by), self.store.parts(by)
        if whole is not None:
            self.store.touch(whole)
        if sliced is not None and sliced.at(position) is not None:
            self.store.touch_part(sliced, position)

    def drop(self, target: int, accept: int) -> None:
        by = asked(target, accept)
        had = self.store.lookup(by) is not None or self.store.parts(by) is not None
        assert self.store.drop(self.store.key_of(by)) is had
        assert self.store.lookup(by) is None
        assert self.store.parts(by) is None

    def purge(self, target: int) -> None:
        key = TARGETS[target].encode()
        before = len(self.store)
        assert before - self.store.purge(key) == len(self.store)
        assert all(self.store.lookup(asked(target, accept)) is None for accept in (0, 1))

    def expire(self, target: int) -> None:
        self.store.expire(TARGETS[target].encode(), NOW_S + 1)
        for held in self.found(target):
            assert held.serve_until_s <= NOW_S + 1

    def renew(self, target: int, group: int) -> None:
        for held in self.found(target)[:1]:
            version = int(dict(held.fields)[b"etag"].strip(b'"'))
            vary = int(b"vary" in dict(held.fields))
            self.store.update(held, head(200, named(version, vary, group)))

    def found(self, target: int) -> list[StoredResponse]:
        requests = [asked(target, accept) for accept in (0, 1)]
        wholes = [self.store.lookup(by) for by in requests]
        cut = [self.store.parts(by) for by in requests]
        return [held for held in (*wholes, *(sliced and sliced.stored for sliced in cut)) if held]

    def check(self) -> None:
        """What holds after every step."""
        store, policy = self.store, self.store.policy
        assert policy.used_bytes <= policy.capacity_bytes
        runs = [(sliced, run) for sliced in store._sliced.values() for run in sliced.runs.values()]
        assert len(policy) == len(store.entries) + len(runs), "the policy holds what is stored, no more"
        assert not store.entries.keys() & store._sliced.keys(), "whole or in parts"
        assert all(sliced.runs for sliced in store._sliced.values()), "nothing is left of what has no bytes"
        for key, held in store.entries.items():
            assert (held.key, held.body) == (key, BODIES[_version(held)])
            assert key in policy
        for sliced, run in runs:
            assert run.data == BODIES[_version(sliced.stored)][run.first : run.end] != b""
        self._check_indexes()

    def _check_indexes(self) -> None:
        """Every variant and group is found by what is stored, and nothing else is."""
        store = self.store
        all_held = [*store.entries.values(), *(sliced.stored for sliced in store._sliced.values())]
        groups = {(group, held.key) for held in all_held for group in held.groups}
        assert groups == {(group, key) for group, keys in store._by_group.items() for key in keys}
        assert all(store._by_group.values())
        variants = {held.key for held in all_held if b"\n" in held.key}
        assert variants == {key for _, keys in store._variants.values() for key in keys}
        assert sorted(held.key for held in all_held) == sorted(store.keys_now())
        assert len(store) == len(all_held)


def _version(held: StoredResponse) -> int:
    return int(dict(held.fields)[b"etag"].strip(b'"'))


@pytest.mark.parametrize("policy", POLICIES)
@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(STEPS, max_size=25), capacity_bytes=st.sampled_from([3000, 9000, 30_000, 60_000, 10**6])
)
def test_whatever_happens_to_it_the_tier_holds_what_it_says(
    policy: str, steps: list[tuple[str | int, ...]], capacity_bytes: int
) -> None:
    life = Life(policy, capacity_bytes)
    for name, *arguments in steps:
        getattr(life, str(name))(*arguments)
        life.check()
    for target in range(3):
        life.purge(target)
    life.check()
    assert len(life.store) == life.store.policy.used_bytes == 0
