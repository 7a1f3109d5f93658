"""What do two workers serve of what one serves, by CPU accounting, and what does a cold key cost?

    python -m benchmarks.edge_workers [--rounds 5] [--seconds 3]

On a machine of two cores, client and workers share them, so requests a second say nothing. What counts is the
CPU time of the server per request: N workers on N cores serve N / (their CPU time per request). The load is
the same for one as for two, 64 connections: twice as many are twice the data under way, which costs one
worker more, too. The second worker shares its core, and that core's cache, with the client, which the first
does not: nginx with one and with two workers goes through the same, as a control. Rounds are interleaved.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks import peers
from benchmarks.edge_vs_peers import SIZES, measure
from benchmarks.processes import Process, free_port, running
from benchmarks.readings import Reading
from service.metrics import read

_WORKERS = (1, 2)
_CONNECTIONS = 64
_Started = dict[tuple[str, int], tuple[peers.Peer, Process]]  # by name and number of workers


@contextlib.contextmanager
def caches(folder: Path) -> Iterator[tuple[_Started, dict[int, str]]]:
    """An edge and, where it is installed, an nginx of each number of workers, warm, and the admin planes."""
    origin = free_port()
    start = [sys.executable, "-m", "benchmarks.bytes_origin", str(origin)]
    started: _Started = {}
    admins = {workers: f"127.0.0.1:{free_port()}" for workers in _WORKERS}
    with contextlib.ExitStack() as stack:
        stack.enter_context(running(start, core=1, port=origin, log=folder / "origin.log"))
        for workers in _WORKERS:
            options = ("--workers", str(workers), "--admin", admins[workers], "--ram", "1GiB")
            own = folder / str(workers)
            own.mkdir()
            for peer in (
                peers.penstock(own, origin, free_port(), *options),
                peers.nginx(own, origin, free_port(), workers=workers),
            ):
                if peer is not None:
                    log, cores = own / f"{peer.name}.log", set(range(workers))
                    process = stack.enter_context(running(peer.command, core=cores, port=peer.port, log=log))
                    started[peer.name, workers] = peer, process
                    _warm(peer)
        yield started, admins


def _warm(peer: peers.Peer) -> None:
    """Ask so often that each worker has every object."""
    for size_bytes in SIZES.values():
        for _ in range(30):
            with urllib.request.urlopen(f"http://127.0.0.1:{peer.port}/bytes/{size_bytes}") as answer:
                answer.read()


def upstream_requests(admin: str) -> int:
    with urllib.request.urlopen(f"http://{admin}/metrics") as answer:
        samples = read(answer.read().decode())
    return int(sum(value for key, value in samples.items() if key[0] == "edge_upstream_requests_total"))


def table(readings: dict[tuple[str, int], list[Reading]]) -> str:
    """CPU time per request, and what two workers on two cores serve of what one serves on one."""
    rows = ["| hit of | cache | one worker | two workers | two of one |", "| --- | --- | --- | --- | --- |"]
    for size in SIZES:
        for name in dict.fromkeys(name for name, _ in readings):
            one_us, two_us = (
                statistics.median(each.cpu_us for each in readings[name, workers] if each.size == size)
                for workers in _WORKERS
            )
            gain = 2 * one_us / two_us
            rows.append(f"| {size} | {name} | {one_us:.1f} µs | {two_us:.1f} µs | {gain:.2f} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edge-workers-") as name, caches(Path(name)) as (started, admins):
        readings: dict[tuple[str, int], list[Reading]] = {which: [] for which in started}
        for number in range(options.rounds):
            for size in SIZES:
                for which, (peer, process) in started.items():
                    reading = measure(peer, process, number, size, options.seconds, _CONNECTIONS)
                    readings[which].append(reading)
        print(table(readings))
        print(f"\nUpstream requests for {len(SIZES)} keys:", end=" ")
        print(", ".join(f"{upstream_requests(admins[workers])} by {workers}" for workers in _WORKERS))


if __name__ == "__main__":
    main()
