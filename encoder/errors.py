"""The root of what can go wrong in an encode: callers show its one line and no traceback."""

from __future__ import annotations


class EncodeError(Exception):
    """The title was not encoded and nothing was published; the message says what, where, and the way out."""
