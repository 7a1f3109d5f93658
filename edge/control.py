"""What a response says about its caching: Cache-Control (RFC 9111, 5.2) or the field for CDNs (RFC 9213)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from edge.fields import Directives, Fields, joined, list_members, parse_directives
from edge.structured import parse_dictionary

_NAMING = ("no-cache", "private")  # directives whose argument is a list of field names


@dataclass(frozen=True, slots=True)
class Control:
    """The directives that count for this cache."""

    directives: Directives = field(default_factory=dict)
    is_targeted: bool = False  # from CDN-Cache-Control: then Cache-Control and Expires say nothing
    withheld: frozenset[bytes] = frozenset()  # fields that are for the first client only

    def __contains__(self, name: str) -> bool:
        return name in self.directives


def control_of(fields: Fields) -> Control:
    """The caching policy of a response with these fields."""
    return _control(joined(fields, b"cdn-cache-control"), joined(fields, b"cache-control"))


@lru_cache(maxsize=1024)
def _control(targeted: bytes | None, general: bytes | None) -> Control:
    """A targeted field that is a Dictionary and not empty wins (RFC 9213, 2.2)."""
    members = parse_dictionary(targeted) if targeted is not None else None
    if members:
        directives = {name: _argument(name, value) for name, value in members.items() if value is not False}
        return _qualified(directives, is_targeted=True)
    return _qualified(parse_directives(general), is_targeted=False)


def _argument(name: str, value: object) -> str | None:
    """A member's value as a directive's argument; a lifetime is an Integer (RFC 9213, 2.1)."""
    if value is True:
        return None
    is_right = isinstance(value, str if name in _NAMING else int)
    return str(value) if is_right else ""


def _qualified(directives: Directives, *, is_targeted: bool) -> Control:
    """`no-cache` and `private` that name fields concern only these (RFC 9111, 5.2.2.4 and 5.2.2.7)."""
    withheld: set[bytes] = set()
    for name in _NAMING:
        names = list_members((directives.get(name) or "").encode())
        if names:
            withheld.update(names)
            directives = {key: value for key, value in directives.items() if key != name}
    return Control(directives, is_targeted, frozenset(withheld))
