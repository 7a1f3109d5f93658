"""What many clients get at one moment, sent from socket to socket with nothing between two of them.

A transport keeps what it is given until the end of the loop's turn, and then costs each socket as much again
as the kernel does: the last of a thousand would have its first byte in twice the time.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

from edge.framing import head_bytes, is_chunked
from edge.reply import AnswerHead
from edge.wires import FILE_AFTER, memory_file


@dataclass(frozen=True, slots=True, eq=False)
class Wire:
    """An answer as an HTTP/1.1 connection sends it that goes on after it."""

    head: bytes
    body: bytes
    is_whole: bool  # else the body follows
    is_chunked: bool

    @classmethod
    def of(cls, head: AnswerHead, body: bytes | None) -> Wire:
        """`body` None: it follows."""
        chunked = is_chunked(head, is_http11=True)
        return cls(head_bytes(head, is_http11=True, close=False), body or b"", body is not None, chunked)

    @property
    def size_bytes(self) -> int:
        return len(self.head) + len(self.body)


class Burst:
    """Gathers who gets what, and sends it: what a socket does not take at once is left to its transport."""

    def __init__(self) -> None:
        self._places: dict[Wire, list[tuple[int, asyncio.Transport]]] = {}

    def add(self, wire: Wire, descriptor: int, transport: asyncio.Transport) -> None:
        """`descriptor` is the transport's, which has nothing to send before this."""
        self._places.setdefault(wire, []).append((descriptor, transport))

    def send(self) -> None:
        for wire, places in self._places.items():
            file = memory_file(wire.head, wire.body) if len(places) >= FILE_AFTER else -1
            for descriptor, transport in places:
                try:
                    sent_bytes = _sent(wire, descriptor, file)
                except OSError:
                    transport.abort()
                    continue
                if sent_bytes < wire.size_bytes:
                    transport.writelines(_rest(wire, sent_bytes))
            if file >= 0:
                os.close(file)  # what is being sent keeps its pages


def _sent(wire: Wire, descriptor: int, file: int) -> int:
    """How many bytes the socket took."""
    try:
        if file >= 0:
            return os.sendfile(descriptor, file, 0, wire.size_bytes)
        if wire.body:
            return os.writev(descriptor, (wire.head, wire.body))
        return os.write(descriptor, wire.head)
    except BlockingIOError:
        return 0


def _rest(wire: Wire, sent_bytes: int) -> list[bytes | memoryview]:
    if sent_bytes < len(wire.head):
        return [wire.head[sent_bytes:], wire.body]
    return [memoryview(wire.body)[sent_bytes - len(wire.head) :]]
