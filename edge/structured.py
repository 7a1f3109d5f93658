"""Structured fields as the cache reads them (RFC 9651): the one door to http_sf."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from http_sf import StructuredFieldError, parse


@lru_cache(maxsize=1024)
def parse_dictionary(value: bytes) -> dict[str, object] | None:
    """The members of a Dictionary without their parameters, or None where it is none."""
    try:
        members = cast("dict[str, tuple[object, object]]", parse(value, tltype="dictionary"))
    except StructuredFieldError:
        return None
    return {name: member[0] for name, member in members.items()}


@lru_cache(maxsize=1024)
def parse_strings(value: bytes) -> tuple[bytes, ...]:
    """The members of a List of Strings; none where it is no such list."""
    try:
        members = cast("list[tuple[object, object]]", parse(value, tltype="list"))
    except StructuredFieldError:
        return ()
    strings = tuple(member[0].encode() for member in members if type(member[0]) is str)
    return strings if len(strings) == len(members) else ()
