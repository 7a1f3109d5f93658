"""The tier's threads: a few that read and write, and the clerk's, which does one thing after another."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Callable, Coroutine
from concurrent.futures import Future as ThreadFuture
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """Owns them, and the tasks and jobs that must end before they do."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, "disk")
        self._clerk = ThreadPoolExecutor(1, "disk-clerk")
        self._waited_for: set[Future[Any]] = set()

    def in_pool(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """A thread's work goes on when its caller is cancelled."""
        return self._watch(self._pool.submit(work, *args, **kwargs))

    def by_clerk(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Done after all that the clerk was told before."""
        return self._watch(self._clerk.submit(work, *args, **kwargs))

    def by_clerk_for_pool(
        self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> tuple[ThreadFuture[T], Future[T]]:
        """The clerk's work twice: for a thread of the pool to wait for, and for the loop."""
        job = self._clerk.submit(work, *args, **kwargs)
        return job, self._watch(job)

    def spawn(self, work: Coroutine[None, None, object]) -> None:
        self._keep(asyncio.create_task(work))

    async def settled(self) -> None:
        """Wait until all that has begun has ended."""
        while self._waited_for:
            await asyncio.wait(self._waited_for)

    def close(self) -> None:
        self._pool.shutdown()
        self._clerk.shutdown()

    def _watch(self, job: ThreadFuture[T]) -> Future[T]:
        watched = asyncio.wrap_future(job)
        self._keep(watched)
        shielded = asyncio.shield(watched)
        shielded.add_done_callback(_is_told)
        return shielded

    def _keep(self, job: Future[Any]) -> None:
        self._waited_for.add(job)
        job.add_done_callback(self._ended)

    def _ended(self, job: Future[Any]) -> None:
        self._waited_for.discard(job)
        _is_told(job)


def _is_told(job: Future[Any]) -> None:
    """Whoever waits is told of a failure; it may be nobody."""
    if not job.cancelled():
        job.exception()
