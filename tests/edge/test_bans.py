"""Purges that what is on disk is held against."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bans import Bans

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
    assert Bans.loaded(bans.dumped()).cover(key, of, asked_s) is expected
    assert last_all_s < asked_s or bans.cover(b"anything", [], asked_s)


def test_a_purge_of_everything_takes_the_place_of_those_before_it() -> None:
    bans = Bans()
    bans.add([b"/a", b"/b"], [b"g"], 1.0)
    bans.add([b""], [], 2.0)
    assert len(bans) == 1
    assert bans.cover(b"/c", [], 2.0)
    assert not bans.cover(b"/c", [], 2.1)


def test_so_many_bans_that_they_cost_memory_become_one() -> None:
    bans = Bans()
    bans.add((b"/%d" % number for number in range(100_001)), [], 5.0)
    assert len(bans) == 1
    assert bans.cover(b"/not-among-them", [], 5.0)


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"groups": 1}', b'{"groups": [], "prefixes": [["a"]]}', b"\xff"]
)
def test_a_file_that_is_no_list_of_bans_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of json or of ours
        Bans.loaded(text)
