"""Memory files: answers lie in them side by side, nothing is written over, and all of them are let go."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from edge.memfile import FILE_BYTES, IDLE_BEATS, MOST_FILES, NOWHERE, MemoryFiles, lay_on_huge_page

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system has no memory files")

HALF = b"x" * (FILE_BYTES // 2)


class Later:
    """What was to be done in another thread, until it is done here."""

    def __init__(self) -> None:
        self.asked: list[Callable[[], None]] = []

    def __call__(self, work: Callable[[], None]) -> None:
        self.asked.append(work)

    def do(self) -> None:
        asked, self.asked = self.asked, []
        for work in asked:
            work()


class Huge:
    """Says of each file that it lies on a huge page, or that it cannot."""

    def __init__(self, *, may_be: bool = True) -> None:
        self.files: list[int] = []
        self._may_be = may_be

    def __call__(self, file: int) -> bool:
        self.files.append(file)
        return self._may_be


def is_open(file: int) -> bool:
    try:
        os.fstat(file)
    except OSError:
        return False
    return True


@pytest.fixture
def later() -> Later:
    return Later()


@pytest.fixture
def files(later: Later) -> Iterator[MemoryFiles]:
    files = MemoryFiles(later, Huge())
    yield files
    files.close()


def test_answers_lie_side_by_side_each_on_pages_of_its_own(files: MemoryFiles) -> None:
    first, second = files.place(b"head", b"body"), files.place(b"another", b"answer")
    assert first[0] == second[0]
    assert second[1] % os.sysconf("SC_PAGE_SIZE") == 0
    assert os.pread(first[0], 8, first[1]) == b"headbody"
    assert os.pread(second[0], 13, second[1]) == b"anotheranswer"


def test_what_was_let_go_is_not_written_over_since_it_may_be_on_its_way(files: MemoryFiles) -> None:
    file, offset = files.place(b"head", b"body")
    files.release(file)
    assert files.place(b"another", b"answer") != (file, offset)
    assert os.pread(file, 8, offset) == b"headbody"


def test_a_full_file_is_closed_with_the_last_of_its_answers(files: MemoryFiles) -> None:
    places = [files.place(b"", HALF) for _ in range(3)]
    full, other = places[0][0], places[2][0]
    assert [file for file, _ in places] == [full, full, other]
    files.release(full)
    assert is_open(full)
    files.release(full)
    assert not is_open(full)
    assert is_open(other)


def test_there_is_no_place_beyond_so_many_files_until_one_is_let_go(files: MemoryFiles) -> None:
    places = [files.place(b"", HALF) for _ in range(2 * MOST_FILES)]
    assert NOWHERE not in places
    assert files.place(b"", HALF) == NOWHERE
    files.release(places[0][0])
    files.release(places[1][0])
    assert files.place(b"", HALF) != NOWHERE


def test_the_next_answer_goes_to_a_huge_page_as_soon_as_there_is_one(later: Later) -> None:
    huge = Huge()
    files = MemoryFiles(later, huge)
    plain, _ = files.place(b"", b"first")
    assert files.place(b"", b"second")[0] == plain
    later.do()
    laid, offset = files.place(b"", b"third")
    assert (laid, offset) == (huge.files[0], 0)
    later.do()
    assert files.place(b"", b"fourth")[0] == laid  # which has room
    files.close()
    assert not any(map(is_open, (plain, *huge.files)))


def test_where_there_is_no_huge_page_it_stops_asking(later: Later) -> None:
    huge = Huge(may_be=False)
    files = MemoryFiles(later, huge)
    for _ in range(10):
        for _ in range(2):
            files.release(files.place(b"", HALF)[0])
        later.do()
    assert len(huge.files) == 3
    files.close()
    assert not any(map(is_open, huge.files))


def test_a_huge_page_that_comes_after_the_end_is_given_back(later: Later) -> None:
    huge = Huge()
    files = MemoryFiles(later, huge)
    files.release(files.place(b"", b"first")[0])
    files.close()
    later.do()
    assert not is_open(huge.files[0])


def test_an_answer_that_is_still_needed_keeps_its_file_over_a_quiet_minute(files: MemoryFiles) -> None:
    file, offset = files.place(b"head", b"body")
    for _ in range(IDLE_BEATS):
        files.beat()
    assert os.pread(file, 8, offset) == b"headbody"
    files.release(file)
    assert not is_open(file)


def test_a_file_is_empty_and_as_long_as_before_whether_or_not_it_could_be_laid() -> None:
    file = os.memfd_create("answer")
    try:
        os.ftruncate(file, FILE_BYTES)
        lay_on_huge_page(file)
        assert os.pread(file, FILE_BYTES + 1, 0) == bytes(FILE_BYTES)
    finally:
        os.close(file)
