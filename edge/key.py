"""Cache keys: the request target without what does not choose the response.

CMCD (CTA-5004) tells the server about the player; a key that held it would never be asked for twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

MAX_TARGET_BYTES = 8 * 1024  # RFC 9112, 3, asks for at least 8000

# RFC 3986: what may stand in a path and in a query. Also what needs no escape in a JSON string.
PATH_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/%"
QUERY_BYTES = PATH_BYTES + b"?[]|^`{}"  # the last six are sent raw by common players

_DOT_SEGMENT = re.compile(rb"(?:^|/)(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
_ABSOLUTE = re.compile(rb"https?://[^/?#]+", re.IGNORECASE)

# uri-host and an optional port (RFC 9110, 4.2.1 and 7.2; RFC 3986, 3.2.2).
_HOST = re.compile(
    rb"(?:\[[0-9A-Za-z:.~!$&'()*+,;=_-]+\]|(?:[0-9A-Za-z.~!$&'()*+,;=_-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?"
)
# Not behind half an escape, which it would complete.
_ESCAPE = re.compile(rb"(?<!%)(?<!%[0-9A-Fa-f])%([0-9A-Fa-f]{2})")
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"


class TargetError(ValueError):
    """The request target is not one this cache serves; the message says why."""


def is_host(value: bytes) -> bool:
    """`value` is what Host may say; it may be empty (RFC 9112, 3.2)."""
    return _HOST.fullmatch(value) is not None


def request_target(method: bytes, target: bytes) -> bytes:
    """What a request is about: `origin_form`, or `*` for OPTIONS of the server itself (RFC 9112, 3.2.4).

    Raises TargetError.
    """
    if method == b"OPTIONS" and (target == b"*" or _ABSOLUTE.fullmatch(target)):
        return b"*"
    return origin_form(target)


def origin_form(target: bytes) -> bytes:
    """The target as path and query (RFC 9112, 3.2): an absolute-form target loses its authority.

    Raises TargetError for what is no path, for bytes that no URL has, and for dot segments, which would let
    two names stand for one resource.
    """
    if target[:1] != b"/":
        authority = _ABSOLUTE.match(target)
        if authority is None:
            raise TargetError("the request target must be a path or an http URL")
        target = target[authority.end() :]
        target = target if target[:1] == b"/" else b"/" + target
    path, _, query = target.partition(b"?")
    if path.translate(None, PATH_BYTES) or query.translate(None, QUERY_BYTES):
        raise TargetError("the request target has bytes that no URL may have")
    if _DOT_SEGMENT.search(path):
        raise TargetError("the request target has dot segments")
    return target


@dataclass(frozen=True, slots=True)
class KeyRules:
    """What of a target chooses the response. The key is a target, too: upstream is asked for it."""

    is_sorted: bool = False  # the order of the query's arguments says nothing
    dropped: tuple[str, ...] = ()  # names of arguments that say nothing; `*` stands for any letters

    def key(self, target: bytes) -> bytes:
        """`target` (origin-form) without CMCD and what else says nothing, normalised (RFC 3986, 6.2.2)."""
        path, mark, query = target.partition(b"?")
        if mark and (b"CMCD=" in query or b"%" in query or self.is_sorted or self.dropped):
            kept = [_normalised(each) for each in query.split(b"&") if not self._is_dropped(each)]
            query = b"&".join(sorted(kept) if self.is_sorted else kept)
            mark = mark if kept else b""
        return _normalised(path) + mark + query

    def _is_dropped(self, argument: bytes) -> bool:
        name = _normalised(argument.partition(b"=")[0]).decode("latin-1")
        return name == "CMCD" or any(fnmatchcase(name, pattern) for pattern in self.dropped)


def _normalised(text: bytes) -> bytes:
    return _ESCAPE.sub(_normal, text) if b"%" in text else text


def _normal(escape: re.Match[bytes]) -> bytes:
    """An escaped unreserved character as itself, another one in upper case (6.2.2.1, 6.2.2.2)."""
    byte = bytes((int(escape[1], 16),))
    return byte if byte in _UNRESERVED else escape[0].upper()
