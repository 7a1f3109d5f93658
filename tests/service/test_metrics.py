"""Metrics that are read when somebody scrapes."""

from __future__ import annotations

from collections.abc import Iterator

from service.metrics import CollectorRegistry, Metric, Readings, counter, gauge, render


def test_a_reading_is_taken_at_each_scrape() -> None:
    registry = CollectorRegistry()
    hits = 0

    def read() -> Iterator[Metric]:
        yield counter("edge_requests", "Requests by outcome", ("cache",), [(("hit",), hits), (("miss",), 7)])
        yield gauge("edge_connections", "Open connections", (), [((), 3)])

    Readings(registry, read)
    hits = 2
    assert render(registry).decode().splitlines() == [
        "# HELP edge_requests_total Requests by outcome",
        "# TYPE edge_requests_total counter",
        'edge_requests_total{cache="hit"} 2.0',
        'edge_requests_total{cache="miss"} 7.0',
        "# HELP edge_connections Open connections",
        "# TYPE edge_connections gauge",
        "edge_connections 3.0",
    ]
    hits = 3
    assert b'edge_requests_total{cache="hit"} 3.0' in render(registry)
