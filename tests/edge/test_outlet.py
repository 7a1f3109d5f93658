"""Memory for bodies on their way, and the way from a file to a socket."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.outlet import Mappings, Outlet, is_cached
from edge.visit import Cut

KIB, MIB = 1024, 2**20
MOST_BYTES = 32 * MIB
BODY = random.Random(20261121).randbytes(5 * MIB)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "body").write_bytes(BODY)
    descriptor = os.open(tmp_path / "body", os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize("size_bytes", [1, 128 * KIB, 128 * KIB + 1, 4 * MIB])
def test_a_mapping_has_the_bytes_that_were_asked_for(size_bytes: int, file: int) -> None:
    mappings = Mappings()
    lent = mappings.lend(file, 4096, size_bytes)
    assert lent is not None
    assert lent[:] == BODY[4096 : 4096 + size_bytes]
    assert mappings.lent_bytes == size_bytes
    mappings.give(lent)
    assert mappings.lent_bytes == 0


def test_five_thousand_clients_get_no_more_than_the_bound(file: int) -> None:
    mappings, rng = Mappings(), random.Random(20261121)
    lent = []
    refused = 0
    for _ in range(5000):
        got = mappings.lend(file, 0, rng.choice([100 * KIB, 700 * KIB, 4 * MIB]))
        if got is None:
            refused += 1
        else:
            lent.append(got)
        assert mappings.lent_bytes == sum(map(len, lent)) <= MOST_BYTES
    assert refused > 0
    for mapping in lent:
        mappings.give(mapping)
    assert mappings.lent_bytes == 0


def test_what_is_too_large_or_not_all_there_is_not_lent(file: int) -> None:
    mappings = Mappings()
    assert mappings.lend(file, 0, 4 * MIB + 1) is None
    assert mappings.lend(file, 4 * MIB, MIB + 1) is None
    assert mappings.lend(10**6, 0, 1) is None, "no file"
    assert mappings.lent_bytes == 0


def test_what_was_just_written_is_in_the_page_cache(file: int) -> None:
    assert is_cached(file, 0, len(BODY))
    assert is_cached(file, len(BODY) - 1, 1)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection that has little room."""
    near, far = socket.socketpair()
    near.setblocking(False)
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * KIB)
    far.setblocking(False)
    yield near, far
    near.close()
    far.close()


async def test_a_slow_reader_gets_every_byte(file: int, ends: tuple[socket.socket, socket.socket]) -> None:
    near, far = ends
    loop = asyncio.get_running_loop()

    async def send() -> None:
        with Outlet(near.fileno()) as outlet:
            sent_bytes = 0
            while sent_bytes < len(BODY):
                taken = outlet.take(file, sent_bytes, len(BODY) - sent_bytes)
                sent_bytes += taken
                if taken == 0:
                    await outlet.room()

    sending = asyncio.create_task(send())
    come = bytearray()
    while len(come) < len(BODY):
        come += await loop.sock_recv(far, 64 * KIB)
    await sending
    assert come == BODY


async def test_who_waits_for_room_may_be_cancelled(
    file: int, ends: tuple[socket.socket, socket.socket]
) -> None:
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    with Outlet(ends[0].fileno()) as outlet:
        while outlet.take(file, 0, len(BODY)):
            pass
        waiting = asyncio.create_task(outlet.room())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before


async def test_a_reader_that_left_is_told(file: int, ends: tuple[socket.socket, socket.socket]) -> None:
    near, far = ends
    with Outlet(near.fileno()) as outlet:
        while outlet.take(file, 0, len(BODY)):
            pass
        far.close()
        await outlet.room()
        with pytest.raises(Cut):
            outlet.take(file, 0, len(BODY))


async def test_a_file_that_became_shorter_is_an_error_of_the_disk(
    file: int, ends: tuple[socket.socket, socket.socket]
) -> None:
    with Outlet(ends[0].fileno()) as outlet, pytest.raises(OSError, match="shorter"):
        outlet.take(file, len(BODY), 10)
