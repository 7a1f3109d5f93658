"""Why something is stored, or not, until when, and where: what an operator asks of a cache.

Read-only; times are wall-clock seconds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import islice

from edge.filling import Filler
from edge.flights import Flight
from edge.freshness import freshness_lifetime_s, grace_s, may_be_stale
from edge.message import ResponseHead
from edge.purging import batches
from edge.slices import Sliced, SlicedHead
from edge.stored import StoredResponse

_A_STEP = 512
_ROUNDING_S = 0.001


def explained(
    filler: Filler, key: bytes, now_s: float, limit: int, on_disk: StoredResponse | Sliced | None = None
) -> dict[str, object]:
    """All that is known of one cache key, `limit` variants at most; `on_disk` is what only the disk has."""
    found = filler.store.stored_for(key)
    if on_disk is not None and not found:
        found = [on_disk]
    flights = filler.flights.of_key(key)
    passed = filler.passed.why(key) or filler.large.why(key)
    return {
        "key": _text(key),
        "now_s": round(now_s, 3),
        "verdict": _verdict(found, flights, passed, now_s),
        "stored": [_stored(each, now_s) for each in found[:limit]],
        "has_more": len(found) > limit,
        "flights": [_flight(each) for each in flights[:limit]],
        "not_shared": _remembered(passed),
        "not_sliced": _remembered(filler.unsliced.why(key)),
    }


class Listing:
    """Keys that begin with `prefix` and have something stored, in no order, found in steps."""

    def __init__(self, filler: Filler, prefix: bytes, now_s: float, limit: int) -> None:
        self._store = filler.store
        self._prefix = prefix
        self._now_s = now_s
        self._limit = limit
        self.has_more = False
        self.rows: list[dict[str, object]] = []

    def steps(self) -> Iterator[None]:
        for some in batches(self._store.keys_now(), _A_STEP):
            for key in some:
                if key.startswith(self._prefix):
                    if len(self.rows) >= self._limit:
                        self.has_more = True
                        return
                    self.rows.extend(self._row(each) for each in islice(self._store.stored_for(key), 1))
            yield

    async def add(self, on_disk: AsyncIterator[StoredResponse | Sliced]) -> None:
        """What is only on disk, as far as there is room for it."""
        async for found in on_disk:
            key = (found.stored if isinstance(found, Sliced) else found).key
            if self._store.stored_for(key):  # it is in RAM, too
                continue
            if len(self.rows) >= self._limit:
                self.has_more = True
                return
            self.rows.append(self._row(found))

    def _row(self, found: StoredResponse | Sliced) -> dict[str, object]:
        head = found.stored if isinstance(found, Sliced) else found
        key, variant = _named(head.key)
        return {
            "key": key,
            "variant": variant,
            "status": head.status,
            "bytes": _bytes(found),
            "tier": _tier(found),
            "ttl_s": round(head.fresh_until_s - self._now_s, 3),
        }


def _verdict(
    found: list[StoredResponse | Sliced],
    flights: list[Flight],
    passed: tuple[float, str] | None,
    now_s: float,
) -> str:
    """The answer in one sentence."""
    if not found:
        if passed is not None:
            return f"not stored, and not shared for another {passed[0] - now_s:.0f} s: {passed[1]}"
        return "not stored; on its way" if flights else "not stored; nothing is known of it"
    heads = [each.stored if isinstance(each, Sliced) else each for each in found]
    fresh = [head for head in heads if now_s < head.serve_until_s]
    if fresh:
        left_s = max(head.serve_until_s for head in fresh) - now_s
        return f"stored; {len(fresh)} of {len(heads)} variants fresh, the longest for another {left_s:.0f} s"
    if any("no-cache" in head.control for head in heads):
        return "stored; validated before each use, because the response says no-cache"
    if any(now_s < head.serve_until_s + _grace_s(head) for head in heads):
        return "stored; stale, and served at once while it is validated (stale-while-revalidate)"
    return "stored; stale, and validated before its next use"


def _grace_s(head: StoredResponse) -> float:
    return grace_s(head.control, "stale-while-revalidate")


def _stored(found: StoredResponse | Sliced, now_s: float) -> dict[str, object]:
    head = found.stored if isinstance(found, Sliced) else found
    control = head.control
    lifetime_s = freshness_lifetime_s(
        ResponseHead(head.status, head.fields, head.received_s, head.received_s), control
    )
    whole: dict[str, object] = {
        "variant": _named(head.key)[1],
        "status": head.status,
        "tier": _tier(found),
        "bytes": _bytes(found),
        "received_s": round(head.received_s, 3),
        "age_s": head.age_s(now_s),
        "lifetime_s": lifetime_s,
        "fresh_until_s": round(head.fresh_until_s, 3),
        "ttl_s": round(head.fresh_until_s - now_s, 3),
        "was_expired": head.fresh_until_s < head.born_s + lifetime_s - _ROUNDING_S,  # by a soft purge
        "stale_while_revalidate_until_s": round(head.serve_until_s + _grace_s(head), 3),
        "stale_if_error_until_s": round(head.serve_until_s + grace_s(control, "stale-if-error"), 3),
        "may_be_stale_without_upstream": may_be_stale(control),
        "decided_by": _decided_by(head),
        "directives": control.directives,
        "etag": None if head.etag is None else _text(head.etag),
        "last_modified": None if head.modified is None else _text(head.modified),
        "groups": sorted(map(_text, head.groups)),
    }
    if isinstance(found, Sliced):
        parts = [[span.first, span.last] for span in found.spans()]
        whole |= {"total_bytes": found.total_bytes, "parts": parts}
    return whole


def _decided_by(head: StoredResponse) -> str:
    """Which field gave the lifetime (RFC 9111, 4.2.1; RFC 9213, 2.2)."""
    control = head.control
    if control.is_targeted:
        return "CDN-Cache-Control"
    if "s-maxage" in control or "max-age" in control:
        return "Cache-Control"
    if any(name == b"expires" for name, _ in head.fields):
        return "Expires"
    return "a guess from Last-Modified" if head.modified is not None else "nothing: it has no lifetime"


def _flight(flight: Flight) -> dict[str, object]:
    return {
        "has_head": flight.head is not None,
        "come_bytes": flight.come_bytes,
        "viewers": flight.viewers,
        "is_shared": flight.may_join,
    }


def _remembered(why: tuple[float, str] | None) -> dict[str, object] | None:
    return None if why is None else {"until_s": round(why[0], 3), "why": why[1]}


def _tier(found: StoredResponse | Sliced) -> str:
    if isinstance(found, Sliced):
        return "disk-parts" if found.elsewhere or isinstance(found.stored, SlicedHead) else "parts"
    return _text(found.tier)


def _bytes(found: StoredResponse | Sliced) -> int:
    """Of the body, as far as it is stored."""
    if isinstance(found, Sliced):
        return sum(span.size_bytes for span in found.spans())
    return found.body_bytes


def _named(key: bytes) -> tuple[str, dict[str, str | None]]:
    """A key and the request fields that choose the variant; None for one that must be absent."""
    primary, *selecting = key.split(b"\n")
    pairs = [field.partition(b":") for field in selecting]
    return _text(primary), {_text(name): None if value == b"\0" else _text(value) for name, _, value in pairs}


def _text(data: bytes) -> str:
    return data.decode("latin-1")
