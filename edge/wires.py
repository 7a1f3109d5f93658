"""What hits send in this second, ready to be written, and let go after it.

The head of a hit changes once a second, so what goes on the wire can be made once a second too. A small
answer is one piece of memory: a copy of the body costs less than a second buffer. A hot one of middle size
lies in a memory file (`memfile`), whose pages `sendfile` hands to the socket uncopied. A large one is its
head, and the body by reference: there `sendfile` loses, because it goes in steps of 64 KiB, and the kernel
paces each.
"""

from __future__ import annotations

import os

from edge.decision import stale_until_s
from edge.memfile import MemoryFiles, Spawn
from edge.stored import StoredResponse

JOIN_BELOW_BYTES = 32 * 1024
_FILE_UP_TO_BYTES = 192 * 1024
FILE_AFTER = 40  # hits in a second: by then the copies have cost as much as making a file does
_MOST_BYTES = 32 * 2**20  # of joined answers and files, and of bodies that they keep from going


class Wires:
    """Makes what a hit sends, and knows whose is to be let go."""

    def __init__(self, spawn: Spawn = lambda work: work()) -> None:
        """`spawn` is for `MemoryFiles`."""
        self._made: list[StoredResponse] = []
        self._made_bytes = 0
        self._files = MemoryFiles(spawn)

    def is_ready(self, stored: StoredResponse, now_s: float) -> bool:
        """What the hot path asks in its own words: `stored` may be served, and what to send is made."""
        return stored.wire_from_s <= now_s < stored.wire_until_s or self.renew(stored, now_s)

    def renew(self, stored: StoredResponse, now_s: float) -> bool:
        """Make ready what a hit sends during this second; False if `stored` is not to be served as it is."""
        if now_s >= stored.serve_until_s:
            return False
        self._make(stored, now_s)
        stored.wire_from_s = float(int(now_s))
        stored.wire_until_s = min(stored.wire_from_s + 1.0, stored.serve_until_s)
        return True

    def is_ready_stale(self, stored: StoredResponse, now_s: float) -> bool:
        """As `is_ready`, for what is past its lifetime and may be served while it is validated."""
        return stored.stale_from_s <= now_s < stored.stale_until_s or self._renew_stale(stored, now_s)

    def _renew_stale(self, stored: StoredResponse, now_s: float) -> bool:
        until_s = stale_until_s(stored)
        if not stored.serve_until_s <= now_s < until_s:
            return False
        self._make(stored, now_s)
        second = float(int(now_s))
        stored.stale_from_s = max(second, stored.serve_until_s)
        stored.stale_until_s = min(second + 1.0, until_s)
        return True

    def _make(self, stored: StoredResponse, now_s: float) -> None:
        self._release(stored)
        head = stored.wire_head(now_s)
        stored.is_joined = len(stored.body) < JOIN_BELOW_BYTES
        stored.wire = head + stored.body if stored.is_joined else head
        stored.hits = 0
        if stored.is_joined:
            self._note(stored)

    def count(self, stored: StoredResponse) -> None:
        """A hit that was sent from memory in two pieces: after many of them a file is worth its price."""
        stored.hits += 1
        if stored.hits == FILE_AFTER and JOIN_BELOW_BYTES <= len(stored.body) <= _FILE_UP_TO_BYTES:
            self._note(stored)
            stored.wire_file, stored.wire_offset = self._files.place(stored.wire, stored.body)

    def tidy(self, now_s: float) -> None:
        """Let go of what was made for a second that is over."""
        made, self._made, self._made_bytes = self._made, [], 0
        for stored in made:
            is_fresh = stored.wire_from_s <= now_s < stored.wire_until_s
            if is_fresh or stored.stale_from_s <= now_s < stored.stale_until_s:
                self._note(stored)
            else:
                self._release(stored)
        self._files.beat()

    def close(self) -> None:
        self._let_go()
        self._files.close()

    def _let_go(self) -> None:
        made, self._made, self._made_bytes = self._made, [], 0
        for stored in made:
            self._release(stored)

    def _note(self, stored: StoredResponse) -> None:
        if self._made_bytes > _MOST_BYTES:
            self._let_go()
        self._made.append(stored)
        self._made_bytes += stored.size_bytes

    def _release(self, stored: StoredResponse) -> None:
        if stored.wire_file >= 0:
            self._files.release(stored.wire_file)
            stored.wire_file = -1
        stored.forget_wire()


def memory_file(head: bytes, body: bytes) -> int:
    """A memory file of a whole answer; -1 where it is not of middle size, or the system has none to give."""
    if not JOIN_BELOW_BYTES <= len(body) <= _FILE_UP_TO_BYTES or not hasattr(os, "memfd_create"):
        return -1
    try:
        file = os.memfd_create("answer", os.MFD_CLOEXEC)
    except OSError:
        return -1
    if os.writev(file, (head, body)) == len(head) + len(body):
        return file
    os.close(file)
    return -1
