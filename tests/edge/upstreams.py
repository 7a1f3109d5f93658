"""An upstream side of its own for tests, without an edge around it."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from edge.config import EdgeConfig
from edge.message import ResponseHead
from edge.upstream.client import Upstream, UpstreamError
from edge.upstream.link import OnInterim
from tests.edge.messages import request
from tests.edge.wire import HERE, Clock


@asynccontextmanager
async def opened(clock: Clock, *urls: str, **settings: Any) -> AsyncIterator[Upstream]:
    """Requests to `urls`, in that order unless the settings say otherwise."""
    async with Upstream(EdgeConfig(upstream=urls, listen=HERE, **settings), clock) as upstream:
        yield upstream


async def fetch(
    upstream: Upstream,
    target: str = "/x",
    method: str = "GET",
    *,
    body: AsyncIterable[bytes] | None = None,
    on_interim: OnInterim | None = None,
    **named: str,
) -> tuple[ResponseHead, bytes]:
    """The head and the whole body. Raises UpstreamError."""
    asked = request(target, method, **named)
    async with upstream.send(asked, asked.target, body=body, on_interim=on_interim) as arriving:
        return arriving.head, b"".join([chunk async for chunk in arriving.chunks])


async def before_the_cut(upstream: Upstream) -> bytes:
    """What comes of a body until upstream cuts it."""
    asked, got = request(), b""
    async with upstream.send(asked, asked.target) as arriving:
        try:
            async for chunk in arriving.chunks:
                got += chunk
        except UpstreamError:
            return got
    raise AssertionError("the body came to its end")


async def chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
