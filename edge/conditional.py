"""Conditions of a client's request against a stored response (RFC 9110, 13; RFC 9111, 4.3.2)."""

from __future__ import annotations

import re

from edge.fields import parse_date
from edge.message import Request

_OPAQUE_TAG = re.compile(rb'"[^"]*"')


def is_not_modified(request: Request, etag: bytes | None, modified: bytes | None) -> bool:
    """The client already holds this response, so 304 is the answer. If-None-Match wins (13.2.2)."""
    tags = request.field(b"if-none-match")
    if tags is not None:
        return _matches(tags, etag)
    since_s = parse_date(request.field(b"if-modified-since"))
    modified_s = parse_date(modified)
    return since_s is not None and modified_s is not None and modified_s <= since_s


def _matches(tags: bytes, etag: bytes | None) -> bool:
    """Weak comparison (8.8.3.2)."""
    if tags.strip() == b"*":
        return True
    return etag is not None and etag.removeprefix(b"W/") in _OPAQUE_TAG.findall(tags)
