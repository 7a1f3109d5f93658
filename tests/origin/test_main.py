"""The origin as a process: the line it says, signals, and what it says of bad input."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.needs import ROOT
from tests.origin.library import publish

pytestmark = pytest.mark.system


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "origin", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def test_it_says_where_it_listens_and_ends_on_a_signal(tmp_path: Path) -> None:
    publish(tmp_path)
    with start("--library", str(tmp_path), "--listen", "127.0.0.1:0") as process:
        assert process.stderr
        said = [json.loads(process.stderr.readline()) for _ in range(2)]
        assert [line["event"] for line in said] == ["published", "listening"]
        with urlopen(f"http://{said[1]['address']}/titles") as answer:
            assert [title["name"] for title in json.load(answer)] == ["bunny"]
        process.send_signal(signal.SIGTERM)
        assert process.stderr.read() == ""
    assert process.returncode == 0


MISTAKES = [  # arguments, what it says
    pytest.param(["--library", "no/such/folder"], "library = no/such/folder: no such folder", id="library"),
    pytest.param(["--listen", "here"], "'here' is not an address", id="listen"),
    pytest.param(["--log-level", "loud"], "log_level = 'loud'", id="log-level"),
    pytest.param(["--config", "none.toml"], "none.toml: No such file or directory", id="config"),
    pytest.param(
        ["--library", ".", "--listen", "192.0.2.1:80"], "cannot serve on 192.0.2.1:80", id="address"
    ),
]


@pytest.mark.parametrize(("arguments", "said"), MISTAKES)
def test_a_mistake_is_one_line(arguments: list[str], said: str) -> None:
    with start(*arguments) as process:
        assert process.stderr
        text = process.stderr.read()
    assert process.returncode != 0
    assert said in text
    assert text.startswith("origin: ")
    assert text.count("\n") == 1
