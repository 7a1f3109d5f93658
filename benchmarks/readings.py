"""What a comparison of servers reads in its rounds, and the table it makes of that."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass

OURS, LIMIT = "penstock", "C limit"


@dataclass(frozen=True, slots=True)
class Reading:
    """One server, one size, one round."""

    round: int
    server: str
    size: str
    requests_per_s: float
    cpu_us: float  # of the server, per request

    @property
    def requests_per_cpu_s(self) -> float:
        return 1e6 / self.cpu_us


Value = Callable[[Reading], float]


def table(readings: list[Reading], *, is_paired: bool = False) -> str:
    """Medians by size and server, in Markdown, and how ours stand to the better peer's and to the limit's.

    `is_paired` adds, in brackets, the median over the rounds of each round's own ratio.
    """
    servers = list(dict.fromkeys(reading.server for reading in readings))
    columns: list[tuple[str, Value, bool]] = []
    if len(set(servers) - {LIMIT}) > 1:
        columns.append(("requests/s, × best peer", lambda reading: reading.requests_per_s, False))
        columns.append(("per CPU second, × best peer", lambda reading: reading.requests_per_cpu_s, False))
    if LIMIT in servers:
        columns.append((f"per CPU second, × {LIMIT}", lambda reading: reading.requests_per_cpu_s, True))
    rows = [" | ".join(["| hit of", *servers, *(title for title, _, _ in columns)]) + " |"]
    rows.append("| --- " * (1 + len(servers) + len(columns)) + "|")
    for size in dict.fromkeys(reading.size for reading in readings):
        of_size = [reading for reading in readings if reading.size == size]
        cells = [_cell([reading for reading in of_size if reading.server == server]) for server in servers]
        for _, value, is_to_limit in columns:
            rivals = [
                each for each in of_size if (each.server == LIMIT) == is_to_limit or each.server == OURS
            ]
            text = f"{ratio(rivals, value):.2f}"
            cells.append(f"{text} ({paired_ratio(rivals, value):.2f})" if is_paired else text)
        rows.append(f"| {size} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def ratio(readings: Iterable[Reading], value: Value) -> float:
    """Our median by the best of the others' medians."""
    by_server: dict[str, list[float]] = {}
    for reading in readings:
        by_server.setdefault(reading.server, []).append(value(reading))
    medians = {server: statistics.median(values) for server, values in by_server.items()}
    ours = medians.pop(OURS)
    return ours / max(medians.values())


def paired_ratio(readings: Iterable[Reading], value: Value) -> float:
    """The median over the rounds of `ratio` within a round: a machine that slows down slows both sides."""
    by_round: dict[int, list[Reading]] = {}
    for reading in readings:
        by_round.setdefault(reading.round, []).append(reading)
    return statistics.median(ratio(of_round, value) for of_round in by_round.values())


def _cell(readings: list[Reading]) -> str:
    rate = statistics.median(reading.requests_per_s for reading in readings)
    cost = statistics.median(reading.cpu_us for reading in readings)
    return f"{rate / 1000:.1f} k/s, {cost:.1f} µs"
