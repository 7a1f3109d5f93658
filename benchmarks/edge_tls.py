"""What does a hit in TLS 1.3 cost, over HTTP/1.1 and over HTTP/2, beside nginx `proxy_cache`?

    python -m benchmarks.edge_tls [--rounds 5] [--seconds 3] [--protocols http/1.1,h2] [--json FILE]

As in `edge_vs_peers`: each server has core 0, the client core 1, rounds are interleaved, and every request
has the fields of a browser and a CMCD query. HTTP/1.1 is asked by `wrk` on 32 connections, HTTP/2 by `h2load`
on 16 with 8 streams each; both keep their connections, so handshakes are not what is measured.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks import peers
from benchmarks.edge_vs_peers import FIELDS, SIZES
from benchmarks.processes import Process, free_port, running
from benchmarks.readings import Reading, table

_SERVER_CORE, _CLIENT_CORE = 0, 1
_CMCD = Path(__file__).with_name("cmcd.lua")
_TARGETS = 64  # of one object, told apart by what a player says about itself
_RATES = {  # how a client's report tells requests done, and requests per second
    "http/1.1": (r"(\d+) requests in", r"Requests/sec:\s+([\d.]+)"),
    "h2": (r"(\d+) succeeded, 0 failed, 0 errored", r"finished in [\d.]+m?s, ([\d.]+) req/s"),
}
_NGINX_TLS = """ ssl http2 backlog=4096 reuseport;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.3;
    ssl_session_cache shared:tls:4m;
    ssl_buffer_size 16k;
    http2_chunk_size 16k;
    http2_max_concurrent_streams 128;
"""


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for loopback and its key, made for this run."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += [
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


def _penstock(folder: Path, origin: int, certificate: Path, key: Path) -> peers.Peer:
    peer, port = peers.penstock(folder, origin, free_port()), free_port()
    more = ["--tls-listen", f"127.0.0.1:{port}", "--tls-certificate", str(certificate), "--tls-key", str(key)]
    return replace(peer, command=[*peer.command, *more], port=port)


def _nginx(folder: Path, origin: int, certificate: Path, key: Path) -> peers.Peer | None:
    peer = peers.nginx(folder, origin, free_port())
    if peer is not None:
        config = folder / "nginx.conf"
        in_tls = _NGINX_TLS.format(certificate=certificate, key=key)
        config.write_text(config.read_text().replace(" backlog=4096 reuseport;\n", in_tls))
    return peer


@contextlib.contextmanager
def everybody(folder: Path) -> Iterator[list[tuple[peers.Peer, Process]]]:
    """The origin and the caches, each with every object stored."""
    origin = free_port()
    start_origin = [sys.executable, "-m", "benchmarks.bytes_origin", str(origin)]
    files = _certificate(folder)
    found = filter(None, (_penstock(folder, origin, *files), _nginx(folder, origin, *files)))
    with contextlib.ExitStack() as stack:
        stack.enter_context(running(start_origin, core=_CLIENT_CORE, port=origin, log=folder / "origin.log"))
        started = []
        for peer in found:
            log = folder / f"{peer.name}.log"
            process = running(peer.command, core=_SERVER_CORE, port=peer.port, log=log)
            started.append((peer, stack.enter_context(process)))
            _warm(peer)
        yield started


def _warm(peer: peers.Peer) -> None:
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    for size_bytes in SIZES.values():
        for _ in range(2):
            url = f"https://127.0.0.1:{peer.port}/bytes/{size_bytes}"
            with urllib.request.urlopen(url, context=trusting) as answer:
                if len(answer.read()) != size_bytes:
                    raise RuntimeError(f"{peer.name} cut an answer short")


def _command(protocol: str, folder: Path, url: str, seconds: int) -> Sequence[str]:
    fields = [part for name, value in FIELDS.items() for part in ("-H", f"{name}: {value}")]
    if protocol == "http/1.1":
        return ["wrk", "-t1", "-c32", f"-d{seconds}s", *fields, "-s", str(_CMCD), url]
    targets = folder / "targets"
    targets.write_text("".join(f"{url}?CMCD=sid%3D%22{number}%22\n" for number in range(_TARGETS)))
    return ["h2load", "-t1", "-c16", "-m8", f"-D{seconds}", *fields, "-i", str(targets)]


def measure(
    peer: peers.Peer, process: Process, number: int, protocol: str, size: str, seconds: int, folder: Path
) -> Reading:
    """Run the client once. Raises RuntimeError if an answer was not what it should be."""
    url = f"https://127.0.0.1:{peer.port}/bytes/{SIZES[size]}"
    before_s = process.cpu_s()
    command = ["taskset", "-c", str(_CLIENT_CORE), *_command(protocol, folder, url, seconds)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    spent_s = process.cpu_s() - before_s
    done, rate = (re.search(pattern, said) for pattern in _RATES[protocol])
    if done is None or rate is None or "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(f"{peer.name} answered wrongly:\n{said}")
    requests = int(done[1])
    return Reading(number, peer.name, f"{protocol}, {size}", requests / seconds, spent_s * 1e6 / requests)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--protocols", default=",".join(_RATES), help=f"some of {', '.join(_RATES)}")
    parser.add_argument("--json", type=Path, help="also write every reading there")
    options = parser.parse_args()
    for program, package in (("wrk", "wrk"), ("h2load", "nghttp2-client"), ("openssl", "openssl")):
        if shutil.which(program) is None:
            sys.exit(f"edge_tls: {program} is missing; on Debian: apt-get install {package}")
    with tempfile.TemporaryDirectory(prefix="edge-tls-") as name, everybody(Path(name)) as found:
        readings = [
            measure(peer, process, number, protocol, size, options.seconds, Path(name))
            for number in range(options.rounds)
            for protocol in options.protocols.split(",")
            for size in SIZES
            for peer, process in found
        ]
    print(table(readings, is_paired=True))
    if options.json:
        options.json.write_text(json.dumps([asdict(reading) for reading in readings], indent=1))


if __name__ == "__main__":
    main()
