"""The herds and faults of docs/caching.md: each is played against a fresh server, and says what came of it.

The one process of the viewers and the origin's share core 1, the server has core 0. The leader asks first; a
herd that comes later asks 150 ms after it.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from benchmarks import peers
from benchmarks.herd_client import Viewer, watch
from benchmarks.herd_origin import MIB, SCRIPTS, Account
from benchmarks.processes import Process, free_port, running

_LATER_S = 0.15
_LIMIT_S = 60.0
_EXPIRED_S = 1.3  # after which what had max-age=1 is stale
_PIECE_BYTES = 256 * 1024  # of a large object, for each viewer of a part
_SILENCE_S = 0.5  # the server's patience with a silent upstream


@dataclass(frozen=True, slots=True)
class Played:
    """One round. Times are the kernel's: when the first byte arrived, not when the client came to read it."""

    requests: int  # at the origin
    behind_s: Sequence[float]  # each follower's first byte after the leader's
    waits_s: Sequence[float]  # and after its own request
    late_s: float  # by how much the client itself came late to the last first byte
    outcome: str


@dataclass(slots=True)
class Stage:
    """A server before a scripted origin."""

    port: int
    origin_port: int
    origin: Process
    server: Process
    silent_port: int = 0
    viewers: list[Viewer] = field(default_factory=list)

    def come(self, count: int) -> list[Viewer]:
        """Viewers, connected."""
        come = [Viewer(self.port) for _ in range(count)]
        self.viewers += come
        return come

    def asked(self, prefix: str, port: int = 0) -> Account:
        with urlopen(f"http://127.0.0.1:{port or self.origin_port}/_asked{prefix}") as answer:
            return Account(**json.load(answer))

    def stored(self, path: str) -> str:
        """Whether `path` is stored."""
        (viewer,) = self.come(1)
        viewer.ask(path, "Cache-Control: only-if-cached")
        watch([viewer], limit_s=_LIMIT_S)
        return {200: "stored", 504: "not stored"}[viewer.status]

    def prime(self, path: str) -> None:
        """Have `path` stored, and expired."""
        (viewer,) = self.come(1)
        viewer.ask(path)
        watch([viewer], limit_s=_LIMIT_S)
        time.sleep(_EXPIRED_S)


Play = Callable[[Stage, int], Played]


@dataclass(frozen=True, slots=True)
class Herd:
    """One row: how it is played, by how many, before a server with what settings."""

    play: Play
    clients: tuple[int, ...] = (20, 1000)
    settings: Mapping[str, float] = field(default_factory=dict)
    has_silent: bool = False  # the first upstream is silent
    has_second: bool = True  # behind a silent one
    has_shield: bool = False
    is_for_peers: bool = False  # nginx and Varnish can be asked, too


@contextmanager
def stage(herd: Herd, server: str) -> Iterator[Stage]:
    """A fresh origin and a fresh `server`, warm but for the key."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="herd-")))
        origin_port, silent_port = free_port(), free_port() if herd.has_silent else 0
        origin = stack.enter_context(_origin(origin_port, folder))
        upstream = origin_port
        if herd.has_silent:
            stack.enter_context(_origin(silent_port, folder, "silent"))
            upstream = silent_port
        if herd.has_shield:
            shield = peers.penstock(folder, origin_port, free_port())
            log = folder / "shield.log"
            stack.enter_context(
                running([*shield.command, "--name", "shield"], core=0, port=shield.port, log=log)
            )
            upstream = shield.port
        peer = getattr(peers, server)(folder, upstream, free_port())
        command = list(peer.command)
        if server == "penstock":
            settings = folder / "edge.toml"
            settings.write_text("".join(f"{key} = {value}\n" for key, value in herd.settings.items()))
            command += ["--config", str(settings)]
            if herd.has_silent and herd.has_second:
                command += ["--upstream", f"http://127.0.0.1:{origin_port}"]
        process = stack.enter_context(running(command, core=0, port=peer.port, log=folder / "server.log"))
        here = Stage(peer.port, origin_port, origin, process, silent_port)
        if not herd.has_silent:
            warm = here.come(20)
            for number, viewer in enumerate(warm):
                viewer.ask(f"/quick/warm-{number % 4}")
            watch(warm, limit_s=_LIMIT_S)
        yield here
        for viewer in here.viewers:
            viewer.leave()


def _origin(port: int, folder: Path, *more: str) -> AbstractContextManager[Process]:
    command = [sys.executable, "-m", "benchmarks.herd_origin", str(port), *more]
    return running(command, core=1, port=port, log=folder / f"origin-{port}.log")


def told(viewers: Sequence[Viewer]) -> str:
    """How the viewers fared: '20 whole', '19 x 504, 1 broken'."""
    return ", ".join(f"{count} × {word}" for word, count in Counter(map(_word, viewers)).most_common())


def _word(viewer: Viewer) -> str:
    if viewer.status not in (200, 206):
        return str(viewer.status or "nothing")
    if not viewer.is_right:
        return "WRONG BYTES"
    return "whole" if viewer.is_whole else "broken"


def played(requests: int, herd: Sequence[Viewer], outcome: str = "", leader: Viewer | None = None) -> Played:
    """A round in which `herd` followed `leader`, or the first of the herd."""
    leader, followers = (herd[0], herd[1:]) if leader is None else (leader, herd)
    answered = [viewer for viewer in followers if viewer.first_byte_s]
    return Played(
        requests,
        [viewer.first_byte_s - leader.first_byte_s for viewer in answered],
        [viewer.ttfb_s for viewer in answered],
        max((viewer.noticed_s for viewer in answered), default=0.0)
        - max((viewer.first_byte_s for viewer in answered), default=0.0),
        outcome or told(herd),
    )


def _all_ask(viewers: Sequence[Viewer], path: str, *lines: str) -> None:
    for viewer in viewers:
        viewer.ask(path, *lines)


def together(kind: str) -> Play:
    """All ask at once, before the first byte is there."""

    def play(here: Stage, clients: int) -> Played:
        herd = here.come(clients)
        _all_ask(herd, f"/{kind}/x")
        watch(herd, limit_s=_LIMIT_S)
        return played(here.asked(f"/{kind}/").requests, herd)

    return play


def later(kind: str) -> Play:
    """The herd asks when the leader's answer is on its way."""

    def play(here: Stage, clients: int) -> Played:
        leader, *herd = here.come(clients)
        leader.ask(f"/{kind}/x")
        time.sleep(_LATER_S)
        _all_ask(herd, f"/{kind}/x")
        watch([leader, *herd], limit_s=_LIMIT_S)
        return played(here.asked(f"/{kind}/").requests, herd, told([leader, *herd]), leader)

    return play


def next_herd(kind: str) -> Play:
    """A second herd, once it is known what the first was answered."""

    def play(here: Stage, clients: int) -> Played:
        later(kind)(here, min(clients, 20))
        before = here.asked(f"/{kind}/").requests
        herd = here.come(clients)
        _all_ask(herd, f"/{kind}/x")
        watch(herd, limit_s=_LIMIT_S)
        return played(here.asked(f"/{kind}/").requests - before, herd)

    return play


def expired(kind: str) -> Play:
    """What all ask for is stored, and stale."""

    def play(here: Stage, clients: int) -> Played:
        here.prime(f"/{kind}/x")
        herd = here.come(clients)
        _all_ask(herd, f"/{kind}/x")
        watch(herd, limit_s=_LIMIT_S)
        time.sleep(2 * _LATER_S)
        account = here.asked(f"/{kind}/")
        return played(account.requests - 1, herd, f"{told(herd)}, {account.validations} validated")

    return play


def dead(kind: str) -> Play:
    """What all ask for is stale, and the origin is gone."""

    def play(here: Stage, clients: int) -> Played:
        here.prime(f"/{kind}/x")
        here.origin.stop()
        herd = here.come(clients)
        _all_ask(herd, f"/{kind}/x")
        watch(herd, limit_s=_LIMIT_S)
        said = Counter(viewer.fields.get("cache-status", "").split("; ttl")[0] for viewer in herd)
        return played(0, herd, f"{told(herd)} ({said.most_common(1)[0][0]})")

    return play


def leader_leaves(here: Stage, clients: int) -> Played:
    leader, *herd = here.come(clients)
    leader.ask("/slow-body/x")
    time.sleep(_LATER_S)
    _all_ask(herd, "/slow-body/x")
    watch([leader, *herd], lambda: leader.come_bytes > MIB // 4, limit_s=_LIMIT_S)
    here.viewers.remove(leader)
    leader.leave()
    watch(herd, limit_s=_LIMIT_S)
    outcome = f"{told(herd)}, {here.stored('/slow-body/x')}"
    return played(here.asked("/slow-body/").requests, herd, outcome, leader)


def lone_leaves(share: float) -> Play:
    """The only viewer leaves when so much of the body has come."""

    def play(here: Stage, clients: int) -> Played:
        (viewer,) = here.come(clients)
        viewer.ask("/slow-body/x")
        watch([viewer], lambda: viewer.come_bytes >= share * MIB, limit_s=_LIMIT_S)
        here.viewers.remove(viewer)
        viewer.leave()
        time.sleep(SCRIPTS["slow-body"].pause_s * 8)
        outcome = here.stored("/slow-body/x")
        account = here.asked("/slow-body/")
        return played(account.requests, [viewer], f"{outcome}; {account.sent_bytes / MIB:.0%} was fetched")

    return play


def cut(kind: str) -> Play:
    """Upstream breaks off in the middle."""

    def play(here: Stage, clients: int) -> Played:
        herd = here.come(clients)
        _all_ask(herd, f"/{kind}/x")
        watch(herd, limit_s=_LIMIT_S)
        account = here.asked(f"/{kind}/")
        outcome = f"{told(herd)}, {here.stored(f'/{kind}/x')}; {account.ranges} by range"
        return played(account.requests, herd, outcome)

    return play


def silent_first(here: Stage, clients: int) -> Played:
    """Key after key until the circuit opens, then a herd on one key; then a herd on many keys, to probe."""
    firsts = here.come(5)
    for number, viewer in enumerate(firsts):
        viewer.ask(f"/quick/first-{number}")
        watch([viewer], limit_s=_LIMIT_S)
    first_waits_s = [viewer.ttfb_s for viewer in firsts]
    herd = here.come(clients)
    _all_ask(herd, "/quick/x")
    watch(herd, limit_s=_LIMIT_S)
    time.sleep(_SILENCE_S)  # the circuit's first pause is over
    before = here.asked("/quick/", here.silent_port).requests
    many = here.come(clients)
    for number, viewer in enumerate(many):
        viewer.ask(f"/quick/many-{number}")
    watch(many, limit_s=_LIMIT_S)
    probes = here.asked("/quick/", here.silent_port).requests - before
    slow = sum(viewer.ttfb_s > 0.9 * _SILENCE_S for viewer in many)
    outcome = (
        f"{told([*firsts, *herd, *many])}; the first {len(firsts)} after "
        f"{statistics.median(first_waits_s):.1f} s; half-open: {probes} probe, {slow} waited for it"
    )
    return played(here.asked("/quick/x").requests, herd, outcome)


def silent_alone(here: Stage, clients: int) -> Played:
    """Nobody stands in for the silent one."""
    herd = here.come(clients)
    _all_ask(herd, "/quick/x")
    watch(herd, limit_s=_LIMIT_S)
    more = here.come(5)
    for number, viewer in enumerate(more):
        viewer.ask(f"/quick/more-{number}")
        watch([viewer], limit_s=_LIMIT_S)
    outcome = f"{told(herd)}; open circuit: {told(more[-1:])} after {more[-1].ttfb_s:.1f} s"
    return played(here.asked("/quick/x", here.silent_port).requests, herd, outcome)


def cold_ranges(slices: int) -> Play:
    """Parts of a large cold object, a quarter of a slice each, all over so many slices."""

    def play(here: Stage, clients: int) -> Played:
        herd = here.come(clients)
        for number, viewer in enumerate(herd):
            begin = number * _PIECE_BYTES % (slices * MIB)
            viewer.ask("/large/x", f"Range: bytes={begin}-{begin + _PIECE_BYTES - 1}")
        watch(herd, limit_s=_LIMIT_S)
        account = here.asked("/large/")
        outcome = f"{told(herd)}; {account.sent_bytes / MIB:.0f} MiB were fetched"
        return played(account.requests, herd, outcome)

    return play


def ten_keys(here: Stage, clients: int) -> Played:
    herd = here.come(clients)
    for number, viewer in enumerate(herd):
        viewer.ask(f"/held-body/{number % 10}")
    watch(herd, limit_s=_LIMIT_S)
    rounds = [played(0, herd[number::10]) for number in range(10)]
    return Played(
        here.asked("/held-body/").requests,
        [behind_s for each in rounds for behind_s in each.behind_s],
        [wait_s for each in rounds for wait_s in each.waits_s],
        max(each.late_s for each in rounds),
        told(herd),
    )


HERDS = {
    "cold, slow body, all at once": Herd(together("held-body"), is_for_peers=True),
    "cold, slow body, 150 ms later": Herd(later("slow-body"), is_for_peers=True),
    "slow first byte (1 s)": Herd(together("slow-head"), is_for_peers=True),
    "uncacheable (0.5 s), first herd": Herd(later("private"), is_for_peers=True),
    "uncacheable (0.5 s), next herd": Herd(next_herd("private"), is_for_peers=True),
    "expired, validation takes 1 s": Herd(expired("expiring"), is_for_peers=True),
    "expired, stale-while-revalidate": Herd(expired("swr"), is_for_peers=True),
    "leader leaves mid-body": Herd(leader_leaves, is_for_peers=True),
    "lone viewer leaves at 12 %": Herd(lone_leaves(0.12), (1,)),
    "lone viewer leaves at 37 %": Herd(lone_leaves(0.37), (1,)),
    "upstream cuts the body, no validator": Herd(cut("cut")),
    "upstream cuts the body, strong ETag": Herd(cut("cut-tagged")),
    "first upstream silent": Herd(
        silent_first, (20,), settings={"first_byte_timeout_s": _SILENCE_S}, has_silent=True
    ),
    "only upstream silent": Herd(
        silent_alone,
        settings={"first_byte_timeout_s": _SILENCE_S},
        has_silent=True,
        has_second=False,
    ),
    "origin dead, must-revalidate": Herd(dead("must")),
    "origin dead, stale-if-error": Herd(dead("sie")),
    "cold ranges of one slice": Herd(cold_ranges(1)),
    "cold ranges over 16 slices": Herd(cold_ranges(16), (1000,)),
    "10 cold keys": Herd(ten_keys, (1000,)),
    "cold, through shield and edge": Herd(together("held-body"), has_shield=True),
}
