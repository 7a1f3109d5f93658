"""A thousand viewers in one process: plain sockets, one epoll, and the kernel's word for when a byte arrived.

A client that reads a thousand sockets comes late to the last of them, so its own clock says more of itself
than of the server. The kernel stamps each packet as it arrives (SO_TIMESTAMPNS): that time is the server's.
Where packets were joined before they were read the stamp is the later one's: it errs against the server.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable, Iterable

from benchmarks.herd_origin import BODY

_STAMP = 35  # SO_TIMESTAMPNS, of asm-generic/socket.h
_STAMPED = struct.Struct("qq")
_PIECE_BYTES = 256 * 1024


class Viewer:
    """One connection: asks, and holds what comes against what should."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, _STAMP, 1)
        self.socket.setblocking(False)
        self.begin()

    def begin(self) -> None:
        self.asked_s = self.first_byte_s = self.noticed_s = self.ended_s = 0.0  # wall-clock time
        self.status = 0
        self.fields: dict[str, str] = {}
        self.come_bytes = 0
        self.is_right = True  # every byte so far
        self.is_broken = False
        self._head = b""
        self._from = self._size_bytes = 0

    def ask(self, path: str, *lines: str) -> None:
        self.begin()
        self.asked_s = time.time()
        self.socket.send("\r\n".join([f"GET {path} HTTP/1.1", "Host: edge", *lines, "", ""]).encode())

    def leave(self) -> None:
        self.socket.close()

    @property
    def is_whole(self) -> bool:
        return bool(self.status) and self.is_right and self.come_bytes == self._size_bytes

    @property
    def is_over(self) -> bool:
        return bool(self.ended_s)

    @property
    def ttfb_s(self) -> float:
        return self.first_byte_s - self.asked_s

    def take(self) -> None:
        """Something is there to be read."""
        try:
            data = self.socket.recv(_PIECE_BYTES) if self.first_byte_s else self._take_first()
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self.is_broken = True
            self.ended_s = time.time()
        elif self.status:
            self._check(data)
        else:
            self._read_head(data)

    def _take_first(self) -> bytes:
        data, ancillary, _, _ = self.socket.recvmsg(1, 64)
        self.noticed_s = time.time()
        if data and ancillary:
            seconds, nanoseconds = _STAMPED.unpack(ancillary[0][2])
            self.first_byte_s = seconds + nanoseconds / 1e9
        return data

    def _read_head(self, data: bytes) -> None:
        self._head += data
        head, end, body = self._head.partition(b"\r\n\r\n")
        if not end:
            return
        start, *lines = head.decode("latin-1").split("\r\n")
        self.fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self.status = int(start.split(" ")[1])
        self._size_bytes = int(self.fields.get("content-length", 0))
        if self.status == 206:
            self._from = int(self.fields["content-range"].removeprefix("bytes ").partition("-")[0])
        self._check(body)

    def _check(self, data: bytes) -> None:
        at = self._from + self.come_bytes
        if self.status in (200, 206) and data != BODY[at : at + len(data)]:
            self.is_right = False
        self.come_bytes += len(data)
        if self.come_bytes >= self._size_bytes:
            self.ended_s = time.time()


def watch(viewers: Iterable[Viewer], until: Callable[[], bool] | None = None, *, limit_s: float) -> bool:
    """Read for the viewers until all have an end, or `until` holds; False if the time was up before."""
    waiting = {viewer.socket.fileno(): viewer for viewer in viewers if not viewer.is_over}
    deadline_s = time.monotonic() + limit_s
    with select.epoll(max(1, len(waiting))) as ready:
        for descriptor in waiting:
            ready.register(descriptor, select.EPOLLIN)
        while waiting and not (until is not None and until()):
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return False
            for descriptor, _ in ready.poll(min(left_s, 0.05), maxevents=4096):
                viewer = waiting[descriptor]
                viewer.take()
                if viewer.is_over:
                    ready.unregister(descriptor)
                    del waiting[descriptor]
    return True
