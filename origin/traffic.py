"""What the origin has answered: plain counts, read when somebody scrapes."""

from __future__ import annotations

from collections import Counter

from origin.caching import Kind
from service.metrics import CollectorRegistry, Readings, counter, render


class Traffic:
    """Requests by kind and status, bytes of bodies by kind."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[Kind, int]] = Counter()
        self.sent_bytes: Counter[Kind] = Counter()
        self._registry = CollectorRegistry()
        Readings(
            self._registry,
            lambda: [
                counter(
                    "penstock_origin_requests", "Requests answered.", ("kind", "status"), self._requests()
                ),
                counter("penstock_origin_sent_bytes", "Bytes of bodies sent.", ("kind",), self._sent_bytes()),
            ],
        )

    def exposition(self) -> bytes:
        """In Prometheus' text format."""
        return render(self._registry)

    def _requests(self) -> list[tuple[tuple[str, ...], float]]:
        return [((kind.value, str(status)), n) for (kind, status), n in self.requests.items()]

    def _sent_bytes(self) -> list[tuple[tuple[str, ...], float]]:
        return [((kind.value,), n) for kind, n in self.sent_bytes.items()]
