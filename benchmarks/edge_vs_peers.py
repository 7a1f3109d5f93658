"""How many hits does a core serve, and what does one cost, beside nginx `proxy_cache` and Varnish?

    python -m benchmarks.edge_vs_peers [--rounds 5] [--seconds 3] [--json FILE]

Each server has core 0, `wrk` has core 1. Every request carries the twelve header fields of a browser. Rounds
are interleaved (each round asks every server for every size), so that a machine whose speed wanders treats
them alike; the table gives medians over the rounds, and their ratio to the better peer's.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import peers
from benchmarks.processes import Process, free_port, running

SIZES = {"1 KiB": 1024, "64 KiB": 65536, "1 MiB": 1048576}
_SERVER_CORE, _CLIENT_CORE = 0, 1
FIELDS = {
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "en-GB,en;q=0.9,de;q=0.8",
    "Origin": "https://player.example",
    "Referer": "https://player.example/watch/1",
    "Sec-Ch-Ua": '"Chromium";v="140", "Not=A?Brand";v="24"',
    "Sec-Ch-Ua-Mobile": "?0",
    "Sec-Ch-Ua-Platform": '"Linux"',
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "cross-site",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36",
}


Maker = Callable[[Path, int, int], peers.Peer | None]  # folder, origin's port, own port
ALL: Sequence[Maker] = (peers.penstock, peers.nginx, peers.varnish)


@dataclass(frozen=True, slots=True)
class Reading:
    """One server, one size, one round."""

    server: str
    size: str
    requests_per_s: float
    cpu_us: float  # of the server, per request


def measure(peer: peers.Peer, process: Process, size: str, seconds: int) -> Reading:
    """Run wrk once. Raises RuntimeError if an answer was not what it should be."""
    url = f"http://127.0.0.1:{peer.port}/bytes/{SIZES[size]}"
    fields = [part for name, value in FIELDS.items() for part in ("-H", f"{name}: {value}")]
    before_s = process.cpu_s()
    command = ["taskset", "-c", str(_CLIENT_CORE), "wrk", "-t1", "-c32", f"-d{seconds}s", *fields, url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    spent_s = process.cpu_s() - before_s
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(f"{peer.name} answered wrongly:\n{said}")
    requests = int(_number(r"(\d+) requests in", said))
    return Reading(peer.name, size, _number(r"Requests/sec:\s+([\d.]+)", said), spent_s * 1e6 / requests)


def _number(pattern: str, text: str) -> float:
    match = re.search(pattern, text)
    if match is None:
        raise RuntimeError(f"wrk said something unexpected:\n{text}")
    return float(match[1])


@contextlib.contextmanager
def everybody(folder: Path, makers: Sequence[Maker] = ALL) -> Iterator[list[tuple[peers.Peer, Process]]]:
    """The origin and every installed cache, each with every object stored."""
    origin = free_port()
    start_origin = [sys.executable, "-m", "benchmarks.bytes_origin", str(origin)]
    found = [make(folder, origin, free_port()) for make in makers]
    with contextlib.ExitStack() as stack:
        stack.enter_context(running(start_origin, core=_CLIENT_CORE, port=origin, log=folder / "origin.log"))
        started = []
        for peer in filter(None, found):
            log = folder / f"{peer.name}.log"
            started.append(
                (peer, stack.enter_context(running(peer.command, core=_SERVER_CORE, port=peer.port, log=log)))
            )
            _warm(peer)
        yield started


def _warm(peer: peers.Peer) -> None:
    """Ask for each object until it is stored; the body must be whole."""
    for size_bytes in SIZES.values():
        for _ in range(2):
            with urllib.request.urlopen(f"http://127.0.0.1:{peer.port}/bytes/{size_bytes}") as answer:
                if len(answer.read()) != size_bytes:
                    raise RuntimeError(f"{peer.name} cut an answer short")


def table(readings: list[Reading]) -> str:
    """Medians by size and server, in Markdown; ours beside the better peer of the same round."""
    servers = list(dict.fromkeys(reading.server for reading in readings))
    rows = [
        "| hit of | " + " | ".join(servers) + " | requests/s, × best peer | per CPU second, × best peer |"
    ]
    rows.append("| --- " * (len(servers) + 3) + "|")
    for size in SIZES:
        of_size = [reading for reading in readings if reading.size == size]
        cells = [_cell([reading for reading in of_size if reading.server == server]) for server in servers]
        rates = _ratio(of_size, lambda reading: reading.requests_per_s)
        costs = _ratio(of_size, lambda reading: 1 / reading.cpu_us)
        rows.append(f"| {size} | " + " | ".join(cells) + f" | {rates} | {costs} |")
    return "\n".join(rows)


def _cell(readings: list[Reading]) -> str:
    rate = statistics.median(reading.requests_per_s for reading in readings)
    cost = statistics.median(reading.cpu_us for reading in readings)
    return f"{rate / 1000:.1f} k/s, {cost:.1f} µs"


def _ratio(readings: list[Reading], value: Callable[[Reading], float]) -> str:
    by_server: dict[str, list[float]] = {}
    for reading in readings:
        by_server.setdefault(reading.server, []).append(value(reading))
    medians = {server: statistics.median(values) for server, values in by_server.items()}
    ours = medians.pop("penstock")
    return f"{ours / max(medians.values()):.2f}" if medians else "no peer installed"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write every reading there")
    options = parser.parse_args()
    for program, package in (("wrk", "wrk"), ("taskset", "util-linux")):
        if shutil.which(program) is None:
            sys.exit(f"edge_vs_peers: {program} is missing; on Debian: apt-get install {package}")
    with tempfile.TemporaryDirectory(prefix="edge-vs-peers-") as name, everybody(Path(name)) as servers:
        readings = [
            measure(peer, process, size, options.seconds)
            for _ in range(options.rounds)
            for size in SIZES
            for peer, process in servers
        ]
    print(table(readings))
    if options.json:
        options.json.write_text(json.dumps([asdict(reading) for reading in readings], indent=1))


if __name__ == "__main__":
    main()
