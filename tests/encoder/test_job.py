from __future__ import annotations

from pathlib import Path

import pytest

from encoder.job import EncodeJob, JobError
from encoder.plan import Settings


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("movie.mp4", "movie"),
        ("Big Buck Bunny (2008).mkv", "big-buck-bunny-2008"),
        ("../up/bbb_opening.mp4", "bbb_opening"),
        ("-été-.mov", "t"),
        ("a" * 200 + ".mp4", "a" * 64),
    ],
)
def test_a_title_is_called_after_its_file(file: str, name: str) -> None:
    assert EncodeJob(input=Path(file), library=Path("library")).name == name


def test_a_file_whose_name_makes_no_title_needs_one() -> None:
    with pytest.raises(JobError, match="give one with --title"):
        _ = EncodeJob(input=Path("日本.mp4"), library=Path("library")).name


@pytest.mark.parametrize("title", ["a/b", "..", ".hidden", "", "two words"])
def test_a_title_that_is_no_folder_name_is_refused(title: str) -> None:
    with pytest.raises(JobError, match="--title"):
        EncodeJob(input=Path("movie.mp4"), library=Path("library"), title=title)


def test_a_job_without_cores_or_with_an_unknown_codec_is_refused() -> None:
    with pytest.raises(JobError, match="--jobs 0"):
        EncodeJob(input=Path("movie.mp4"), library=Path("library"), jobs=0)
    with pytest.raises(JobError, match="--codec 'mpeg1': choose from h264"):
        EncodeJob(input=Path("movie.mp4"), library=Path("library"), settings=Settings(codecs=("mpeg1",)))
