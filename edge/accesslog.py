"""The access log: one JSON object a line, gathered in memory and written in batches.

A line of a hit is put together from three parts that exist already: the connection's (who asks), the
target, and the stored response's (how it ends). Only the time is new.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from edge.fields import first
from edge.message import CacheStatus, Head

_FLUSH_LINES = 20_000  # between two beats of the server's clock


class AccessLog:
    """Lines for `path`, or for nowhere where it is None. `flush` is called from outside, on the beat."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.is_on = path is not None
        self.lines: list[bytes] = []
        self.lost = 0  # lines that could not be written
        self._descriptor = self._open()

    def write(
        self,
        now_s: float,
        who: bytes,
        target: bytes,
        status: int,
        sent_bytes: int,
        outcome: CacheStatus,
        took_s: float,
    ) -> None:
        """A line for an answer off the hot path."""
        if not self.is_on:
            return
        self.lines.append(
            b'{"time":%.3f,%s"url":%s,"status":%d,"bytes":%d,"cache":"%s","ms":%.1f}\n'
            % (
                now_s,
                who,
                json.dumps(target.decode("latin-1")).encode(),
                status,
                sent_bytes,
                outcome.value.encode(),
                took_s * 1000,
            )
        )
        if len(self.lines) >= _FLUSH_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what has gathered. A disk that is full costs lines, not service."""
        lines, self.lines = self.lines, []
        if self._descriptor is None:
            self.lost += len(lines)
            return
        data = memoryview(b"".join(lines))
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            self.lost += len(lines)

    def reopen(self) -> None:
        """After rotation: go on in a new file of the same name. Without one, lines are lost."""
        self.close()
        with suppress(OSError):
            self._descriptor = self._open()

    def close(self) -> None:
        self.flush()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int | None:
        if self.path is None:
            return None
        return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def who_part(remote: str, head: Head | None) -> bytes:
    """The part of a line that a connection repeats: the client's address and its User-Agent, once known."""
    agent = (head and first(head.fields, b"user-agent")) or b""
    names = {"remote": remote, "agent": agent.decode("latin-1")}
    return json.dumps(names, separators=(",", ":"))[1:-1].encode() + b","
