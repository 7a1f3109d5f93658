from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from encoder.errors import EncodeError
from encoder.job import EncodeJob, Progress, Stage
from encoder.package import encode
from media.hls import read_multivariant
from tests.encoder.sources import FAST, PICTURE, SOUND, draw
from tests.encoder.titles import FASTEST, check, encode_fast, frames, joined
from tests.needs import ROOT, program

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine seconds of NTSC film in 640x360 with sound."""
    film = ["-f", "lavfi", "-i", "testsrc2=s=640x360:r=24000/1001"]
    return draw(tmp_path_factory.mktemp("clip") / "film.mp4", *film, *SOUND, "-t", "9", *FAST, "-c:a", "aac")


def everything(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def test_ntsc_film_is_cut_at_whole_frames_to_the_tick(clip: Path, tmp_path: Path) -> None:
    published = encode_fast(clip, tmp_path)
    check(published)
    made = published.title.presentation
    assert [track.rendition.height_px for track in made.video] == [234, 360]
    for track in made.video:
        assert track.rendition.frame_rate == Fraction(24000, 1001)
        assert track.timeline.seconds(track.timeline.segments[0].duration_ticks) == 96 * Fraction(1001, 24000)
        assert track.timeline.duration == 216 * Fraction(1001, 24000)
        assert len(list(frames(joined(published, track)))) == 216


def test_a_short_last_segment_is_joined_to_the_one_before(clip: Path, tmp_path: Path) -> None:
    segments = encode_fast(clip, tmp_path).title.presentation.video[0].timeline.segments
    assert [segment.duration_ticks / 1001 for segment in segments] == [96, 120]  # not 96, 96, 24


def test_sound_covers_the_picture_and_no_more_than_one_aac_frame_beyond(clip: Path, tmp_path: Path) -> None:
    made = encode_fast(clip, tmp_path).title.presentation
    beyond = made.audio[0].timeline.duration - made.video[0].timeline.duration
    assert 0 <= beyond < Fraction(1024, 48_000)


def test_the_master_playlist_announces_what_was_measured(clip: Path, tmp_path: Path) -> None:
    published = encode_fast(clip, tmp_path)
    playlist = read_multivariant((published.folder / "master.m3u8").read_text(), "master.m3u8")
    announced = [variant.rendition.peak_bps for variant in playlist.variants]
    sound = published.title.presentation.audio[0].rendition.peak_bps
    assert announced == [
        track.rendition.peak_bps + sound for track in published.title.presentation.video
    ]  # fmt: skip


def test_the_same_input_and_settings_make_the_same_bytes_on_any_number_of_cores(
    clip: Path, tmp_path: Path
) -> None:
    job = EncodeJob(input=clip, library=tmp_path / "all", settings=FASTEST)
    on_all = encode(job).title
    on_one = encode(replace(job, library=tmp_path / "one", jobs=1)).title
    assert on_all == on_one


def test_the_second_run_does_no_work(clip: Path, tmp_path: Path) -> None:
    first = encode_fast(clip, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in everything(tmp_path)}
    stages: list[Stage] = []
    second = encode(
        EncodeJob(input=clip, library=tmp_path, settings=FASTEST),
        lambda progress: stages.append(progress.stage),
    )
    assert (second.is_new, second.title) == (False, first.title)
    assert stages == [Stage.PROBING]
    assert {path: path.stat().st_mtime_ns for path in everything(tmp_path)} == before


def test_a_title_that_lost_a_file_is_made_again(clip: Path, tmp_path: Path) -> None:
    first = encode_fast(clip, tmp_path)
    (first.folder / first.title.files[0].path).unlink()
    second = encode_fast(clip, tmp_path)
    assert (second.is_new, second.title) == (True, first.title)
    check(second)


def test_other_settings_make_another_version_and_the_last_one_stays_for_who_is_playing_it(
    clip: Path, tmp_path: Path
) -> None:
    first, second = encode_fast(clip, tmp_path), encode_fast(clip, tmp_path, ladder="apple")
    assert first.title.version != second.title.version
    for file in (*first.title.files, *second.title.files):
        assert (first.folder / file.path).exists()
    ladder = tmp_path / "one.toml"
    ladder.write_text("[[rungs]]\nshort_side_px = 180\nmax_bps = 200_000\n")
    third = encode_fast(clip, tmp_path, ladder=str(ladder))
    check(third)
    assert not (first.folder / first.title.files[0].path).exists()
    assert (first.folder / second.title.files[0].path).exists()


def test_progress_rises_to_the_last_frame(clip: Path, tmp_path: Path) -> None:
    heard: list[Progress] = []
    encode(EncodeJob(input=clip, library=tmp_path, settings=FASTEST), heard.append)
    assert [progress.stage for progress in (heard[0], heard[-1])] == [Stage.PROBING, Stage.PUBLISHING]
    counts = [progress.frames for progress in heard]
    assert counts == sorted(counts)
    assert counts[-1] == heard[-1].total_frames == 216


def test_the_plan_is_written_beside_the_title(clip: Path, tmp_path: Path) -> None:
    published = encode_fast(clip, tmp_path)
    plan = json.loads((published.folder / "plan.json").read_text())
    assert plan["plan_key"] == published.title.plan_key
    assert plan["plan"]["frame_rate"] == "24000/1001"
    assert str(clip) not in json.dumps(plan)  # where the input lay is nobody's business


def with_a_bad_preset(clip: Path, library: Path) -> EncodeJob:
    return EncodeJob(input=clip, library=library, settings=replace(FASTEST, preset="nonsense"))


def with_an_unknown_ladder(clip: Path, library: Path) -> EncodeJob:
    return EncodeJob(input=clip, library=library, ladder="mine")


def with_a_missing_ladder(clip: Path, library: Path) -> EncodeJob:
    return EncodeJob(input=clip, library=library, ladder="mine.toml")


@pytest.mark.parametrize(
    ("job", "message"),
    [
        (with_a_bad_preset, "ffmpeg: x264 [error]: invalid preset 'nonsense'"),
        (with_an_unknown_ladder, "--ladder 'mine': choose one of auto, apple, or name a .toml file"),
        (with_a_missing_ladder, "mine.toml: No such file or directory"),
    ],
)
def test_a_failure_is_one_line_and_leaves_nothing(
    clip: Path, tmp_path: Path, job: Callable[[Path, Path], EncodeJob], message: str
) -> None:
    with pytest.raises(EncodeError) as failed:
        encode(job(clip, tmp_path))
    assert message in str(failed.value)
    assert "\n" not in str(failed.value)
    assert everything(tmp_path) == []


def test_an_interrupted_run_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.stage is Stage.ENCODING:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode(EncodeJob(input=clip, library=tmp_path, settings=FASTEST), interrupt)
    assert everything(tmp_path) == []


def started(clip: Path, library: Path) -> subprocess.Popen[bytes]:
    """A run of the command that has begun to write segments and has long to go."""
    command = [sys.executable, "-m", "encoder", str(clip), "-o", str(library), "--preset", "veryslow"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(library.rglob("*.m4s")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("long") / "film.mp4", *PICTURE, "-t", "60", *FAST)


def test_a_killed_run_leaves_no_title_and_the_next_one_succeeds(long_clip: Path, tmp_path: Path) -> None:
    process = started(long_clip, tmp_path)
    process.kill()
    process.wait()
    assert not list(tmp_path.rglob("title.json"))
    assert not (tmp_path / "film").exists()
    check(encode_fast(long_clip, tmp_path))


def test_a_terminated_run_ends_its_ffmpeg_and_leaves_nothing(long_clip: Path, tmp_path: Path) -> None:
    program("ps", "procps")
    process = started(long_clip, tmp_path)
    (child,) = children(process.pid)
    process.terminate()
    assert process.wait(30) == 128 + signal.SIGTERM
    assert everything(tmp_path) == []
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def children(pid: int) -> list[int]:
    command = [program("ps", "procps"), "-o", "pid=", "--ppid", str(pid)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return [int(line) for line in found.stdout.split()]
