from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from encoder.errors import EncodeError
from encoder.job import EncodeJob, Progress, Stage
from encoder.package import encode
from media.hls import read_multivariant
from tests.encoder.sources import FAST, SOUND, draw
from tests.encoder.titles import FASTEST, check, encode_fast, frames, joined, ladder_of

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
    job = EncodeJob(input=clip, library=tmp_path / "all", ladder="apple", settings=FASTEST)
    on_all = encode(job).title
    on_one = encode(replace(job, library=tmp_path / "one", jobs=1)).title
    assert on_all == on_one


def test_the_second_run_does_no_work(clip: Path, tmp_path: Path) -> None:
    first = encode_fast(clip, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in everything(tmp_path)}
    stages: list[Stage] = []
    second = encode(
        EncodeJob(input=clip, library=tmp_path, ladder="apple", settings=FASTEST),
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
    ladder = ladder_of(tmp_path / "ladders", p234=200_000, p360=400_000)
    first, second = encode_fast(clip, tmp_path), encode_fast(clip, tmp_path, ladder)
    assert first.title.version != second.title.version
    for file in (*first.title.files, *second.title.files):
        assert (first.folder / file.path).exists()
    third = encode_fast(clip, tmp_path, ladder_of(tmp_path / "ladders", p180=200_000))
    check(third)
    assert not (first.folder / first.title.files[0].path).exists()
    assert (first.folder / second.title.files[0].path).exists()


def test_progress_rises_to_the_last_frame(clip: Path, tmp_path: Path) -> None:
    heard: list[Progress] = []
    encode(EncodeJob(input=clip, library=tmp_path, ladder="apple", settings=FASTEST), heard.append)
    assert [progress.stage for progress in (heard[0], heard[-1])] == [Stage.PROBING, Stage.PUBLISHING]
    counts = [progress.frames for progress in heard]
    assert counts == sorted(counts)
    assert counts[-1] == heard[-1].total_frames == 216


def test_the_plan_is_written_beside_the_title(clip: Path, tmp_path: Path) -> None:
    published = encode_fast(clip, tmp_path)
    plan = json.loads((published.folder / "plan.json").read_text())
    assert plan["plan_key"] == published.title.plan_key
    assert plan["plan"]["timing"]["frame_rate"] == "24000/1001"
    assert str(clip) not in json.dumps(plan)  # where the input lay is nobody's business


def with_a_bad_preset(clip: Path, library: Path) -> EncodeJob:
    return EncodeJob(
        input=clip, library=library, ladder="apple", settings=replace(FASTEST, preset="nonsense")
    )


def with_an_unknown_ladder(clip: Path, library: Path) -> EncodeJob:
    return EncodeJob(input=clip, library=library, ladder="mine")


def with_a_missing_ladder(clip: Path, library: Path) -> EncodeJob:
    return EncodeJob(input=clip, library=library, ladder="mine.toml")


@pytest.mark.parametrize(
    ("job", "message"),
    [
        (with_a_bad_preset, "--preset 'nonsense': choose one of ultrafast, superfast"),
        (with_an_unknown_ladder, "--ladder 'mine': choose one of auto, apple, or name a .toml file"),
        (with_a_missing_ladder, "mine.toml: No such file or directory"),
    ],
)
def test_a_failure_is_one_line_and_leaves_no_title(
    clip: Path, tmp_path: Path, job: Callable[[Path, Path], EncodeJob], message: str
) -> None:
    with pytest.raises(EncodeError) as failed:
        encode(job(clip, tmp_path))
    assert message in str(failed.value)
    assert "\n" not in str(failed.value)
    assert not (tmp_path / "film").exists()


def test_an_interrupted_run_leaves_no_title_and_the_next_one_goes_on(clip: Path, tmp_path: Path) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.stage is Stage.ENCODING:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode(EncodeJob(input=clip, library=tmp_path, ladder="apple", settings=FASTEST), interrupt)
    assert not (tmp_path / "film").exists()
    check(encode_fast(clip, tmp_path))


def test_what_is_done_before_a_failure_is_not_done_again(clip: Path, tmp_path: Path) -> None:
    """All steps are done and the title is not there when it is interrupted."""

    def interrupt(progress: Progress) -> None:
        if progress.stage is Stage.PUBLISHING:
            raise KeyboardInterrupt

    job = EncodeJob(input=clip, library=tmp_path, ladder="apple", settings=FASTEST)
    with pytest.raises(KeyboardInterrupt):
        encode(job, interrupt)
    heard: list[Progress] = []
    check(encode(job, heard.append))
    encoding = [progress for progress in heard if progress.stage is Stage.ENCODING]
    assert {progress.frames for progress in encoding} <= {216}


def test_a_title_has_pictures_to_seek_by_and_a_poster(clip: Path, tmp_path: Path) -> None:
    published = encode_fast(clip, tmp_path)
    made = published.title.presentation
    assert len(made.iframes) == len(made.video)
    assert [track.rendition.name.split("/")[0] for track in made.images] == ["thumbnails"]
    assert made.poster is not None
    assert (published.folder / made.poster).read_bytes().startswith(b"\xff\xd8")
