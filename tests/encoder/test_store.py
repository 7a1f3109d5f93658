from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from obstore.exceptions import GenericError

from encoder.staging import LibraryError
from encoder.store import Store, folder_of, reason, shown, side_by_side
from tests.encoder import farms

pytestmark = pytest.mark.socket


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch, farms.s3(patch) as url:
        yield url


@pytest.fixture(params=["folder", "file", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty one."""
    folder = tmp_path / "my library"
    folder.mkdir()
    match request.param:
        case "folder":
            return Store(str(folder))
        case "file":
            return Store(folder.as_uri())
        case _:
            return Store(f"{request.getfixturevalue('bucket')}/{tmp_path.name}")


def test_what_is_put_is_read_back_and_listed_by_its_folder(store: Store, tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(b"0123456789" * 4_000_000)  # more than one piece
    store.put("film/1.m4s", b"a segment")
    store.put("film/2.m4s", big)
    store.put("film2/1.m4s", b"")
    assert store.read("film/1.m4s") == b"a segment"
    assert store.read("film/3.m4s") is None
    assert store.sizes("film") == {"film/1.m4s": 9, "film/2.m4s": 40_000_000}
    assert store.sizes("films") == {}
    assert len(store.sizes()) == 3
    looks: list[None] = []
    checksum = store.fetch("film/2.m4s", tmp_path / "back", lambda: looks.append(None))
    assert checksum == hashlib.sha256(big.read_bytes()).hexdigest()
    assert (tmp_path / "back").read_bytes() == big.read_bytes()
    assert len(looks) == 3


def test_what_is_copied_stays_and_what_is_deleted_goes(store: Store) -> None:
    store.put("staged/1.m4s", b"a segment")
    store.copy("staged/1.m4s", "film/1.m4s")
    assert store.sizes() == {"film/1.m4s": 9, "staged/1.m4s": 9}
    store.delete(["staged/1.m4s", "staged/2.m4s"])
    assert store.sizes() == {"film/1.m4s": 9}
    store.delete([])


def test_what_is_not_there_is_told_in_one_line(store: Store, tmp_path: Path) -> None:
    for act in (
        lambda: store.fetch("film/1.m4s", tmp_path / "back"),
        lambda: store.copy("film/1.m4s", "film/2.m4s"),
    ):
        with pytest.raises(LibraryError) as told:
            act()
        assert str(told.value) == f"{store.name}: film/1.m4s is not there"


def test_a_transfer_that_nobody_wants_any_more_ends_between_pieces(store: Store, tmp_path: Path) -> None:
    store.put("film/1.m4s", b"a segment")

    def leave() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.fetch("film/1.m4s", tmp_path / "back", leave)


def test_a_bucket_that_is_not_there_is_told_in_one_line_without_the_servers_page(bucket: str) -> None:
    assert bucket
    with pytest.raises(LibraryError) as told:
        Store("s3://nobodys/library").put("film/1.m4s", b"a segment")
    assert str(told.value) == "s3://nobodys/library: no such place; create it"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("memory:///", "memory:///: would be gone with this process; name a folder or a bucket"),
        ("gopher://host/library", "gopher://host/library: Generic URL error: Unable to recognise URL"),
        ("s3://me:secret@bucket/library", "s3://bucket/library: no secrets or queries in the URL; set them"),
        ("https://host/library?sig=secret", "https://host/library: no secrets or queries in the URL; set"),
        ("/no/such/folder", "/no/such/folder: no such folder on this machine; all need it at one place"),
    ],
)  # fmt: skip
def test_a_place_that_cannot_be_a_library_is_told_in_one_line(url: str, message: str) -> None:
    with pytest.raises(LibraryError) as told:
        Store(url)
    assert str(told.value).startswith(message)
    assert "\n" not in str(told.value)


def test_no_secret_of_a_url_or_an_answer_is_told() -> None:
    url = "https://me:secret@host/library?sig=secret#secret"
    assert shown(url) == "https://host/library"
    error = GenericError(
        f"Generic error: GET {url} failed: 403: <Error><AWSAccessKeyId>secret\nsource: secret"
    )
    assert reason(error) == "Generic error: GET https://host/library failed: 403"


def test_a_path_and_a_file_url_are_folders_and_other_urls_are_not() -> None:
    assert folder_of("videos") == Path("videos")
    assert folder_of("file:///srv/my%20videos") == Path("/srv/my videos")
    assert folder_of("s3://bucket/videos") is None


def test_of_transfers_side_by_side_the_first_that_fails_is_told() -> None:
    done: list[int] = []

    def fail() -> None:
        raise LibraryError("no")

    with pytest.raises(LibraryError, match="no"):
        side_by_side([lambda: done.append(1), fail, lambda: done.append(3)])
    assert 1 in done
