"""What hits send in a second: made once, right at every moment of it, and let go of in time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.control import control_of
from edge.memfile import IDLE_BEATS, MOST_FILES
from edge.stored import StoredResponse
from edge.wires import JOIN_BELOW_BYTES, Wires
from tests.edge.messages import NOW_S, head, stored

KIB = 1024


def fresh(size_bytes: int = 10, lifetime_s: int = 60) -> StoredResponse:
    return stored(b"x" * size_bytes, cache_control=f"max-age={lifetime_s}")


def heated(wires: Wires, held: StoredResponse) -> StoredResponse:
    """`held` after many hits in this second."""
    assert wires.is_ready(held, NOW_S)
    for _ in range(1000):
        wires.count(held)
    return held


def open_descriptors() -> set[str]:
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            found.add(f"{link.name} {link.readlink()}")
        except OSError:
            continue
    return {name for name in found if "memfd:answer" in name}


def test_a_small_answer_is_one_piece_and_a_large_one_is_its_head() -> None:
    wires, small, large = Wires(), fresh(JOIN_BELOW_BYTES - 1), fresh(JOIN_BELOW_BYTES)
    assert wires.is_ready(small, NOW_S)
    assert wires.is_ready(large, NOW_S)
    assert (small.is_joined, large.is_joined) == (True, False)
    assert small.wire == small.wire_head(NOW_S) + small.body
    assert large.wire == large.wire_head(NOW_S)


def test_it_is_made_once_a_second_with_the_age_of_that_second() -> None:
    wires, held = Wires(), fresh()
    assert wires.is_ready(held, NOW_S)
    first = held.wire
    assert wires.is_ready(held, NOW_S + 0.99)
    assert held.wire is first
    for passed_s in (1, 2.5, 1, 40):  # a clock may be set back
        assert wires.is_ready(held, NOW_S + passed_s)
        assert b"\r\nage: %d\r\n" % passed_s in held.wire


def test_what_becomes_stale_within_the_second_is_not_sent_after_that() -> None:
    wires, held = Wires(), fresh()
    held.serve_until_s = NOW_S + 0.7
    assert wires.is_ready(held, NOW_S + 0.5)
    assert wires.is_ready(held, NOW_S + 0.69)
    assert not wires.is_ready(held, NOW_S + 0.7)


def test_what_expires_or_is_renewed_by_a_304_is_made_anew() -> None:
    wires, held = Wires(), fresh()
    assert wires.is_ready(held, NOW_S)
    held.expire(NOW_S)
    assert not wires.is_ready(held, NOW_S)
    held.take(head(cache_control="max-age=30"))
    assert wires.is_ready(held, NOW_S)
    assert b"max-age=30" in held.wire


def test_the_second_after_nothing_of_it_is_held() -> None:
    wires, small = Wires(), fresh()
    assert wires.is_ready(small, NOW_S)
    wires.tidy(NOW_S + 0.9)
    assert small.wire
    wires.tidy(NOW_S + 1)
    assert small.wire == b""


def stale_for_a_while(size_bytes: int = 10) -> StoredResponse:
    """Stale since `NOW_S`, to be served for three seconds and a half more."""
    held = stored(b"x" * size_bytes, received_s=NOW_S - 60, cache_control="max-age=60")
    held.control = control_of(((b"cache-control", b"stale-while-revalidate=4"),))
    held.serve_until_s = NOW_S - 0.5
    return held


def test_what_is_stale_and_may_be_served_is_made_ready_apart_from_hits() -> None:
    wires, held = Wires(), stale_for_a_while()
    assert not wires.is_ready(held, NOW_S)
    assert wires.is_ready_stale(held, NOW_S + 1.2)
    first = held.wire
    assert first == held.wire_head(NOW_S + 1.2) + held.body
    assert b"\r\nage: 61\r\ncache-status: edge-1; hit; ttl=-1\r\n" in first
    assert not held.wire_from_s <= NOW_S + 1.2 < held.wire_until_s, "the hot path takes it for no hit"
    assert wires.is_ready_stale(held, NOW_S + 1.9)
    assert held.wire is first
    assert wires.is_ready_stale(held, NOW_S + 2)
    assert b"\r\nage: 62\r\n" in held.wire


def test_what_is_fresh_or_too_stale_is_not_ready_as_stale() -> None:
    wires, held = Wires(), stale_for_a_while()
    assert not wires.is_ready_stale(held, NOW_S - 0.6)
    assert wires.is_ready_stale(held, NOW_S + 3.4)
    assert not wires.is_ready_stale(held, NOW_S + 3.5)
    assert not wires.is_ready_stale(fresh(), NOW_S + 61), "nothing allows it"


def test_what_becomes_stale_within_a_second_is_not_sent_as_stale_before() -> None:
    wires, held = Wires(), stale_for_a_while()
    assert wires.is_ready_stale(held, NOW_S - 0.3)
    assert not wires.is_ready_stale(held, NOW_S - 0.6), "the clock was set back"
    held.take(head(cache_control="max-age=30"))
    assert not wires.is_ready_stale(held, NOW_S)
    assert wires.is_ready(held, NOW_S)


def test_a_stale_answer_is_let_go_with_its_second_too() -> None:
    wires, held = Wires(), stale_for_a_while()
    assert wires.is_ready_stale(held, NOW_S)
    wires.tidy(NOW_S + 0.9)
    assert held.wire
    wires.tidy(NOW_S + 1)
    assert held.wire == b""


def test_copies_of_bodies_are_bounded_however_many_are_asked_for_in_a_second() -> None:
    wires, helds = Wires(), [fresh(30 * KIB) for _ in range(5000)]
    for held in helds:
        assert wires.is_ready(held, NOW_S)
    assert sum(len(held.wire) for held in helds) < 40 * KIB * KIB


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system has no memory files")
class TestMemoryFiles:
    def test_a_hot_answer_of_middle_size_becomes_a_file_of_the_whole_answer(self) -> None:
        wires = Wires()
        held = heated(wires, fresh(64 * KIB))
        whole = held.wire + held.body
        assert os.pread(held.wire_file, len(whole), held.wire_offset) == whole
        wires.close()
        assert not open_descriptors()

    @pytest.mark.parametrize("size_bytes", [KIB, 2**20])
    def test_a_small_or_a_large_one_does_not(self, size_bytes: int) -> None:
        wires = Wires()
        assert heated(wires, fresh(size_bytes)).wire_file == -1

    def test_a_place_in_a_file_goes_with_its_second_and_with_its_head(self) -> None:
        wires = Wires()
        held, other = heated(wires, fresh(64 * KIB)), heated(wires, fresh(65 * KIB))
        held.expire(NOW_S + 60)
        held.serve_until_s = NOW_S + 30
        assert wires.is_ready(held, NOW_S)
        assert held.wire_file == -1
        wires.tidy(NOW_S + 1)
        assert other.wire_file == -1
        wires.close()
        assert not open_descriptors()

    def test_files_are_let_go_when_no_answer_needs_them_for_a_minute(self) -> None:
        wires = Wires()
        heated(wires, fresh(64 * KIB))
        for beat in range(IDLE_BEATS):
            assert open_descriptors()
            wires.tidy(NOW_S + 1 + beat / 4)
        assert not open_descriptors()

    def test_there_are_never_many(self) -> None:
        wires = Wires()
        helds = [heated(wires, fresh(150 * KIB)) for _ in range(400)]
        assert 10 < len(open_descriptors()) <= MOST_FILES + 1
        wires.tidy(NOW_S + 1)
        assert all(held.wire_file == -1 for held in helds)
        wires.close()
        assert not open_descriptors()
