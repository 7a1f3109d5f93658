"""Range requests (RFC 9110, 14): one range of bytes is served; several are answered with the whole."""

from __future__ import annotations

import re

ByteRange = tuple[int, int]  # first and last byte, both included

_ONE_RANGE = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII | re.IGNORECASE)


class UnsatisfiableRangeError(ValueError):
    """The range lies outside the object: 416 (15.5.17)."""


def select_range(field: str | None, size_bytes: int) -> ByteRange | None:
    """The bytes that a Range field selects; None is the whole, also for what may be ignored (14.2)."""
    match = _ONE_RANGE.fullmatch(field or "")
    if match is None or match.groups() == ("", ""):
        return None
    first_text, last_text = match.groups()
    if not first_text:  # a suffix: the last so many bytes (14.1.2)
        first, last = max(0, size_bytes - int(last_text)), size_bytes - 1
    else:
        first, last = int(first_text), size_bytes - 1
        if last_text:
            if int(last_text) < first:
                return None  # invalid, so as if it was not there (14.1.1)
            last = min(int(last_text), last)
    if first > last:
        raise UnsatisfiableRangeError(f"{field} of {size_bytes} bytes")
    return first, last


def content_range(byte_range: ByteRange | None, size_bytes: int) -> str:
    """The Content-Range of a 206, or, for None, of a 416 (14.4)."""
    span = "*" if byte_range is None else f"{byte_range[0]}-{byte_range[1]}"
    return f"bytes {span}/{size_bytes}"
