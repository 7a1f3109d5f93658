"""What does a herd of viewers cost the origin, how long do its followers wait, and what comes of faults?

    python -m benchmarks.herd [--only WORDS] [--clients N] [--rounds 5] [--server penstock|nginx|varnish]

Each round plays on a server of its own (`benchmarks/herds.py`). A follower's first byte is timed by the
kernel; what the client adds, in that it comes late to a thousand sockets, has a column of its own. So has the
server's CPU time, which says more than the clock on busy cores: from the herd's coming to its end.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections import Counter
from collections.abc import Sequence

from benchmarks.herds import HERDS, Played, stage

_CLIENTS_CORE = 1  # with the origin; the server has the other
_HEADS = (
    "herd",
    "clients",
    "origin requests",
    "after the leader: p50, worst p50",
    "max, worst max",
    "own TTFB: p50, max",
    "client's own part",
    "server's CPU, µs a client",
    "what came",
)


def row(name: str, clients: int, rounds: Sequence[Played], cpu_s: Sequence[float]) -> str:
    """One line of the table: medians over the rounds, and the worst; `cpu_s` is of the whole play."""
    cells = [name, str(clients), _range([each.requests for each in rounds])]
    if any(each.behind_s for each in rounds):
        middle = [statistics.median(each.behind_s) for each in rounds]
        last = [max(each.behind_s) for each in rounds]
        waits = [statistics.median(each.waits_s) for each in rounds]
        longest = [max(each.waits_s) for each in rounds]
        cells += [_pair(middle), _pair(last)]
        cells.append(f"{_ms(statistics.median(waits))}, {_ms(statistics.median(longest))}")
        cells.append(_ms(statistics.median(each.late_s for each in rounds)))
    else:
        cells += ["–"] * 4
    cells.append(f"{statistics.median(cpu_s) / clients * 1e6:.0f}")
    outcomes = Counter(each.outcome for each in rounds)
    cells.append(" / ".join(outcome for outcome, _ in outcomes.most_common()))
    return "| " + " | ".join(cells) + " |"


def _pair(values_s: Sequence[float]) -> str:
    return f"{_ms(statistics.median(values_s))}, {_ms(max(values_s))}"


def _ms(value_s: float) -> str:
    return f"{value_s * 1000:.1f}" if abs(value_s) < 0.1 else f"{value_s * 1000:.0f}"


def _range(counts: Sequence[int]) -> str:
    return str(counts[0]) if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="the herds whose names have these words")
    parser.add_argument("--clients", type=int, help="instead of each herd's own numbers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--server", choices=("penstock", "nginx", "varnish"), default="penstock")
    options = parser.parse_args()
    os.sched_setaffinity(0, {_CLIENTS_CORE})
    print("| " + " | ".join(_HEADS) + " |")
    print("| --- " * len(_HEADS) + "|  (ms)")
    for name, herd in HERDS.items():
        if options.only not in name or (options.server != "penstock" and not herd.is_for_peers):
            continue
        for clients in (options.clients,) if options.clients else herd.clients:
            rounds, cpu_s = [], []
            for _ in range(options.rounds):
                with stage(herd, options.server) as here:
                    before_s = here.server.cpu_s()
                    rounds.append(herd.play(here, clients))
                    cpu_s.append(here.server.cpu_s() - before_s)
            print(row(name, clients, rounds, cpu_s), flush=True)


if __name__ == "__main__":
    main()
