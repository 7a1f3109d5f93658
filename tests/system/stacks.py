"""A title's addresses at the edges of a stack, and a player for them."""

from __future__ import annotations

import random
from collections.abc import Sequence

from lab.stack import Service
from media.title import Title
from player_sim.abr import RULES
from player_sim.http_driver import play
from player_sim.network import Trace
from player_sim.result import SessionResult
from player_sim.session import PlayerSettings


def urls_of(title: Title, edges: Sequence[Service], manifest: str = "master.m3u8") -> list[str]:
    return [f"{edge.url}/v/{title.name}/{title.version}/{manifest}" for edge in edges]


async def watch(
    urls: Sequence[str],
    trace: Trace | None = None,
    *,
    max_buffer_s: float = 30.0,
    duration_s: float | None = None,
) -> SessionResult:
    settings = PlayerSettings(max_buffer_s=max_buffer_s, duration_s=duration_s)
    return await play(urls, RULES["throughput"](), settings, trace=trace, rng=random.Random(1))
