"""What a client says about the order of its answers (RFC 9218, 4): `u=0..7`, the lowest first, and `i`."""

from __future__ import annotations

import re

_URGENCY = re.compile(rb"(?:^|,)[ \t]*u[ \t]*=[ \t]*([0-7])[ \t]*(?=$|[,;])")
_INCREMENTAL = re.compile(rb"(?:^|,)[ \t]*i(?:=\?([01]))?[ \t]*(?=$|[,;])")


def read_priority(value: bytes) -> tuple[int, bool]:
    """Urgency and whether the answer is of use in parts; what cannot be read counts as the default."""
    urgencies = _URGENCY.findall(value)
    incrementals = _INCREMENTAL.findall(value)
    return int(urgencies[-1]) if urgencies else 3, bool(incrementals) and incrementals[-1] != b"0"
