"""What a purge request says: one thing to purge as named values, or a batch of them as it arrives."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from edge.key import KeyRules, TargetError, origin_form
from edge.purging import KINDS, Kind, Plan, Wish

MOST_ENTRIES = 1_000_000
_MOST_ENTRY_BYTES = 16 * 1024  # a target has 8 KiB at most
_ENTRIES_A_STEP = 32
_MARK = b"\xef\xbb\xbf"  # with which some programs begin UTF-8
_TOLD = 10  # wrong entries that are told one by one
_YES, _NO = (True, "true", "1", ""), (False, "false", "0")
_ONE_OF = f"name one of {', '.join(KINDS)}, such as /purge?url=/v/title/version/master.m3u8"
_EXAMPLE = 'name what to purge, such as {"url": "/v/title/version/master.m3u8"}'
_NAMED = (*KINDS, "soft")


class PurgeError(ValueError):
    """This cannot be purged; the message says what is wrong and the way out."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


def wish_of(named: Mapping[str, object], keys: KeyRules, *, is_soft: bool = False) -> Wish:
    """The one thing that `named` wants purged; `is_soft` unless it says otherwise. Raises PurgeError."""
    for name in named:
        if name not in _NAMED:
            near = get_close_matches(name, _NAMED, n=1, cutoff=0.0)[0]
            raise PurgeError(f"{name!r} is not known here; did you mean {near!r}?")
    soft = _is_true("soft", named.get("soft", is_soft))
    kinds = [kind for kind in KINDS if kind in named and (kind != "all" or _is_true(kind, named[kind]))]
    if len(kinds) != 1:
        raise PurgeError(f"{_ONE_OF}, not {len(kinds)} of them")
    (kind,) = kinds
    if kind == "all":
        return Wish("all", is_soft=soft)
    value = named[kind]
    if not isinstance(value, str) or not value:
        raise PurgeError(f"{kind} = {value!r}: {_ONE_OF}")
    return Wish(kind, _read(kind, value, keys), soft)


def _read(kind: Kind, value: str, keys: KeyRules) -> bytes:
    """A cache key, the beginning of one, or a group."""
    data = value.encode(errors="surrogatepass")  # what is not Unicode is no URL's byte, either
    if kind == "group":
        return data
    try:
        return keys.key(origin_form(data))
    except TargetError as error:
        raise PurgeError(f"{kind} = {value[:200]!r}: {error}") from None


def _is_true(name: str, value: object) -> bool:
    if not isinstance(value, bool | str) or value not in (*_YES, *_NO):
        raise PurgeError(f"{name} = {value!r}: write true or false")
    return value in _YES


class Batch:
    """Many wishes: a JSON array, or one entry a line, each a JSON object, a JSON string or a bare URL.

    What is wrong with one entry is told and costs the others nothing. `feed` and `end` raise PurgeError where
    it cannot go on; both do their work in steps.
    """

    def __init__(self, keys: KeyRules, *, is_soft: bool = False) -> None:
        self._keys = keys
        self._is_soft = is_soft
        self.plan = Plan()
        self.entries = 0
        self.wrong = 0
        self.told: list[str] = []  # of the first wrong ones
        self._rest = b""  # the beginning of an entry that is still to come
        self._is_array: bool | None = None
        self._is_closed = False
        self._line = 0

    def feed(self, data: bytes) -> Iterator[None]:
        data = self._rest + data
        if self._is_array is None:
            data = data.removeprefix(_MARK).lstrip()
            if _MARK.startswith(data):  # nothing, or a part of it
                self._rest = data
                return
            self._is_array = data[:1] == b"["
            data = data[1:] if self._is_array else data
        yield from self._feed_array(data) if self._is_array else self._feed_lines(data)
        if len(self._rest) > _MOST_ENTRY_BYTES:
            raise PurgeError(
                f"entry {self.entries + 1} is not a JSON object or text of {_MOST_ENTRY_BYTES} bytes at most"
            )

    def end(self) -> Iterator[None]:
        """No more comes."""
        if self._is_array:
            if not self._is_closed:
                raise PurgeError(f"the JSON array breaks off in entry {self.entries + 1}")
        elif self._rest:
            yield from self._feed_lines(b"%b\n" % self._rest)
        if not self.entries:
            raise PurgeError("nothing to purge: give a JSON array, or one entry a line; " + _EXAMPLE)

    def _feed_lines(self, data: bytes) -> Iterator[None]:
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            line = data[start:end].strip()
            start = end + 1
            self._line += 1
            if line:
                self._take(_entry_of(line), f"line {self._line}")
                if self.entries % _ENTRIES_A_STEP == 0:
                    yield
        self._rest = data[start:]

    def _feed_array(self, data: bytes) -> Iterator[None]:
        start, decoder = 0, json.JSONDecoder()
        text = data.decode("latin-1")  # so that a piece may end within a character; see _utf8
        while True:
            start = _skip(text, start, " \t\r\n")
            if start < len(text) and self._is_closed:
                raise PurgeError("something follows the JSON array")
            if text[start : start + 1] == "]":
                self._is_closed, start = True, start + 1
                continue
            try:
                value, end = decoder.raw_decode(text, start)
            except (ValueError, RecursionError):
                break  # incomplete, or too long: `feed` and `end` tell
            after = _skip(text, end, " \t\r\n")
            if after >= len(text):
                break  # a comma, a bracket, or the rest of this entry is still to come
            if text[after] not in ",]":
                raise PurgeError(f"a comma is missing after entry {self.entries + 1}")
            start = after + (text[after] == ",")
            self._take(_utf8(value), f"entry {self.entries + 1}")
            if self.entries % _ENTRIES_A_STEP == 0:
                yield
        self._rest = data[start:]

    def _take(self, entry: object, where: str) -> None:
        self.entries += 1
        if self.entries > MOST_ENTRIES:
            raise PurgeError(f"more than {MOST_ENTRIES} entries: send them as several jobs", 413)
        try:
            if isinstance(entry, str):
                entry = {"url": entry}
            if not isinstance(entry, dict):
                raise PurgeError(_EXAMPLE)
            self.plan.add(wish_of(entry, self._keys, is_soft=self._is_soft))
        except PurgeError as error:
            self.wrong += 1
            if len(self.told) < _TOLD:
                self.told.append(f"{where}: {error}")


def _entry_of(line: bytes) -> object:
    """What one line says; None if it is no entry at all."""
    if line[:1] not in b'{"[':
        return line.decode(errors="surrogateescape")
    try:
        entry: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry


def _skip(text: str, start: int, white: str) -> int:
    while start < len(text) and text[start] in white:
        start += 1
    return start


def _utf8(value: object) -> object:
    """Texts of an entry that was read as if its bytes were characters."""
    if isinstance(value, str):
        try:
            return value.encode("latin-1").decode()
        except UnicodeError:  # written with escapes, or not UTF-8: no URL has such characters
            return value
    if isinstance(value, dict):
        return {name: _utf8(each) for name, each in value.items()}
    return value
