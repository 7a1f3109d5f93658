from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from encoder.records import SegmentRecord, StepRecord
from encoder.shared_work import SharedWork
from encoder.staging import LibraryError
from encoder.steps import Step
from encoder.store import Store
from encoder.work import WorkFolder
from media.title import TitleFile
from tests.encoder import farms

pytestmark = pytest.mark.socket

PLACE = ".staging/film/a-plan"
NAMES = {"360p": "360p-0a1b2c3d", "audio-en": "audio-en-0a1b2c3d"}
FIRST, SECOND = Step("360p", 1), Step("360p", 2)


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch, farms.s3(patch) as url:
        yield url


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    (tmp_path / "library").mkdir()
    if request.param == "folder":
        return Store(str(tmp_path / "library"))
    return Store(f"{request.getfixturevalue('bucket')}/{tmp_path.name}")


@pytest.fixture
def work(store: Store) -> SharedWork:
    return SharedWork(store, PLACE, NAMES, ".mkv")


def made(folder: Path, *numbers: int) -> StepRecord:
    """What a step has made in `folder`."""
    folder.mkdir()
    contents = {number: b"segment %d" % number for number in numbers}
    for number, data in contents.items():
        (folder / f"{number}.m4s").write_bytes(data)
    (folder / "init.mp4").write_bytes(b"a header")
    segments = (
        SegmentRecord(
            number=number,
            start_ticks=number,
            duration_ticks=1,
            samples=1,
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )
        for number, data in contents.items()
    )
    return StepRecord(
        timescale=1,
        init_size_bytes=8,
        init_sha256=hashlib.sha256(b"a header").hexdigest(),
        segments=tuple(segments),
    )


def test_a_step_that_one_machine_keeps_another_finds_and_brings(
    store: Store, work: SharedWork, tmp_path: Path
) -> None:
    record = made(tmp_path / "made", 1, 2)
    work.keep(FIRST, record, tmp_path / "made")
    other = SharedWork(store, PLACE, NAMES)
    assert other.done([FIRST, SECOND]) == {FIRST: record}
    (tmp_path / "brought").mkdir()
    other.bring(FIRST, record, tmp_path / "brought")
    assert {path.name: path.read_bytes() for path in (tmp_path / "brought").iterdir()} == {
        "init.mp4": b"a header",
        "1.m4s": b"segment 1",
        "2.m4s": b"segment 2",
    }


def test_a_step_of_which_a_file_is_gone_is_not_done(store: Store, work: SharedWork, tmp_path: Path) -> None:
    work.keep(FIRST, made(tmp_path / "made", 1, 2), tmp_path / "made")
    store.delete([f"{PLACE}/media/360p-0a1b2c3d/2.m4s"])
    assert work.done([FIRST]) == {}


def test_a_record_that_cannot_be_read_makes_no_step_done(store: Store, work: SharedWork) -> None:
    store.put(f"{PLACE}/steps/360p.1.json", b"{")
    assert work.done([FIRST]) == {}


def test_a_file_that_was_changed_on_the_way_is_refused(
    store: Store, work: SharedWork, tmp_path: Path
) -> None:
    record = made(tmp_path / "made", 1)
    work.keep(FIRST, record, tmp_path / "made")
    store.put(f"{PLACE}/media/360p-0a1b2c3d/1.m4s", b"segment 7")
    with pytest.raises(LibraryError, match=r"/1\.m4s is damaged; delete it"):
        work.bring(FIRST, record, tmp_path / "made")


def test_what_lies_in_the_library_is_named_as_in_the_title(work: SharedWork, tmp_path: Path) -> None:
    record = made(tmp_path / "made", 3)
    work.keep(SECOND, record, tmp_path / "made")
    segment = TitleFile(path="360p-0a1b2c3d/3.m4s", size_bytes=9, sha256=record.segments[0].sha256)
    assert work.files([FIRST, SECOND])[segment] == f"{PLACE}/media/360p-0a1b2c3d/3.m4s"
    assert len(work.files([FIRST, SECOND])) == 2


def test_the_source_is_pushed_once_and_arrives_as_it_is(
    store: Store, work: SharedWork, tmp_path: Path
) -> None:
    source = tmp_path / "my film.mkv"
    source.write_bytes(b"a source")
    work.push_source(source)
    pushed = store.sizes(PLACE)
    work.push_source(source)
    assert store.sizes(PLACE) == pushed == {f"{PLACE}/source.mkv": 8}
    work.bring_source(tmp_path / "here.mkv", hashlib.sha256(b"a source").hexdigest(), lambda: None)
    assert (tmp_path / "here.mkv").read_bytes() == b"a source"
    with pytest.raises(LibraryError, match=r"source\.mkv is damaged"):
        work.bring_source(tmp_path / "there.mkv", "0" * 64, lambda: None)
    assert not [*tmp_path.glob("there*")]


def test_on_a_disk_that_all_share_it_is_the_work_folder_itself(tmp_path: Path) -> None:
    local = WorkFolder(tmp_path / PLACE, NAMES)
    shared = SharedWork(Store(str(tmp_path)), PLACE, NAMES)
    record = made(tmp_path / "made", 1)
    shared.keep(FIRST, record, tmp_path / "made")
    assert local.done(FIRST) == record
    with local.room() as room:
        other = made(room / "made", 2)
        local.keep(SECOND, other, room / "made")
    assert shared.done([FIRST, SECOND]) == {FIRST: record, SECOND: other}


def test_there_a_write_that_was_cut_off_leaves_nothing_to_publish(tmp_path: Path) -> None:
    local = WorkFolder(tmp_path / PLACE, NAMES)
    cut_off = local.media / NAMES["360p"] / "1.m4s#1"
    cut_off.write_bytes(b"seg")
    SharedWork(Store(str(tmp_path)), PLACE, NAMES).sweep()
    assert list(cut_off.parent.iterdir()) == []
