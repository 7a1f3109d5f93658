"""Cache keys: the request target without what does not choose the response.

CMCD (CTA-5004) tells the server about the player; a key that held it would never be asked for twice.
"""

from __future__ import annotations

import re

MAX_TARGET_BYTES = 8 * 1024  # RFC 9112, 3, asks for at least 8000

# RFC 3986: what may stand in a path and in a query. Also what needs no escape in a JSON string.
PATH_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/%"
QUERY_BYTES = PATH_BYTES + b"?[]|^`{}"  # the last six are sent raw by common players

_DOT_SEGMENT = re.compile(rb"(?:^|/)(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
_ABSOLUTE = re.compile(rb"https?://[^/?#]+", re.IGNORECASE)


class TargetError(ValueError):
    """The request target is not one this cache serves; the message says why."""


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


def cache_key(target: bytes) -> bytes:
    """`target` (origin-form) without CMCD arguments; the order of the others is kept."""
    path, mark, query = target.partition(b"?")
    if not mark or b"CMCD=" not in query:
        return target
    kept = [argument for argument in query.split(b"&") if not argument.startswith(b"CMCD=")]
    return path + b"?" + b"&".join(kept) if kept else path
