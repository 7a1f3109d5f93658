from __future__ import annotations

from pathlib import Path

import pytest

from encoder.staging import LibraryError, publish, remove_unused, staging, write_durably


def stage(staged: Path, *renditions: str) -> None:
    for name in renditions:
        (staged / name).mkdir()
        (staged / name / "1.m4s").write_bytes(name.encode())
    for name in ("plan.json", "title.json"):
        write_durably(staged / name, f"{name} of {renditions}".encode())


def put_without(library: Path, missing: str, rendition: str) -> None:
    """Publish what lacks one of its files."""
    with staging(library, "film") as staged:
        stage(staged, rendition)
        (staged / missing).unlink()
        publish(staged, library / "film", [rendition], ["plan.json", "title.json"])


def put(library: Path, *renditions: str) -> Path:
    with staging(library, "film") as staged:
        stage(staged, *renditions)
        publish(staged, library / "film", renditions, ["plan.json", "title.json"])
    return library / "film"


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_what_is_published_is_all_there_and_nothing_else_is(tmp_path: Path) -> None:
    put(tmp_path, "720p-00000001")
    assert tree(tmp_path) == [
        "film", "film/720p-00000001", "film/720p-00000001/1.m4s", "film/plan.json", "film/title.json",
    ]  # fmt: skip


def test_a_failure_before_title_json_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="No such file"):
        put_without(tmp_path, "title.json", "720p-00000001")
    assert tree(tmp_path) == []


def test_a_failure_leaves_a_folder_that_was_there_with_what_was_in_it(tmp_path: Path) -> None:
    (tmp_path / "film").mkdir()
    (tmp_path / "film" / "notes.txt").write_text("mine")
    with pytest.raises(LibraryError, match="No such file"):
        put_without(tmp_path, "title.json", "720p-00000001")
    assert tree(tmp_path) == ["film", "film/notes.txt"]


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


def test_what_a_dead_run_staged_is_cleared(tmp_path: Path) -> None:
    dead = tmp_path / ".staging" / "film" / "4242"
    dead.mkdir(parents=True)
    (dead / "1.m4s").write_bytes(b"half")
    with staging(tmp_path, "film") as staged:
        assert not dead.exists()
        assert list(staged.iterdir()) == []


def test_two_runs_of_one_title_do_not_meet(tmp_path: Path) -> None:
    with staging(tmp_path, "film"):
        with (
            pytest.raises(LibraryError, match="another run is encoding this title"),
            staging(tmp_path, "film"),
        ):
            pass
        with staging(tmp_path, "other"):
            pass
    with staging(tmp_path, "film"):
        pass


def test_only_renditions_that_nobody_plays_are_removed(tmp_path: Path) -> None:
    for name in (
        "720p-00000001",
        "432p-730k-00000002",
        "audio-en-00000001",
        "audio-en-00000003",
        "thumbnails",
    ):
        (tmp_path / name).mkdir()
    remove_unused(tmp_path, {"720p-00000001", "audio-en-00000003"})
    assert tree(tmp_path) == ["720p-00000001", "audio-en-00000003", "thumbnails"]


def test_a_library_that_is_a_file_is_told_in_one_line(tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.write_text("not a folder")
    with (
        pytest.raises(LibraryError, match="Not a directory; it must be writable"),
        staging(library, "film"),
    ):
        pass
