"""Purging: what an operator, or an unsafe request, wants forgotten, done in steps that each take no time.

Every purge goes through one `Purger`. Core: whoever runs the steps decides when others have their turn.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Literal, TypeVar, get_args

from edge.flights import Flights
from edge.store import Store

T = TypeVar("T")
Kind = Literal["url", "prefix", "group", "all"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_FORGOTTEN_A_STEP = 32
_LOOKED_AT_A_STEP = 512
_SORTED_A_STEP = 256


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing to purge: a cache key, the keys that begin so, the members of a group, or everything."""

    kind: Kind
    value: bytes = b""
    is_soft: bool = False  # stale from now on, instead of gone


class Plan:
    """What is to be purged, each thing once; what is wanted soft and hard is wanted hard."""

    def __init__(self, wishes: Iterable[Wish] = ()) -> None:
        self.urls: dict[bytes, bool] = {}  # to whether it is soft, as the next two
        self.prefixes: dict[bytes, bool] = {}
        self.groups: dict[bytes, bool] = {}
        self.of_kind: dict[Kind, int] = dict.fromkeys(KINDS, 0)
        for wish in wishes:
            self.add(wish)

    def add(self, wish: Wish) -> None:
        # Everything has a key that begins with nothing.
        of_kind = {"url": self.urls, "group": self.groups}.get(wish.kind, self.prefixes)
        of_kind[wish.value] = wish.is_soft and of_kind.get(wish.value, True)
        self.of_kind[wish.kind] += 1

    def __len__(self) -> int:
        return len(self.urls) + len(self.prefixes) + len(self.groups)


@dataclass(slots=True)
class Progress:
    """How far a plan is."""

    done: int = 0  # of its things
    purged: int = 0  # responses


class Prefixes:
    """Many prefixes, asked at the cost of one search."""

    def __init__(self) -> None:
        self._sorted: list[bytes] = []

    def add(self, prefix: bytes) -> None:
        """In sorted order only."""
        if not self._sorted or not prefix.startswith(self._sorted[-1]):  # else it says nothing new
            self._sorted.append(prefix)

    def has(self, key: bytes) -> bool:
        """Some prefix begins `key`: then it is the last one that does not sort behind it."""
        place = bisect_right(self._sorted, key)
        return place > 0 and key.startswith(self._sorted[place - 1])


class Purger:
    """Forgets what is stored, and lets nothing be stored that was asked for before."""

    def __init__(self, store: Store, flights: Flights, clock: Callable[[], float]) -> None:
        self._store = store
        self._flights = flights
        self._clock = clock
        self.rounds = 0  # whoever asked upstream in an earlier one may have an answer that is purged
        self.wishes: dict[Kind, int] = dict.fromkeys(KINDS, 0)
        self.purged = 0

    def purge(self, key: bytes, *, is_soft: bool = False) -> int:
        """Forget what is stored for one cache key; returns how many responses that were."""
        progress = Progress()
        for _ in self.steps(Plan([Wish("url", key, is_soft)]), progress):
            pass
        return progress.purged

    def invalidate(self, keys: Iterable[bytes], groups: Iterable[bytes]) -> Iterator[None]:
        """Forget what an unsafe request made invalid, in steps (RFC 9111, 4.4; RFC 9875, 3)."""
        wishes = (*(Wish("url", key) for key in keys), *(Wish("group", group) for group in groups))
        return self.steps(Plan(wishes), Progress())

    def steps(self, plan: Plan, progress: Progress) -> Iterator[None]:
        """Carry out `plan`, a little at each step."""
        self.rounds += 1
        for kind, number in plan.of_kind.items():
            self.wishes[kind] += number
        for work in (self._by_key, self._by_group, self._by_prefix):
            for purged in work(plan, progress):
                progress.purged += purged
                self.purged += purged
                yield

    def _by_key(self, plan: Plan, progress: Progress) -> Iterator[int]:
        for some in batches(plan.urls.items(), _FORGOTTEN_A_STEP):
            yield self._forget(dict(some))
            progress.done += len(some)

    def _by_group(self, plan: Plan, progress: Progress) -> Iterator[int]:
        if not plan.groups:
            return
        self._flights.discard_groups(plan.groups.keys())
        if self._store.disk is not None:
            for is_soft in (False, True):
                if groups := [group for group, soft in plan.groups.items() if soft is is_soft]:
                    self._store.disk.ban((), groups, is_soft=is_soft)
        for group, is_soft in plan.groups.items():
            for some in batches(self._store.members(group), _FORGOTTEN_A_STEP):
                yield self._forget(dict.fromkeys(some, is_soft))
            progress.done += 1
            yield 0

    def _by_prefix(self, plan: Plan, progress: Progress) -> Iterator[int]:
        """One walk over all that is stored, however many prefixes there are."""
        if not plan.prefixes:
            return
        every, hard, runs = Prefixes(), Prefixes(), []
        for some in batches(plan.prefixes, _SORTED_A_STEP):
            runs.append(sorted(some))
            yield 0
        for some in batches(merge(*runs), _SORTED_A_STEP):
            for prefix in some:
                every.add(prefix)
                if not plan.prefixes[prefix]:
                    hard.add(prefix)
            yield 0
        self._flights.discard(every.has)
        if self._store.disk is not None:
            for is_soft in (False, True):
                if prefixes := [prefix for prefix, soft in plan.prefixes.items() if soft is is_soft]:
                    self._store.disk.ban(prefixes, (), is_soft=is_soft)
        for some in batches(self._store.keys_now(), _LOOKED_AT_A_STEP):
            found = {key: not hard.has(key) for key in some if every.has(key)}
            for few in batches(found.items(), _FORGOTTEN_A_STEP):
                yield self._forget(dict(few))
            yield 0
        progress.done += len(plan.prefixes)

    def _forget(self, keys: Mapping[bytes, bool]) -> int:
        """Forget cache keys, or single variants; True stands for those that are only stale from now on."""
        primary = {key.partition(b"\n")[0] for key in keys}
        self._flights.discard(primary.__contains__)
        now_s = self._clock()
        return sum(
            self._store.expire(key, now_s) if is_soft else self._store.purge(key)
            for key, is_soft in keys.items()
        )


def batches(things: Iterable[T], size: int) -> Iterator[Collection[T]]:
    """The things in order, so many at a time."""
    left = iter(things)
    while some := list(islice(left, size)):
        yield some
