from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.encoder.sources import FAST, PICTURE, draw
from tests.needs import ROOT

pytestmark = pytest.mark.system

FAST_AND_PLAIN = ["--preset", "ultrafast", "--ladder", "apple"]


def encoder(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "encoder", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("clip") / "My Film.mp4", *PICTURE, "-t", "1", *FAST)


def test_the_command_says_in_plain_lines_how_far_it_is_and_where_the_title_lies(
    clip: Path, tmp_path: Path
) -> None:
    done = encoder(clip, "-o", tmp_path / "library", *FAST_AND_PLAIN)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "probing"
    assert done.stdout.splitlines()[-1] == f"{tmp_path}/library/my-film published"
    again = encoder(clip, "-o", tmp_path / "library", *FAST_AND_PLAIN)
    assert again.returncode == 0
    assert again.stdout.endswith("my-film is there already, from the same input: nothing to do\n")


def limited(clip: Path, library: Path, file_bytes: int) -> subprocess.CompletedProcess[str]:
    """A run on a system that lets no file grow beyond a size: the full disk of a test."""
    limit = f"import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, ({file_bytes}, {file_bytes}))"
    run = f"{limit}; runpy.run_module('encoder', run_name='__main__')"
    command = [sys.executable, "-c", run, str(clip), "-o", str(library), *FAST_AND_PLAIN]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_a_file_that_the_system_refuses_to_grow_leaves_no_title(clip: Path, tmp_path: Path) -> None:
    done = limited(clip, tmp_path, 9_000)
    assert done.returncode == 1
    assert done.stderr.startswith("encode: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "my-film").exists()


def test_with_room_again_it_goes_on_and_comes_out_the_same(clip: Path, tmp_path: Path) -> None:
    assert encoder(clip, "-o", tmp_path / "right", *FAST_AND_PLAIN).returncode == 0
    right = files(tmp_path / "right")
    sizes = sorted({len(data) for data in right.values()})
    for file_bytes in (sizes[len(sizes) // 2], sizes[-1] - 1):
        done = limited(clip, tmp_path / "library", file_bytes)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert not (tmp_path / "library" / "my-film").exists()
    assert encoder(clip, "-o", tmp_path / "library", *FAST_AND_PLAIN).returncode == 0
    assert files(tmp_path / "library") == right


def files(library: Path) -> dict[str, bytes]:
    found = [path for path in library.rglob("*") if path.is_file()]
    return {path.relative_to(library).as_posix(): path.read_bytes() for path in found}


def test_json_is_all_there_is_on_standard_output(clip: Path, tmp_path: Path) -> None:
    done = encoder(clip, "-o", tmp_path, "--title", "film", *FAST_AND_PLAIN, "--json")
    *events, told = [json.loads(line) for line in done.stdout.splitlines()]
    assert {event["event"] for event in events} == {"progress"}
    assert (told["title"], told["is_new"], told["duration_s"]) == ("film", True, 1.0)
    assert [rendition["name"].split("-")[0] for rendition in told["renditions"]] == ["180p"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.mp4"], "encode: nowhere.mp4: no such file; name a video file"),
        (["LICENSE"], "encode: LICENSE: not a video file, or cut short; name a whole one"),
        (["a.mp4", "--title", "../up"], "encode: --title '../up': use letters, digits"),
        (
            ["a/film.mp4", "b/film.mp4"],
            "encode: a/film.mp4 and b/film.mp4 would both be film; encode one with",
        ),
        (["LICENSE", "nowhere.mp4"], "encode: nowhere.mp4: no such file; name a video file"),
        (["a.mp4", "--key-url", "https://k/{kid}"], "encode: there are keys, but no scheme; add --encrypt"),
        (["a.mp4", "--preset", "foo"], "encode: --preset 'foo': choose one of ultrafast,"),
        (["a.mp4", "b.mp4", "--title", "both"], "encode: --title is for one title, but there are 2 inputs"),
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


def test_what_a_cluster_needs_is_asked_for_before_any_work(tmp_path: Path) -> None:
    without = "import runpy, sys; sys.modules['distributed'] = None"
    without += "; runpy.run_module('encoder', run_name='__main__')"
    command = [sys.executable, "-c", without, "a.mp4", "-o", str(tmp_path), "--cluster", "tcp://127.0.0.1:1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "encode: --cluster needs more packages: pip install 'penstock[cluster]'\n"
