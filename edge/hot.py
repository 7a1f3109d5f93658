"""The hot path's memory: which cache key a request line stands for, and what header sections say.

A hit is answered from the request line alone once the header section below it is known: a keep-alive
connection repeats its head, and llhttp has parsed the same bytes before. What is called a line here ends with
the target: the HTTP version is the first of what repeats.
"""

from __future__ import annotations

from edge.fields import first
from edge.key import MAX_TARGET_BYTES, QUERY_BYTES, KeyRules, TargetError, origin_form
from edge.message import Head

CMCD = b"?CMCD="  # a query of this one argument is not in the key (CTA-5004)
LONGEST_BYTES = MAX_TARGET_BYTES  # of a line; a longer one is for the parser

# Keeps the bytes that such a query may have, and changes all others: those that no URL has, and the `&` that
# parts arguments. `translate` hands back what it was given if nothing changed, so comparing costs little.
PLAIN = bytes(byte if byte in QUERY_BYTES.replace(b"&", b"") else 0 for byte in range(256))

_MEMORY = 65_536  # lines; then the memory starts anew
_LONGEST_KEPT_BYTES = 512  # a longer line is worked out each time
_HEADS = 1024
_LONGEST_HEAD_BYTES = 2048
_OWN = (b"authorization", b"cookie")  # no other client sends the same


class LineMemory:
    """Cache keys by line, of lines without a query. Only what `origin_form` accepts is remembered."""

    def __init__(self, rules: KeyRules) -> None:
        self._rules = rules
        self.keys: dict[bytes, bytes] = {}

    def key_of(self, line: bytes) -> bytes:
        """The key of any line; empty if the line is for the parser to judge."""
        if line[:5] != b"GET /" or len(line) > LONGEST_BYTES:
            return b""
        before, mark, query = line.partition(b"?")
        path = self.keys.get(before) or self._remember(before)
        if not path or query.translate(None, QUERY_BYTES):
            return b""
        return self._rules.key(before[4:] + mark + query) if mark else path

    def _remember(self, line: bytes) -> bytes:
        try:
            key = self._rules.key(origin_form(line[4:]))
        except TargetError:
            return b""
        if len(line) <= _LONGEST_KEPT_BYTES:
            if len(self.keys) >= _MEMORY:
                self.keys.clear()
            self.keys[line] = key
        return key


class HeadMemory:
    """Header sections of plain requests that llhttp has parsed, by their bytes from the HTTP version on.

    Viewers with the same player send the same: the first request of a connection need not be parsed again.
    """

    def __init__(self) -> None:
        self._heads: dict[bytes, Head] = {}
        self.get = self._heads.get

    def keep(self, tail: bytes, head: Head) -> None:
        is_own = any(first(head.fields, name) is not None for name in _OWN)
        if is_own or len(tail) > _LONGEST_HEAD_BYTES:
            return
        if len(self._heads) >= _HEADS:
            self._heads.clear()
        self._heads[tail] = head
