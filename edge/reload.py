"""Reading the configuration again while the edge runs: what changes at once, and what waits for a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from edge.accesslog import AccessLog
from edge.certificates import Certificates
from edge.config import EdgeConfig
from edge.server import Server
from edge.upstream.place import parse_places
from service import log
from service.config import ConfigError, load

# What a running edge takes over. Everything else is part of what it was built as.
LIVE = frozenset(
    (
        "upstream",
        "upstream_choice",
        "tls_certificate",
        "tls_key",
        "tls_min_version",
        "tls_hosts",
        "admin_token",
        "finish_share",
        "access_log",
        "log_sessions",
        "log_level",
        "max_connections",
        "idle_timeout_s",
        "head_timeout_s",
        "send_timeout_s",
        "drain_delay_s",
        "drain_timeout_s",
        "connect_timeout_s",
        "upload_timeout_s",
        "first_byte_timeout_s",
        "read_timeout_s",
        "retry_ratio",
        "retry_floor",
        "resume_tries",
        "breaker_failures",
        "breaker_ratio",
        "breaker_pause_s",
        "breaker_longest_pause_s",
    )
)


def applied(running: EdgeConfig, wanted: EdgeConfig) -> EdgeConfig:
    """`running` with what can change live. Raises ConfigError where the two do not go together."""
    return replace(running, **{name: getattr(wanted, name) for name in LIVE})


def check(config: EdgeConfig) -> None:
    """Raises ConfigError for certificates that are none, OSError for an access log that cannot be opened."""
    if config.tls_listen is not None:
        Certificates(config)
    AccessLog(config.access_log).close()


def reason_of(error: ConfigError | OSError) -> str:
    """One line for the operator."""
    if not isinstance(error, OSError):
        return str(error)
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


class Settings:
    """A configuration and where it is read from; goes to other processes with all it knows."""

    def __init__(self, path: Path | None, given: Mapping[str, Any]) -> None:
        """Flags, `given`, win over the file. Raises ConfigError."""
        self._path = path
        self._given = dict(given)
        self.started = self.now = self.read()  # with what the process began, and what counts

    def read(self) -> EdgeConfig:
        """As file and flags say now. Raises ConfigError."""
        return load(EdgeConfig, self._path, self._given)

    def accept(self, wanted: EdgeConfig) -> dict[str, str]:
        """Take `wanted` as what counts in this process; returns what there is to say of the change."""
        live = [name for name in _differing(self.now, wanted) if name in LIVE]
        later = [name for name in _differing(self.started, wanted) if name not in LIVE]
        said = {
            "changed": ", ".join(_told(name, self.now, wanted) for name in live) or "nothing",
            "needs_restart": ", ".join(_told(name, self.started, wanted) for name in later) or "nothing",
        }
        if wanted.log_level != self.now.log_level:
            log.configure(wanted.log_level)
        self.now = wanted
        return said


class Reloader:
    """Reloads one process of an edge. Called by a signal, and owner of what follows from it."""

    def __init__(self, server: Server, settings: Settings, *, is_quiet: bool = False) -> None:
        self._server = server
        self._settings = settings
        self._is_quiet = is_quiet  # another process speaks for this one
        self._task: asyncio.Task[None] | None = None
        self._is_wanted = False

    def __call__(self) -> None:
        self._is_wanted = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while self._is_wanted:
            self._is_wanted = False
            await self.reload()

    async def reload(self) -> None:
        """Read file and flags again. One line says what came of it; what cannot be used changes nothing."""
        server, settings = self._server, self._settings
        server.log.reopen()  # a rotated log must go on whatever is in the file
        try:
            wanted = settings.read()
            config = applied(server.config, wanted)
            check(config)
            await server.reconfigure(config)
        except (ConfigError, OSError) as error:
            if not self._is_quiet:
                server.logger.error("configuration kept as it was", reason=reason_of(error))
            return
        said = settings.accept(wanted)
        if not self._is_quiet:
            server.logger.info("configuration reloaded", **said)


def _differing(one: EdgeConfig, other: EdgeConfig) -> list[str]:
    return [field.name for field in fields(one) if getattr(one, field.name) != getattr(other, field.name)]


def _told(name: str, old: EdgeConfig, new: EdgeConfig) -> str:
    """A changed key for the log, without what is secret."""
    if name == "admin_token":
        return name
    return f"{name} = {_shown(name, new)} (was {_shown(name, old)})"


def _shown(name: str, config: EdgeConfig) -> str:
    value = getattr(config, name)
    if name == "upstream":  # the URL may hold a password, the label does not
        return " ".join(place.label for place in parse_places(value))
    return str(value)
