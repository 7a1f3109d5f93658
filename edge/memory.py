"""Memory that is let go goes back to the system: what an edge keeps is what it was configured to keep."""

from __future__ import annotations

import ctypes

_TRIM_AFTER_BYTES = 32 * 2**20


class Trimmer:
    """Gives back the holes that bodies leave in glibc's heap, now and then while much comes from upstream.

    A library without malloc_trim (musl) gives back by itself.
    """

    def __init__(self) -> None:
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        self._trimmed_at_bytes = 0

    def look(self, received_bytes: int) -> None:
        """`received_bytes`: all that has come so far. To be called on the beat."""
        if self._trim is not None and received_bytes - self._trimmed_at_bytes >= _TRIM_AFTER_BYTES:
            self._trimmed_at_bytes = received_bytes
            self._trim(0)
