"""What do two workers serve of what one serves, by CPU accounting, and what does a cold key cost?

    python -m benchmarks.edge_workers [--rounds 5] [--seconds 3]

On a machine of two cores, client and workers share them, so requests a second say nothing. What counts is the
CPU time of the server per request: N workers on N cores serve N / (their CPU time per request). Each worker
has 32 connections. Rounds are interleaved: one worker, then two, for each size.
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


@contextlib.contextmanager
def edges(folder: Path) -> Iterator[tuple[dict[int, tuple[peers.Peer, Process]], dict[int, str]]]:
    """An edge of each number of workers, warm, and its admin plane."""
    origin = free_port()
    start = [sys.executable, "-m", "benchmarks.bytes_origin", str(origin)]
    started, admins = {}, {}
    with contextlib.ExitStack() as stack:
        stack.enter_context(running(start, core=1, port=origin, log=folder / "origin.log"))
        for workers in _WORKERS:
            admin = f"127.0.0.1:{free_port()}"
            peer = peers.penstock(
                folder, origin, free_port(), "--workers", str(workers), "--admin", admin, "--ram", "1GiB"
            )
            log = folder / f"edge-{workers}.log"
            cores = set(range(workers))
            process = stack.enter_context(running(peer.command, core=cores, port=peer.port, log=log))
            started[workers], admins[workers] = (peer, process), admin
            for size_bytes in SIZES.values():
                for _ in range(30):  # so that each worker has it
                    with urllib.request.urlopen(f"http://127.0.0.1:{peer.port}/bytes/{size_bytes}") as answer:
                        answer.read()
        yield started, admins


def upstream_requests(admin: str) -> int:
    with urllib.request.urlopen(f"http://{admin}/metrics") as answer:
        samples = read(answer.read().decode())
    return int(sum(value for key, value in samples.items() if key[0] == "edge_upstream_requests_total"))


def table(readings: dict[int, list[Reading]]) -> str:
    """CPU time per request, and what two workers on two cores serve of what one serves on one."""
    rows = ["| hit of | one worker | two workers | two of one |", "| --- | --- | --- | --- |"]
    for size in SIZES:
        costs_us = {
            workers: statistics.median(each.cpu_us for each in of_all if each.size == size)
            for workers, of_all in readings.items()
        }
        gain = 2 * costs_us[1] / costs_us[2]
        rows.append(f"| {size} | {costs_us[1]:.1f} µs | {costs_us[2]:.1f} µs | {gain:.2f} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    options = parser.parse_args()
    readings: dict[int, list[Reading]] = {workers: [] for workers in _WORKERS}
    with tempfile.TemporaryDirectory(prefix="edge-workers-") as name, edges(Path(name)) as (started, admins):
        for number in range(options.rounds):
            for size in SIZES:
                for workers, (peer, process) in started.items():
                    readings[workers].append(
                        measure(peer, process, number, size, options.seconds, 32 * workers)
                    )
        print(table(readings))
        print(f"\nUpstream requests for {len(SIZES)} keys:", end=" ")
        print(", ".join(f"{upstream_requests(admins[workers])} by {workers}" for workers in _WORKERS))


if __name__ == "__main__":
    main()
