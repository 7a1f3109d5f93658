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

from edge.cmcd import session_of, session_of_target, sessions_of_hits
from edge.fields import first
from edge.message import Head
from edge.visit import Outcome

_PIECES = 6  # of a line
_FLUSH_PIECES = _PIECES * 1024  # between two beats of the clock: more would not stay in a core's cache
_NO_MORE = (b"",) * (_PIECES - 1)  # where a line is of one piece

_TIGHT = (",", ":")
_SID = b'"sid":'  # unescaped, so only as the name of a field
_BEFORE_SID = b'","sid":"'  # behind the target


class AccessLog:
    """Lines for `path`, or for nowhere where it is None. `flush` is called from outside, on the beat."""

    def __init__(self, path: Path | None, *, names_sessions: bool = False) -> None:
        """`names_sessions`: lines of hits have the field `sid`, too, at the cost of a look at each query."""
        self.path = path
        self.is_on = path is not None
        self.names_sessions = names_sessions
        self.lines: list[bytes] = []  # in pieces, so many for each
        self.stamp = b""  # how a line begins while the time is within these two:
        self.stamp_from_s = self.stamp_until_s = 0.0
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
        line = b'{"time":%.3f,%b%b\n' % (now_s, who, known[1:].encode())
        self.lines.extend((line, *_NO_MORE))
        if len(self.lines) >= _FLUSH_PIECES:
            self.flush()

    def hit(self, now_s: float, who: bytes, path: bytes, mark: bytes, query: bytes, end: bytes) -> None:
        """A line for a hit, while the log is on: `who` as of `before_url`, then the target's pieces."""
        if not self.stamp_from_s <= now_s < self.stamp_until_s:
            self.stamp_at(now_s)
        self.lines += (self.stamp, who, path, mark, query, end)

    def flush(self) -> None:
        """Write what has gathered. A disk that is full costs lines, not service."""
        if not self.lines:
            return
        if self._descriptor is None:  # after a rotation into nowhere: its folder may be back
            with suppress(OSError):
                self._descriptor = _open(self.path)
        lines, self.lines = self.lines, []
        if self.names_sessions:
            lines = _with_sessions(lines)
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
        """After rotation: go on in a new file of the same name. Until it can be made, lines are lost."""
        self.close()
        with suppress(OSError):
            self._descriptor = _open(self.path)

    def close(self) -> None:
        self.flush()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def stamp_at(self, now_s: float) -> None:
        """Another millisecond begins. Few hits come in one: now is soon enough to see how many lines wait."""
        if len(self.lines) >= _FLUSH_PIECES:
            self.flush()
        now_ms = int(now_s * 1000)
        self.stamp = b'{"time":%d.%03d,' % divmod(now_ms, 1000)
        self.stamp_from_s, self.stamp_until_s = now_ms / 1000, (now_ms + 1) / 1000


def _with_sessions(lines: list[bytes]) -> list[bytes]:
    """The same lines, with a field for the session that a hit's target names: as few steps each as can be."""
    stamps, whos, paths, marks, queries, ends = (lines[piece::_PIECES] for piece in range(_PIECES))
    sids = sessions_of_hits(paths, queries)
    named = {who for who in set(whos) if _SID in who}  # by the client's fields
    if named:
        sids = [b"" if who in named else sid for who, sid in zip(whos, sids, strict=True)]
    before = [_BEFORE_SID if sid else b"" for sid in sids]
    pieces = [b""] * (8 * len(stamps))
    for at, column in enumerate((stamps, whos, paths, marks, queries, before, sids, ends)):
        pieces[at::8] = column
    return pieces


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
