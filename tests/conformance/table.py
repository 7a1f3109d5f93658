"""The whole table, in the order of its subjects, and the rows that do not hold yet."""

from __future__ import annotations

import pytest

from tests.conformance.known_gaps import KNOWN_GAPS, ONLY_OVER_SOCKETS, ONLY_THROUGH_THE_CORE
from tests.conformance.rules import (
    age,
    cache_status,
    cdn_cache_control,
    cdn_loop,
    conditional,
    forwarding,
    framing,
    freshness,
    groups,
    head_method,
    invalidation,
    partial,
    ranges,
    request_directives,
    stale,
    storing,
    validation,
    vary,
)
from tests.conformance.words import Row

SUBJECTS = {
    "storing": storing.ROWS,
    "freshness": freshness.ROWS,
    "age": age.ROWS,
    "validation": validation.ROWS,
    "stale": stale.ROWS,
    "request_directives": request_directives.ROWS,
    "invalidation": invalidation.ROWS,
    "vary": vary.ROWS,
    "ranges": ranges.ROWS,
    "partial": partial.ROWS,
    "conditional": conditional.ROWS,
    "head_method": head_method.ROWS,
    "cdn_cache_control": cdn_cache_control.ROWS,
    "cache_status": cache_status.ROWS,
    "groups": groups.ROWS,
    "cdn_loop": cdn_loop.ROWS,
    "forwarding": forwarding.ROWS,
    "framing": framing.ROWS,
}
ROWS: list[Row] = [each for rows in SUBJECTS.values() for each in rows]
OVER_SOCKETS = KNOWN_GAPS | ONLY_OVER_SOCKETS
THROUGH_THE_CORE = KNOWN_GAPS | ONLY_THROUGH_THE_CORE


def params(rows: list[Row], gaps: dict[str, str]) -> list[object]:
    """The rows for pytest; a known gap must fail, so that it is seen when it closes."""
    return [
        pytest.param(
            each,
            id=each.id,
            marks=[pytest.mark.xfail(strict=True, reason=gaps[each.id])] if each.id in gaps else [],
        )
        for each in rows
    ]
