"""Memory files in which hot answers lie, each on one huge page where the kernel has one to give.

`sendfile` looks each page up and hands it to the socket by itself; on a huge page a hit of 64 KiB costs some
8 % less CPU. `MADV_COLLAPSE` (Linux 6.1) lays a file on one, whatever the system's setting for shared memory
is. That waits for other cores, so it is done behind everyone's back, for the next file. Nothing is written
over: the kernel may still be sending it.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from contextlib import suppress
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PAGESIZE, PROT_READ, PROT_WRITE

FILE_BYTES = 2 * 2**20  # a huge page
NOWHERE = (-1, 0)
MOST_FILES = 16
IDLE_BEATS = 240  # a minute; then the files that have room are let go, too
_MOST_FAILURES = 3  # in a row; then no huge page is asked for again
_MAP_FIXED, _MADV_COLLAPSE = 0x10, 25  # Linux

Spawn = Callable[[Callable[[], None]], object]


def lay_on_huge_page(file: int) -> bool:
    """Map an empty `file` of FILE_BYTES where a huge page may lie, ask for it, and let go of the mapping."""
    os.pwrite(file, b"\0", 0)  # a file without any page has nothing to lay elsewhere
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    libc.madvise.argtypes = [*libc.munmap.argtypes, ctypes.c_int]
    failed = ctypes.c_void_p(-1).value
    room = libc.mmap(None, 2 * FILE_BYTES, 0, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    if room == failed:
        return False
    place = -(-room // FILE_BYTES) * FILE_BYTES
    try:
        found = libc.mmap(place, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | _MAP_FIXED, file, 0)
        return bool(found != failed and libc.madvise(place, FILE_BYTES, _MADV_COLLAPSE) == 0)
    finally:
        libc.munmap(room, 2 * FILE_BYTES)


class MemoryFiles:
    """Owns the files. One is closed with its last answer; what is being sent keeps its pages."""

    def __init__(self, spawn: Spawn, lay: Callable[[int], bool] = lay_on_huge_page) -> None:
        """`spawn` runs what it is given in another thread, or here."""
        self._spawn = spawn
        self._lay = lay
        self._answers: dict[int, int] = {}  # how many lie in each file, by its descriptor
        self._newest = -1
        self._end = 0  # of what lies in the newest
        self._is_huge = False  # the newest
        self._spares: list[int] = []  # one at most, empty, on a huge page; filled from the other thread
        self._is_making = False
        self._failures = 0
        self._idle_beats = 0
        self._has_ended = False

    def place(self, head: bytes, body: bytes) -> tuple[int, int]:
        """The descriptor and the offset at which the answer lies now; NOWHERE if there is no place for it."""
        size_bytes = len(head) + len(body)
        is_full = self._newest < 0 or self._end + size_bytes > FILE_BYTES
        if (is_full or (self._spares and not self._is_huge)) and not self._turn_over():
            return NOWHERE
        offset = self._end
        try:
            if os.pwritev(self._newest, (head, body), offset) != size_bytes:
                return NOWHERE
        except OSError:
            return NOWHERE
        self._end += -(-size_bytes // PAGESIZE) * PAGESIZE  # a page of two answers would be looked up twice
        self._answers[self._newest] += 1
        self._idle_beats = 0
        return self._newest, offset

    def release(self, file: int) -> None:
        """One answer in `file` is let go."""
        self._answers[file] -= 1
        if file != self._newest:
            self._close_unused(file)

    def beat(self) -> None:
        """Hold nothing for answers that do not come."""
        self._idle_beats += 1
        if self._idle_beats == IDLE_BEATS:
            self._let_go()

    def close(self) -> None:
        """Nothing is sent from the files any more."""
        self._has_ended = True
        self._let_go()
        while self._answers:
            os.close(self._answers.popitem()[0])

    def _let_go(self) -> None:
        newest, self._newest = self._newest, -1
        if newest >= 0:
            self._close_unused(newest)
        self._drop_spare()

    def _drop_spare(self) -> None:
        with suppress(IndexError):  # two threads may want to
            os.close(self._spares.pop())

    def _close_unused(self, file: int) -> None:
        if not self._answers[file]:
            del self._answers[file]
            os.close(file)

    def _turn_over(self) -> bool:
        """Begin another file; False if the system has none to give, or there are many."""
        newest, self._newest = self._newest, -1
        if newest >= 0:
            self._close_unused(newest)
        if len(self._answers) >= MOST_FILES:
            return False
        self._is_huge = bool(self._spares)
        file = self._spares.pop() if self._is_huge else _new_file()
        if file < 0:
            return False
        self._newest, self._end = file, 0
        self._answers[file] = 0
        if not self._is_making and self._failures < _MOST_FAILURES:
            self._is_making = True
            self._spawn(self._make_spare)
        return True

    def _make_spare(self) -> None:
        file = _new_file()
        is_laid = False
        if file >= 0:
            with suppress(OSError):
                is_laid = self._lay(file)
        if is_laid:
            self._failures = 0
            self._spares.append(file)
            if self._has_ended:
                self._drop_spare()
        else:
            self._failures += 1
            if file >= 0:
                os.close(file)
        self._is_making = False


def _new_file() -> int:
    """A memory file of FILE_BYTES without any page yet; -1 where the system has none to give."""
    if not hasattr(os, "memfd_create"):
        return -1
    try:
        file = os.memfd_create("answer", os.MFD_CLOEXEC)
    except OSError:
        return -1
    os.ftruncate(file, FILE_BYTES)
    return file
