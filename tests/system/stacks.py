"""Libraries and stacks for the tests of the whole path."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from encoder.job import EncodeJob
from encoder.package import encode
from lab.stack import Service
from media.title import Title
from player_sim.abr import RULES
from player_sim.http_driver import play
from player_sim.network import Trace
from player_sim.result import SessionResult
from player_sim.session import PlayerSettings


def encoded(clip: Path, library: Path) -> Title:
    library.mkdir(exist_ok=True)
    return encode(EncodeJob(input=clip, library=library)).title


def urls_of(title: Title, edges: Sequence[Service], manifest: str = "master.m3u8") -> list[str]:
    return [f"{edge.url}/v/{title.name}/{title.version}/{manifest}" for edge in edges]


async def watch(
    urls: Sequence[str], trace: Trace | None = None, *, rule: str = "throughput", max_buffer_s: float = 30.0
) -> SessionResult:
    settings = PlayerSettings(max_buffer_s=max_buffer_s)
    return await play(urls, RULES[rule](), settings, trace=trace, rng=random.Random(1))
