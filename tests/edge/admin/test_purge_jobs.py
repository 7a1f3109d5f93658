"""Purge jobs: one after the other, bounded, cancelled, remembered for a while."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from edge.admin.purge_input import Batch
from edge.admin.purge_jobs import Job, Jobs, JobState, TooManyJobsError
from edge.eviction import POLICIES
from edge.flights import Flights
from edge.key import KeyRules
from edge.purging import Purger
from edge.store import Store
from service.log import get_logger
from tests.edge.messages import NOW_S, request, stored
from tests.edge.wire import so


class Desk:
    """Jobs over a store that holds /0 to /9."""

    def __init__(self) -> None:
        self.store = Store(POLICIES["lru"](2**20))
        for number in range(10):
            target = f"/{number}"
            self.store.keep(request(target), stored(cache_control="max-age=60", key=target.encode()))
        purger = Purger(self.store, Flights(2**20, 0.25), lambda: NOW_S)
        self.jobs = Jobs(purger, lambda: NOW_S, get_logger("desk"))

    def begin(self, *lines: str) -> Job:
        batch = Batch(KeyRules())
        body = "".join(f"{line}\n" for line in lines).encode()
        for _ in batch.feed(body):
            pass
        return self.jobs.begin(batch, body)


async def ended(job: Job) -> None:
    await so(lambda: job.state.has_ended)


async def test_jobs_run_in_the_order_in_which_they_came() -> None:
    desk = Desk()
    first, second = desk.begin("/0", "/1"), desk.begin("/1", "/2")
    assert (first.state, second.state) == (JobState.QUEUED, JobState.QUEUED)
    await ended(second)
    assert [(job.state, job.progress.purged) for job in (first, second)] == [
        (JobState.DONE, 2),
        (JobState.DONE, 1),
    ]
    assert desk.jobs.recent() == [second, first]


async def test_a_job_that_is_cancelled_before_its_turn_purges_nothing_and_the_others_go_on() -> None:
    desk = Desk()
    jobs = [desk.begin(f"/{number}") for number in range(3)]
    desk.jobs.cancel(jobs[0])
    desk.jobs.cancel(jobs[1])
    await ended(jobs[2])
    assert [job.state for job in jobs] == [JobState.CANCELLED, JobState.CANCELLED, JobState.DONE]
    assert len(desk.store) == 9


async def test_a_job_that_is_cancelled_on_its_way_goes_no_further() -> None:
    desk = Desk()
    job = desk.begin(*(f"/{number}" for number in range(10)), *(f"/v/{number}" for number in range(50_000)))
    await asyncio.sleep(0)  # the queue sees it,
    await asyncio.sleep(0)  # and it has begun
    assert job.state is JobState.RUNNING
    desk.jobs.cancel(job)
    purged = job.progress.purged
    await desk.jobs.close()
    assert (job.state, job.progress.purged) == (JobState.CANCELLED, purged)
    assert job.done < job.total


async def test_a_job_that_has_ended_cannot_be_cancelled() -> None:
    desk = Desk()
    job = desk.begin("/0")
    await ended(job)
    desk.jobs.cancel(job)
    assert job.state is JobState.DONE
    assert desk.jobs.counted()[JobState.CANCELLED] == 0


async def test_only_so_many_jobs_wait_and_only_so_many_are_remembered() -> None:
    desk = Desk()
    waiting = 17
    for number in range(waiting):
        desk.begin(f"/w/{number}")
    with pytest.raises(TooManyJobsError):
        desk.begin("/one-more")
    for number in range(100):
        await ended(desk.jobs.recent()[0])
        desk.begin(f"/z/{number}")
    assert len(desk.jobs.recent()) == 65
    assert desk.jobs.counted()[JobState.DONE] == waiting + 99
    await desk.jobs.close()


async def test_the_same_batch_has_the_same_name_unless_both_are_on_their_way() -> None:
    desk = Desk()
    one, other = desk.begin("/0"), desk.begin("/0")
    assert other.name == f"{one.name}-2"
    await ended(other)
    again = desk.begin("/0")
    assert again.name == one.name
    assert desk.jobs.get(one.name) is again
    await desk.jobs.close()


async def test_a_job_that_fails_is_told_so_and_the_next_one_runs() -> None:
    desk = Desk()
    with capture_logs() as events:
        broken, sound = desk.begin("/0"), desk.begin("/1")
        assert broken.plan is not None
        broken.plan.urls[None] = True  # type: ignore[index]
        await ended(sound)
    assert (broken.state, sound.state) == (JobState.FAILED, JobState.DONE)
    assert [event["event"] for event in events] == ["purge job failed"]
    assert desk.jobs.counted()[JobState.FAILED] == 1


async def test_closing_ends_all_jobs() -> None:
    desk = Desk()
    jobs = [desk.begin(f"/{number}") for number in range(3)]
    await desk.jobs.close()
    assert {job.state for job in jobs} == {JobState.CANCELLED}
    assert len(desk.store) == 10
