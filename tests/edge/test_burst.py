"""What many get at one moment: whole and right for each, and nobody is in another's way."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.burst import Burst, Wire
from edge.reply import AnswerHead

KIB = 1024
BODY = random.Random(20261121).randbytes(1024 * KIB)


class Later(asyncio.Transport):
    """Keeps what the socket did not take."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = b""
        self.is_aborted = False

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.kept += b"".join(list_of_data)

    def abort(self) -> None:
        self.is_aborted = True


@contextmanager
def places(count: int) -> Iterator[list[tuple[socket.socket, socket.socket, Later]]]:
    """Both ends of connections, and the near one's transport."""
    pairs = [socket.socketpair() for _ in range(count)]
    for near, _ in pairs:
        near.setblocking(False)
    try:
        yield [(near, far, Later()) for near, far in pairs]
    finally:
        for near, far in pairs:
            near.close()
            far.close()


def come(far: socket.socket) -> bytes:
    """All that waits to be read."""
    far.setblocking(False)
    pieces = []
    try:
        while piece := far.recv(1024 * KIB):
            pieces.append(piece)
    except BlockingIOError:
        pass
    return b"".join(pieces)


def wire(body: bytes | None) -> Wire:
    size_bytes = None if body is None else len(body)
    return Wire.of(AnswerHead(200, ((b"age", b"1"),), size_bytes), body)


def memory_files() -> list[str]:
    found = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(link.readlink()))
        except OSError:
            continue
    return [name for name in found if "memfd:answer" in name]


def test_a_wire_is_what_a_connection_sends_that_goes_on() -> None:
    known, unknown = wire(b"body"), wire(None)
    assert known.head == b"HTTP/1.1 200 OK\r\nage: 1\r\ncontent-length: 4\r\n\r\n"
    assert (known.body, known.is_whole, known.is_chunked) == (b"body", True, False)
    assert unknown.head == b"HTTP/1.1 200 OK\r\nage: 1\r\ntransfer-encoding: chunked\r\n\r\n"
    assert (unknown.body, unknown.is_whole, unknown.is_chunked) == (b"", False, True)


@pytest.mark.parametrize("size_bytes", [0, 10, 64 * KIB, 1024 * KIB])
@pytest.mark.parametrize("count", [1, 50])
def test_each_has_the_whole_of_it_from_its_socket_and_its_transport(size_bytes: int, count: int) -> None:
    answer, burst = wire(BODY[:size_bytes]), Burst()
    with places(count) as all_places:
        for near, _, transport in all_places:
            burst.add(answer, near.fileno(), transport)
        burst.send()
        for _, far, transport in all_places:
            first = come(far)
            assert first, "something was sent at once"
            assert first + transport.kept == answer.head + answer.body
    assert memory_files() == []


def test_two_answers_in_one_burst_go_to_whom_they_are_for() -> None:
    burst = Burst()
    with places(100) as all_places:
        answers = [wire(BODY[: 40 * KIB]), wire(BODY[: 41 * KIB])]
        for number, (near, _, transport) in enumerate(all_places):
            burst.add(answers[number % 2], near.fileno(), transport)
        burst.send()
        for number, (_, far, transport) in enumerate(all_places):
            answer = answers[number % 2]
            assert come(far) + transport.kept == answer.head + answer.body
    assert memory_files() == []


@pytest.mark.parametrize("count", [3, 50])
def test_a_socket_that_is_full_leaves_all_of_it_to_its_transport(count: int) -> None:
    answer, burst = wire(BODY[: 64 * KIB]), Burst()
    with places(count) as all_places:
        (full, far, behind), *others = all_places
        filled_bytes = 0
        try:
            while True:
                filled_bytes += full.send(b"x" * KIB)
        except BlockingIOError:
            pass
        for near, _, transport in all_places:
            burst.add(answer, near.fileno(), transport)
        burst.send()
        assert come(far) + behind.kept == b"x" * filled_bytes + answer.head + answer.body
        assert all(come(each) + later.kept == answer.head + answer.body for _, each, later in others)


@pytest.mark.parametrize("count", [3, 50])
def test_who_is_gone_is_let_go_and_the_others_have_theirs(count: int) -> None:
    answer, burst = wire(BODY[: 64 * KIB]), Burst()
    with places(count) as all_places:
        for near, _, transport in all_places:
            burst.add(answer, near.fileno(), transport)
        (_, far, gone), *others = all_places
        far.close()
        burst.send()
        assert gone.is_aborted
        assert not any(transport.is_aborted for _, _, transport in others)
        assert all(come(each) + later.kept == answer.head + answer.body for _, each, later in others)


def test_without_memory_files_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    answer, burst = wire(BODY[: 64 * KIB]), Burst()
    with places(50) as all_places:
        for near, _, transport in all_places:
            burst.add(answer, near.fileno(), transport)
        burst.send()
        assert all(come(far) + later.kept == answer.head + answer.body for _, far, later in all_places)
