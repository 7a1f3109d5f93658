"""The head of an HTTP/2 request: which ones are malformed (RFC 9113, 8.2 and 8.3), and what one asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from edge.fields import Fields, joined
from edge.http2.hpack import Field
from edge.key import is_host

# A name is a token in lower case; a value has neither control characters nor white space around it.
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_VALUE = re.compile(rb"(?![ \t])[\t\x20-\x7e\x80-\xff]*(?<![ \t])")
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_OF_CONNECTIONS = frozenset(
    (b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade")
)
_PSEUDO = (b":method", b":scheme", b":authority", b":path")


class Malformed(Exception):  # noqa: N818 - the standard's name for it
    """A stream error of type PROTOCOL_ERROR (RFC 9113, 8.1.1)."""


class Asked(NamedTuple):
    """A well-formed request; `authority` and `path` are None where the method has none, as CONNECT."""

    method: bytes
    path: bytes | None
    authority: bytes | None
    fields: Fields  # without pseudo-header fields; Host is the authority
    length_bytes: int | None  # by Content-Length
    priority: bytes | None  # RFC 9218, as it was said


def read_head(fields: Sequence[Field]) -> Asked:
    """Raises Malformed."""
    pseudo: dict[bytes, bytes] = {}
    for number, (name, value) in enumerate(fields):
        if name[:1] != b":":
            plain = fields[number:]
            break
        if name not in _PSEUDO or name in pseudo:
            raise Malformed
        pseudo[name] = value
    else:
        plain = ()
    method, path, authority = pseudo.get(b":method"), pseudo.get(b":path"), pseudo.get(b":authority")
    _check_pseudo(pseudo)
    assert method is not None
    authority, regular, length_bytes, priority = _regular(tuple(plain), authority)
    return Asked(method, path, authority, regular, length_bytes, priority)


def _check_pseudo(pseudo: dict[bytes, bytes]) -> None:
    method = pseudo.get(b":method", b"")
    if not _TOKEN.fullmatch(method):
        raise Malformed
    authority = pseudo.get(b":authority")
    if authority is not None and not (authority and is_host(authority)):
        raise Malformed
    if method == b"CONNECT":  # RFC 9113, 8.5
        if authority is None or b":path" in pseudo or b":scheme" in pseudo:
            raise Malformed
    elif not pseudo.get(b":path") or not pseudo.get(b":scheme"):
        raise Malformed


@lru_cache(maxsize=256)
def _regular(plain: Fields, authority: bytes | None) -> tuple[bytes | None, Fields, int | None, bytes | None]:
    """What is not pseudo, as on HTTP/1: Host first, one Cookie. It is repeated, so it is remembered."""
    for field in plain:
        check_field(field)
    hosts = {value for name, value in plain if name == b"host"}
    if len(hosts) > 1 or (authority is not None and hosts and hosts != {authority}):
        raise Malformed
    if not all(map(is_host, hosts)):
        raise Malformed
    authority = authority if authority is not None else next(iter(hosts), None)
    lengths = {value for name, value in plain if name == b"content-length"}
    if len(lengths) > 1 or any(not value.isdigit() or len(value) > 18 for value in lengths):
        raise Malformed
    kept = [field for field in plain if field[0] not in (b"host", b"cookie", b"te")]
    if cookies := [value for name, value in plain if name == b"cookie"]:
        kept.append((b"cookie", b"; ".join(cookies)))  # RFC 9113, 8.2.3
    if authority is not None:
        kept.insert(0, (b"host", authority))
    length_bytes = int(next(iter(lengths))) if lengths else None
    return authority, tuple(kept), length_bytes, joined(plain, b"priority")


def check_field(field: Field) -> None:
    """Raises Malformed for a field that no section of HTTP/2 may hold, pseudo-header fields included."""
    name, value = field
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        raise Malformed
    if name in _OF_CONNECTIONS or (name == b"te" and value.lower() != b"trailers"):
        raise Malformed


def check_trailers(fields: Sequence[Field]) -> None:
    """Trailers are accepted, and then dropped (RFC 9110, 6.5.1). Raises Malformed."""
    for field in fields:
        check_field(field)
