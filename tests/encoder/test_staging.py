from __future__ import annotations

import sys
from pathlib import Path

import pytest

from encoder.staging import (
    LibraryError,
    check_room,
    clear,
    entry_of,
    publish,
    remove_unused,
    staging,
    sweep,
    write_durably,
)

KEY = "0a1b2c3d0a1b2c3d"


def stage(staged: Path, *renditions: str) -> None:
    for name in renditions:
        (staged / name).mkdir()
        (staged / name / "1.m4s").write_bytes(name.encode())
    for name in ("plan.json", "title.json"):
        write_durably(staged / name, f"{name} of {renditions}".encode())


def put_without(library: Path, missing: str, rendition: str) -> None:
    """Publish what lacks one of its files."""
    with staging(library, "film", KEY) as staged:
        stage(staged, rendition)
        (staged / missing).unlink()
        publish(staged, library / "film", [rendition], ["plan.json", "title.json"])


def put(library: Path, *renditions: str) -> Path:
    with staging(library, "film", KEY) as staged:
        stage(staged, *renditions)
        publish(staged, library / "film", renditions, ["plan.json", "title.json"])
        clear(staged)
    return library / "film"


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_what_is_published_is_all_there_and_nothing_else_is(tmp_path: Path) -> None:
    put(tmp_path, "720p-00000001")
    assert tree(tmp_path) == [
        "film", "film/720p-00000001", "film/720p-00000001/1.m4s", "film/plan.json", "film/title.json",
    ]  # fmt: skip


def test_a_failure_before_title_json_leaves_nothing_but_the_work(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="No such file"):
        put_without(tmp_path, "title.json", "720p-00000001")
    assert not (tmp_path / "film").exists()
    staged = tmp_path / ".staging" / "film" / KEY
    assert (staged / "720p-00000001" / "1.m4s").read_bytes() == b"720p-00000001"


def test_a_failure_leaves_a_folder_that_was_there_with_what_was_in_it(tmp_path: Path) -> None:
    (tmp_path / "film").mkdir()
    (tmp_path / "film" / "notes.txt").write_text("mine")
    with pytest.raises(LibraryError, match="No such file"):
        put_without(tmp_path, "title.json", "720p-00000001")
    assert tree(tmp_path / "film") == ["notes.txt"]


def test_subtitles_and_thumbnails_stand_beside_those_of_another_version(tmp_path: Path) -> None:
    (tmp_path / "film" / "subtitles" / "en-00000001").mkdir(parents=True)
    with staging(tmp_path, "film", KEY) as staged:
        stage(staged)
        (staged / "subtitles" / "en-00000002").mkdir(parents=True)
        publish(staged, tmp_path / "film", ["subtitles/en-00000002"], ["plan.json", "title.json"])
        clear(staged)
    assert tree(tmp_path / "film" / "subtitles") == ["en-00000001", "en-00000002"]


def test_what_failed_is_published_by_the_next_run(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="No such file"):
        put_without(tmp_path, "title.json", "720p-00000001")
    with staging(tmp_path, "film", KEY) as staged:
        write_durably(staged / "plan.json", b"plan")
        write_durably(staged / "title.json", b"title")
        publish(staged, tmp_path / "film", ["720p-00000001"], ["plan.json", "title.json"])
        clear(staged)
    assert tree(tmp_path) == [
        "film", "film/720p-00000001", "film/720p-00000001/1.m4s", "film/plan.json", "film/title.json",
    ]  # fmt: skip


def test_a_failure_leaves_the_version_before_playable(tmp_path: Path) -> None:
    title = put(tmp_path, "720p-00000001")
    before = (title / "title.json").read_bytes()
    with pytest.raises(LibraryError, match="No such file"):
        put_without(tmp_path, "plan.json", "720p-00000002")
    assert (title / "title.json").read_bytes() == before
    assert (title / "720p-00000001" / "1.m4s").exists()


def test_a_rendition_that_a_dead_run_left_makes_room(tmp_path: Path) -> None:
    left = tmp_path / "film" / "720p-00000001"
    left.mkdir(parents=True)
    (left / "1.m4s").write_bytes(b"half")
    title = put(tmp_path, "720p-00000001")
    assert (title / "720p-00000001" / "1.m4s").read_bytes() == b"720p-00000001"


def test_a_title_that_is_damaged_again_and_again_is_replaced_each_time(tmp_path: Path) -> None:
    """What makes room goes into the staged folder, where that of a run before may lie."""
    for content in (b"first", b"second"):
        damaged = tmp_path / "film" / "720p-00000001"
        damaged.mkdir(parents=True, exist_ok=True)
        (damaged / "1.m4s").write_bytes(content)
        with staging(tmp_path, "film", KEY) as staged:
            stage(staged, "720p-00000001")
            publish(staged, tmp_path / "film", ["720p-00000001"], ["plan.json"])  # and it dies
    assert (tmp_path / "film" / "720p-00000001" / "1.m4s").read_bytes() == b"720p-00000001"


def test_work_on_the_same_stays_for_the_next_run(tmp_path: Path) -> None:
    with staging(tmp_path, "film", KEY) as staged:
        (staged / "1.m4s").write_bytes(b"done")
    with staging(tmp_path, "film", KEY) as staged:
        assert tree(staged) == ["1.m4s"]


def test_work_on_what_is_not_asked_for_any_more_goes(tmp_path: Path) -> None:
    with staging(tmp_path, "film", KEY) as staged:
        (staged / "1.m4s").write_bytes(b"done")
    with staging(tmp_path, "film", "another") as staged:
        assert tree(staged.parent) == ["another"]


def test_work_on_another_title_stays(tmp_path: Path) -> None:
    with staging(tmp_path, "film", KEY) as staged:
        (staged / "1.m4s").write_bytes(b"done")
    with staging(tmp_path, "other", "another"):
        pass
    assert staged.exists()


def test_a_run_that_has_made_nothing_leaves_nothing(tmp_path: Path) -> None:
    with staging(tmp_path, "film", KEY) as staged:
        assert list(staged.iterdir()) == []
    assert tree(tmp_path) == []


def test_what_a_run_left_that_had_published_already_is_swept(tmp_path: Path) -> None:
    with staging(tmp_path, "film", KEY) as staged:
        (staged / "1.m4s").write_bytes(b"done")
    sweep(tmp_path, "film", KEY)
    assert tree(tmp_path) == []
    (tmp_path / ".staging" / "film").mkdir(parents=True)  # it died a moment later
    sweep(tmp_path, "film", KEY)
    assert tree(tmp_path) == []


def test_nothing_else_is_swept(tmp_path: Path) -> None:
    for title, key in (("film", "another"), ("other", KEY)):
        with staging(tmp_path, title, key) as staged:
            (staged / "1.m4s").write_bytes(b"done")
    before = tree(tmp_path)
    sweep(tmp_path, "film", KEY)
    sweep(tmp_path, "third", KEY)
    assert tree(tmp_path) == before


def test_what_a_run_is_working_in_is_not_swept(tmp_path: Path) -> None:
    with staging(tmp_path, "film", KEY) as staged:
        (staged / "1.m4s").write_bytes(b"done")
        sweep(tmp_path, "film", KEY)
        assert tree(staged) == ["1.m4s"]


def test_two_runs_of_one_title_do_not_meet(tmp_path: Path) -> None:
    with staging(tmp_path, "film", KEY):
        with (
            pytest.raises(LibraryError, match="another run is encoding this title"),
            staging(tmp_path, "film", KEY),
        ):
            pass
        with staging(tmp_path, "other", KEY):
            pass
    with staging(tmp_path, "film", KEY):
        pass


def test_only_renditions_that_nobody_plays_are_removed(tmp_path: Path) -> None:
    for name in (
        "720p-00000001",
        "432p-730k-00000002",
        "audio-en-00000001",
        "audio-en-00000003",
        "thumbnails/00000001",
        "thumbnails/00000002",
        "subtitles/en-forced-00000002",
        "notes",
    ):
        (tmp_path / name).mkdir(parents=True)
    for name in (
        "thumbnails/poster-00000001.jpg",
        "thumbnails/poster-00000002.jpg",
        "subtitles/en-00000002.vtt",
    ):
        (tmp_path / name).write_bytes(b"")
    used = {"720p-00000001", "audio-en-00000003", "thumbnails/00000001", "thumbnails/poster-00000001.jpg"}
    remove_unused(tmp_path, used)
    assert set(tree(tmp_path)) == used | {"notes", "thumbnails", "subtitles"}


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("720p-00000001/1.m4s", "720p-00000001"),
        ("subtitles/en-00000001/1.vtt", "subtitles/en-00000001"),
        ("subtitles/en-00000001.vtt", "subtitles/en-00000001.vtt"),
        ("thumbnails/00000001/1.jpg", "thumbnails/00000001"),
        ("thumbnails/poster-00000001.jpg", "thumbnails/poster-00000001.jpg"),
    ],
)
def test_what_versions_may_share_is_moved_by_itself(path: str, entry: str) -> None:
    assert entry_of(path) == entry


@pytest.mark.skipif(sys.platform != "linux", reason="proc(5) is a file system without room")
def test_a_full_disk_is_told_with_the_library_s_place() -> None:
    with pytest.raises(LibraryError, match=r"^/proc: no space left; make room and run it again, it goes on"):
        check_room(Path("/proc"))


def test_a_disk_with_room_is_no_trouble(tmp_path: Path) -> None:
    check_room(tmp_path)


def test_a_library_that_is_a_file_is_told_in_one_line(tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.write_text("not a folder")
    with (
        pytest.raises(LibraryError, match="Not a directory; it must be writable"),
        staging(library, "film", KEY),
    ):
        pass
