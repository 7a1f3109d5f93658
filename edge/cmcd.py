"""What a player says of itself (CTA-5004), as far as the log needs it: its session."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

_MEMBER = re.compile(rb'([A-Za-z0-9.-]+)(?:=("(?:[^"\\]|\\.)*"|[^",]*))?\s*(?:,|$)\s*')
_ESCAPE = re.compile(rb"\\(.)")
_LONGEST = 64  # CTA-5004 wants no longer one


def session_of(members: bytes) -> str:
    """The sid of a list of CMCD members, such as `bl=21300,sid="6e2fb550"`; empty if there is none."""
    start = 0
    while match := _MEMBER.match(members, start):
        if match[1] == b"sid" and (match[2] or b"")[:1] == b'"':
            return _ESCAPE.sub(rb"\1", match[2][1:-1])[:_LONGEST].decode(errors="replace")
        start = match.end()
    return ""


def session_of_target(target: bytes) -> str:
    """The sid of the CMCD argument in a target's query."""
    for argument in target.partition(b"?")[2].split(b"&"):
        if argument.startswith(b"CMCD="):
            return session_of(unquote_to_bytes(argument[5:]))
    return ""
