"""Conditions of a client's request against a stored response (RFC 9110, 13; RFC 9111, 4.3.2)."""

from __future__ import annotations

import re

from edge.fields import Fields, first, parse_date
from edge.message import Request

_OPAQUE_TAG = re.compile(rb'"[^"]*"')
_STRONG_DATE_S = 1.0  # RFC 9110, 8.8.2.2: so much older than Date, Last-Modified is strong


def is_not_modified(request: Request, fields: Fields) -> bool:
    """The client already holds this response, so 304 is the answer. If-None-Match wins (RFC 9110, 13.2.2).

    A response without Last-Modified was modified by its Date at the latest (RFC 9111, 4.3.2).
    """
    tags = request.field(b"if-none-match")
    if tags is not None:
        return _matches(tags, first(fields, b"etag"))
    date = first(fields, b"date")
    now_s = parse_date(date)
    since_s = parse_date(request.field(b"if-modified-since"), now_s)
    modified_s = parse_date(first(fields, b"last-modified") or date, now_s)
    return since_s is not None and modified_s is not None and modified_s <= since_s


def strong_validator(fields: Fields) -> bytes | None:
    """An entity tag that is not weak, or a date that is strong (RFC 9110, 8.8.1 and 8.8.2.2)."""
    return strong_date(fields) if first(fields, b"etag") is None else strong_etag(fields)


def strong_etag(fields: Fields) -> bytes | None:
    """The entity tag, if it is one, and not weak (RFC 9110, 8.8.3)."""
    etag = first(fields, b"etag")
    return etag if etag is not None and _OPAQUE_TAG.fullmatch(etag) else None


def strong_date(fields: Fields) -> bytes | None:
    """Last-Modified, if the response is so much younger that no second change shares it (8.8.2.2)."""
    modified, date_s = first(fields, b"last-modified"), parse_date(first(fields, b"date"))
    if date_s is None:
        return None
    modified_s = parse_date(modified, date_s)
    return None if modified_s is None or date_s - modified_s < _STRONG_DATE_S else modified


def if_range_holds(request: Request, fields: Fields) -> bool:
    """If-Range names the very same strong validator (RFC 9110, 13.1.5), or there is none."""
    condition = request.field(b"if-range")
    if condition is None:
        return True
    if condition[:1] == b'"':
        return condition == first(fields, b"etag")
    return condition == strong_date(fields)


def _matches(tags: bytes, etag: bytes | None) -> bool:
    """Weak comparison (8.8.3.2)."""
    if tags.strip() == b"*":
        return True
    return etag is not None and etag.removeprefix(b"W/") in _OPAQUE_TAG.findall(tags)
