"""Rows that do not hold yet, by reason. They must fail: one that passes is to be taken out."""

from __future__ import annotations

_REASONS: dict[str, tuple[str, ...]] = {}

KNOWN_GAPS = {name: reason for reason, names in _REASONS.items() for name in names}
ONLY_OVER_SOCKETS: dict[str, str] = {}
ONLY_THROUGH_THE_CORE: dict[str, str] = {}
