"""Prometheus metrics: the door to prometheus_client.

A hot path counts in plain integers; `Readings` turns them into metrics when somebody scrapes, so that a
request pays for an addition and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
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
    "histogram",
    "merged",
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


def merged(texts: Mapping[str, str], label: str) -> bytes:
    """What several processes rendered as one text: each sample says in `label` whose it is."""
    families: dict[str, Metric] = {}
    for owner, text in texts.items():
        for family in text_string_to_metric_families(text):
            known = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            for sample in family.samples:
                known.add_sample(sample.name, {**sample.labels, label: owner}, sample.value)
    registry = CollectorRegistry()
    Readings(registry, families.values)
    return render(registry)


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


def histogram(name: str, what: str, buckets: Iterable[tuple[str, float]], total: float) -> Metric:
    """A histogram read just now: how many values lay at or below each bound, and their sum."""
    family = HistogramMetricFamily(name, what)
    family.add_metric((), list(buckets), total)
    return family


class Readings(Collector):
    """Metrics read by a function at each scrape."""

    def __init__(self, registry: CollectorRegistry, read: Callable[[], Iterable[Metric]]) -> None:
        self._read = read
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        return self._read()
