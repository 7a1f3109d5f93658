"""The answers of several workers as one."""

from __future__ import annotations

from typing import Any

import pytest

from edge.admin.joining import joined

COUNTS = [  # what each tells, what all tell
    pytest.param(
        [{"url": "/x", "purged": 2}, {"url": "/x", "purged": 1}], {"url": "/x", "purged": 3}, id="purge"
    ),
    pytest.param([{"status": "ok"}, {"status": "ok"}], {"status": "ok"}, id="health"),
    pytest.param([{"a": 1}, {"b": 1}], {"workers": [{"a": 1}, {"b": 1}]}, id="of-two-kinds"),
]


@pytest.mark.parametrize(("told", "expected"), COUNTS)
def test_what_is_counted_is_added_up(told: list[Any], expected: Any) -> None:
    assert joined("POST", "/purge", told) == expected


def of_job(state: str, done: int, begun_s: float = 1.0, name: str = "j") -> dict[str, Any]:
    ended_s = None if state in ("queued", "running") else begun_s + 1
    known = {"id": name, "href": f"/purge/jobs/{name}", "total": 9, "wrong": 1, "errors": ["line 3: no"]}
    return known | {"state": state, "done": done, "purged": done, "begun_s": begun_s, "ended_s": ended_s}


STATES = [  # of the workers, of the job
    pytest.param("queued", "queued", "queued", id="none-has-begun"),
    pytest.param("running", "queued", "running", id="one-has-begun"),
    pytest.param("queued", "done", "running", id="one-is-through"),
    pytest.param("done", "running", "running", id="one-is-not-through"),
    pytest.param("done", "done", "done", id="all-are"),
    pytest.param("done", "cancelled", "cancelled", id="one-was-stopped"),
    pytest.param("failed", "cancelled", "failed", id="one-failed"),
]


@pytest.mark.parametrize(("one", "other", "expected"), STATES)
def test_a_job_is_where_its_slowest_worker_is(one: str, other: str, expected: str) -> None:
    told = [of_job(one, 9, 1.0), of_job(other, 4, 2.0)]
    is_over = expected not in ("queued", "running")
    assert joined("GET", "/purge/jobs/j", told) == of_job(one, 9) | {
        "state": expected,
        "done": 4,
        "purged": 13,
        "begun_s": 1.0,
        "ended_s": 3.0 if is_over else None,
    }


def test_jobs_are_listed_once_the_latest_first_also_those_that_one_worker_knows() -> None:
    told = [
        {"jobs": [of_job("done", 9, 5.0, "b"), of_job("done", 9, 1.0, "a")]},
        {"jobs": [of_job("done", 9, 5.0, "b")]},
    ]
    listed = joined("GET", "/purge/jobs", told)["jobs"]
    assert [(each["id"], each["purged"]) for each in listed] == [("b", 18), ("a", 9)]


def test_what_is_known_of_a_key_stays_that_of_each_worker() -> None:
    assert joined("GET", "/debug/keys", [{"key": "/x"}, {"key": "/x"}]) == {"workers": [{"key": "/x"}] * 2}
