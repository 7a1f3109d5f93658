"""The edge's configuration: read once, checked here, handed down. `deploy/edge.toml` shows every key."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from edge.eviction import POLICIES
from edge.upstream.place import Place, PlaceError, parse_places
from service.config import ConfigError
from service.log import Level
from service.units import Address, Listen, Size

_TOKEN = re.compile(r"[A-Za-z*][A-Za-z0-9._-]*")  # RFC 9651, 3.3.4, as Cache-Status wants it
_LOOP_ID = re.compile(r"[A-Za-z0-9._-]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?")  # RFC 8586, 2

_LEAST_SLICE_BYTES = 4096
_MOST_WORKERS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCertificate:
    """What is shown to clients that ask for one of `names` (`*.example.org` stands for one label)."""

    names: tuple[str, ...]
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeConfig:
    """Sizes in bytes (`512MiB` in the file), times in seconds."""

    upstream: str | tuple[str, ...]  # origins or shields: http://HOST:PORT [weight=N], unix:PATH
    upstream_choice: Literal["order", "hash"] = "order"  # the first that is well, or by cache key and weight
    listen: Listen = Address("127.0.0.1", 8080)
    tls_listen: Listen | None = None  # HTTP/2 and HTTP/1.1 in TLS; None: no TLS
    tls_certificate: Path | None = None  # PEM, with its chain
    tls_key: Path | None = None  # PEM, not encrypted
    tls_min_version: Literal["1.2", "1.3"] = "1.3"
    tls_hosts: tuple[HostCertificate, ...] = ()  # other certificates, by the name that a client asks for
    admin: Listen | None = None  # health, metrics and purge; None: no admin plane
    admin_token: str = ""  # what a purge must present; empty: purging is off
    name: str = "penstock"  # in Cache-Status and Via
    loop_id: str = ""  # in CDN-Loop; empty: made of the name, this host's name and `listen`
    ram: Size = 512 * 2**20
    eviction: str = "lru"
    disk: Path | None = None  # folder of the disk tier, which is this edge's alone; None: RAM only
    disk_size: Size = 10 * 2**30
    max_object: Size = 64 * 2**20  # larger bodies are passed on and not stored
    slice: Size = 2**20  # a range that is not stored is fetched in aligned slices; 0: with its whole
    finish_share: float = 0.25  # a body that nobody waits for is fetched to its end if so much has come
    tell_key: bool = False  # the cache key in Cache-Status, for whoever looks for a mistake
    key_sort: bool = False  # the order of a query's arguments does not choose the response
    key_drop: tuple[str, ...] = ()  # arguments that do not, such as "utm_*"; CMCD never does
    access_log: Path | None = None  # JSON lines; None: no access log
    log_sessions: bool = False  # `sid` in the lines of all hits, at half a microsecond each
    log_level: Level = "info"
    workers: int = 1  # processes that share the port, the fetches and the disk; each has its part of `ram`
    max_connections: int = 20_000  # of each worker
    send_buffer: Size = 512 * 2**10  # the kernel's, of each connection; 0: as much as the system lets it grow
    idle_timeout_s: float = 75.0  # keep-alive
    head_timeout_s: float = 10.0  # from the first byte of a request to the end of its head
    send_timeout_s: float = 60.0  # a client that takes nothing for so long is let go
    drain_delay_s: float = 0.0  # between a signal to end and the last connection that is accepted
    drain_timeout_s: float = 30.0  # for the answers that are under way then
    connect_timeout_s: float = 3.0  # to upstream
    upload_timeout_s: float = 30.0  # for upstream to take one piece of a request's body
    first_byte_timeout_s: float = 30.0  # from the end of a request to upstream's head
    read_timeout_s: float = 30.0  # between two pieces from upstream
    retry_ratio: float = 0.2  # repeats to upstream: this share of the requests of ten seconds
    retry_floor: int = 10  # and so many more
    resume_tries: int = 3  # for the rest of one body that upstream cut
    breaker_failures: int = 5  # in a row, and an upstream is left alone
    breaker_ratio: float = 0.5  # or this share of the requests of ten seconds, of twenty or more
    breaker_pause_s: float = 0.5  # then so long; twice as long after each probe that fails
    breaker_longest_pause_s: float = 10.0

    def __post_init__(self) -> None:
        self._check_upstream()
        if self.eviction not in POLICIES:
            raise ConfigError(f"eviction = {self.eviction!r}: choose one of {', '.join(POLICIES)}")
        if not _TOKEN.fullmatch(self.name):
            raise ConfigError(f"name = {self.name!r}: use letters, digits, '-', '_' and '.', a letter first")
        if self.max_connections < 1:
            raise ConfigError(f"max_connections = {self.max_connections}: at least one viewer must be let in")
        if not 1 <= self.workers <= _MOST_WORKERS:
            raise ConfigError(f"workers = {self.workers}: give 1 to {_MOST_WORKERS}, one a core at most")
        if self.max_object > self.ram // self.workers:
            share = "" if self.workers == 1 else f" by {self.workers} workers"
            raise ConfigError(
                f"max_object = {self.max_object}: must not be larger than ram = {self.ram}{share}"
            )
        if not 0 <= self.finish_share <= 1:
            raise ConfigError(f"finish_share = {self.finish_share}: give a share from 0 to 1")
        if self.slice and self.slice < _LEAST_SLICE_BYTES:
            raise ConfigError(f"slice = {self.slice}: give {_LEAST_SLICE_BYTES} bytes or more, or 0")
        for key in (field.name for field in fields(self) if field.name.endswith("_s")):
            least = 0 if key == "drain_delay_s" else math.ulp(0)
            if not least <= getattr(self, key) < math.inf:
                raise ConfigError(f"{key} = {getattr(self, key)}: give seconds above 0")
        if self.tls_listen is not None and (self.tls_certificate is None or self.tls_key is None):
            raise ConfigError("tls_listen is set: name tls_certificate and tls_key, too")

    @property
    def upstreams(self) -> tuple[Place, ...]:
        return parse_places(self.upstream)

    def _check_upstream(self) -> None:
        try:
            parse_places(self.upstream)
        except PlaceError as error:
            raise ConfigError(f"upstream = {error.text!r}: {error}") from None
        if self.loop_id and not _LOOP_ID.fullmatch(self.loop_id):
            raise ConfigError(
                f"loop_id = {self.loop_id!r}: write a host name, or letters, digits, '-' and '.'"
            )
        if not 0 <= self.retry_ratio <= 1:
            raise ConfigError(f"retry_ratio = {self.retry_ratio}: give a share from 0 to 1")
        if not 0 < self.breaker_ratio <= 1:
            raise ConfigError(f"breaker_ratio = {self.breaker_ratio}: give a share above 0, up to 1")
        for key, least in (("retry_floor", 0), ("resume_tries", 0), ("breaker_failures", 1)):
            if getattr(self, key) < least:
                raise ConfigError(f"{key} = {getattr(self, key)}: give {least} or more")
        if self.breaker_longest_pause_s < self.breaker_pause_s:
            raise ConfigError(
                f"breaker_longest_pause_s = {self.breaker_longest_pause_s}: "
                f"must not be below breaker_pause_s = {self.breaker_pause_s}"
            )
