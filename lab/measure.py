"""What each tier did, read from the metrics that the services publish."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from lab.stack import Service, Stack
from service import metrics

_ANSWERED = ("hit", "stale", "revalidated", "collapsed")  # without a body from upstream of one's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One cache's work. Ratios are None where nothing was asked."""

    name: str
    requests: int
    by_outcome: Mapping[str, int]
    sent_bytes: int
    upstream_requests: int
    upstream_bytes: int

    @property
    def hit_ratio(self) -> float | None:
        """The share of requests that cost upstream no body of their own."""
        return (
            sum(self.by_outcome.get(what, 0) for what in _ANSWERED) / self.requests if self.requests else None
        )

    @property
    def byte_hit_ratio(self) -> float | None:
        """The share of the bytes sent that did not come from upstream for this."""
        return 1 - self.upstream_bytes / self.sent_bytes if self.sent_bytes else None


async def tiers(stack: Stack) -> list[Tier]:
    """All caches of `stack` that still answer, the shield first."""
    caches = [service for service in stack.services if service.name != "origin" and service.is_running]
    async with aiohttp.ClientSession() as client:
        return list(await asyncio.gather(*[_tier(client, cache) for cache in caches]))


async def _tier(client: aiohttp.ClientSession, cache: Service) -> Tier:
    async with client.get(f"{cache.admin_url}/metrics") as answer:
        return tier_of(cache.name, await answer.text())


def tier_of(name: str, exposition: str) -> Tier:
    """A tier from an edge's metrics in Prometheus' text format."""
    values = metrics.read(exposition)
    by_outcome = {key[1]: int(value) for key, value in values.items() if key[0] == "edge_requests_total"}
    sent_bytes = sum(int(value) for key, value in values.items() if key[0] == "edge_sent_bytes_total")
    return Tier(
        name=name,
        requests=sum(by_outcome.values()),
        by_outcome=by_outcome,
        sent_bytes=sent_bytes,
        upstream_requests=int(values[("edge_upstream_requests_total",)]),
        upstream_bytes=int(values[("edge_upstream_received_bytes_total",)]),
    )
