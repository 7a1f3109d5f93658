"""What does a hit on disk cost beside nginx, and does memory stay what was configured?

    python -m benchmarks.edge_disk [--rounds 7] [--seconds 3]

A working set of 256 objects of 1 MiB, four times the RAM tier, asked for in turn, so that next to none is in
RAM. nginx has the same objects in `proxy_cache` on the same disk. Both are read through the kernel's page
cache. Server on core 0, wrk on core 1, interleaved rounds.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks import peers
from benchmarks.edge_vs_peers import FIELDS, wrk_reading
from benchmarks.processes import Process, free_port, running
from benchmarks.readings import OURS, table

_OBJECTS = 256
_FIRST_BYTES = 2**20
_RAM = 64 * 2**20
_LUA = Path(__file__).with_name("disk.lua")


@contextlib.contextmanager
def both(folder: Path) -> Iterator[list[tuple[peers.Peer, Process]]]:
    """The origin, our edge with a disk tier, and nginx if it is installed, each with every object stored."""
    origin, port = free_port(), free_port()
    start_origin = [sys.executable, "-m", "benchmarks.bytes_origin", str(origin)]
    ours = peers.penstock(
        folder, origin, port, "--ram", str(_RAM), "--max-object", "8MiB", "--disk", str(folder / "disk")
    )
    found = [ours, peers.nginx(folder, origin, free_port(), on_disk=True)]
    with contextlib.ExitStack() as stack:
        stack.enter_context(running(start_origin, core=1, port=origin, log=folder / "origin.log"))
        started = []
        for peer in filter(None, found):
            log = folder / f"{peer.name}.log"
            started.append(
                (peer, stack.enter_context(running(peer.command, core=0, port=peer.port, log=log)))
            )
            _warm(peer)
        yield started


def _warm(peer: peers.Peer) -> None:
    """Ask for every object twice; each body must be whole."""
    for _ in range(2):
        for number in range(_OBJECTS):
            size_bytes = _FIRST_BYTES + number
            with urllib.request.urlopen(f"http://127.0.0.1:{peer.port}/bytes/{size_bytes}") as answer:
                if len(answer.read()) != size_bytes:
                    raise RuntimeError(f"{peer.name} cut an answer short")


def _command(peer: peers.Peer, seconds: int) -> list[str]:
    fields = [part for name, value in FIELDS.items() for part in ("-H", f"{name}: {value}")]
    command = ["taskset", "-c", "1", "wrk", "-t1", "-c32", f"-d{seconds}s", *fields, "-s", str(_LUA)]
    return [*command, f"http://127.0.0.1:{peer.port}/bytes", "--", str(_FIRST_BYTES), str(_OBJECTS)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3)
    options = parser.parse_args()
    readings, resident = [], 0
    with tempfile.TemporaryDirectory(prefix="edge-disk-") as name, both(Path(name)) as servers:
        for number in range(options.rounds):
            for peer, process in servers:
                command = _command(peer, options.seconds)
                readings.append(wrk_reading(peer, process, number, "1 MiB on disk", command))
                if peer.name == OURS:
                    resident = max(resident, process.rss_bytes())
    print(table(readings, is_paired=True))
    print(
        f"\n{OURS} had {resident / 2**20:.0f} MiB resident at most, with a RAM tier of {_RAM / 2**20:.0f} MiB"
    )


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"edge_disk: {error}")
