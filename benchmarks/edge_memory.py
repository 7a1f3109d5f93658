"""What does the edge's memory do under idle connections, slow readers, and more bytes than fit?

    python -m benchmarks.edge_memory [--idle 10000] [--slow 5000] [--ram MIB] [--filled MIB]

Each figure is the growth of the edge's resident memory (RSS), in MiB: after so many keep-alive connections
that asked once and then wait; after so many clients that ask for a 4 MiB segment and read none of it; and,
against the RAM tier's size, after it was asked for far more bytes than it may hold, in objects of all sizes.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import Process, free_port, running

MIB = 2**20
_SLOW_BYTES = 4 * MIB
_RECEIVE_BYTES = 4096  # a slow reader's buffer: what the kernel takes on its behalf is not the edge's
_SIZES_BYTES = (700, 2_000, 9_000, 40_000, 150_000, 600_000, 2_500_000)
_SPARE_FILES = 500
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    rss_mib: float
    bound_mib: float

    def __str__(self) -> str:
        return f"| {self.what} | {self.rss_mib:.0f} | {self.bound_mib:.0f} |"


class Edge:
    """An edge with its origin, both on loopback."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.port = port

    def rss_mib(self) -> float:
        """Resident now; read after the edge's beat has let go of what a second needed."""
        time.sleep(2.5)
        return self.process.rss_bytes() / MIB

    def connect(self, receive_bytes: int = 0) -> socket.socket:
        client = socket.socket()
        if receive_bytes:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        client.settimeout(_PATIENCE_S)
        client.connect(("127.0.0.1", self.port))
        return client

    def ask(self, client: socket.socket, path: str) -> None:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: edge\r\nUser-Agent: edge_memory\r\n\r\n".encode())

    def get(self, client: socket.socket, path: str, size_bytes: int) -> None:
        """Ask and read the whole answer. Raises RuntimeError if it is cut short."""
        self.ask(client, path)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._read(client)
        left_bytes = size_bytes - len(received.partition(b"\r\n\r\n")[2])
        while left_bytes > 0:
            left_bytes -= len(self._read(client))

    def _read(self, client: socket.socket) -> bytes:
        data = client.recv(256 * 1024)
        if not data:
            raise RuntimeError("the edge cut an answer short")
        return data


@contextlib.contextmanager
def edge(folder: Path, ram_mib: int, connections: int) -> Iterator[Edge]:
    origin, port = free_port(), free_port()
    config = folder / "edge.toml"
    config.write_text(
        f'upstream = "http://127.0.0.1:{origin}"\nlisten = "127.0.0.1:{port}"\nram = "{ram_mib}MiB"\n'
        f'max_object = "8MiB"\nmax_connections = {connections + 100}\n'
    )
    start_origin = [sys.executable, "-m", "benchmarks.bytes_origin", str(origin)]
    start_edge = [sys.executable, "-m", "edge", "--config", str(config)]
    with (
        running(start_origin, core=1, port=origin, log=folder / "origin.log"),
        running(start_edge, core=0, port=port, log=folder / "edge.log") as process,
    ):
        yield Edge(process, port)


def idle(subject: Edge, count: int) -> Row:
    before_mib = subject.rss_mib()
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(subject.connect())
            subject.get(client, "/bytes/1000", 1000)
        grown_mib = subject.rss_mib() - before_mib
    return Row(f"{count} idle connections", grown_mib, 150)


def slow_readers(subject: Edge, count: int) -> Row:
    """The bound is half a percent of the bodies asked for: what a connection itself costs."""
    with contextlib.closing(subject.connect()) as first:
        subject.get(first, f"/bytes/{_SLOW_BYTES}", _SLOW_BYTES)
    before_mib = subject.rss_mib()
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(subject.connect(_RECEIVE_BYTES))
            subject.ask(client, f"/bytes/{_SLOW_BYTES}")
        grown_mib = subject.rss_mib() - before_mib
    return Row(f"{count} slow readers of 4 MiB", grown_mib, count * _SLOW_BYTES / MIB / 200)


def filled(subject: Edge, ram_mib: int, asked_mib: int, seed: int = 1) -> Row:
    """Objects of all sizes in a random order, each once: everything is evicted many times over."""
    rng = random.Random(seed)
    left_bytes, number = asked_mib * MIB, 0
    with contextlib.closing(subject.connect()) as client:
        while left_bytes > 0:
            # Half of the requests are for small objects, and they lie between the large ones.
            size_bytes = rng.choice(_SIZES_BYTES) + rng.randrange(500)
            subject.get(client, f"/bytes/{size_bytes}?n={number}", size_bytes)
            left_bytes -= size_bytes
            number += 1
    what = f"a RAM tier of {ram_mib} MiB, after {asked_mib} MiB in {number} objects"
    return Row(what, subject.rss_mib(), ram_mib + 150)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--idle", type=int, default=10_000)
    parser.add_argument("--slow", type=int, default=5_000)
    parser.add_argument("--ram", type=int, default=256, metavar="MIB")
    parser.add_argument("--filled", type=int, default=2_048, metavar="MIB")
    options = parser.parse_args()
    wanted = max(options.idle, options.slow) + _SPARE_FILES
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)  # the edge inherits it
    if most < wanted:
        sys.exit(f"edge_memory: {wanted} open files are needed, and {most} allowed; see ulimit -n")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    print("| what | RSS, MiB | bound, MiB |\n| --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="edge-memory-") as name:
        with edge(Path(name), options.ram, wanted) as subject:
            print(idle(subject, options.idle))
        with edge(Path(name), options.ram, wanted) as subject:
            print(slow_readers(subject, options.slow))
        with edge(Path(name), options.ram, wanted) as subject:
            print(filled(subject, options.ram, options.filled))


if __name__ == "__main__":
    main()
