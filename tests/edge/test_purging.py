"""Purging: what is forgotten, what only expires, and what may not be stored any more."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from edge.eviction import POLICIES
from edge.flights import Flights
from edge.purging import Plan, Prefixes, Progress, Purger, Wish
from edge.store import Store
from edge.stored import StoredResponse
from tests.edge.messages import NOW_S, request, stored


class Tier:
    """A store with a purger."""

    def __init__(self) -> None:
        self.store = Store(POLICIES["lru"](2**26))
        self.purger = Purger(self.store, Flights(2**20, 0.25), lambda: NOW_S + 10)

    def keep(self, target: str, groups: str = "", **asked: str) -> None:
        said = {
            "cache-control": "max-age=60",
            "cache-groups": groups,
            "vary": ", ".join(asked).replace("_", "-") or "cookie",
        }
        self.store.keep(request(target, **asked), stored(named=said, key=target.encode()))

    def carry_out(self, *wishes: Wish) -> Progress:
        progress = Progress()
        for _ in self.purger.steps(Plan(wishes), progress):
            pass
        return progress

    @property
    def targets(self) -> set[str]:
        return {key.partition(b"\n")[0].decode() for key in self.store.keys_now()}


@pytest.fixture
def tier() -> Tier:
    tier = Tier()
    for target in ("/v/1/a", "/v/1/b", "/v/10/a", "/w/a"):
        tier.keep(target, '"odd"' if target.endswith("b") else '"even", "all"')
    return tier


PURGES = [  # wishes, what stays
    pytest.param([Wish("url", b"/v/1/a")], {"/v/1/b", "/v/10/a", "/w/a"}, id="one"),
    pytest.param([Wish("url", b"/v/1")], {"/v/1/a", "/v/1/b", "/v/10/a", "/w/a"}, id="a-url-is-no-prefix"),
    pytest.param([Wish("prefix", b"/v/1/")], {"/v/10/a", "/w/a"}, id="prefix"),
    pytest.param([Wish("prefix", b"/v/1"), Wish("prefix", b"/v/1/a")], {"/w/a"}, id="prefix-within-prefix"),
    pytest.param([Wish("group", b"even")], {"/v/1/b"}, id="group"),
    pytest.param([Wish("group", b"odd"), Wish("group", b"even")], set[str](), id="two-groups"),
    pytest.param([Wish("group", b"od")], {"/v/1/a", "/v/1/b", "/v/10/a", "/w/a"}, id="no-such-group"),
    pytest.param([Wish("all")], set[str](), id="all"),
    pytest.param(
        [Wish("url", b"/w/a"), Wish("prefix", b"/v/10"), Wish("group", b"odd")], {"/v/1/a"}, id="a-mixture"
    ),
]


@pytest.mark.parametrize(("wishes", "stays"), PURGES)
def test_a_purge_takes_what_it_names_and_nothing_else(
    tier: Tier, wishes: list[Wish], stays: set[str]
) -> None:
    before = len(tier.store)
    progress = tier.carry_out(*wishes)
    assert tier.targets == stays
    assert progress.purged == before - len(tier.store)
    assert progress.done == len(Plan(wishes))


@pytest.mark.parametrize(("wishes", "stays"), PURGES)
def test_a_soft_purge_leaves_all_of_it_stored_and_stale(
    tier: Tier, wishes: list[Wish], stays: set[str]
) -> None:
    progress = tier.carry_out(*(Wish(wish.kind, wish.value, is_soft=True) for wish in wishes))
    fresh = {key.partition(b"\n")[0].decode() for key, each in tier.store.entries.items() if _is_fresh(each)}
    assert fresh == stays
    assert (len(tier.store), progress.purged) == (4, 4 - len(stays))


def _is_fresh(each: StoredResponse) -> bool:
    return each.serve_until_s > NOW_S + 10


def test_every_variant_goes(tier: Tier) -> None:
    for language in ("de", "en", "fr"):
        tier.keep("/m", accept_language=language)
    assert tier.carry_out(Wish("url", b"/m")).purged == 3


@pytest.mark.parametrize("is_soft_first", [True, False])
def test_what_is_wanted_soft_and_hard_is_wanted_hard(tier: Tier, *, is_soft_first: bool) -> None:
    wishes = [Wish("url", b"/w/a", is_soft=soft) for soft in (is_soft_first, not is_soft_first)]
    wishes += [Wish("prefix", b"/v/1", is_soft=True), Wish("prefix", b"/v/1/b")]
    tier.carry_out(*wishes)
    assert tier.targets == {"/v/1/a", "/v/10/a"}


def test_many_prefixes_find_what_each_alone_would() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - pytest shows it where the test fails
    chance = random.Random(seed)

    def words(number: int, longest: int) -> Iterable[bytes]:
        return [bytes(chance.choices(b"ab\x00\xff", k=chance.randint(0, longest))) for _ in range(number)]

    for _ in range(200):
        prefixes = words(chance.randint(0, 8), 4)
        together = Prefixes()
        for prefix in sorted(prefixes):
            together.add(prefix)
        for key in words(50, 7):
            assert together.has(key) == any(key.startswith(prefix) for prefix in prefixes)


def test_no_step_takes_much_at_once() -> None:
    tier = Tier()
    for number in range(1000):
        tier.keep(f"/v/{number}", '"g"')
    for wish in (Wish("group", b"g"), Wish("prefix", b"/v/")):
        progress, seen = Progress(), 0
        for _ in tier.purger.steps(Plan([Wish(wish.kind, wish.value, is_soft=True)]), progress):
            assert progress.purged - seen <= 32
            seen = progress.purged
        assert seen == 1000


def test_what_is_stored_while_a_purge_runs_is_newer_than_it_and_stays(tier: Tier) -> None:
    progress = Progress()
    steps = tier.purger.steps(Plan([Wish("prefix", b"/")]), progress)
    while not progress.purged:
        next(steps)
    tier.keep("/new")
    for _ in steps:
        pass
    assert tier.targets == {"/new"}
