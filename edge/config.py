"""The edge's configuration: read once, checked here, handed down. `deploy/edge.toml` shows every key."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

from edge.eviction import POLICIES
from service.config import ConfigError
from service.log import Level
from service.units import Address, Listen, Size

_TOKEN = re.compile(r"[A-Za-z*][A-Za-z0-9._-]*")  # RFC 9651, 3.3.4, as Cache-Status wants it


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeConfig:
    """Sizes in bytes (`512MiB` in the file), times in seconds."""

    upstream: str  # http://HOST:PORT of the origin, or of another edge (a shield)
    listen: Listen = Address("127.0.0.1", 8080)
    admin: Listen | None = None  # health, metrics and purge; None: no admin plane
    admin_token: str = ""  # what a purge must present; empty: purging is off
    name: str = "penstock"  # in Cache-Status and Via
    ram: Size = 512 * 2**20
    eviction: str = "lru"
    max_object: Size = 64 * 2**20  # larger bodies are passed on and not stored
    access_log: Path | None = None  # JSON lines; None: no access log
    log_level: Level = "info"
    max_connections: int = 20_000
    idle_timeout_s: float = 75.0  # keep-alive
    head_timeout_s: float = 10.0  # from the first byte of a request to the end of its head
    send_timeout_s: float = 60.0  # a client that takes nothing for so long is let go
    connect_timeout_s: float = 3.0  # to upstream
    read_timeout_s: float = 30.0  # between two pieces from upstream

    def __post_init__(self) -> None:
        parts = urlsplit(self.upstream)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query:
            raise ConfigError(f"upstream = {self.upstream!r}: write a URL such as http://127.0.0.1:8000")
        if self.eviction not in POLICIES:
            raise ConfigError(f"eviction = {self.eviction!r}: choose one of {', '.join(POLICIES)}")
        if not _TOKEN.fullmatch(self.name):
            raise ConfigError(f"name = {self.name!r}: use letters, digits, '-', '_' and '.', a letter first")
        if self.max_connections < 1:
            raise ConfigError(f"max_connections = {self.max_connections}: at least one viewer must be let in")
        for key in (field.name for field in fields(self) if field.name.endswith("_s")):
            if not 0 < getattr(self, key) < math.inf:
                raise ConfigError(f"{key} = {getattr(self, key)}: give seconds above 0")
        if self.max_object > self.ram:
            raise ConfigError(f"max_object = {self.max_object}: must not be larger than ram = {self.ram}")
