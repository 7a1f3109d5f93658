"""The serving half of the path as processes: an origin, a shield edge before it, and edges before the shield.

Each is a process of its own, as in production: it can be killed, and the others go on.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 10.0


class StackError(Exception):
    """A service did not start; the message has the last thing it said."""


@dataclass(slots=True)
class Service:
    """A running service. `url` is where it answers; `admin_url` where its metrics are."""

    name: str
    process: asyncio.subprocess.Process
    url: str
    admin_url: str
    _reader: asyncio.Task[None]

    @property
    def is_running(self) -> bool:
        return self.process.returncode is None

    async def stop(self) -> None:
        """End it kindly, or by force if it does not listen."""
        if self.is_running:
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), _STOP_TIMEOUT_S)
            except TimeoutError:
                self.process.kill()
        await self.process.wait()
        await self._reader

    async def kill(self) -> None:
        """End it at once, as a crash would."""
        if self.is_running:
            self.process.kill()
        await self.process.wait()


@dataclass(slots=True)
class Stack:
    """What is running, and the token for its admin planes."""

    folder: Path  # logs
    admin_token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    services: list[Service] = field(default_factory=list)

    def __getitem__(self, name: str) -> Service:
        return next(service for service in self.services if service.name == name)

    @property
    def edges(self) -> list[Service]:
        """Those that viewers ask."""
        return [service for service in self.services if service.name.startswith("edge-")]

    async def start(self, name: str, module: str, *arguments: str) -> Service:
        """Start `python -m module` and wait until it says where it listens. Raises StackError."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | {"PENSTOCK_ADMIN_TOKEN": self.admin_token},
        )
        assert process.stderr is not None
        log = self.folder / f"{name}.log"
        try:
            said = await asyncio.wait_for(_listening(process.stderr, log), _START_TIMEOUT_S)
        except (TimeoutError, StackError) as error:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise StackError(
                f"{name} did not start: {error or 'it said nothing in time'}; see {log}"
            ) from None
        reader = asyncio.create_task(_copy(process.stderr, log))
        admin = said.get("admin") or said["address"]
        service = Service(name, process, f"http://{said['address']}", f"http://{admin}", reader)
        self.services.append(service)
        return service


@asynccontextmanager
async def running_stack(
    library: Path,
    folder: Path,
    *,
    edges: Sequence[str] = ("edge-a", "edge-b"),
    ram: str = "256MiB",
    port: int = 0,
) -> AsyncIterator[Stack]:
    """Origin, shield and `edges` over `library`, for the length of the block. `port` is the first edge's."""
    folder.mkdir(parents=True, exist_ok=True)
    stack = Stack(folder)
    try:
        origin = await stack.start("origin", "origin", "--library", str(library), "--listen", "127.0.0.1:0")
        shield = await stack.start("shield", "edge", *_edge_arguments("shield", origin.url, ram, folder, 0))
        for number, name in enumerate(edges):
            own_port = port + number if port else 0
            await stack.start(name, "edge", *_edge_arguments(name, shield.url, ram, folder, own_port))
        yield stack
    finally:
        for service in reversed(stack.services):
            await service.stop()


def _edge_arguments(name: str, upstream: str, ram: str, folder: Path, port: int) -> list[str]:
    return [
        *("--name", name),
        *("--upstream", upstream),
        *("--listen", f"127.0.0.1:{port}"),
        *("--admin", "127.0.0.1:0"),
        *("--ram", ram),
        *("--access-log", str(folder / f"{name}-access.log")),
    ]


async def _listening(lines: asyncio.StreamReader, log: Path) -> dict[str, str]:
    """The service's own words on where it listens. Raises StackError if it ends before."""
    last = ""
    while line := await lines.readline():
        _append(log, line)
        last = line.decode(errors="replace").strip()
        with suppress(ValueError):
            said: dict[str, str] = json.loads(last)
            if said.get("event") == "listening":
                return said
    raise StackError(last or "it ended without a word")


async def _copy(lines: asyncio.StreamReader, log: Path) -> None:
    while line := await lines.readline():
        _append(log, line)


def _append(log: Path, line: bytes) -> None:
    with log.open("ab") as file:
        file.write(line)
