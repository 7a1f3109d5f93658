"""`python -m edge` as a process: what it says, what it returns, what signals do."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.needs import ROOT

pytestmark = pytest.mark.socket


@contextmanager
def edge(*options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "edge", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> dict[str, object]:
    assert process.stderr is not None
    event: dict[str, object] = json.loads(process.stderr.readline())
    return event


def get(address: object, target: str) -> int:
    connection = http.client.HTTPConnection(str(address), timeout=10)
    with closing(connection):
        connection.request("GET", target)
        return connection.getresponse().status


FREE = ("--listen", "127.0.0.1:0", "--upstream", "http://127.0.0.1:9")


def test_an_edge_says_where_it_listens_reopens_its_log_and_ends_cleanly(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    with edge(*FREE, "--admin", "127.0.0.1:0", "--access-log", str(path)) as process:
        event = said(process)
        assert (event["event"], event["upstream"]) == ("listening", "http://127.0.0.1:9")
        assert get(event["address"], "/1") == 502
        assert get(event["admin"], "/ready") == 200
        path.rename(tmp_path / "rotated.log")
        process.send_signal(signal.SIGHUP)
        reloaded = said(process)
        assert (reloaded["event"], reloaded["changed"]) == ("configuration reloaded", "nothing")
        assert get(event["address"], "/2") == 502
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert [json.loads(line)["url"] for line in (tmp_path / "rotated.log").read_bytes().splitlines()] == [
        "/1"
    ]
    assert [json.loads(line)["url"] for line in path.read_bytes().splitlines()] == ["/2"]


def ended(*options: str) -> tuple[int, str]:
    """How an edge ends that cannot begin."""
    with edge(*options) as process:
        _, words = process.communicate(timeout=10)
        return process.returncode, words


MISTAKES = [
    pytest.param(["--upstream", "nowhere"], "upstream = 'nowhere': write a URL", id="no-url"),
    pytest.param([], "upstream is missing", id="no-upstream"),
    pytest.param(["--config", "/nowhere.toml"], "/nowhere.toml: No such file", id="no-file"),
    pytest.param([*FREE, "--ram", "big"], "ram = 'big'", id="not-a-size"),
    pytest.param([*FREE, "--log-level", "loud"], "log_level = 'loud'", id="no-such-level"),
]


@pytest.mark.parametrize(("options", "words"), MISTAKES)
def test_a_mistake_is_one_line_and_status_2(options: list[str], words: str) -> None:
    status, line = ended(*options)
    assert (status, line.count("\n")) == (2, 1)
    assert line.startswith("edge: ")
    assert words in line


def test_a_log_that_cannot_be_opened_is_one_line_that_names_it() -> None:
    status, line = ended(*FREE, "--access-log", "/nowhere/access.log")
    assert (status, line) == (1, "edge: cannot serve: /nowhere/access.log: No such file or directory\n")


@pytest.mark.parametrize("plane", ["--listen", "--admin"])
def test_an_address_in_use_is_one_line_that_names_it(plane: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, line = ended(*FREE, plane, f"127.0.0.1:{port}")
    assert (status, line.count("\n")) == (1, 1)
    assert str(port) in line
    assert "already in use" in line


def test_several_upstreams_are_several_flags() -> None:
    options = ["--upstream", "http://127.0.0.1:9 weight=2", "--upstream", "unix:/nowhere/edge.sock"]
    with edge("--listen", "127.0.0.1:0", *options, "--upstream-choice", "hash") as process:
        event = said(process)
        assert event["upstream"] == "http://127.0.0.1:9, unix:/nowhere/edge.sock"
        assert get(event["address"], "/1") == 502
