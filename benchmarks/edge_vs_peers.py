"""How many hits does a core serve, and what does one cost, beside nginx `proxy_cache` and Varnish?

    python -m benchmarks.edge_vs_peers [--rounds 5] [--seconds 3] [--paired] [--servers A,B] [--json FILE]

Each server has core 0, `wrk` has core 1. Every request carries the twelve header fields of a browser and a
CMCD query of its own (`cmcd.lua`). Rounds are interleaved (each round asks every server for every size), so
that a machine whose speed wanders treats them alike; the table gives medians over the rounds, their ratio to
the better peer's, and to those of a bare epoll loop in C that only sends what lies ready (`c_limit.c`).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from benchmarks import peers
from benchmarks.c_limit import c_limit
from benchmarks.processes import Process, free_port, running
from benchmarks.readings import LIMIT, OURS, Reading, table

SIZES = {"1 KiB": 1024, "64 KiB": 65536, "1 MiB": 1048576}
_SERVER_CORE, _CLIENT_CORE = 0, 1
_CMCD = Path(__file__).with_name("cmcd.lua")
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


def _c_limit(folder: Path, _: int, port: int) -> peers.Peer | None:
    return c_limit(folder, port, SIZES.values())


ALL: dict[str, Maker] = {
    OURS: peers.penstock,
    "nginx": peers.nginx,
    "varnish": peers.varnish,
    LIMIT: _c_limit,
}


def measure(
    peer: peers.Peer, process: Process, number: int, size: str, seconds: int, connections: int = 32
) -> Reading:
    """Run wrk once. Raises RuntimeError if an answer was not what it should be."""
    url = f"http://127.0.0.1:{peer.port}/bytes/{SIZES[size]}"
    fields = [part for name, value in FIELDS.items() for part in ("-H", f"{name}: {value}")]
    command = ["taskset", "-c", str(_CLIENT_CORE), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s"]
    return wrk_reading(peer, process, number, size, [*command, *fields, "-s", str(_CMCD), url])


def wrk_reading(peer: peers.Peer, process: Process, number: int, size: str, command: list[str]) -> Reading:
    """What `command`, a run of wrk, says of a server. Raises RuntimeError if an answer was wrong."""
    before_s = process.cpu_s()
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    spent_s = process.cpu_s() - before_s
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(f"{peer.name} answered wrongly:\n{said}")
    requests = int(_number(r"(\d+) requests in", said))
    rate = _number(r"Requests/sec:\s+([\d.]+)", said)
    return Reading(number, peer.name, size, rate, spent_s * 1e6 / requests)


def _number(pattern: str, text: str) -> float:
    match = re.search(pattern, text)
    if match is None:
        raise RuntimeError(f"wrk said something unexpected:\n{text}")
    return float(match[1])


@contextlib.contextmanager
def everybody(folder: Path, makers: Iterable[Maker]) -> Iterator[list[tuple[peers.Peer, Process]]]:
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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--paired", action="store_true", help="also the median of the rounds' own ratios")
    parser.add_argument("--servers", default=",".join(ALL), help=f"some of {', '.join(ALL)}")
    parser.add_argument("--json", type=Path, help="also write every reading there")
    options = parser.parse_args()
    for program, package in (("wrk", "wrk"), ("taskset", "util-linux")):
        if shutil.which(program) is None:
            sys.exit(f"edge_vs_peers: {program} is missing; on Debian: apt-get install {package}")
    makers = [make for name, make in ALL.items() if name in options.servers.split(",")]
    with tempfile.TemporaryDirectory(prefix="edge-vs-peers-") as name, everybody(Path(name), makers) as found:
        if missing := len(makers) - len(found):
            print(f"{missing} not installed: left out", file=sys.stderr)
        readings = [
            measure(peer, process, number, size, options.seconds)
            for number in range(options.rounds)
            for size in SIZES
            for peer, process in found
        ]
    print(table(readings, is_paired=options.paired))
    if options.json:
        options.json.write_text(json.dumps([asdict(reading) for reading in readings], indent=1))


if __name__ == "__main__":
    main()
