from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from encoder.records import SegmentRecord, StepRecord
from encoder.staging import LibraryError, publish, reclaim
from encoder.steps import Step
from encoder.work import WorkFolder
from media.iframes import KeyFrame

FIRST, SECOND = Step("360p", 1), Step("360p", 2)
NAMES = {"360p": "360p-0a1b2c3d", "audio-en": "audio-en-0a1b2c3d"}
HEADER = b"a header"


def content(number: int) -> bytes:
    return b"segment %d" % number * number


def segment(number: int) -> SegmentRecord:
    data = content(number)
    return SegmentRecord(
        number=number,
        start_ticks=(number - 1) * 48_000,
        duration_ticks=48_000,
        samples=96,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        key_frames=(KeyFrame(start_ticks=(number - 1) * 48_000, byte_range=(24, 90)),),
    )


def record(*numbers: int) -> StepRecord:
    return StepRecord(
        timescale=12_000,
        init_size_bytes=len(HEADER),
        init_sha256=hashlib.sha256(HEADER).hexdigest(),
        segments=tuple(map(segment, numbers)),
    )


def do(work: WorkFolder, step: Step, *numbers: int) -> None:
    """As the pool does a step: its files in a room, then kept."""
    with work.room() as room:
        (room / "init.mp4").write_bytes(HEADER)
        for number in numbers:
            (room / f"{number}.m4s").write_bytes(content(number))
        work.keep(step, record(*numbers), room)


@pytest.fixture
def work(tmp_path: Path) -> WorkFolder:
    return WorkFolder(tmp_path, NAMES)


def rung(work: WorkFolder) -> Path:
    return work.media / NAMES["360p"]


def test_a_step_is_done_when_it_is_kept_and_says_what_it_made(work: WorkFolder) -> None:
    assert work.done(FIRST) is None
    do(work, FIRST, 1, 2)
    assert work.done(FIRST) == record(1, 2)
    assert work.done(SECOND) is None


def test_the_next_run_finds_what_is_done(work: WorkFolder, tmp_path: Path) -> None:
    do(work, FIRST, 1, 2)
    assert WorkFolder(tmp_path, NAMES).done(FIRST) == record(1, 2)


def test_the_files_lie_where_the_title_will_have_them(work: WorkFolder) -> None:
    do(work, FIRST, 1, 2)
    do(work, SECOND, 3)
    assert sorted(path.name for path in rung(work).iterdir()) == ["1.m4s", "2.m4s", "3.m4s", "init.mp4"]


@pytest.mark.parametrize("lost", ["1.m4s", "2.m4s", "init.mp4"])
def test_a_step_that_lost_a_file_is_not_done(work: WorkFolder, lost: str) -> None:
    do(work, FIRST, 1, 2)
    (rung(work) / lost).unlink()
    assert work.done(FIRST) is None


@pytest.mark.parametrize("short", ["1.m4s", "2.m4s", "init.mp4"])
def test_a_step_with_a_file_cut_short_is_not_done(work: WorkFolder, short: str) -> None:
    do(work, FIRST, 1, 2)
    (rung(work) / short).write_bytes((rung(work) / short).read_bytes()[:-1])
    assert work.done(FIRST) is None


def test_files_without_a_record_are_no_step(work: WorkFolder) -> None:
    """A run that died between the files and the record."""
    for name, data in {"init.mp4": HEADER, "1.m4s": content(1)}.items():
        (rung(work) / name).write_bytes(data)
    assert work.done(FIRST) is None
    do(work, FIRST, 1)
    assert work.done(FIRST) == record(1)


def test_a_record_is_whole_or_it_is_none(work: WorkFolder, tmp_path: Path) -> None:
    do(work, FIRST, 1, 2)
    (path,) = (tmp_path / "steps").iterdir()
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert work.done(FIRST) is None
    path.write_bytes(whole)
    assert work.done(FIRST) == record(1, 2)


def test_a_record_that_was_never_renamed_is_none(work: WorkFolder, tmp_path: Path) -> None:
    do(work, FIRST, 1)
    (path,) = (tmp_path / "steps").iterdir()
    path.rename(path.with_suffix(".unfinished"))
    assert work.done(FIRST) is None


def test_a_step_may_be_done_again(work: WorkFolder) -> None:
    do(work, FIRST, 1, 2)
    do(work, FIRST, 1, 2)
    assert work.done(FIRST) == record(1, 2)


def test_a_room_is_empty_and_goes(work: WorkFolder) -> None:
    with work.room() as one, work.room() as other:
        assert one != other
        assert list(one.iterdir()) == list(other.iterdir()) == []
        (one / "1.m4s").write_bytes(b"half")
    assert not one.exists()
    assert not other.exists()


def test_the_rooms_of_a_run_that_died_are_swept(work: WorkFolder, tmp_path: Path) -> None:
    left = tmp_path / "rooms" / "left"
    (left / "360p").mkdir(parents=True)
    (left / "360p" / "1.m4s").write_bytes(b"half")
    do(work, FIRST, 1)
    again = WorkFolder(tmp_path, NAMES)
    assert not left.exists()
    assert again.done(FIRST) == record(1)


def test_a_work_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(LibraryError, match="Not a directory; it must be writable"):
        WorkFolder(tmp_path / "file", NAMES)


def test_what_was_published_when_the_run_died_counts_again(work: WorkFolder, tmp_path: Path) -> None:
    do(work, FIRST, 1, 2)
    title = tmp_path / "title"
    (work.media / "title.json").write_text("{}")
    publish(work.media, title, [NAMES["360p"]], [])  # it dies before the texts
    again = WorkFolder(tmp_path, NAMES)
    assert again.done(FIRST) is None
    before = (title / NAMES["360p"] / "1.m4s").stat().st_ino
    reclaim(again.media, title, NAMES.values())
    assert again.done(FIRST) == record(1, 2)
    assert (title / NAMES["360p"] / "1.m4s").exists()  # somebody may be playing it
    publish(again.media, title, [NAMES["360p"]], [])
    assert (title / NAMES["360p"] / "1.m4s").stat().st_ino == before


def test_what_is_here_is_not_replaced_by_what_is_there(work: WorkFolder, tmp_path: Path) -> None:
    do(work, FIRST, 1)
    other = tmp_path / "title" / NAMES["360p"]
    other.mkdir(parents=True)
    (other / "1.m4s").write_bytes(b"of another")
    reclaim(work.media, tmp_path / "title", NAMES.values())
    assert work.done(FIRST) == record(1)
    assert other.exists()
