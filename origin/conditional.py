"""Preconditions of a request (RFC 9110, 13): what the client knows already need not be sent again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from enum import Enum

_ENTITY_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')


class Verdict(Enum):
    SEND = 200
    NOT_MODIFIED = 304
    FAILED = 412


@dataclass(frozen=True, slots=True)
class Validators:
    """What tells one state of an object from another. The entity tag is strong, quotes included."""

    etag: str
    modified_s: int  # Unix time

    @property
    def last_modified(self) -> str:
        return formatdate(self.modified_s, usegmt=True)


def judge(fields: Mapping[str, str], current: Validators) -> Verdict:
    """In the order of 13.2.2; an entity tag comes before a date, a date that is none is ignored."""
    if (wanted := fields.get("If-Match")) is not None:
        if not _names(wanted, current.etag, weakly=False):
            return Verdict.FAILED
    elif (since_s := _date(fields.get("If-Unmodified-Since"))) is not None and current.modified_s > since_s:
        return Verdict.FAILED
    if (known := fields.get("If-None-Match")) is not None:
        return Verdict.NOT_MODIFIED if _names(known, current.etag, weakly=True) else Verdict.SEND
    since_s = _date(fields.get("If-Modified-Since"))
    return Verdict.NOT_MODIFIED if since_s is not None and current.modified_s <= since_s else Verdict.SEND


def may_use_range(if_range: str | None, current: Validators) -> bool:
    """If-Range: the rest is of use only to who holds the beginning of this very state (13.1.5)."""
    return if_range is None or if_range.strip() in (current.etag, current.last_modified)


def _names(field: str, etag: str, *, weakly: bool) -> bool:
    if field.strip() == "*":
        return True
    return any(tag == etag and (weakly or not weak) for weak, tag in _ENTITY_TAG.findall(field))


def _date(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, OverflowError):
        return None
