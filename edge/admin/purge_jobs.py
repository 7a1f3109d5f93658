"""Purge jobs: batches too large for one answer, carried out one after the other behind the admin plane.

Jobs live in memory: an edge that ends forgets them, and what it had stored with them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum
from hashlib import sha256

from structlog.typing import FilteringBoundLogger

from edge.admin.purge_input import Batch
from edge.pace import paced
from edge.purging import Plan, Progress, Purger

_MOST_WAITING = 16
_MOST_REMEMBERED = 64


class JobState(Enum):
    """The words of status and metrics."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"  # what was purged by then stays purged
    FAILED = "failed"

    @property
    def has_ended(self) -> bool:
        return self not in (JobState.QUEUED, JobState.RUNNING)


class TooManyJobsError(Exception):
    """Enough jobs wait already."""


class Job:
    """One batch on its way."""

    def __init__(self, name: str, batch: Batch, now_s: float) -> None:
        self.name = name
        self.state = JobState.QUEUED
        self.progress = Progress()
        self.total = batch.entries
        self.wrong = batch.wrong
        self.told_wrong = batch.told
        self.begun_s = now_s
        self.ended_s: float | None = None
        self.plan: Plan | None = batch.plan  # until it is carried out
        self._distinct = len(batch.plan)

    @property
    def done(self) -> int:
        """Entries that are dealt with: those that are wrong, or say what others say, are from the start."""
        return self.total - self._distinct + self.progress.done

    def told(self) -> dict[str, object]:
        return {
            "id": self.name,
            "href": f"/purge/jobs/{self.name}",
            "state": self.state.value,
            "total": self.total,
            "done": self.done,
            "purged": self.progress.purged,
            "wrong": self.wrong,
            "errors": self.told_wrong,
            "begun_s": round(self.begun_s, 3),
            "ended_s": None if self.ended_s is None else round(self.ended_s, 3),
        }


class Jobs:
    """All jobs of an edge: one runs, others wait, and the latest that ended are remembered."""

    def __init__(self, purger: Purger, clock: Callable[[], float], logger: FilteringBoundLogger) -> None:
        self._purger = purger
        self._clock = clock
        self._logger = logger
        self._jobs: dict[str, Job] = {}
        self._runner: asyncio.Task[None] | None = None
        self._running: tuple[Job, asyncio.Task[None]] | None = None
        self.ended: dict[JobState, int] = dict.fromkeys(JobState, 0)

    def begin(self, batch: Batch, digest: bytes) -> Job:
        """Take `batch` in; it runs when those before it have ended. Raises TooManyJobsError."""
        if sum(not job.state.has_ended for job in self._jobs.values()) > _MOST_WAITING:
            raise TooManyJobsError
        job = Job(self._name(digest), batch, self._clock())
        self._jobs[job.name] = job
        for old in [each for each in self._jobs.values() if each.state.has_ended][:-_MOST_REMEMBERED]:
            del self._jobs[old.name]
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        return job

    def get(self, name: str) -> Job | None:
        return self._jobs.get(name)

    def recent(self) -> list[Job]:
        """The latest first."""
        return list(self._jobs.values())[::-1]

    def counted(self) -> dict[JobState, int]:
        """Jobs by state: those that wait and run now, and all that have ended so."""
        now = [job.state for job in self._jobs.values() if not job.state.has_ended]
        return {state: self.ended[state] + now.count(state) for state in JobState}

    def cancel(self, job: Job) -> None:
        """Let a job go no further; nothing happens to one that has ended."""
        if self._running is not None and self._running[0] is job:
            self._running[1].cancel()
        if not job.state.has_ended:
            self._end(job, JobState.CANCELLED)

    async def close(self) -> None:
        for job in list(self._jobs.values()):
            self.cancel(job)
        if self._runner is not None:
            await self._runner

    async def _run(self) -> None:
        """One job after the other, until none waits."""
        while job := next((job for job in self._jobs.values() if job.state is JobState.QUEUED), None):
            work = asyncio.create_task(self._carry_out(job))
            self._running = job, work
            await asyncio.wait([work])
            self._running = None

    async def _carry_out(self, job: Job) -> None:
        assert job.plan is not None, "a job has a plan until it has ended"
        job.state = JobState.RUNNING
        try:
            await paced(self._purger.steps(job.plan, job.progress))
            self._end(job, JobState.DONE)
        except Exception:
            self._logger.exception("purge job failed", job=job.name)
            self._end(job, JobState.FAILED)

    def _end(self, job: Job, state: JobState) -> None:
        job.state, job.ended_s, job.plan = state, self._clock(), None
        self.ended[state] += 1

    def _name(self, digest: bytes) -> str:
        """Made of what is wanted, so that several workers that are told the same call it the same."""
        name = sha256(digest).hexdigest()[:16]
        number = 1
        while (job := self._jobs.get(name if number == 1 else f"{name}-{number}")) is not None:
            if job.state.has_ended:
                del self._jobs[job.name]
                return job.name
            number += 1
        return name if number == 1 else f"{name}-{number}"
