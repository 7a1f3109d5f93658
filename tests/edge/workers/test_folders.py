"""The disk folders of workers, before those begin."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from edge.disk.folder import DiskError, Folder
from edge.workers.folders import folder_of, settle


class Said:
    """A logger that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def warning(self, event: str, **named: Any) -> None:
        self.lines.append((event, named))


def begin(folder: Path, count: int, said: Said | None = None) -> None:
    """A start with so many workers, and its end."""
    sweeping = settle(folder, count, said or Said())  # type: ignore[arg-type]
    if sweeping is not None:
        sweeping.join()
    for index in range(count):
        mine = Folder(folder_of(folder, index))
        mine.claim()
        (mine.path / f"of-{count}").touch()
        mine.release()


def left(folder: Path, count: int) -> list[set[str]]:
    """Which starts each worker's folder remembers."""
    return [{path.name for path in folder_of(folder, index).glob("of-*")} for index in range(count)]


def test_workers_that_run_again_find_what_they_had(tmp_path: Path) -> None:
    said = Said()
    for count in (1, 2, 3, 3):
        begin(tmp_path, count, said)
    assert left(tmp_path, 3) == [{"of-1", "of-2", "of-3"}, {"of-2", "of-3"}, {"of-3"}]
    assert said.lines == []


def test_a_worker_that_did_not_run_meanwhile_finds_nothing(tmp_path: Path) -> None:
    said = Said()
    for count in (3, 1, 3):
        begin(tmp_path, count, said)
    assert left(tmp_path, 3) == [{"of-3", "of-1"}, {"of-3"}, {"of-3"}]
    ((event, named),) = said.lines
    assert "swept" in event
    assert named == {"folders": f"{tmp_path}/worker-1, {tmp_path}/worker-2"}
    begin(tmp_path, 1)
    assert not list(tmp_path.glob("worker-*"))


def test_what_a_sweep_did_not_come_to_is_deleted_by_the_next_start(tmp_path: Path) -> None:
    begin(tmp_path, 1)
    (tmp_path / "gone-1" / "00").mkdir(parents=True)
    (tmp_path / "gone-1" / "00" / "0123456789abcdef").touch()
    said = Said()
    begin(tmp_path, 1, said)
    assert not list(tmp_path.glob("gone-*"))
    assert said.lines == [], "it was told when it was swept"


def test_a_folder_that_another_process_uses_is_not_swept(tmp_path: Path) -> None:
    begin(tmp_path, 2)
    other = Folder(folder_of(tmp_path, 1))
    other.claim()
    try:
        with pytest.raises(DiskError, match=f"worker-1: process {os.getpid()} is using it"):
            begin(tmp_path, 1)
    finally:
        other.release()
    assert left(tmp_path, 2) == [{"of-2"}, {"of-2"}]


@pytest.mark.parametrize("name", ["worker-1", "notes"])
def test_what_is_not_ours_is_left_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "mine").touch()
    with pytest.raises(DiskError, match="holds other files; give the disk tier a folder of its own"):
        begin(tmp_path, 1)
    assert (tmp_path / name / "mine").exists()
