"""Tiers, read from what an edge really publishes."""

from __future__ import annotations

import time

from edge.admin.app import REGISTRY, build_app
from edge.config import EdgeConfig
from edge.message import CacheStatus
from edge.server import Server
from lab.measure import tier_of
from service.metrics import render


def test_a_tier_is_read_from_an_edges_metrics() -> None:
    server = Server(EdgeConfig(upstream="http://127.0.0.1:1"), clock=time.time)
    server.counters.hits, server.counters.hit_bytes = 30, 3000
    server.counters.count(CacheStatus.MISS, 200, 1000)
    server.counters.count(CacheStatus.COLLAPSED, 200, 1000)
    server.upstream.requests, server.upstream.received_bytes = 1, 1000
    tier = tier_of("edge-a", render(build_app(server)[REGISTRY]).decode())
    assert (tier.requests, tier.sent_bytes) == (32, 5000)
    assert (tier.upstream_requests, tier.upstream_bytes) == (1, 1000)
    assert tier.hit_ratio == 31 / 32
    assert tier.byte_hit_ratio == 0.8
