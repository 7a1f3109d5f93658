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
    """Run `main(stop)`; SIGTERM and SIGINT set `stop`, SIGHUP calls `on_reload`. Returns when `main` does.

    The same signal again cancels `main`: whoever sends it does not want to wait for what is under way. The
    other one does not: at a terminal a service may get SIGINT, and SIGTERM from whoever it works for.
    """

    async def supervised() -> None:
        stop, seen = asyncio.Event(), set[int]()
        loop = asyncio.get_running_loop()
        work = asyncio.ensure_future(main(stop))

        def end(number: int) -> None:
            if number in seen:
                work.cancel()
            seen.add(number)
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, end, number)
        if on_reload is not None:
            loop.add_signal_handler(signal.SIGHUP, on_reload)
        try:
            await work
        except asyncio.CancelledError:
            if not stop.is_set():
                raise

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
