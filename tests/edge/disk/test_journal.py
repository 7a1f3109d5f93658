"""The journal's file: whole records or none, and its snapshots, of which the newest whole one counts."""

from __future__ import annotations

import resource
from array import array
from pathlib import Path

import pytest

from edge.disk.address import Address
from edge.disk.journal import Journal, journal_since, last_generation, newest_snapshot, write_snapshot
from edge.disk.records import RECORD_BYTES, Change, Columns, Record

RECORDS = [Record(Change.CAME, Address(number, 0), number) for number in range(1, 6)]


def columns(digest: int) -> Columns:
    return Columns(array("Q", [0, digest]), array("I", [0, 1]), b"\0\1", array("Q"), None)


def test_a_record_that_did_not_fit_leaves_no_trace(tmp_path: Path) -> None:
    """A limit on file sizes cuts a write short, as a full disk does."""
    journal = Journal(tmp_path)
    journal.begin(1)
    journal.append(RECORDS[:2])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * RECORD_BYTES + 10, hard))
    try:
        with pytest.raises(OSError, match="a part of a record"):
            journal.append(RECORDS[2:3])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    journal.append(RECORDS[3:])
    journal.sync()
    assert journal_since(tmp_path, 1) == [*RECORDS[:2], *RECORDS[3:]]
    assert journal.records == 4
    journal.close()
    with pytest.raises(OSError, match="closed"):
        journal.append(RECORDS)


def test_journals_are_read_in_order_from_the_snapshots_on(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for generation in (9, 10, 11):
        journal.begin(generation)
        journal.append([RECORDS[generation - 9]])
    journal.close()
    assert journal_since(tmp_path, 10) == RECORDS[1:3]
    assert last_generation(tmp_path) == 11


def test_a_snapshot_deletes_what_is_older_once_it_is_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    write_snapshot(tmp_path, 1, columns(11))
    journal.begin(1)
    journal.begin(2)
    journal.append(RECORDS[:1])
    assert newest_snapshot(tmp_path) == (1, columns(11))
    write_snapshot(tmp_path, 2, columns(22))
    assert newest_snapshot(tmp_path) == (2, columns(22))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.2", "journal.2"]
    journal.close()


def test_a_snapshot_that_is_not_whole_gives_way_to_the_one_before(tmp_path: Path) -> None:
    write_snapshot(tmp_path, 1, columns(11))
    (tmp_path / "index.2").write_bytes((tmp_path / "index.1").read_bytes()[:-1])
    (tmp_path / "index.new").write_bytes(b"died while it wrote")
    (tmp_path / "index.old").write_bytes(b"somebody's")
    assert newest_snapshot(tmp_path) == (1, columns(11))
    assert last_generation(tmp_path) == 2
