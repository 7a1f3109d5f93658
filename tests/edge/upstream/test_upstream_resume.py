"""A body that upstream cuts goes on by range, over real sockets: no byte twice, none missing, or a cut."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from edge.upstream.client import UpstreamError
from tests.edge.messages import date
from tests.edge.upstreams import before_the_cut, chunks, fetch, opened
from tests.edge.wire import PATIENCE_S, Asked, Clock, HangUp, Origin, so

pytestmark = pytest.mark.socket

BODY = random.Random(7).randbytes(100_000)
TAG = '"1"'


class Cutter:
    """Serves ranges of a body, and hangs up after some bytes of each answer while there are cuts left."""

    def __init__(self, clock: Clock, *cuts: int, body: bytes = BODY, **named: Any) -> None:
        self.cuts = list(cuts)
        self.body = body
        self.named = named or {"etag": TAG}
        self.origin = Origin(self, clock)
        self.change: Callable[[Cutter], None] | None = None  # made when the first cut has happened

    async def __call__(self, asked: Asked) -> AsyncIterator[bytes]:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.fields.get("range", ""))
        validators = (self.named.get("etag"), self.named.get("last_modified"))
        if wanted and asked.fields.get("if-range") in (None, *validators):
            first, last = int(wanted[1]), int(wanted[2] or len(self.body) - 1)
            content_range = f"bytes {first}-{last}/{len(self.body)}"
            answer = asked.reply(self.body[first : last + 1], 206, content_range=content_range, **self.named)
        else:
            answer = asked.reply(self.body, **self.named)
        if not self.cuts:
            yield answer
            return
        head_bytes = answer.index(b"\r\n\r\n") + 4
        yield answer[: head_bytes + self.cuts.pop(0)]
        if self.change is not None:
            self.change(self)
        raise HangUp

    @property
    def ranges(self) -> list[str | None]:
        return [asked.fields.get("range") for asked in self.origin.asked]


async def test_a_body_that_is_cut_goes_on_where_it_was_cut(clock: Clock) -> None:
    cutter = Cutter(clock, 40_000)
    async with cutter.origin, opened(clock, cutter.origin.url) as upstream:
        head, body = await fetch(upstream, accept="*/*", if_none_match='"0"')
        assert (head.status, head.content_length) == (200, len(BODY))
        assert body == BODY
        assert cutter.ranges == [None, "bytes=40000-99999"]
        asked = cutter.origin.asked[1].fields
        assert (asked["if-range"], asked["accept"], asked.get("if-none-match")) == (TAG, "*/*", None)
        assert (upstream.resumed, upstream.failures, upstream.received_bytes) == (1, 1, len(BODY))


async def test_it_goes_on_as_often_as_is_allowed(clock: Clock) -> None:
    cutter = Cutter(clock, 10_000, 10_000, 1)
    async with cutter.origin, opened(clock, cutter.origin.url, resume_tries=3) as upstream:
        assert (await fetch(upstream))[1] == BODY
        assert cutter.ranges == [None, "bytes=10000-99999", "bytes=20000-99999", "bytes=20001-99999"]


async def test_beyond_that_the_cut_is_the_clients_and_what_came_before_it_was_right(clock: Clock) -> None:
    cutter = Cutter(clock, 10_000, 10_000, 10_000)
    async with cutter.origin, opened(clock, cutter.origin.url, resume_tries=2) as upstream:
        assert await before_the_cut(upstream) == BODY[:30_000]
        assert len(cutter.origin.asked) == 3


async def test_each_continuation_costs_the_retry_budget(clock: Clock) -> None:
    cutter = Cutter(clock, 10_000, 10_000)
    settings = {"retry_floor": 1, "retry_ratio": 0}
    async with cutter.origin, opened(clock, cutter.origin.url, **settings) as upstream:
        with pytest.raises(UpstreamError, match="cut the body short"):
            await fetch(upstream)
        assert len(cutter.origin.asked) == 2
        assert upstream.budget.granted == 1


@pytest.mark.parametrize("cut", [0, 1, len(BODY) - 1])
async def test_the_cut_may_be_anywhere(clock: Clock, cut: int) -> None:
    cutter = Cutter(clock, cut)
    async with cutter.origin, opened(clock, cutter.origin.url) as upstream:
        assert (await fetch(upstream))[1] == BODY
        assert cutter.ranges[1] == f"bytes={cut}-99999"


async def test_cuts_at_random_places_never_change_a_byte(clock: Clock) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    for _ in range(6):
        cuts = [chance.choice((0, 1, chance.randrange(30_000))) for _ in range(3)]
        cutter = Cutter(clock, *cuts)
        async with cutter.origin, opened(clock, cutter.origin.url, breaker_failures=9) as upstream:
            assert (await fetch(upstream))[1] == BODY, f"seed {seed}, cuts {cuts}"


NOT_RESUMED = [
    pytest.param({"etag": 'W/"1"'}, id="weak-tag"),
    pytest.param({"x": "1"}, id="no-validator"),
    pytest.param({"last_modified": date(1_700_000_000)}, id="8.8.2.2-weak-date"),
]


@pytest.mark.parametrize("named", NOT_RESUMED)
async def test_without_a_strong_validator_a_cut_is_a_cut(clock: Clock, named: dict[str, Any]) -> None:
    cutter = Cutter(clock, 40_000, **named)
    async with cutter.origin, opened(clock, cutter.origin.url) as upstream:
        with pytest.raises(UpstreamError, match="cut the body short"):
            await fetch(upstream)
        assert len(cutter.origin.asked) == 1


async def test_a_strong_date_will_do(clock: Clock) -> None:
    modified = date(clock() - 3600)
    cutter = Cutter(clock, 40_000, last_modified=modified)
    async with cutter.origin, opened(clock, cutter.origin.url) as upstream:
        assert (await fetch(upstream))[1] == BODY
        assert cutter.origin.asked[1].fields["if-range"] == modified


async def test_a_date_is_no_ones_but_the_upstreams_that_gave_it(clock: Clock) -> None:
    modified = date(clock() - 3600)
    a, b = Cutter(clock, 40_000, last_modified=modified), Cutter(clock, last_modified=modified)
    async with a.origin, b.origin, opened(clock, a.origin.url, b.origin.url, breaker_failures=1) as upstream:
        with pytest.raises(UpstreamError, match="cut the body short"):
            await fetch(upstream)
        assert b.ranges == []


async def test_a_body_that_has_changed_meanwhile_is_a_cut(clock: Clock) -> None:
    def change(cutter: Cutter) -> None:
        cutter.named = {"etag": '"2"'}

    cutter = Cutter(clock, 40_000)
    cutter.change = change
    async with cutter.origin, opened(clock, cutter.origin.url) as upstream:
        with pytest.raises(UpstreamError, match="cut the body short"):
            await fetch(upstream)
        assert cutter.ranges == [None, "bytes=40000-99999"]
        assert upstream.resumed == 0


LIES = [  # what the second answer says
    pytest.param({"content_range": "bytes 39999-99999/100000", "etag": TAG}, id="too-early"),
    pytest.param({"content_range": "bytes 40001-99999/100000", "etag": TAG}, id="a-gap"),
    pytest.param({"content_range": "bytes 40000-99999/100001", "etag": TAG}, id="another-size"),
    pytest.param({"content_range": "bytes 40000-99999/100000", "etag": '"2"'}, id="another-tag"),
    pytest.param({"content_range": "bytes 40000-99999/100000"}, id="no-tag"),
    pytest.param({"etag": TAG}, id="no-range"),
]


@pytest.mark.parametrize("lie", LIES)
async def test_a_part_that_is_not_the_rest_is_not_taken_for_it(clock: Clock, lie: dict[str, Any]) -> None:
    async def lying(asked: Asked) -> AsyncIterator[bytes]:
        if "range" in asked.fields:
            yield asked.reply(b"x" * 60_000, 206, **lie)
            return
        yield asked.reply(BODY, etag=TAG)[:-60_000]
        raise HangUp

    origin = Origin(lying, clock)
    async with origin, opened(clock, origin.url) as upstream:
        assert await before_the_cut(upstream) == BODY[:40_000]


async def test_a_part_that_is_some_of_the_rest_is_taken_and_the_rest_asked_for(clock: Clock) -> None:
    async def miserly(asked: Asked) -> AsyncIterator[bytes]:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", asked.fields.get("range", ""))
        if wanted is None:
            yield asked.reply(BODY, etag=TAG)[:-60_000]
            raise HangUp
        first = int(wanted[1])
        last = min(int(wanted[2]), first + 29_999)
        content_range = f"bytes {first}-{last}/{len(BODY)}"
        yield asked.reply(BODY[first : last + 1], 206, content_range=content_range, etag=TAG)

    origin = Origin(miserly, clock)
    async with origin, opened(clock, origin.url) as upstream:
        assert (await fetch(upstream))[1] == BODY
        assert [asked.fields.get("range") for asked in origin.asked] == [
            None,
            "bytes=40000-99999",
            "bytes=70000-99999",
        ]


async def test_another_upstream_with_the_same_strong_tag_has_the_rest(clock: Clock) -> None:
    a, b = Cutter(clock, 40_000, 0, 0, 0, 0), Cutter(clock)
    async with a.origin, b.origin, opened(clock, a.origin.url, b.origin.url, breaker_failures=1) as upstream:
        assert (await fetch(upstream))[1] == BODY
        assert b.ranges == ["bytes=40000-99999"]


async def test_an_upstream_that_died_is_stood_in_for_in_the_middle_of_a_body(clock: Clock) -> None:
    has_begun = asyncio.Event()

    async def stalls(asked: Asked) -> AsyncIterator[bytes]:
        yield asked.reply(BODY, etag=TAG)[:-60_000]
        has_begun.set()
        await asked.reader.read()

    a, b = Origin(stalls, clock), Cutter(clock)
    async with a, b.origin, opened(clock, a.url, b.origin.url) as upstream, asyncio.timeout(PATIENCE_S):
        task = asyncio.create_task(fetch(upstream))
        await has_begun.wait()
        await so(lambda: upstream.received_bytes > 0)
        await a.die()
        assert (await task)[1] == BODY
        assert len(b.ranges) == 1


async def test_another_upstream_with_another_body_is_not_mixed_in(clock: Clock) -> None:
    a, b = Cutter(clock, 40_000), Cutter(clock, body=BODY[::-1], etag='"other"')
    async with a.origin, b.origin, opened(clock, a.origin.url, b.origin.url, breaker_failures=1) as upstream:
        with pytest.raises(UpstreamError, match="cut the body short"):
            await fetch(upstream)


async def test_a_body_that_stalls_goes_on_over_another_connection(clock: Clock) -> None:
    async def stalls(asked: Asked) -> AsyncIterator[bytes]:
        if "range" in asked.fields:
            content_range = f"bytes 40000-99999/{len(BODY)}"
            yield asked.reply(BODY[40_000:], 206, content_range=content_range, etag=TAG)
            return
        yield asked.reply(BODY, etag=TAG)[:-60_000]
        await asked.reader.read()

    origin = Origin(stalls, clock)
    async with origin, opened(clock, origin.url, read_timeout_s=0.1) as upstream:
        assert (await fetch(upstream))[1] == BODY


async def test_a_range_that_is_cut_goes_on_to_its_own_end(clock: Clock) -> None:
    cutter = Cutter(clock, 1_000)
    async with cutter.origin, opened(clock, cutter.origin.url) as upstream:
        head, body = await fetch(upstream, range="bytes=20000-29999")
        assert (head.status, head.field(b"content-range")) == (206, b"bytes 20000-29999/100000")
        assert body == BODY[20_000:30_000]
        assert cutter.ranges == ["bytes=20000-29999", "bytes=21000-29999"]


async def test_a_request_with_a_body_is_not_made_again(clock: Clock) -> None:
    cutter = Cutter(clock, 40_000)
    async with cutter.origin, opened(clock, cutter.origin.url) as upstream:
        with pytest.raises(UpstreamError, match="cut the body short"):
            await fetch(upstream, body=chunks(b"what is wanted"))
        assert len(cutter.origin.asked) == 1


async def test_a_reader_who_leaves_while_it_is_resumed_leaves_nothing_behind(clock: Clock) -> None:
    may_answer = asyncio.Event()

    async def slowly(asked: Asked) -> AsyncIterator[bytes]:
        if "range" in asked.fields:
            await may_answer.wait()
        yield asked.reply(BODY, etag=TAG)[:-60_000]
        raise HangUp

    origin = Origin(slowly, clock)
    async with origin, opened(clock, origin.url) as upstream:
        task = asyncio.create_task(fetch(upstream))
        await so(lambda: len(origin.asked) == 2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        may_answer.set()
        assert task.cancelled()


async def test_a_part_that_does_not_end_where_it_said_is_cut_there(clock: Clock) -> None:
    async def endless(asked: Asked) -> AsyncIterator[bytes]:
        if "range" not in asked.fields:
            yield asked.reply(BODY, etag=TAG)[:-60_000]
            raise HangUp
        content_range = f"bytes 40000-99999/{len(BODY)}"
        yield asked.reply(status=206, transfer_encoding="chunked", content_range=content_range, etag=TAG)
        for position in range(40_000, 110_000, 10_000):
            yield b"2710\r\n" + (BODY + BODY)[position : position + 10_000] + b"\r\n"
        yield b"0\r\n\r\n"

    origin = Origin(endless, clock)
    async with origin, opened(clock, origin.url) as upstream:
        got = await before_the_cut(upstream)
        assert got == BODY[: len(got)], "not a byte beyond the end"
