"""A run may die at any moment: what is published is whole, and the next run ends up with the same title."""

from __future__ import annotations

import hashlib
import itertools
import random
import shutil
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from encoder.job import EncodeJob, Stage
from encoder.package import encode
from encoder.verify import verify
from media.title import read_title
from tests.encoder.runs import CrashPoint, run_until, running
from tests.encoder.sources import FAST, SOUND, draw
from tests.encoder.titles import FASTEST

pytestmark = pytest.mark.system

TITLES, KILLS = 3, 17  # of each
STAGES = list(Stage)
SECONDS, RATE = 30, 5
TITLE = "film"
TWO_RUNGS = """
[[rungs]]
short_side_px = 36
max_bps = 60_000
[[rungs]]
short_side_px = 54
max_bps = 100_000
"""


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> EncodeJob:
    """Two chunks of two rungs, with sound and subtitles; its library is where it comes out undisturbed."""
    root = tmp_path_factory.mktemp("resume")
    cues = root / "cues.srt"
    cues.write_text("1\n00:00:01,000 --> 00:00:06,000\nHello\n")
    picture = ["-f", "lavfi", "-i", f"testsrc2=s=96x54:r={RATE}"]
    both = [*picture, *SOUND, "-i", str(cues), "-map", "0", "-map", "1", "-map", "2"]
    film = draw(root / "film.mkv", *both, "-t", str(SECONDS), *FAST, "-g", "10", "-c:a", "aac")
    (root / "two.toml").write_text(TWO_RUNGS)
    job = EncodeJob(
        input=film, library=root / "library", title=TITLE, ladder=str(root / "two.toml"), settings=FASTEST
    )
    encode(job)
    return job


@pytest.fixture(scope="module")
def undisturbed(job: EncodeJob) -> Path:
    """The library as it is when nothing happens."""
    return Path(job.library)


@pytest.fixture(scope="module")
def right(undisturbed: Path) -> dict[str, str]:
    return tree(undisturbed)


@pytest.fixture(scope="module")
def at_the_end(job: EncodeJob, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library in which all steps are done and nothing else: the run died there."""
    library = tmp_path_factory.mktemp("end") / "library"
    die_at_the_end(replace(job, library=library), library)
    return library


def die_at_the_end(job: EncodeJob, library: Path) -> None:
    assert run_until(job, CrashPoint(number=1, inside=library, stage=Stage.PUBLISHING))


def tree(library: Path) -> dict[str, str]:
    """Every file's checksum, and every folder."""
    return {
        path.relative_to(library).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "a folder"
        for path in library.rglob("*")
    }


def check_published(library: Path) -> str | None:
    """No title, or all of one, down to the last byte; its version."""
    folder = library / TITLE
    if not (folder / "title.json").exists():
        return None
    title = read_title((folder / "title.json").read_bytes())
    for file in title.files:
        data = (folder / file.path).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.size_bytes, file.sha256)
    return title.version


def records(library: Path) -> dict[str, tuple[int, int]]:
    """The steps that are done: a record that were written again would be another file."""
    found = library.glob(".staging/**/steps/*.json")
    return {path.stem: (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def test_killed_at_any_moment_it_goes_on_and_ends_up_the_same(
    job: EncodeJob, right: dict[str, str], tmp_path: Path
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201
    chance = random.Random(seed)
    killed: Counter[Stage | None] = Counter()
    for number in range(TITLES):
        here = replace(job, library=tmp_path / str(number))
        until = killed.total() + KILLS
        while killed.total() < until and not killed_once(here, chance, killed):
            pass
        encode(here)
        assert tree(tmp_path / str(number)) == right
        while killed.total() < until:  # it had come to its end before
            shutil.rmtree(tmp_path / str(number), ignore_errors=True)  # the kill may have come before it
            killed_once(here, chance, killed)
    print(f"{killed.total()} kills: {killed}")  # noqa: T201
    assert {Stage.PROBING, Stage.ENCODING, Stage.PUBLISHING} <= killed.keys()


def killed_once(job: EncodeJob, chance: random.Random, killed: Counter[Stage | None]) -> bool:
    """Run it and kill it a moment after a stage has begun; whether it had ended before that."""
    target = chance.choice(
        [None, Stage.PROBING, Stage.ANALYSING, *[Stage.ENCODING] * 3, *[Stage.PUBLISHING] * 3]
    )
    library = Path(job.library)
    done = records(library)
    with running(job) as run:
        for stage in run.stages():
            if target is None or STAGES.index(stage) >= STAGES.index(target):
                break
        time.sleep(chance.uniform(0, 0.3))  # not to wait for anything: any moment will do
        run.process.kill()
        is_over = run.ended() == 0
    is_there = check_published(library) is not None
    if is_over:
        assert is_there
        return True
    killed[target] += 1
    if not is_there:
        kept = records(library)
        assert {step: kept.get(step) for step in done} == done, "what was done has been done again"
    return False


def test_after_a_crash_at_any_change_to_the_disk_the_next_run_goes_on(
    job: EncodeJob, right: dict[str, str], at_the_end: Path, tmp_path: Path
) -> None:
    """From the last step on, each run dies one change later than the one before, in what that has left."""
    library = Path(shutil.copytree(at_the_end, tmp_path / "library"))
    here, done = replace(job, library=library), records(library)
    for number in itertools.count(1):
        if not run_until(here, CrashPoint(number=number, inside=library, stage=Stage.PUBLISHING)):
            break
        if check_published(library):
            encode(here)
            assert tree(library) == right, number
            shutil.rmtree(library)
            shutil.copytree(at_the_end, library)
            done = records(library)
        else:
            assert records(library) == done, number
    assert number > 25
    assert tree(library) == right


@pytest.fixture(scope="module")
def other(job: EncodeJob) -> EncodeJob:
    """The same film in one size."""
    ladder = job.input.with_name("one.toml")
    ladder.write_text("[[rungs]]\nshort_side_px = 36\nmax_bps = 50_000\n")
    return replace(job, ladder=str(ladder))


def test_a_crash_while_another_version_is_published_leaves_the_one_or_the_other(
    undisturbed: Path, other: EncodeJob, tmp_path: Path
) -> None:
    half, upgraded, library = tmp_path / "half", tmp_path / "upgraded", tmp_path / "library"
    shutil.copytree(undisturbed, half)
    die_at_the_end(replace(other, library=half), half)
    shutil.copytree(half, upgraded)
    encode(replace(other, library=upgraded))
    here, versions = replace(other, library=library), [check_published(half), check_published(upgraded)]
    seen = []
    for number in itertools.count(1):
        shutil.copytree(half, library)
        is_dead = run_until(here, CrashPoint(number=number, inside=library / TITLE))
        seen.append(check_published(library))
        verify(library / TITLE, ["master.m3u8", "manifest.mpd"])
        encode(here)
        assert tree(library) == tree(upgraded), number
        shutil.rmtree(library)
        if not is_dead:
            break
    assert number > 8
    assert set(seen) == set(versions)
    assert seen == sorted(seen, key=versions.index)


def test_a_crash_while_a_damaged_title_is_made_again_is_no_obstacle(other: EncodeJob, tmp_path: Path) -> None:
    library = tmp_path / "library"
    here = replace(other, library=library)
    encode(here)
    whole, tree_of_title = tree(library), tree(library / TITLE)
    next(library.rglob("2.m4s")).unlink()
    for number in itertools.count(1):
        run_until(here, CrashPoint(number=number, inside=library / TITLE))
        if tree(library / TITLE) == tree_of_title:
            break
    encode(here)
    assert tree(library) == whole
    assert number > 4


def test_a_film_that_is_asked_for_in_another_way_meanwhile_comes_out_as_ever(
    other: EncodeJob, at_the_end: Path, tmp_path: Path
) -> None:
    """The other way's title comes out as ever; what was half done for this one is gone, and done again."""
    library = Path(shutil.copytree(at_the_end, tmp_path / "library"))
    encode(replace(other, library=library))
    encode(replace(other, library=tmp_path / "plain"))
    assert tree(library) == tree(tmp_path / "plain")
