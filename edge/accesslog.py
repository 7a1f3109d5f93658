"""The access log: one JSON object a line, gathered in memory and written in batches.

A line of a hit is put together from pieces that exist already: the connection's (who asks), the target's,
and the stored response's (how it ends). They are joined when they are written; the time is made once a
millisecond.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from edge.cmcd import session_of, session_of_target
from edge.fields import first
from edge.message import Head
from edge.visit import Outcome

_FLUSH_PIECES = 6 * 1024  # between two beats of the server's clock: more would not stay in a core's cache


_TIGHT = (",", ":")
_SID = b'"sid":'  # unescaped, so only as the name of a field


class AccessLog:
    """Lines for `path`, or for nowhere where it is None. `flush` is called from outside, on the beat."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.is_on = path is not None
        self.lines: list[bytes] = []  # or pieces of lines
        self._stamp = b""  # how a line begins while the time is within these two:
        self._stamp_from_s = self._stamp_until_s = 0.0
        self.lost = 0  # lines that could not be written
        self._descriptor = _open(path)

    def write(
        self, now_s: float, who: bytes, method: bytes, target: bytes, outcome: Outcome, took_s: float
    ) -> None:
        """A line for an answer off the hot path."""
        if not self.is_on:
            return
        said = {
            "method": method.decode("latin-1"),
            "url": target.decode("latin-1"),
            "status": outcome.status,
            "bytes": outcome.sent_bytes,
            "cache": outcome.what.value,
            "tier": outcome.tier,
            "fwd": outcome.why and outcome.why.value,
            "fwd_status": outcome.forward_status,
            "upstream_ms": _ms(outcome.upstream_s),
            "ms": _ms(took_s),
            "sid": None if _SID in who else session_of_target(target) or None,
        }
        known = json.dumps(
            {name: value for name, value in said.items() if value is not None}, separators=_TIGHT
        )
        self.lines.append(b'{"time":%.3f,%b%b\n' % (now_s, who, known[1:].encode()))
        if len(self.lines) >= _FLUSH_PIECES:
            self.flush()

    def hit(self, now_s: float, who: bytes, path: bytes, mark: bytes, query: bytes, end: bytes) -> None:
        """A line for a hit, while the log is on: `who` as of `before_url`, then the target's pieces."""
        if not self._stamp_from_s <= now_s < self._stamp_until_s:
            self._stamp_at(now_s)
        self.lines.extend((self._stamp, who, path, mark, query, end))
        if len(self.lines) >= _FLUSH_PIECES:
            self.flush()

    def flush(self) -> None:
        """Write what has gathered. A disk that is full costs lines, not service."""
        lines, self.lines = self.lines, []
        data = b"".join(lines)
        if self._descriptor is None:
            self.lost += data.count(b"\n")
            return
        unwritten = memoryview(data)
        try:
            while unwritten:
                unwritten = unwritten[os.write(self._descriptor, unwritten) :]
        except OSError:
            self.lost += data.count(b"\n")

    def follow(self, path: Path | None) -> None:
        """Go on in another file, or nowhere. Raises OSError, and then nothing has changed."""
        if path != self.path:
            descriptor = _open(path)
            self.close()
            self.path, self.is_on, self._descriptor = path, path is not None, descriptor

    def reopen(self) -> None:
        """After rotation: go on in a new file of the same name. Without one, lines are lost."""
        self.close()
        with suppress(OSError):
            self._descriptor = _open(self.path)

    def close(self) -> None:
        self.flush()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _stamp_at(self, now_s: float) -> None:
        now_ms = int(now_s * 1000)
        self._stamp = b'{"time":%d.%03d,' % divmod(now_ms, 1000)
        self._stamp_from_s, self._stamp_until_s = now_ms / 1000, (now_ms + 1) / 1000


def _open(path: Path | None) -> int | None:
    return None if path is None else os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def who_part(remote: str, head: Head | None, protocol: str = "h1") -> bytes:
    """The part of a line that a connection repeats: the client's address, and what its fields say of it."""
    fields = () if head is None else head.fields
    names = {
        "remote": remote,
        "protocol": protocol,
        "agent": (first(fields, b"user-agent") or b"").decode("latin-1"),
    }
    sid = session_of(first(fields, b"cmcd-session") or b"")
    if sid:
        names["sid"] = sid
    return json.dumps(names, separators=_TIGHT)[1:-1].encode() + b","


def _ms(took_s: float | None) -> float | None:
    return None if took_s is None else round(took_s * 1000, 1)


def before_url(who: bytes) -> bytes:
    """`who` with what stands between it and a target that needs no escapes."""
    return who + b'"url":"'
