from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from encoder.errors import EncodeError
from encoder.job import EncodeJob, JobError, Progress, Stage
from encoder.package import encode
from encoder.plan import Settings
from encoder.request import ChangedError, requested
from tests.encoder.sources import FAST, PICTURE, draw
from tests.encoder.titles import FASTEST, check

pytestmark = pytest.mark.system

LADDER = "[[rungs]]\nshort_side_px = 90\nmax_bps = 100_000\n"


@pytest.fixture
def job(tmp_path: Path) -> EncodeJob:
    (tmp_path / "ladder.toml").write_text(LADDER)
    clip = draw(tmp_path / "film.mp4", *PICTURE, "-t", "3", *FAST)
    ladder = str(tmp_path / "ladder.toml")
    return EncodeJob(input=clip, library=tmp_path / "library", ladder=ladder, settings=FASTEST)


def test_the_same_wish_in_other_words_is_the_same_request(job: EncodeJob, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("# the same\n" + LADDER)
    asked = requested(job).key
    assert requested(replace(job, ladder=str(tmp_path / "other.toml"))).key == asked
    assert requested(replace(job, is_scored=False)).key == asked
    assert requested(replace(job, settings=replace(FASTEST, codecs=("h264", "h264")))).key == asked
    assert requested(replace(job, is_scored=True)).key != asked
    av1 = requested(replace(job, settings=replace(FASTEST, codecs=("av1", "h264")))).key
    assert av1 == requested(replace(job, settings=replace(FASTEST, codecs=("av1",)))).key != asked


def test_an_input_that_changes_on_the_way_is_not_published(job: EncodeJob, tmp_path: Path) -> None:
    other = draw(tmp_path / "other.mp4", "-f", "lavfi", "-i", "color=red:s=320x180:r=30", "-t", "3", *FAST)

    def put_another_in_its_place(progress: Progress) -> None:
        if progress.stage is Stage.ANALYSING and other.exists():
            other.rename(job.input)

    with pytest.raises(ChangedError, match=r"film\.mp4: changed while it was read; run it again$"):
        encode(job, put_another_in_its_place)
    assert not list(tmp_path.glob("library/**/title.json"))
    assert not (tmp_path / "library" / ".staging").exists()
    check(encode(job))


def test_what_a_published_title_lacks_beside_its_media_is_written_again(job: EncodeJob) -> None:
    first = encode(job)
    folder = Path(first.folder)
    lost = [folder / "master.m3u8", folder / first.title.presentation.video[0].rendition.name / "index.m3u8"]
    before = [path.read_bytes() for path in lost]
    lost[0].unlink()
    lost[1].write_text("#EXTM3U\n")
    again = encode(job)
    assert (again.is_new, again.title) == (False, first.title)
    assert [path.read_bytes() for path in lost] == before


def test_files_of_the_user_s_own_stay_in_a_title_s_folder(job: EncodeJob, tmp_path: Path) -> None:
    own = [tmp_path / "library" / "film" / name for name in ("takes-20240101/raw.mov", "IMG-20240101.jpg")]
    for path in own:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"mine")
    encode(job)
    encode(replace(job, settings=Settings(preset="superfast")))
    assert all(path.read_bytes() == b"mine" for path in own)


@pytest.mark.parametrize("preset", ["foo", "placebo", ""])
def test_an_unknown_preset_is_refused_before_anything_is_done(job: EncodeJob, preset: str) -> None:
    with pytest.raises(JobError, match="choose one of ultrafast, superfast"):
        replace(job, settings=Settings(preset=preset))


def test_a_library_without_a_name_is_refused(job: EncodeJob) -> None:
    with pytest.raises(JobError, match="--output is empty"):
        replace(job, library="")


def test_two_rungs_that_would_be_called_alike_are_refused(job: EncodeJob, tmp_path: Path) -> None:
    twice = LADDER + LADDER.replace("100_000", "100_400")
    (tmp_path / "twice.toml").write_text(twice)
    with pytest.raises(EncodeError, match=r"two rungs of 90 pixels and 100 kb/s; leave one out$"):
        encode(replace(job, ladder=str(tmp_path / "twice.toml")))


def test_colours_and_sizes_that_change_midway_lose_no_frame(job: EncodeJob, tmp_path: Path) -> None:
    parts = []
    for name, size, tags in [("a", "320x180", []), ("b", "256x144", ["-colorspace", "bt709"])]:
        clip = ["-f", "lavfi", "-i", f"testsrc2=s={size}:r=30", "-t", "2", *FAST, *tags, "-bf", "0"]
        parts.append(draw(tmp_path / f"{name}.ts", *clip, "-output_ts_offset", "0" if name == "a" else "2"))
    (tmp_path / "both.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    published = encode(replace(job, input=tmp_path / "both.ts"))
    check(published)
    assert published.title.presentation.video[0].timeline.duration == 4
