"""Sources that were brought to this machine: once each, however many threads want one, and not for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class _Held:
    path: Path
    users: int = 0
    is_over: bool = False  # nobody will ask for it again
    coming: threading.Lock = field(default_factory=threading.Lock)


class Sources:
    """Sources on this machine's disk: those in use, and the one used last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}

    @contextmanager
    def held(self, sha256: str, folder: Path, kind: str, bring: Callable[[Path], None]) -> Iterator[Path]:
        """Brought by the first who wants it, while the others wait."""
        with self._lock:
            entry = self._held.setdefault(sha256, _Held(folder / f"source-{sha256[:16]}{kind}"))
            entry.users, entry.is_over = entry.users + 1, False
            for other in [other for other in self._held if other != sha256]:
                self._drop(other)
        try:
            with entry.coming:
                if not entry.path.exists():
                    bring(entry.path)
            yield entry.path
        finally:
            with self._lock:
                entry.users -= 1
                if entry.is_over:
                    self._drop(sha256)

    def forget(self, sha256: str) -> None:
        with self._lock:
            if entry := self._held.get(sha256):
                entry.is_over = True
                self._drop(sha256)

    def _drop(self, sha256: str) -> None:
        entry = self._held.get(sha256)
        if entry and not entry.users:
            entry.path.unlink(missing_ok=True)
            del self._held[sha256]
