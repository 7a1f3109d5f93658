"""One object's file as any process may read it: by key, without an index, while its head is renewed."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge.disk.address import address_of
from edge.disk.files import OtherKeyError, TempFile, key_in, open_object, read_body, rewrite_head
from edge.disk.layout import CorruptError, shape_of
from tests.edge.disk.objects import body, disk_tier, head, versions_of


@pytest.fixture
def path(tmp_path: Path) -> str:
    file = TempFile(str(tmp_path / "file"), shape_of(b"/a", head()))
    content = body(b"/a")
    file.write([content[:1000], b"", *[bytes([each]) for each in content[1000:3000]]])
    file.finish([content[3000:]], b"/a", head())
    return file.path


async def test_a_key_is_enough_for_another_process_to_read_an_object(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        assert await tier.put(b"/a", head(), body(b"/a"))
        path = f"{tmp_path}/{address_of(b'/a').path}"
        descriptor, front = open_object(path, b"/a", is_verified=False)
        assert tier.drop(b"/a")
        assert await tier.settled()
        assert read_body(descriptor, front.shape.body_offset, front.body_bytes) == body(b"/a")
        os.close(descriptor)
        with pytest.raises(FileNotFoundError):
            open_object(path, b"/a", is_verified=False)


def test_pieces_of_any_size_make_one_body(path: str) -> None:
    descriptor, front = open_object(path, b"/a", is_verified=False)
    assert read_body(descriptor, front.shape.body_offset, front.body_bytes) == body(b"/a")
    os.close(descriptor)
    assert key_in(path) == b"/a"


def test_another_key_does_not_get_it(path: str) -> None:
    with pytest.raises(OtherKeyError):
        open_object(path, b"/b", is_verified=False)
    with pytest.raises(OtherKeyError):
        rewrite_head(path, b"/b", head(2), is_durable=False)


def test_a_body_is_checked_unless_it_was_before(path: str) -> None:
    data = bytearray(Path(path).read_bytes())
    data[-1] ^= 1
    Path(path).write_bytes(data)
    with pytest.raises(CorruptError, match="the body fails its check"):
        open_object(path, b"/a", is_verified=False)
    os.close(open_object(path, b"/a", is_verified=True)[0])


def test_no_descriptor_is_left_of_a_file_that_fails(path: str) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    Path(path).write_bytes(b"")
    for _ in range(3):
        with pytest.raises(CorruptError):
            open_object(path, b"/a", is_verified=False)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_reader_sees_the_older_head_or_the_newer_while_it_is_renewed(path: str) -> None:
    def renew() -> None:
        for merged in range(1, 2001):
            rewrite_head(path, b"/a", head(1, merged), is_durable=False)

    seen = [0]
    with ThreadPoolExecutor(1) as owner:
        renewing = owner.submit(renew)
        while not renewing.done():
            descriptor, front = open_object(path, b"/a", is_verified=False)
            os.close(descriptor)
            seen.append(versions_of(front.head)[1])
        renewing.result()
    assert seen == sorted(seen)
    descriptor, front = open_object(path, b"/a", is_verified=False)
    os.close(descriptor)
    assert versions_of(front.head) == (1, 2000)
