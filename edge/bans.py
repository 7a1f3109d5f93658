"""Purges by prefix and by group that outlive memory: what was stored before one is not used after it.

The disk tier cannot list what it has by prefix or group. So such a purge is remembered, and an object that is
read from the disk is held against it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable

_MOST = 100_000  # past that, all that is older than now is banned at once


class Bans:
    """Times of purges, by group and by prefix."""

    def __init__(self) -> None:
        self._groups: dict[bytes, float] = {}
        self._prefixes: defaultdict[int, dict[bytes, float]] = defaultdict(dict)  # by their length

    def __len__(self) -> int:
        return len(self._groups) + sum(map(len, self._prefixes.values()))

    def add(self, prefixes: Iterable[bytes], groups: Iterable[bytes], now_s: float) -> None:
        """What is stored by now and has one of these is not used any more."""
        for group in groups:
            self._groups[group] = now_s
        for prefix in prefixes:
            if not prefix:
                self._groups.clear()
                self._prefixes.clear()
            self._prefixes[len(prefix)][prefix] = now_s
        if len(self) > _MOST:
            self.add([b""], [], now_s)

    def cover(self, key: bytes, groups: Iterable[bytes], asked_s: float) -> bool:
        """What was asked for at `asked_s` has been purged since."""
        for length, times_s in self._prefixes.items():
            if times_s.get(key[:length], -1.0) >= asked_s:
                return True
        return any(self._groups.get(group, -1.0) >= asked_s for group in groups)

    def dumped(self) -> bytes:
        """All of it as text for a file."""
        groups = [[group.decode("latin-1"), time_s] for group, time_s in self._groups.items()]
        prefixes = [
            [prefix.decode("latin-1"), time_s]
            for times_s in self._prefixes.values()
            for prefix, time_s in times_s.items()
        ]
        return json.dumps({"groups": groups, "prefixes": prefixes}).encode()

    @classmethod
    def loaded(cls, text: bytes) -> Bans:
        """What `dumped` wrote. Raises ValueError for anything else."""
        bans = cls()
        try:
            told = json.loads(text)
            for group, time_s in told["groups"]:
                bans._groups[group.encode("latin-1")] = float(time_s)
            for prefix, time_s in told["prefixes"]:
                bans._prefixes[len(prefix)][prefix.encode("latin-1")] = float(time_s)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no list of bans: {error}") from None
        return bans
