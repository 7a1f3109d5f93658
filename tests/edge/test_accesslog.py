"""The access log on its own: lines, batches, and a disk that fails."""

from __future__ import annotations

import json
from pathlib import Path

from edge.accesslog import AccessLog, who_part
from edge.message import CacheStatus, Head
from tests.edge.messages import fields


def note(log: AccessLog, target: bytes = b"/x", who: bytes = b"") -> None:
    log.write(12.3456, who, target, 200, 10, CacheStatus.MISS, 0.0012)


def test_a_line_holds_who_asked_and_how_it_ended(tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "a.log")
    head = Head.of(fields(user_agent='a "b" \\ \xff'), keep_alive=True)
    note(log, b'/x"\\\xff\n', who_part("::1", head))
    log.close()
    assert json.loads((tmp_path / "a.log").read_bytes()) == {
        "time": 12.346,
        "remote": "::1",
        "agent": 'a "b" \\ \xff',
        "url": '/x"\\\xff\n',
        "status": 200,
        "bytes": 10,
        "cache": "miss",
        "ms": 1.2,
    }


def test_lines_are_written_in_batches_and_added_to_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"earlier\n")
    log = AccessLog(path)
    note(log)
    assert path.read_bytes() == b"earlier\n"
    log.flush()
    log.flush()
    assert path.read_bytes().count(b"\n") == 2
    for _ in range(20_000):
        note(log)
    assert path.read_bytes().count(b"\n") == 20_002
    log.close()


def test_without_a_path_nothing_is_gathered() -> None:
    log = AccessLog(None)
    note(log)
    log.flush()
    log.reopen()
    assert (log.is_on, log.lines) == (False, [])


def test_a_full_disk_costs_lines_and_not_service() -> None:
    log = AccessLog(Path("/dev/full"))
    for _ in range(3):
        note(log)
    log.flush()
    assert (log.lost, log.lines) == (3, [])
    log.close()


def test_a_folder_that_is_gone_after_rotation_costs_lines_and_not_memory(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    log = AccessLog(folder / "a.log")
    (folder / "a.log").unlink()
    folder.rmdir()
    log.reopen()
    note(log)
    log.flush()
    assert (log.lost, log.lines) == (1, [])
    folder.mkdir()
    log.reopen()
    note(log)
    log.close()
    assert (folder / "a.log").read_bytes().count(b"\n") == 1
