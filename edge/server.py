"""One edge: the store, the flights, upstream and the listening socket, put together and taken down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from edge.accesslog import AccessLog
from edge.config import EdgeConfig
from edge.counters import Counters
from edge.eviction import POLICIES
from edge.exchange import Exchange
from edge.filling import Filler
from edge.flights import Flights
from edge.hot import LineMemory
from edge.key import cache_key, origin_form
from edge.protocol import Connection
from edge.store import Store
from edge.upstream import Upstream
from service.log import get_logger
from service.units import Address

_BEAT_S = 0.25
_DRAIN_S = 5.0
_BACKLOG = 4096


class Server:
    """The data plane of one edge; serves within `async with`. Connections read its public attributes."""

    def __init__(self, config: EdgeConfig, clock: Callable[[], float]) -> None:
        self.config = config
        self.clock = clock
        self.name = config.name.encode()
        self.logger = get_logger(config.name)
        self.counters = Counters()
        self.log = AccessLog(config.access_log)
        self.store = Store(POLICIES[config.eviction](config.ram))
        self.flights = Flights(config.max_object)
        self.upstream = Upstream(
            config.upstream,
            name=config.name,
            connect_timeout_s=config.connect_timeout_s,
            read_timeout_s=config.read_timeout_s,
            clock=clock,
        )
        self.filler = Filler(
            self.store,
            self.flights,
            self.upstream,
            name=config.name,
            limit_bytes=config.max_object,
            clock=clock,
        )
        self.exchange = Exchange(self.filler, name=config.name, clock=clock)
        self.connections: set[Connection] = set()
        self._is_empty = asyncio.Event()
        self.is_draining = False
        # The hot path reads these instead of going through their owners.
        memory = LineMemory()
        self.line_keys = memory.keys
        self.key_of_line = memory.key_of
        self.entries = self.store.entries
        self.hit = self.store.policy.hit
        self._listener: asyncio.Server | None = None
        self._beat: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Server:
        loop = asyncio.get_running_loop()
        host, port = self.config.listen
        self._listener = await loop.create_server(lambda: Connection(self), host, port, backlog=_BACKLOG)
        await self.upstream.__aenter__()
        self._beat = asyncio.create_task(self._keep_beat())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop accepting, let answers under way end (up to a few seconds), close the rest."""
        assert self._listener is not None
        assert self._beat is not None
        self.is_draining = True
        self._listener.close()
        for connection in list(self.connections):
            connection.finish()
        await self._wait_for_answers()
        for connection in list(self.connections):
            connection.transport.abort()
        self._beat.cancel()
        await self.flights.close()
        await self.upstream.__aexit__(kind, error, trace)
        self.log.close()

    @property
    def address(self) -> Address:
        """Where it listens in truth; differs from the configuration where that asked for any port."""
        assert self._listener is not None, "not listening yet"
        return Address(*self._listener.sockets[0].getsockname()[:2])

    def purge(self, target: bytes) -> int:
        """Forget what is stored for a URL's path and query; returns how many responses that were."""
        return self.filler.purge(cache_key(origin_form(target)))

    def welcome(self, connection: Connection) -> bool:
        self.connections.add(connection)
        self.counters.connections += 1
        return len(self.connections) <= self.config.max_connections

    def farewell(self, connection: Connection) -> None:
        self.connections.discard(connection)
        if not self.connections:
            self._is_empty.set()

    async def _keep_beat(self) -> None:
        """Write the access log and look after idle, slow and half-spoken connections."""
        while True:
            await asyncio.sleep(_BEAT_S)
            self.log.flush()
            now_s = self.clock()
            for connection in list(self.connections):
                connection.beat(now_s)

    async def _wait_for_answers(self) -> None:
        self._is_empty.clear()
        if self.connections:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_empty.wait(), _DRAIN_S)
