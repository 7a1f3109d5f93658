"""Memory that is let go goes back to the system: what an edge keeps is what it was configured to keep."""

from __future__ import annotations

import ctypes

_LIBC = ctypes.CDLL(None)
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of mallopt(3)
_LARGE_BYTES = 128 * 1024
_TRIM_AFTER_BYTES = 32 * 2**20


def give_back_bodies() -> None:
    """Let each large body have pages of its own, which are the system's again once it is evicted.

    glibc would otherwise learn from the first of them to put such blocks on its heap, where holes stay, and
    give each thread a heap. A library without mallopt (musl) gives back by itself.
    """
    mallopt = getattr(_LIBC, "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_ARENA_MAX, 1)


class Trimmer:
    """Gives back the holes that smaller pieces leave, now and then while much comes from upstream."""

    def __init__(self) -> None:
        self._trim = getattr(_LIBC, "malloc_trim", None)
        self._trimmed_at_bytes = 0

    def look(self, received_bytes: int) -> None:
        """`received_bytes`: all that has come so far. To be called on the beat."""
        if self._trim is not None and received_bytes - self._trimmed_at_bytes >= _TRIM_AFTER_BYTES:
            self._trimmed_at_bytes = received_bytes
            self._trim(0)
