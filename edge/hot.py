"""The hot path's memory: which cache key a request line stands for.

A hit is answered from the request line alone once the header section below it is known: a keep-alive
connection repeats its head, and llhttp has parsed the same bytes before.
"""

from __future__ import annotations

from edge.key import MAX_TARGET_BYTES, QUERY_BYTES, TargetError, cache_key, origin_form

_MEMORY = 65_536  # lines; then the memory starts anew
_LONGEST_BYTES = 512  # a longer line is worked out each time


class LineMemory:
    """Cache keys by request line. Only what `origin_form` accepts is remembered."""

    def __init__(self) -> None:
        self.keys: dict[bytes, bytes] = {}  # the whole line, where it has no query
        self._paths: dict[bytes, bytes] = {}  # "GET " and the path, where it has one

    def key_of(self, line: bytes) -> bytes:
        """The key of a line that is not in `keys`; empty if the line is for the parser to judge."""
        if line[:5] != b"GET /" or line[-9:] != b" HTTP/1.1" or len(line) > MAX_TARGET_BYTES:
            return b""
        mark = line.find(b"?")
        if mark < 0:
            return self._remember(self.keys, line, line[4:-9])
        before = line[:mark]
        path = self._paths.get(before) or self._remember(self._paths, before, before[4:])
        query = line[mark + 1 : -9]
        if not path or query.translate(None, QUERY_BYTES):
            return b""
        if query[:5] == b"CMCD=" and b"&" not in query:
            return path
        return cache_key(path + b"?" + query)

    def _remember(self, memory: dict[bytes, bytes], text: bytes, target: bytes) -> bytes:
        try:
            key = origin_form(target)
        except TargetError:
            return b""
        if len(text) <= _LONGEST_BYTES:
            if len(memory) >= _MEMORY:
                memory.clear()
            memory[text] = key
        return key
