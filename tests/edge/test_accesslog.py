"""The access log on its own: lines, batches, and a disk that fails."""

from __future__ import annotations

import json
from pathlib import Path

from edge.accesslog import AccessLog, before_url, who_part
from edge.message import CacheStatus, Head
from edge.visit import Outcome
from tests.edge.messages import fields


def note(log: AccessLog, target: bytes = b"/x", who: bytes = b"") -> None:
    log.write(12.3456, who, b"GET", target, outcome(CacheStatus.MISS), 0.0012)


def outcome(what: CacheStatus) -> Outcome:
    found = Outcome(what, 200)
    found.sent_bytes = 10
    return found


def test_a_line_holds_who_asked_and_how_it_ended(tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "a.log")
    head = Head.of(fields(user_agent='a "b" \\ \xff'), keep_alive=True)
    note(log, b'/x"\\\xff\n', who_part("::1", head))
    log.close()
    assert json.loads((tmp_path / "a.log").read_bytes()) == {
        "time": 12.346,
        "remote": "::1",
        "protocol": "h1",
        "agent": 'a "b" \\ \xff',
        "method": "GET",
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
    assert len(log.lines) < 10_000
    log.close()
    assert path.read_bytes().count(b"\n") == 20_002


def test_the_line_of_a_hit_is_that_of_any_answer_but_for_its_duration(tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "a.log")
    who = who_part("::1", Head.of(fields(user_agent="a"), keep_alive=True))
    log.hit(
        12.3456, before_url(who), b"/x", b"?CMCD=", b"bl%3D1", b'","status":200,"bytes":10,"cache":"hit"}\n'
    )
    log.write(12.345, who, b"GET", b"/x?CMCD=bl%3D1", outcome(CacheStatus.HIT), 0.0)
    log.close()
    hit, other = map(json.loads, (tmp_path / "a.log").read_bytes().splitlines())
    assert other == hit | {"method": "GET", "ms": 0}


def test_hits_have_their_session_as_a_field_if_that_is_wanted(tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "a.log", names_sessions=True)
    log.flush()
    who, end = before_url(who_part("::1", None)), b'","status":200}\n'
    headed = before_url(who_part("::1", Head.of(fields(cmcd_session='sid="of-field"'), keep_alive=True)))
    log.hit(1.0, who, b"/x", b"?CMCD=", b"bl%3D1%2Csid%3D%22a%22", end)
    log.hit(1.0, who, b"/x", b"?CMCD=", b"bl%3D1%2Csid%3D%22b%22%2Cst%3Dv", end)  # behind a shared proxy
    note(log, b"/y?CMCD=sid%3D%22c%22", who_part("::1", None))
    log.hit(1.0, who, b"/x", b"", b"", end)
    log.hit(1.0, headed, b"/x", b"?CMCD=", b"bl%3D1%2Csid%3D%22a%22", end)
    log.close()
    said = [json.loads(line) for line in (tmp_path / "a.log").read_bytes().splitlines()]
    assert [line.get("sid") for line in said] == ["a", "b", "c", None, "of-field"]
    assert said[1]["url"] == "/x?CMCD=bl%3D1%2Csid%3D%22b%22%2Cst%3Dv"
    assert {line["status"] for line in said} == {200}


def test_the_time_of_hits_is_right_to_the_millisecond_also_where_the_clock_goes_back(tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "a.log")
    times_s = (1.0, 1.0004, 1.0015, 1.002, 1.9999, 2.0, 1.5)
    for now_s in times_s:
        log.hit(now_s, b"", b"", b"", b"", b'"":0}\n')
    log.close()
    logged = [json.loads(line)["time"] for line in (tmp_path / "a.log").read_bytes().splitlines()]
    assert logged == [1.0, 1.0, 1.001, 1.002, 1.999, 2.0, 1.5]


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
    log.hit(1.0, b"", b"/x", b"", b"", b"\n")
    log.flush()
    assert (log.lost, log.lines) == (4, [])
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
    note(log)
    log.close()
    assert (folder / "a.log").read_bytes().count(b"\n") == 1
