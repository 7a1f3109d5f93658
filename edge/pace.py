"""Long work in the event loop, a slice at a time, so that no viewer waits for an operator."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from time import perf_counter

_SLICE_S = 0.001


async def paced(steps: Iterable[object]) -> None:
    """Take the steps; whenever a slice of time is used up, everybody else has a turn."""
    until_s = perf_counter() + _SLICE_S
    for _ in steps:
        if perf_counter() >= until_s:
            await asyncio.sleep(0)
            until_s = perf_counter() + _SLICE_S
