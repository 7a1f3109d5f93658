"""How long does a viewer wait for a hit on loopback, one request at a time on one connection?"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks import peers
from benchmarks.edge_vs_peers import FIELDS, SIZES, everybody


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[peers.Peer]:
    folder: Path = tmp_path_factory.mktemp("edge")
    with everybody(folder, [peers.penstock]) as servers:
        yield servers[0][0]


@pytest.mark.parametrize("size", SIZES)
def test_hit_on_loopback(benchmark: BenchmarkFixture, edge: peers.Peer, size: str) -> None:
    fields = "".join(f"{name}: {value}\r\n" for name, value in FIELDS.items())
    request = f"GET /bytes/{SIZES[size]} HTTP/1.1\r\nHost: 127.0.0.1:{edge.port}\r\n{fields}\r\n".encode()
    buffer = bytearray(SIZES[size] + 4096)

    with socket.create_connection(("127.0.0.1", edge.port)) as client:

        def ask() -> int:
            client.sendall(request)
            received = client.recv_into(buffer)
            head_bytes = buffer.index(b"\r\n\r\n") + 4
            while received < head_bytes + SIZES[size]:
                received += client.recv_into(memoryview(buffer)[received:])
            return received - head_bytes

        assert benchmark(ask) == SIZES[size]
        assert b"; hit; ttl=" in buffer
