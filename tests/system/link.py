"""A narrow line to a player, made in user space: whoever serves, the bytes come through at its rate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

End = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(slots=True)
class Link:
    """One line to the player, shared by all its connections: fast at first, then slow."""

    fast_bps: float
    slow_bps: float
    fast_s: float
    began_s: float | None = None
    busy_until_s: float = 0.0

    async def carry(self, chunk: bytes) -> None:
        """Return when the last bit of `chunk` has passed."""
        now_s = asyncio.get_running_loop().time()
        if self.began_s is None:
            self.began_s = now_s
        rate_bps = self.fast_bps if now_s - self.began_s < self.fast_s else self.slow_bps
        self.busy_until_s = max(self.busy_until_s, now_s) + len(chunk) * 8 / rate_bps
        await asyncio.sleep(self.busy_until_s - now_s)


def wide() -> Link:
    """A line that keeps no player waiting."""
    return Link(fast_bps=50_000_000, slow_bps=50_000_000, fast_s=0)


@asynccontextmanager
async def relay(upstream: str, link: Link) -> AsyncIterator[str]:
    """Pass TCP connections on to `upstream`; what comes back goes through `link`. Its own host:port."""
    host, _, port = upstream.partition(":")
    players: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        players[task] = writer
        try:
            there = await asyncio.open_connection(host, int(port))
            await exchange((reader, writer), there, link)
        finally:
            del players[task]

    listener = await asyncio.start_server(connect, "127.0.0.1", 0)
    own_host, own_port = listener.sockets[0].getsockname()
    try:
        yield f"{own_host}:{own_port}"
    finally:
        listener.close()
        for writer in players.values():
            writer.close()
        await asyncio.gather(*players)


async def exchange(player: End, server: End, link: Link) -> None:
    """Carry bytes both ways until one side has closed."""
    ways = [
        asyncio.create_task(pump(player[0], server[1], None)),
        asyncio.create_task(pump(server[0], player[1], link)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        player[1].close()
        server[1].close()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: Link | None) -> None:
    while chunk := await reader.read(4096):
        if link is not None:
            await link.carry(chunk)
        writer.write(chunk)
        await writer.drain()
