from __future__ import annotations

import threading
from pathlib import Path

import pytest

from encoder.source_cache import Sources


class Library:
    """Counts who comes for which source."""

    def __init__(self) -> None:
        self.brought: list[str] = []

    def bring(self, name: str) -> None:
        self.brought.append(name)

    def to(self, path: Path) -> None:
        self.bring(path.name)
        path.write_bytes(b"a source")


def test_a_source_is_brought_once_for_all_who_want_it(tmp_path: Path) -> None:
    sources, library, all_here = Sources(), Library(), threading.Barrier(3)

    def work() -> None:
        with sources.held("aa", tmp_path, ".mkv", library.to) as path:
            assert path.read_bytes() == b"a source"
            all_here.wait(60)  # it is held by all three at once

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert library.brought == ["source-aa.mkv"]


def test_the_last_source_stays_until_another_is_wanted(tmp_path: Path) -> None:
    sources, library = Sources(), Library()
    for sha256 in ("aa", "aa", "bb"):
        with sources.held(sha256, tmp_path, "", library.to):
            pass
    assert library.brought == ["source-aa", "source-bb"]
    assert [path.name for path in tmp_path.iterdir()] == ["source-bb"]


def test_a_source_in_use_outlives_the_wish_for_another(tmp_path: Path) -> None:
    sources, library = Sources(), Library()
    with sources.held("aa", tmp_path, "", library.to) as used, sources.held("bb", tmp_path, "", library.to):
        assert used.exists()


def test_what_is_forgotten_goes_as_soon_as_nobody_uses_it(tmp_path: Path) -> None:
    sources, library = Sources(), Library()
    with sources.held("aa", tmp_path, "", library.to) as used:
        sources.forget("aa")
        assert used.exists()
    assert not used.exists()
    sources.forget("aa")
    sources.forget("never seen")


def test_after_a_failure_the_next_one_tries_again(tmp_path: Path) -> None:
    sources, library = Sources(), Library()

    def fail(_: Path) -> None:
        raise OSError("no")

    with pytest.raises(OSError, match="no"), sources.held("aa", tmp_path, "", fail):
        pass
    with sources.held("aa", tmp_path, "", library.to) as path:
        assert path.exists()
