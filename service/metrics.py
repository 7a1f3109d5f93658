"""Prometheus metrics: the door to prometheus_client.

A hot path counts in plain integers; `Readings` turns them into metrics when somebody scrapes, so that a
request pays for an addition and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

__all__ = [
    "CONTENT_TYPE",
    "CollectorRegistry",
    "Metric",
    "Readings",
    "counter",
    "gauge",
    "read",
    "render",
]

Labelled = Iterable[tuple[tuple[str, ...], float]]


def render(registry: CollectorRegistry) -> bytes:
    """The registry in Prometheus' text format."""
    return generate_latest(registry)


def read(text: str) -> dict[tuple[str, ...], float]:
    """What `render` wrote, by sample name followed by its label values in the order of label names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def counter(name: str, what: str, labels: tuple[str, ...], values: Labelled) -> Metric:
    """A counter read just now, one value per tuple of label values."""
    family = CounterMetricFamily(name, what, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family


def gauge(name: str, what: str, labels: tuple[str, ...], values: Labelled) -> Metric:
    """A gauge read just now, one value per tuple of label values."""
    family = GaugeMetricFamily(name, what, labels=labels)
    for label_values, value in values:
        family.add_metric(label_values, value)
    return family


class Readings(Collector):
    """Metrics read by a function at each scrape."""

    def __init__(self, registry: CollectorRegistry, read: Callable[[], Iterable[Metric]]) -> None:
        self._read = read
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        return self._read()
