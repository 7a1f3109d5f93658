"""CDN-Loop (RFC 8586): a request says which caches it has passed, so that each knows its own."""

from __future__ import annotations

import re
from hashlib import blake2b

from edge.fields import Fields, joined

_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*"')  # in a member's parameters; may hold commas and semicolons


def own_id(name: str, *whereabouts: str) -> str:
    """A pseudonym (RFC 8586, 2): the same after a restart, another for another cache of that name.

    All workers of one edge share it; what they ask one another over sockets does not carry it.
    """
    token = blake2b("\n".join(whereabouts).encode(), digest_size=6).hexdigest()
    return f"{name}-{token}"


def is_loop(fields: Fields, own: bytes) -> bool:
    """The request has passed the cache of that id before; parameters of a member count for nothing."""
    value = joined(fields, b"cdn-loop")
    if value is None:
        return False
    members = _QUOTED.sub(b"", value).split(b",")
    return own.lower() in (member.partition(b";")[0].strip(b" \t").lower() for member in members)


def with_own(fields: Fields, own: bytes) -> Fields:
    """`fields` with this cache's id after what came; nothing that came is changed (RFC 8586, 2)."""
    before = joined(fields, b"cdn-loop")
    others = tuple(pair for pair in fields if pair[0] != b"cdn-loop")
    return (*others, (b"cdn-loop", own if not before else before + b", " + own))
