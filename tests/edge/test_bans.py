"""Purges that what is on disk is held against."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bans import Bans, dumped, loaded

names = st.binary(max_size=4)


@given(
    prefixes=st.lists(st.tuples(names, st.integers(0, 9)), max_size=6),
    groups=st.lists(st.tuples(names, st.integers(0, 9)), max_size=6),
    key=names,
    of=st.lists(names, max_size=3),
    asked_s=st.integers(0, 9),
)
def test_an_object_is_banned_by_what_came_after_it_was_asked_for(
    prefixes: list[tuple[bytes, int]],
    groups: list[tuple[bytes, int]],
    key: bytes,
    of: list[bytes],
    asked_s: int,
) -> None:
    bans = Bans()
    for now_s, prefix in sorted((now_s, prefix) for prefix, now_s in prefixes):
        bans.add([prefix], [], now_s)
    for now_s, group in sorted((now_s, group) for group, now_s in groups):
        bans.add([], [group], now_s)
    last_all_s = max((now_s for prefix, now_s in prefixes if not prefix), default=-1)
    expected = any(key.startswith(prefix) and now_s >= asked_s for prefix, now_s in prefixes) or any(
        group in of and now_s >= asked_s for group, now_s in groups
    )
    assert bans.cover(key, of, asked_s) is expected
    assert loaded(dumped(bans, Bans()))[0].cover(key, of, asked_s) is expected
    assert last_all_s < asked_s or bans.cover(b"anything", [], asked_s)


def test_a_purge_of_everything_takes_the_place_of_those_before_it() -> None:
    bans = Bans()
    bans.add([b"/a", b"/b"], [b"g"], 1.0)
    bans.add([b""], [], 2.0)
    assert len(bans) == 1
    assert bans.cover(b"/c", [], 2.0)
    assert not bans.cover(b"/c", [], 2.1)


def test_so_many_bans_at_once_that_they_cost_memory_become_one() -> None:
    bans = Bans()
    bans.add((b"/%d" % number for number in range(100_001)), [], 5.0)
    assert len(bans) == 1
    assert bans.cover(b"/not-among-them", [], 5.0)


def test_of_too_many_bans_the_older_half_becomes_one() -> None:
    bans = Bans()
    bans.add((b"/%d" % number for number in range(60_000)), [], 1.0)
    bans.add([], (b"%d" % number for number in range(20_000)), 2.0)
    bans.add([b"/late/"], (b"late-%d" % number for number in range(20_000)), 3.0)
    assert len(bans) == 40_002
    assert bans.cover(b"/not-among-them", [], 1.0)
    assert not bans.cover(b"/not-among-them", [], 1.5), "what is newer than those stays in use"
    assert bans.cover(b"/late/x", [], 3.0)
    assert bans.cover(b"/x", [b"7"], 2.0)
    assert bans.cover(b"/x", [b"late-7"], 3.0)


def test_names_are_bounded_as_well_as_bans() -> None:
    bans = Bans()
    for number in range(5_000):
        bans.add([b"/%07d/" % number * 900], [], float(number))
    assert 0 < len(bans) <= 2_400
    assert bans.cover(b"/not-among-them", [], 10.0)
    assert not bans.cover(b"/not-among-them", [], 4_999.0)
    assert bans.cover(b"/0004998/" * 900, [], 4_998.0)


@given(
    st.lists(st.tuples(st.booleans(), names, st.integers(0, 9)), min_size=1, max_size=12), st.integers(1, 4)
)
def test_coalescing_never_forgets_a_purge(purges: list[tuple[bool, bytes, int]], most: int) -> None:
    bans = Bans(most)
    for is_group, name, now_s in sorted(purges, key=lambda purge: purge[2]):
        bans.add([] if is_group else [name], [name] if is_group else [], now_s)
    assert len(bans) <= most
    for is_group, name, now_s in purges:
        assert bans.cover(b"" if is_group else name, [name] if is_group else [], now_s)


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"groups": 1}', b'{"groups": [], "prefixes": [["a"]]}', b"\xff"]
)
def test_a_file_that_is_no_list_of_bans_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of json or of ours
        loaded(text)
