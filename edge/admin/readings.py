"""What an edge counts, as metrics; `docs/operations.md` says what each one is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields

from edge.admin.purge_jobs import Jobs
from edge.counters import Histogram
from edge.http2.connection import Connection as Http2Connection
from edge.ondisk import OnDisk
from edge.server import Connected, Server
from edge.tls import TlsConnection
from edge.upstream.client import Upstream
from service.metrics import Metric, counter, gauge, histogram


def read(server: Server, jobs: Jobs) -> Iterator[Metric]:
    outcomes = server.counters.by_outcome()
    by_outcome = [((outcome.value,), values) for outcome, values in outcomes.items()]
    yield counter(
        "edge_requests", "Requests by outcome", ("cache",), [(label, value[0]) for label, value in by_outcome]
    )
    yield counter(
        "edge_sent_bytes",
        "Body bytes sent, by outcome",
        ("cache",),
        [(label, value[1]) for label, value in by_outcome],
    )
    statuses = [((str(status),), number) for status, number in server.counters.statuses.items()]
    yield counter("edge_slow_answers", "Answers off the hot path, by status", ("status",), statuses)
    yield counter(
        "edge_connections_accepted", "Connections accepted", (), [((), server.counters.connections)]
    )
    yield counter("edge_evicted", "Responses evicted", (), [((), server.store.evicted)])
    yield counter("edge_log_lines_lost", "Access log lines lost", (), [((), server.log.lost)])
    yield counter("edge_upstream_requests", "Requests sent upstream", (), [((), server.upstream.requests)])
    yield counter("edge_upstream_failures", "Upstream failures", (), [((), server.upstream.failures)])
    yield counter(
        "edge_upstream_received_bytes", "Body bytes from upstream", (), [((), server.upstream.received_bytes)]
    )
    yield from _read_peers(server.upstream)
    yield _seconds("edge_slow_seconds", "Answers off the hot path, to their end", server.counters.took)
    yield _seconds("edge_upstream_seconds", "From a request upstream to the head", server.upstream.took)
    yield from _read_purges(server, jobs)
    if server.disk is not None:
        yield from _read_disk(server.disk)
    spoken = Counter((_protocol(each), _is_tls(each)) for each in server.connections)
    yield gauge(
        "edge_connections_of",
        "Open connections, by what they speak",
        ("protocol", "tls"),
        [((protocol, tls), spoken[protocol, tls]) for protocol in ("h1", "h2") for tls in ("no", "yes")],
    )
    yield gauge("edge_connections", "Open connections", (), [((), len(server.connections))])
    yield gauge("edge_stored_responses", "Responses stored", (), [((), len(server.entries))])
    yield gauge("edge_stored_bytes", "RAM tier in use", (), [((), server.store.policy.used_bytes)])
    yield gauge("edge_capacity_bytes", "RAM tier's size", (), [((), server.store.policy.capacity_bytes)])
    yield gauge("edge_flights", "Fetches on their way", (), [((), len(server.flights))])


def _protocol(connection: Connected) -> str:
    return "h2" if isinstance(connection, Http2Connection) else "h1"


def _is_tls(connection: Connected) -> str:
    is_begun = isinstance(
        connection, TlsConnection
    )  # which is let go of once it is known what goes through it
    return "yes" if is_begun or isinstance(connection.transport, TlsConnection) else "no"


def _seconds(name: str, what: str, took: Histogram) -> Metric:
    return histogram(name, what, took.cumulative(), took.total)


def _read_purges(server: Server, jobs: Jobs) -> Iterator[Metric]:
    purger, states = server.purger, jobs.counted()
    wishes = [((kind,), number) for kind, number in purger.wishes.items()]
    yield counter("edge_purges", "Purges, by what was named", ("kind",), wishes)
    yield counter("edge_purged", "Responses purged", (), [((), purger.purged)])
    ended = [((state.value,), number) for state, number in states.items() if state.has_ended]
    yield counter("edge_purge_jobs_ended", "Purge jobs, by how they ended", ("state",), ended)
    waiting = [((state.value,), number) for state, number in states.items() if not state.has_ended]
    yield gauge("edge_purge_jobs", "Purge jobs that wait or run", ("state",), waiting)


def _read_disk(disk: OnDisk) -> Iterator[Metric]:
    tier = disk.tier
    yield counter("edge_disk_hits", "Answers whose body came from disk", (), [((), disk.hits)])
    for event in fields(tier.counters):
        name = event.name
        yield counter(f"edge_disk_{name}", f"Disk: {name}", (), [((), getattr(tier.counters, name))])
    yield gauge("edge_disk_stored_responses", "Responses on disk", (), [((), len(tier))])
    yield gauge("edge_disk_used_bytes", "Disk tier in use", (), [((), tier.used_bytes)])
    yield gauge("edge_disk_capacity_bytes", "Disk tier's size", (), [((), tier.capacity_bytes)])
    yield gauge("edge_disk_waiting_bytes", "Bodies that wait for it", (), [((), disk.waiting_bytes)])
    yield gauge("edge_disk_may_write", "1: the disk takes responses", (), [((), tier.health.may_write)])
    yield gauge("edge_disk_may_read", "1: the disk gives responses", (), [((), tier.health.may_read)])


def _read_peers(upstream: Upstream) -> Iterator[Metric]:
    """What is counted of each upstream; the label is its URL, as configured."""
    peers = [((peer.place.label,), peer) for peer in upstream.peers]
    yield counter(
        "edge_upstream_asked",
        "Requests sent, by upstream",
        ("upstream",),
        [(label, peer.requests) for label, peer in peers],
    )
    yield counter(
        "edge_upstream_failed",
        "Failures, by upstream",
        ("upstream",),
        [(label, peer.failures) for label, peer in peers],
    )
    yield gauge(
        "edge_upstream_circuit",
        "0: closed, 1: half-open, 2: open",
        ("upstream",),
        [(label, peer.breaker.circuit.value) for label, peer in peers],
    )
    yield counter("edge_upstream_repeats", "Requests sent again", (), [((), upstream.budget.granted)])
    yield counter(
        "edge_upstream_repeats_refused", "Repeats beyond the budget", (), [((), upstream.budget.refused)]
    )
    yield counter("edge_upstream_resumed", "Cut bodies that went on", (), [((), upstream.resumed)])
