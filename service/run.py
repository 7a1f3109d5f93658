"""Run a service on uvloop until a signal ends it: the door to uvloop and to signals."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Collection
from types import FrameType
from typing import Any

import uvloop

Main = Callable[[asyncio.Event], Awaitable[None]]


def run(main: Main, on_reload: Callable[[], None] | None = None) -> None:
    """Run `main(stop)`; SIGTERM and SIGINT set `stop`, SIGHUP calls `on_reload`. Returns when `main` does."""

    async def supervised() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        if on_reload is not None:
            loop.add_signal_handler(signal.SIGHUP, on_reload)
        await main(stop)

    uvloop.run(supervised())


async def all_until(stop: asyncio.Event, tasks: Collection[asyncio.Task[Any]]) -> None:
    """Wait until all `tasks` have ended; once `stop` is set, cancel those that have not."""
    stopped = asyncio.create_task(stop.wait())
    stopped.add_done_callback(lambda _: [task.cancel() for task in tasks])
    await asyncio.wait(tasks)
    stopped.cancel()


def leave_on_sigterm() -> None:
    """Let SIGTERM end the process by an exception, so that what is under way is cleaned up on the way out."""

    def leave(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)
