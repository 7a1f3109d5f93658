"""Several workers as one edge: starts them on one port, starts again what dies, and is their admin plane.

The kernel spreads connections over the workers (SO_REUSEPORT). A request to the admin plane goes to each of
them over a Unix socket, and their answers come back as one.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from multiprocessing.context import SpawnProcess
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import web
from structlog.typing import FilteringBoundLogger

from edge.admin.crew import build_app
from edge.config import EdgeConfig
from edge.reload import Settings, applied, check, reason_of
from edge.workers.team import Post
from service import log
from service.config import ConfigError
from service.log import get_logger
from service.run import run
from service.units import Address

Work = Callable[[EdgeConfig, Post], None]

_RESTART_PAUSE_S = 0.5
_STARTING_S = 20.0
_POLL_S = 0.05
_STOPPING_S = 10.0  # past the time that a worker gives its transfers


class Supervisor:
    """The workers of one edge. Each is a process of its own that runs `work`."""

    def __init__(self, config: EdgeConfig, count: int, work: Work, folder: Path) -> None:
        self._work = work
        self._context = multiprocessing.get_context("spawn")
        self._config = config
        self._logger = get_logger(config.name)
        self.posts = [Post(index, count, folder) for index in range(count)]
        self._processes: list[SpawnProcess] = []
        self._is_stopping = False

    async def start(self) -> None:
        """Returns when every worker serves. Raises OSError if one cannot."""
        self._processes = [self._start_one(post) for post in self.posts]
        async with asyncio.timeout(_STARTING_S):
            while not all(post.admin_socket(post.index).exists() for post in self.posts):
                if any(process.exitcode is not None for process in self._processes):
                    raise OSError(f"a worker cannot serve {self._config.listen}; the line before says why")
                await asyncio.sleep(_POLL_S)

    def _start_one(self, post: Post) -> SpawnProcess:
        for path in (post.socket(post.index), post.admin_socket(post.index)):
            path.unlink(missing_ok=True)  # of a worker that was killed
        process = self._context.Process(target=self._work, args=(self._config, post), daemon=True)
        process.start()
        return process

    async def watch(self) -> None:
        """Start a worker again that died. Ends when it is cancelled."""
        while True:
            await asyncio.sleep(_RESTART_PAUSE_S)
            for post, process in zip(self.posts, list(self._processes), strict=True):
                if process.exitcode is not None and not self._is_stopping:
                    self._logger.error(
                        "a worker died and is started again", worker=post.index, code=process.exitcode
                    )
                    self._processes[post.index] = self._start_one(post)

    def signal(self, number: signal.Signals) -> None:
        for process in self._processes:
            if process.pid is not None and process.exitcode is None:
                os.kill(process.pid, number)

    def reload(self, settings: Settings) -> None:
        """Read the configuration again, for workers still to come, and have each of the others do so."""
        try:
            wanted = settings.read()
            config = applied(self._config, wanted)
            check(config)
        except (ConfigError, OSError) as error:
            self._logger.error("configuration kept as it was", reason=reason_of(error))
        else:
            self._config = config
            said = settings.accept(wanted)
            self._logger.info("configuration reloaded", **said)
        self.signal(signal.SIGHUP)

    async def stop(self) -> None:
        """Let the workers finish what is under way; end those that take too long."""
        self._is_stopping = True
        self.signal(signal.SIGTERM)
        longest_s = self._config.drain_delay_s + self._config.drain_timeout_s + _STOPPING_S
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(longest_s):
                    while any(process.exitcode is None for process in self._processes):  # noqa: ASYNC110
                        await asyncio.sleep(_POLL_S)
        finally:  # also where a second signal has no patience
            for process in self._processes:
                process.kill()
                process.join()


def supervise(settings: Settings, work: Work) -> None:
    """Run the workers of `settings` until a signal. Raises OSError if they cannot serve, and ConfigError."""
    config = settings.now
    check(config)

    async def session(stop: asyncio.Event) -> None:
        with TemporaryDirectory(prefix="penstock-edge-") as folder, _reserved(config) as shared:
            supervisor = Supervisor(shared, config.workers, work, Path(folder))
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, supervisor.reload, settings)
            runner = web.AppRunner(build_app(supervisor.posts), access_log=None)
            try:
                await supervisor.start()
                await runner.setup()
                admin = config.admin and await open_site(runner, config.admin)
                tell(get_logger(config.name), config, shared.listen, shared.tls_listen, admin)
                watch = asyncio.create_task(supervisor.watch())
                await stop.wait()
                watch.cancel()
            finally:
                await supervisor.stop()
                await runner.cleanup()

    log.configure(config.log_level)
    run(session)


@contextmanager
def _reserved(config: EdgeConfig) -> Iterator[EdgeConfig]:
    """The configuration for each worker, with ports that are theirs: held, but not listened on, from here."""
    with ExitStack() as stack:

        def hold(where: Address) -> Address:
            holder = stack.enter_context(socket.socket())
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            holder.bind((where.host, where.port))
            return Address(*holder.getsockname()[:2])

        tls = None if config.tls_listen is None else hold(config.tls_listen)
        yield replace(
            config,
            listen=hold(config.listen),
            tls_listen=tls,
            admin=None,
            ram=config.ram // config.workers,
            workers=1,
        )


async def open_site(runner: web.AppRunner, where: Address) -> Address:
    """Start an admin plane that is set up; returns its address."""
    await web.TCPSite(runner, where.host, where.port).start()
    return Address(*runner.addresses[0][:2])


def tell(
    logger: FilteringBoundLogger,
    config: EdgeConfig,
    listen: Address,
    tls: Address | None,
    admin: Address | None,
) -> None:
    """The one line that says where the edge accepts connections."""
    logger.info(
        "listening",
        address=str(listen),
        tls=str(tls or ""),
        admin=str(admin or ""),
        upstream=", ".join(place.label for place in config.upstreams),
        workers=config.workers,
    )
