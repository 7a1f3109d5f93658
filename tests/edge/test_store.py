"""The RAM tier: responses by key, variants by Vary, within a budget."""

from __future__ import annotations

from edge.eviction import POLICIES
from edge.message import Request
from edge.store import Store
from edge.stored import StoredResponse
from tests.edge.messages import request, stored


def store(capacity_bytes: int = 10**6) -> Store:
    return Store(POLICIES["lru"](capacity_bytes))


def keep(into: Store, asked: Request, body: bytes = b"x", **named: str) -> StoredResponse:
    held = stored(body, key=asked.key, cache_control="max-age=60", named=named)
    assert into.keep(asked, held)
    return held


def test_what_is_kept_is_found_by_its_key() -> None:
    tier = store()
    held = keep(tier, request("/a"))
    assert tier.lookup(request("/a?CMCD=br%3D1")) is held
    assert tier.lookup(request("/b")) is None


def test_a_newer_response_takes_the_place_of_the_older() -> None:
    tier = store()
    keep(tier, request("/a"), b"old" * 100)
    newer = keep(tier, request("/a"), b"new")
    assert tier.lookup(request("/a")) is newer
    assert tier.policy.used_bytes == newer.size_bytes


def test_each_request_gets_the_variant_that_it_selects() -> None:
    tier = store()
    german, english = request(accept_language="de"), request(accept_language="en")
    of_german = keep(tier, german, b"de", vary="accept-language")
    of_english = keep(tier, english, b"en", vary="accept-language")
    assert tier.lookup(german) is of_german
    assert tier.lookup(english) is of_english
    assert tier.lookup(request(accept_language="fr")) is None
    assert tier.lookup(request()) is None


def test_no_variant_stands_under_the_bare_key_where_the_hot_path_looks() -> None:
    tier = store()
    keep(tier, request("/a"))
    keep(tier, request("/a", origin="x"), vary="origin")
    assert tier.entries.get(b"/a") is None


def test_a_response_that_varies_otherwise_ends_the_older_variants() -> None:
    tier = store()
    keep(tier, request(accept="a", origin="o"), vary="accept")
    keep(tier, request(accept="b", origin="o"), vary="accept")
    newest = keep(tier, request(accept="a", origin="o"), vary="origin")
    assert list(tier.entries.values()) == [newest]
    assert tier.lookup(request(accept="other", origin="o")) is newest


def test_a_response_that_no_longer_varies_is_the_answer_to_all() -> None:
    tier = store()
    keep(tier, request(accept="a"), vary="accept")
    newest = keep(tier, request(accept="b"))
    assert tier.lookup(request(accept="c")) is newest
    assert len(tier.entries) == 1


def test_a_purge_takes_every_variant_and_nothing_else() -> None:
    tier = store()
    for value in ("a", "b", "c"):
        keep(tier, request("/x", accept=value), vary="accept")
    other = keep(tier, request("/y"))
    assert tier.purge(b"/x") == 3
    assert list(tier.entries.values()) == [other]
    assert tier.policy.used_bytes == other.size_bytes
    assert tier.purge(b"/x") == 0


def test_a_purged_key_can_be_kept_again_without_variants() -> None:
    tier = store()
    keep(tier, request("/x", accept="a"), vary="accept")
    tier.purge(b"/x")
    held = keep(tier, request("/x"))
    assert tier.lookup(request("/x", accept="z")) is held


def test_what_was_not_used_for_longest_makes_room() -> None:
    sizes = stored(b"x" * 1000, cache_control="max-age=60").size_bytes
    tier = store(2 * sizes + 10)
    keep(tier, request("/v/a.m4s"), b"x" * 1000)
    keep(tier, request("/v/b.m4s"), b"x" * 1000)
    found = tier.lookup(request("/v/a.m4s"))
    assert found is not None
    tier.touch(found)
    keep(tier, request("/v/c.m4s"), b"x" * 1000)
    assert sorted(tier.entries) == [b"/v/a.m4s", b"/v/c.m4s"]
    assert tier.evicted == 1


def test_the_last_variant_that_is_evicted_takes_the_memory_of_its_key_along() -> None:
    size_bytes = stored(b"x" * 1000, cache_control="max-age=60", vary="accept").size_bytes
    tier = store(size_bytes + 100)
    keep(tier, request("/x", accept="a"), b"x" * 1000, vary="accept")
    held = keep(tier, request("/y"), b"x" * 1000)
    assert list(tier.entries.values()) == [held]
    assert tier.key_of(request("/x", accept="a")) == b"/x"


def test_a_response_larger_than_the_tier_is_not_kept_and_evicts_nothing() -> None:
    tier = store(5000)
    held = keep(tier, request("/a"))
    large = stored(b"x" * 5000, key=b"/b", cache_control="max-age=60")
    assert not tier.keep(request("/b"), large)
    assert list(tier.entries.values()) == [held]
