"""The origin's configuration: read once, handed down. `deploy/origin.toml` shows every key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from service.log import Level
from service.units import Address, Listen


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginConfig:
    """Where the titles are and where they are served."""

    library: Path = Path("library")
    listen: Listen = Address("127.0.0.1", 8000)
    access_log: bool = False  # one line for each request, with the other log lines
    log_level: Level = "info"
