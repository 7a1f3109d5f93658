"""What a player says of itself (CTA-5004), as far as the log needs it: its session."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

_MEMBER = re.compile(rb'([A-Za-z0-9.-]+)(?:=("(?:[^"\\]|\\.)*"|[^",]*))?\s*(?:,|$)\s*')
_ESCAPE = re.compile(rb"\\(.)")
_LONGEST = 64  # CTA-5004 wants no longer one
_BEFORE, _AFTER = b"%2Csid%3D%22", b"%22"  # as encodeURIComponent writes it, behind another member


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


def sessions_of_hits(paths: Sequence[bytes], queries: Sequence[bytes]) -> list[bytes]:
    """The sid of each hit, as the inside of a JSON text, empty where there is none.

    A target that needs no escapes in JSON is its path, `?CMCD=` and its query; or all of it is its path.
    """
    sids = [query.partition(_BEFORE)[2].partition(_AFTER)[0] for query in queries]
    # What players write as encodeURIComponent does is right already; the rest is read member by member.
    if not all(sids) or b"%" in b"".join(sids) or max(map(len, sids)) > _LONGEST:
        for at, sid in enumerate(sids):
            if not sid or b"%" in sid or len(sid) > _LONGEST:
                sids[at] = _session_of_hit(paths[at], queries[at])
    return sids


def _session_of_hit(path: bytes, query: bytes) -> bytes:
    if query:
        sid = session_of(unquote_to_bytes(query)) if b"sid" in query else ""
    else:
        sid = session_of_target(path) if b"CMCD=" in path else ""
    return json.dumps(sid)[1:-1].encode()
