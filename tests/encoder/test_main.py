from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.encoder.sources import FAST, PICTURE, draw
from tests.needs import ROOT

pytestmark = pytest.mark.system


def encoder(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "encoder", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("clip") / "My Film.mp4", *PICTURE, "-t", "1", *FAST)


def test_the_command_says_in_plain_lines_how_far_it_is_and_where_the_title_lies(
    clip: Path, tmp_path: Path
) -> None:
    done = encoder(clip, "-o", tmp_path / "library", "--preset", "ultrafast")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "probing"
    assert done.stdout.splitlines()[-1] == f"{tmp_path}/library/my-film published"
    again = encoder(clip, "-o", tmp_path / "library", "--preset", "ultrafast")
    assert again.returncode == 0
    assert again.stdout.endswith("my-film is there already, from the same input: nothing to do\n")


def test_a_file_that_the_system_refuses_to_grow_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    limit = "import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, 9_000))"
    run = f"{limit}; runpy.run_module('encoder', run_name='__main__')"
    command = [sys.executable, "-c", run, str(clip), "-o", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("encode: ")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_json_is_all_there_is_on_standard_output(clip: Path, tmp_path: Path) -> None:
    done = encoder(clip, "-o", tmp_path, "--title", "film", "--preset", "ultrafast", "--json")
    told = json.loads(done.stdout)
    assert (told["title"], told["is_new"], told["duration_s"]) == ("film", True, 1.0)
    assert [rendition["name"].split("-")[0] for rendition in told["renditions"]] == ["180p"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.mp4"], "encode: nowhere.mp4: no such file; name a video file"),
        (["LICENSE"], "encode: LICENSE: not a video file, or cut short; name a whole one"),
        (["a.mp4", "--title", "../up"], "encode: --title '../up': use letters, digits"),
        (["a.mp4", "b.mp4", "--title", "both"], "encode: --title names one title, but there are 2 inputs"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_code_1(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = encoder(*arguments, "-o", tmp_path / "library")
    assert done.returncode == 1
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "library").exists()
