"""Purges by prefix and by group that outlive memory: what was stored before one is not used after it.

The disk tier cannot list what it has by prefix or group. So such a purge is remembered, and an object that is
read from the disk is held against it. It is needed as long as something older may be stored, and what is on
the disk does not tell its age before it is read: so bans do not expire, they are coalesced.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

_MOST = 100_000
_MOST_BYTES = 16 * 2**20  # of their names


class Bans:
    """Times of purges, by group and by prefix."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._groups: dict[bytes, float] = {}
        self._prefixes: defaultdict[int, dict[bytes, float]] = defaultdict(dict)  # by their length
        self._names_bytes = 0  # at most: a name that came twice counts twice

    def __len__(self) -> int:
        return len(self._groups) + sum(map(len, self._prefixes.values()))

    def add(self, prefixes: Iterable[bytes], groups: Iterable[bytes], now_s: float) -> None:
        """What is stored by now and has one of these is not used any more."""
        for group in groups:
            self._groups[group] = now_s
            self._names_bytes += len(group)
        for prefix in prefixes:
            if not prefix:
                self._groups.clear()
                self._prefixes.clear()
            self._prefixes[len(prefix)][prefix] = now_s
            self._names_bytes += len(prefix)
        if len(self) > self._most or self._names_bytes > _MOST_BYTES:
            self._coalesce()

    def _coalesce(self) -> None:
        """Let a ban of everything take the place of the older half; what is newer than those stays in use."""
        times_s = sorted(
            [*self._groups.values(), *(time_s for of in self._prefixes.values() for time_s in of.values())]
        )
        moment_s = times_s[len(times_s) // 2]
        self._groups = _after(moment_s, self._groups)
        newer = [(length, _after(moment_s, times)) for length, times in self._prefixes.items()]
        self._prefixes = defaultdict(dict, [(length, times) for length, times in newer if times])
        self._prefixes[0][b""] = moment_s
        self._names_bytes = sum(map(len, self._groups)) + sum(
            length * len(of) for length, of in self._prefixes.items()
        )

    def cover(self, key: bytes, groups: Iterable[bytes], asked_s: float) -> bool:
        """What was asked for at `asked_s` has been purged since."""
        for length, times_s in self._prefixes.items():
            if times_s.get(key[:length], -1.0) >= asked_s:
                return True
        return any(self._groups.get(group, -1.0) >= asked_s for group in groups)

    def told(self) -> dict[str, list[list[object]]]:
        """All of it, for a file."""
        groups: list[list[object]] = [
            [group.decode("latin-1"), time_s] for group, time_s in self._groups.items()
        ]
        prefixes: list[list[object]] = [
            [prefix.decode("latin-1"), time_s]
            for times_s in self._prefixes.values()
            for prefix, time_s in times_s.items()
        ]
        return {"groups": groups, "prefixes": prefixes}

    @classmethod
    def of(cls, told: Any) -> Bans:
        """What `told` gave. Raises KeyError, TypeError, ValueError or AttributeError for anything else."""
        bans = cls()
        for group, time_s in told["groups"]:
            bans._groups[group.encode("latin-1")] = float(time_s)
            bans._names_bytes += len(group)
        for prefix, time_s in told["prefixes"]:
            bans._prefixes[len(prefix)][prefix.encode("latin-1")] = float(time_s)
            bans._names_bytes += len(prefix)
        return bans


def _after(moment_s: float, times_s: dict[bytes, float]) -> dict[bytes, float]:
    return {name: time_s for name, time_s in times_s.items() if time_s > moment_s}


def dumped(hard: Bans, soft: Bans) -> bytes:
    """Both as text for a file."""
    return json.dumps({**hard.told(), "soft": soft.told()}).encode()


def loaded(text: bytes) -> tuple[Bans, Bans]:
    """What `dumped` wrote, hard and soft. Raises ValueError for anything else."""
    try:
        told = json.loads(text)
        return Bans.of(told), Bans.of(told.get("soft", {"groups": [], "prefixes": []}))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no list of bans: {error}") from None
