from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from encoder.library import Library, library_at
from encoder.staging import LibraryError
from encoder.store import Store
from media.presentation import Presentation
from media.title import Title, TitleFile, content_version
from tests.encoder import farms
from tests.media.presentations import renamed, video

pytestmark = pytest.mark.socket


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch, farms.s3(patch) as url:
        yield url


@pytest.fixture(params=["folder", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "library").mkdir()
    if request.param == "folder":
        return str(tmp_path / "library")
    return f"{request.getfixturevalue('bucket')}/{tmp_path.name}"


def stage(media: Path, suffix: str) -> Title:
    """A title of one segment and one picture, with a playlist, as the encoder leaves it."""
    track = renamed(video(360, [96_096]), f"360p-{suffix}")
    contents = {
        f"360p-{suffix}/init.mp4": b"a header",
        f"360p-{suffix}/1.m4s": b"a segment",
        f"thumbnails/{suffix}/1.jpg": b"a picture",
    }
    texts = {f"360p-{suffix}/playlist.m3u8": b"#EXTM3U", "master.m3u8": b"#EXTM3U", "title.json": b"{}"}
    for path, data in (contents | texts).items():
        (media / path).parent.mkdir(parents=True, exist_ok=True)
        (media / path).write_bytes(data)
    files = tuple(
        TitleFile(path=path, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        for path, data in contents.items()
    )
    return Title(
        name="film", version=content_version(files), presentation=Presentation(video=(track,)),
        files=files, plan_key=suffix,
    )  # fmt: skip


def put(library: Library, suffix: str, played: set[str] | None = None) -> Title:
    with library.staging("film", suffix) as staged:
        title = stage(staged / "media", suffix)
        library.publish(staged / "media", title, ["master.m3u8", "title.json"], played or set(), {})
    return title


def published(url: str) -> set[str]:
    return {path for path in Store(url).sizes() if path.startswith("film/")}


def test_a_title_is_published_with_all_that_belongs_to_it(url: str) -> None:
    library = library_at(url)
    assert library.read("film", "title.json") is None
    title = put(library, "00000001")
    assert published(url) == {
        "film/360p-00000001/init.mp4", "film/360p-00000001/1.m4s", "film/360p-00000001/playlist.m3u8",
        "film/thumbnails/00000001/1.jpg", "film/master.m3u8", "film/title.json",
    }  # fmt: skip
    assert library.read("film", "title.json") == b"{}"
    assert library.is_whole(title)
    assert library.name_of("film") == f"{url}/film"


def test_a_title_that_lacks_a_file_is_not_whole(url: str) -> None:
    library = library_at(url)
    title = put(library, "00000001")
    Store(url).delete(["film/thumbnails/00000001/1.jpg"])
    assert not library.is_whole(title)


def test_the_version_before_stays_playable_and_the_one_before_that_goes(url: str) -> None:
    library = library_at(url)
    put(library, "00000001")
    put(library, "00000002", {"360p-00000001", "thumbnails/00000001"})
    assert {"film/360p-00000001/1.m4s", "film/360p-00000002/1.m4s"} <= published(url)
    put(library, "00000003", {"360p-00000002", "thumbnails/00000002"})
    assert not {path for path in published(url) if "00000001" in path}


def test_without_all_its_files_nothing_is_announced(url: str) -> None:
    library = library_at(url)
    with library.staging("film", "00000001") as staged:
        title = stage(staged / "media", "00000001")
        (staged / "media" / "master.m3u8").unlink()
        with pytest.raises(LibraryError, match="No such file"):
            library.publish(staged / "media", title, ["master.m3u8", "title.json"], set(), {})
    assert "film/title.json" not in published(url)


def test_what_lies_in_a_bucket_already_is_copied_there(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    url = f"{bucket}/{tmp_path.name}"
    library, store = library_at(url), Store(url)
    store.put(".staging/film/a-plan/media/360p-00000001/1.m4s", b"a segment")
    with library.staging("film", "00000001") as staged:
        title = stage(staged / "media", "00000001")
        (staged / "media/360p-00000001/1.m4s").unlink()  # so that it can come from nowhere else
        there = {title.files[1]: ".staging/film/a-plan/media/360p-00000001/1.m4s"}
        library.publish(staged / "media", title, ["master.m3u8", "title.json"], set(), there)
    assert store.read("film/360p-00000001/1.m4s") == b"a segment"
    assert store.sizes(".staging") == {}


def test_two_runs_of_one_title_at_one_place_do_not_meet(url: str) -> None:
    with (
        library_at(url).staging("film", "00000001"),
        pytest.raises(LibraryError, match="another run is encoding this title"),
        library_at(url).staging("film", "00000001"),
    ):
        pass


def test_work_for_a_url_is_found_again_and_leaves_nothing_when_it_is_cleared(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    library = library_at(bucket)
    with library.staging("film", "00000001") as staged:
        (staged / "note").write_text("done")
    with library.staging("film", "00000001") as staged:
        assert (staged / "note").read_text() == "done"
        (staged / "note").unlink()
    assert [path for path in tmp_path.rglob("*") if path.name != next(tmp_path.iterdir()).name] == []


def test_a_work_folder_that_others_could_have_prepared_is_refused(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with library_at(bucket).staging("film", "00000001"):
        next(tmp_path.glob("penstock-*")).chmod(0o777)
        with (
            pytest.raises(LibraryError, match="is open to others"),
            library_at(bucket).staging("other", "00000001"),
        ):
            pass
