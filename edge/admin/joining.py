"""What several workers say to one request of an operator, as one answer. Core of `crew`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_SLOWEST_FIRST = ("running", "queued", "failed", "cancelled", "done")  # what the worst of them is, all are


def joined(method: str, path: str, told: Sequence[Any]) -> Any:
    """What all of them told, none an error, in the order of the workers."""
    if path.startswith("/debug/"):
        return {"workers": list(told)}
    if path == "/purge/jobs" and method != "POST":
        return jobs(told)
    return job(told) if path.startswith("/purge/jobs") else counted(told)


def counted(told: Sequence[Any]) -> Any:
    """One object for several: equal values once, numbers added, the rest by worker."""
    first = told[0]
    if len(told) == 1 or not all(isinstance(one, dict) and one.keys() == first.keys() for one in told):
        return {"workers": list(told)}
    return {key: _one_of([one[key] for one in told]) for key in first}


def _one_of(values: list[Any]) -> Any:
    if all(type(value) is int for value in values):
        return sum(values)
    if all(value == values[0] for value in values):
        return values[0]
    return values


def job(told: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A purge job that each worker carries out: it is as far as the last of them."""
    states = {one["state"] for one in told}
    ends_s = [one["ended_s"] for one in told]
    has_begun = len(states) > 1 and not states.isdisjoint(("queued", "running"))
    return {
        **told[0],
        "state": "running" if has_begun else next(state for state in _SLOWEST_FIRST if state in states),
        "done": min(one["done"] for one in told),
        "purged": sum(one["purged"] for one in told),
        "begun_s": min(one["begun_s"] for one in told),
        "ended_s": None if None in ends_s else max(ends_s),
    }


def jobs(told: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The jobs that any worker knows, the latest first; one that began anew knows fewer."""
    by_id: dict[str, list[dict[str, Any]]] = {}
    for one in told:
        for each in one["jobs"]:
            by_id.setdefault(each["id"], []).append(each)
    found = [job(each) for each in by_id.values()]
    return {"jobs": sorted(found, key=lambda each: float(each["begun_s"]), reverse=True)}
