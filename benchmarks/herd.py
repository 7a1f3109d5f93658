"""200 clients ask for one cold 4 MiB segment of a slow origin at once: what does the origin see, who waits?

    python -m benchmarks.herd [--clients 200] [--rounds 5]

The origin sends its first byte after 100 ms and the body in 8 parts, 100 ms apart. Every client is connected
before the first asks. The figure is the time to first byte of the last client less that of the first.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import peers
from benchmarks.processes import free_port, running

_SIZE_BYTES = 4 * 2**20
_PARTS = 8
_PAUSE_S = 0.1
_BODY = hashlib.shake_128(b"segment").digest(_SIZE_BYTES)
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nCache-Control: public, max-age=31536000\r\n"
    b"Content-Length: %d\r\n\r\n" % _SIZE_BYTES
)


@dataclass(frozen=True, slots=True)
class Round:
    upstream_requests: int
    first_ttfb_s: float
    spread_s: float  # the last client's TTFB less the first's
    wrong_bodies: int


class SlowOrigin:
    """Counts its requests and takes its time over each."""

    def __init__(self) -> None:
        self.requests = 0
        self.connections: set[asyncio.Task[None] | None] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(asyncio.current_task())
        while await reader.readline():
            while (await reader.readline()).strip():
                pass
            self.requests += 1
            await asyncio.sleep(_PAUSE_S)
            writer.write(_HEAD)
            for part in range(_PARTS):
                writer.write(_BODY[part * _SIZE_BYTES // _PARTS : (part + 1) * _SIZE_BYTES // _PARTS])
                await writer.drain()
                await asyncio.sleep(_PAUSE_S)
        writer.close()


class Client(asyncio.Protocol):
    """Asks when told to, notes when the first byte came, and hashes the body."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.asked_s = self.first_byte_s = 0.0
        self.head = b""
        self.hash = hashlib.sha1(usedforsecurity=False)
        self.body_bytes = 0
        self.done = self.loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def ask(self, path: str) -> None:
        self.asked_s = self.loop.time()
        self.transport.write(f"GET {path} HTTP/1.1\r\nHost: edge\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        if not self.first_byte_s:
            self.first_byte_s = self.loop.time()
        if b"\r\n\r\n" not in self.head:
            self.head += data
            _, end, data = self.head.partition(b"\r\n\r\n")
            if not end:
                return
            self.head = self.head[: -len(data)] if data else self.head
        self.hash.update(data)
        self.body_bytes += len(data)
        if self.body_bytes >= _SIZE_BYTES and not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the edge closed too early"))


async def measure(clients: int, rounds: int, folder: Path) -> list[Round]:
    origin = SlowOrigin()
    server = await asyncio.start_server(origin.serve, "127.0.0.1", 0)
    peer = peers.penstock(folder, server.sockets[0].getsockname()[1], free_port())
    async with server:
        with running(peer.command, core=0, port=peer.port, log=folder / "edge.log"):
            paths = [f"/segment/{number}.m4s" for number in range(rounds)]
            measured = [await _round(origin, peer.port, clients, path) for path in paths]
        await asyncio.gather(*filter(None, origin.connections))  # the edge has closed them
    return measured


async def _round(origin: SlowOrigin, port: int, count: int, path: str) -> Round:
    before = origin.requests
    loop = asyncio.get_running_loop()
    herd = [(await loop.create_connection(Client, "127.0.0.1", port))[1] for _ in range(count)]
    for client in herd:
        client.ask(path)
    await asyncio.gather(*[client.done for client in herd])
    waits_s = [client.first_byte_s - client.asked_s for client in herd]
    expected = hashlib.sha1(_BODY, usedforsecurity=False).digest()
    for client in herd:
        client.transport.close()
    return Round(
        upstream_requests=origin.requests - before,
        first_ttfb_s=min(waits_s),
        spread_s=max(waits_s) - min(waits_s),
        wrong_bodies=sum(client.hash.digest() != expected for client in herd),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="herd-") as name:
        rounds = asyncio.run(measure(options.clients, options.rounds, Path(name)))
    print("| round | upstream requests | first TTFB | spread of TTFB | wrong bodies |")
    print("| --- | --- | --- | --- | --- |")
    for number, each in enumerate(rounds, 1):
        print(
            f"| {number} | {each.upstream_requests} | {each.first_ttfb_s * 1000:.0f} ms "
            f"| {each.spread_s * 1000:.1f} ms | {each.wrong_bodies} |"
        )
    print(f"median spread {statistics.median(each.spread_s for each in rounds) * 1000:.1f} ms")


if __name__ == "__main__":
    main()
