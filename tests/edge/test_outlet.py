"""Memory for bodies on their way, and the way from a file to a socket."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.outlet import Buffers, Outlet, is_cached
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
def test_a_buffer_has_the_bytes_that_were_asked_for(size_bytes: int, file: int) -> None:
    buffers = Buffers()
    lent = buffers.read(file, 77, size_bytes)
    assert lent is not None
    buffer, view = lent
    assert view == BODY[77 : 77 + size_bytes]
    assert buffers.lent_bytes == len(buffer) >= size_bytes
    buffers.give(buffer)
    assert buffers.lent_bytes == 0


def test_what_was_given_back_is_lent_again(file: int) -> None:
    buffers = Buffers()
    for _ in range(1000):
        lent = buffers.read(file, 0, 200 * KIB)
        assert lent is not None
        buffers.give(lent[0])
    assert buffers.bytes == 256 * KIB


def test_five_thousand_clients_get_no_more_memory_than_the_bound(file: int) -> None:
    buffers, rng = Buffers(), random.Random(20261121)
    lent: list[bytearray] = []
    refused = 0
    for _ in range(5000):
        got = buffers.read(file, 0, rng.choice([1, 100 * KIB, 700 * KIB, 4 * MIB]))
        if got is None:
            refused += 1
        else:
            lent.append(got[0])
        assert buffers.bytes == buffers.lent_bytes <= MOST_BYTES
    assert refused > 0
    for buffer in lent:
        buffers.give(buffer)
    assert buffers.lent_bytes == 0
    assert buffers.bytes <= MOST_BYTES


def test_free_buffers_of_one_size_do_not_starve_another(file: int) -> None:
    buffers = Buffers()
    small = [buffers.read(file, 0, 128 * KIB) for _ in range(MOST_BYTES // (128 * KIB))]
    assert None not in small
    assert buffers.read(file, 0, 4 * MIB) is None
    for lent in small:
        assert lent is not None
        buffers.give(lent[0])
    assert buffers.read(file, 0, 4 * MIB) is not None
    assert buffers.bytes <= MOST_BYTES


def test_a_buffer_that_is_lost_makes_room_for_another(file: int) -> None:
    buffers = Buffers()
    for _ in range(100):
        lent = buffers.read(file, 0, 4 * MIB)
        assert lent is not None
        buffers.lose(lent[0])
    assert buffers.bytes == 0


def test_what_is_too_large_or_not_all_there_is_not_lent(file: int) -> None:
    buffers = Buffers()
    assert buffers.read(file, 0, 4 * MIB + 1) is None
    assert buffers.read(file, len(BODY) - 10, 11) is None
    assert buffers.read(10**6, 0, 1) is None, "no file"
    assert buffers.lent_bytes == 0


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
