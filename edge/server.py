"""One edge: the store, the flights, upstream and the listening socket, put together and taken down."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from pathlib import Path
from types import TracebackType
from typing import Protocol

from edge.accesslog import AccessLog
from edge.certificates import Certificates
from edge.config import EdgeConfig
from edge.counters import Counters
from edge.disk.lru import SlotLru
from edge.disk.tier import DiskTier
from edge.eviction import POLICIES
from edge.exchange import Exchange
from edge.filling import Filler
from edge.flights import Flights
from edge.hot import HeadMemory, LineMemory
from edge.key import KeyRules, origin_form
from edge.memory import Trimmer
from edge.ondisk import OnDisk
from edge.protocol import Connection
from edge.store import Store
from edge.stored import Speaker
from edge.tls import TlsConnection
from edge.upstream.client import Upstream
from edge.wires import Wires
from edge.workers.backroom import Backroom
from edge.workers.folders import folder_of
from edge.workers.team import Post, Team
from service.log import get_logger
from service.units import Address

_BEAT_S = 0.25
_BACKLOG = 4096


class Connected(Protocol):
    """What a server asks of its connections, whatever they speak."""

    transport: asyncio.Transport
    active_s: float

    def beat(self, now_s: float) -> None: ...

    def finish(self) -> None: ...


class Server:
    """The data plane of one edge; serves within `async with`. Connections read its public attributes."""

    def __init__(self, config: EdgeConfig, clock: Callable[[], float], post: Post | None = None) -> None:
        self.config = config
        self.clock = clock
        self.name = config.name.encode()
        self._speaker = Speaker(self.name, config.tell_key)
        self.logger = get_logger(config.name)
        self.counters = Counters()
        self.log = AccessLog(config.access_log, names_sessions=config.log_sessions)
        self.store = Store(POLICIES[config.eviction](config.ram))
        self.keys = KeyRules(config.key_sort, config.key_drop)
        self.flights = Flights(config.max_object, config.finish_share)
        self.upstream = Upstream(config, clock)
        self._post = post
        self.team = None if post is None else Team(config, post, self.upstream, clock)
        self.filler = Filler(
            self.store,
            self.flights,
            self.upstream,
            self.team or self.upstream,
            speaker=self._speaker,
            limit_bytes=config.max_object,
            slice_bytes=min(config.slice, config.max_object),
            clock=clock,
        )
        self.purger = self.filler.purger
        self.disk = None if config.disk is None else self._disk_tier(config, config.disk)
        self.store.disk = self.disk
        self.exchange = Exchange(
            self.filler,
            name=config.name,
            loop_id=self.upstream.loop_id,
            keys=self.keys,
            clock=clock,
            team=self.team,
        )
        self.connections: set[Connected] = set()
        self._is_empty = asyncio.Event()
        self.is_leaving = False  # whoever sends clients here is told to send them elsewhere
        self.is_draining = False  # no more clients; those here are let go with their answer
        # The hot path reads these instead of going through their owners.
        memory = LineMemory(self.keys)
        self.line_keys = memory.keys
        self.key_of_line = memory.key_of
        self.heads = HeadMemory()
        self.entries = self.store.entries
        self.hit = self.store.policy.hit
        self.wires = Wires(_behind)
        self._trimmer = Trimmer()
        self.certificates = Certificates(config) if config.tls_listen is not None else None
        self._inner: Server | None = None  # what the other workers see
        self._listener: asyncio.Server | None = None
        self._backroom: asyncio.Server | None = None
        self._tls_listener: asyncio.Server | None = None
        self._beat: asyncio.Task[None] | None = None

    def _disk_tier(self, config: EdgeConfig, folder: Path) -> OnDisk:
        policy = SlotLru if config.eviction == "lru" else POLICIES[config.eviction]
        size_bytes = config.disk_size
        if self._post is not None:
            folder = folder_of(folder, self._post.index)
            size_bytes //= self._post.count
        tier = DiskTier(folder, size_bytes, clock=self.clock, logger=self.logger, policy=policy)
        return OnDisk(tier, self._speaker, self.clock, _everything if self.team is None else self.team.owns)

    async def __aenter__(self) -> Server:
        if self.disk is not None:
            await self.disk.__aenter__()
        try:
            await self._open()
        except BaseException as error:
            if self.disk is not None:
                await self.disk.__aexit__(type(error), error, None)
            raise
        return self

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        host, port = self.config.listen
        self._listener = await loop.create_server(
            lambda: Connection(self, is_bare=True),
            host,
            port,
            backlog=_BACKLOG,
            reuse_port=self._post is not None,
        )
        if self.config.tls_listen is not None and (certificates := self.certificates) is not None:
            host, port = self.config.tls_listen
            self._tls_listener = await loop.create_server(
                lambda: TlsConnection(self, certificates),
                host,
                port,
                backlog=_BACKLOG,
                reuse_port=self._post is not None,
            )
        if self.config.send_buffer:  # connections inherit it
            for each in (self._listener, self._tls_listener):
                for listening in each.sockets if each else ():
                    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.config.send_buffer)
        await self.upstream.__aenter__()
        if self.team is not None:
            await self.team.__aenter__()
            await self._open_backroom()
        self._beat = asyncio.create_task(self._keep_beat())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let answers under way end, if that was not done before and nothing went wrong; close the rest."""
        assert self._beat is not None
        if not self.is_draining:
            self._stop_accepting()
            if kind is None:
                await self._wait_for_answers()
        for connection in list(self.connections):
            connection.transport.abort()
        self._beat.cancel()
        self.wires.close()
        await self.flights.close()
        if self.team is not None:
            await self.team.__aexit__(kind, error, trace)
        await self.upstream.__aexit__(kind, error, trace)
        if self.disk is not None:
            await self.disk.__aexit__(kind, error, trace)
        self.log.close()

    async def drain(self) -> None:
        """Not ready at once; after a while no more clients; returns when answers under way had their time."""
        self.is_leaving = True
        await asyncio.sleep(self.config.drain_delay_s)
        self._stop_accepting()
        await self._wait_for_answers()

    def _stop_accepting(self) -> None:
        self.is_leaving = self.is_draining = True
        for listener in (self._listener, self._tls_listener, self._backroom):
            if listener is not None:
                listener.close()
        for connection in list(self.connections):
            connection.finish()

    async def reconfigure(self, config: EdgeConfig) -> None:
        """Go on as `config` says, as far as a running edge can: see `reload`.

        Raises ConfigError for certificates and OSError for a log that cannot be opened: then nothing changed.
        """
        if self.certificates is not None:
            self.certificates.reload(config)
        self.log.follow(config.access_log)
        self.log.names_sessions = config.log_sessions
        await self.upstream.reconfigure(config)
        if self.team is not None:
            await self.team.reconfigure(config)
        self.flights.finish_share = config.finish_share
        self.config = config
        if self._inner is not None:
            self._inner.config = config

    async def _open_backroom(self) -> None:
        """Serve the other workers: what they ask for is counted and logged where a client asked."""
        assert self._post is not None, "one of several workers"
        inner = self._inner = copy(self)
        inner.counters = Counters()
        inner.log = AccessLog(None)
        inner.exchange = Backroom(
            self.filler, name=self.config.name, loop_id=b"", keys=self.keys, clock=self.clock
        )
        path = str(self._post.socket(self._post.index))
        self._backroom = await asyncio.get_running_loop().create_unix_server(lambda: Connection(inner), path)

    @property
    def address(self) -> Address:
        """Where it listens in truth; differs from the configuration where that asked for any port."""
        assert self._listener is not None, "not listening yet"
        return Address(*self._listener.sockets[0].getsockname()[:2])

    @property
    def tls_address(self) -> Address | None:
        """Where it listens in TLS, if it does."""
        if self._tls_listener is None:
            return None
        return Address(*self._tls_listener.sockets[0].getsockname()[:2])

    def purge(self, target: bytes) -> int:
        """Forget what is stored for a URL's path and query; returns how many responses that were."""
        return self.purger.purge(self.keys.key(origin_form(target)))

    def welcome(self, connection: Connected) -> bool:
        self.connections.add(connection)
        self.counters.connections += 1
        return len(self.connections) <= self.config.max_connections

    def replace(self, connection: Connected, successor: Connected) -> None:
        """The same client goes on in another protocol."""
        self.connections.discard(connection)
        self.connections.add(successor)

    def farewell(self, connection: Connected) -> None:
        self.connections.discard(connection)
        if not self.connections:
            self._is_empty.set()

    async def _keep_beat(self) -> None:
        """Write the access log and look after idle, slow and half-spoken connections."""
        while True:
            await asyncio.sleep(_BEAT_S)
            self.log.flush()
            if self.disk is not None:
                self.disk.tier.beat()
            self._trimmer.look(self.upstream.received_bytes)
            now_s = self.clock()
            self.wires.tidy(now_s)
            for connection in list(self.connections):
                connection.beat(now_s)

    async def _wait_for_answers(self) -> None:
        self._is_empty.clear()
        if self.connections:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_empty.wait(), self.config.drain_timeout_s)


def _behind(work: Callable[[], None]) -> object:
    """Run it in a thread of the loop's."""
    return asyncio.get_running_loop().run_in_executor(None, work)


def _everything(_: bytes) -> bool:
    return True
