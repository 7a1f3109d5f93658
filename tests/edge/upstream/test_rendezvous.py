"""Weighted rendezvous hashing: even, by weight, and steady when upstreams come and go."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from edge.upstream.place import Place
from edge.upstream.rendezvous import ranked, score

STEADY = 3.950991434
KEYS = [b"/v/title-%d/%d.m4s" % (number % 97, number) for number in range(20_000)]


def place(name: str, weight: float = 1.0) -> Place:
    return Place(f"http://{name}", f"http://{name}", weight)


def firsts(places: list[Place]) -> dict[bytes, str]:
    return {key: ranked(key, places)[0].label for key in KEYS}


@pytest.mark.parametrize("weights", [(1, 1, 1), (1, 2, 3), (0.5, 4, 1), (10,)])
def test_each_gets_keys_in_proportion_to_its_weight(weights: tuple[float, ...]) -> None:
    places = [place(f"shield-{number}", weight) for number, weight in enumerate(weights)]
    counted = Counter(firsts(places).values())
    for each in places:
        share = each.weight / sum(weights)
        # Five standard deviations of a binomial: the keys are fixed, so this holds or it does not.
        margin = 5 * math.sqrt(len(KEYS) * share * (1 - share))
        assert abs(counted[each.label] - len(KEYS) * share) <= margin


def test_one_that_goes_takes_only_its_own_keys_along() -> None:
    places = [place(name) for name in "abcde"]
    before, after = firsts(places), firsts(places[:2] + places[3:])
    moved = [key for key in KEYS if before[key] != after[key]]
    assert moved == [key for key in KEYS if before[key] == "http://c"]
    assert len({after[key] for key in moved}) == 4, "spread over all who are left"


def test_the_second_choice_is_whoever_is_first_without_the_first() -> None:
    places = [place(name, weight) for name, weight in zip("abcd", (1, 2, 1, 3), strict=True)]
    for key in KEYS[:500]:
        first, second, *_ = ranked(key, places)
        assert ranked(key, [each for each in places if each is not first])[0] is second


def test_more_weight_only_draws_keys_towards_it() -> None:
    before = firsts([place("a"), place("b"), place("c")])
    after = firsts([place("a"), place("b", 1.5), place("c")])
    assert {after[key] for key in KEYS if before[key] != after[key]} == {"http://b"}
    assert all(after[key] == "http://b" for key in KEYS if before[key] == "http://b")


def test_the_order_of_the_configuration_does_not_matter() -> None:
    places = [place(name) for name in "abc"]
    assert all(ranked(key, places) == ranked(key, places[::-1]) for key in KEYS[:500])


def test_a_score_is_steady_from_one_release_to_the_next() -> None:
    """A change would move every key of every running cluster at once."""
    assert score(b"/v/1.m4s", "http://a", 1.0) == pytest.approx(STEADY)
    assert score(b"/v/1.m4s", "http://a", 2.0) == pytest.approx(2 * STEADY)
