"""Several upstreams over real sockets: who is asked, who stands in, and when nobody is asked at all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from structlog.testing import capture_logs

from edge.upstream.breaker import Circuit
from edge.upstream.client import UpstreamError
from edge.upstream.place import parse_place
from edge.upstream.rendezvous import ranked
from tests.edge.upstreams import chunks, fetch, opened
from tests.edge.wire import PATIENCE_S, Asked, Clock, HangUp, Origin, so

pytestmark = pytest.mark.socket

NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens there


class Switch:
    """An origin that answers with its name, or fails as it is told to."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name.encode()
        self.is_failing = False
        self.origin = Origin(self, clock)

    async def __call__(self, asked: Asked) -> AsyncIterator[bytes]:
        if self.is_failing:
            raise HangUp
        yield asked.reply(self.name)

    @property
    def asked(self) -> int:
        return len(self.origin.asked)


class Busy:
    """An origin that answers with one status until it is told otherwise."""

    def __init__(self, clock: Clock, status: int, **named: Any) -> None:
        self.status = status
        self.named = named
        self.origin = Origin(lambda asked: asked.reply(b"busy", self.status, **self.named), clock)


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with capture_logs() as events:
        yield events


async def test_the_first_is_asked_while_it_is_well(clock: Clock) -> None:
    a, b = Switch("a", clock), Switch("b", clock)
    async with a.origin, b.origin, opened(clock, a.origin.url, b.origin.url) as upstream:
        assert [(await fetch(upstream, f"/{number}"))[1] for number in range(5)] == [b"a"] * 5
        assert b.asked == 0


async def test_the_next_stands_in_for_one_that_cannot_be_reached(clock: Clock) -> None:
    b = Switch("b", clock)
    async with b.origin, opened(clock, NOBODY, b.origin.url, retry_floor=0, retry_ratio=0) as upstream:
        assert [(await fetch(upstream))[1] for _ in range(8)] == [b"b"] * 8, "and it costs no budget"
        assert [peer.requests for peer in upstream.peers] == [5, 8], "the first is left alone after five"
        assert [peer.failures for peer in upstream.peers] == [5, 0]


async def test_even_an_upload_goes_to_the_next_where_nothing_was_sent(clock: Clock) -> None:
    origin = Origin(lambda asked: asked.reply(asked.body), clock)
    async with origin, opened(clock, NOBODY, origin.url) as upstream:
        assert (await fetch(upstream, "/x", "POST", body=chunks(b"ab", b"cd")))[1] == b"abcd"


async def test_an_upload_that_was_begun_is_sent_to_nobody_else(clock: Clock) -> None:
    a, b = Switch("a", clock), Switch("b", clock)
    a.is_failing = True
    async with a.origin, b.origin, opened(clock, a.origin.url, b.origin.url) as upstream:
        with pytest.raises(UpstreamError, match="closed the connection"):
            await fetch(upstream, "/x", "PUT", body=chunks(b"ab"))
        assert (a.asked, b.asked) == (1, 0)


async def test_one_that_breaks_off_is_not_asked_twice_while_there_is_another(clock: Clock) -> None:
    a, b = Switch("a", clock), Switch("b", clock)
    a.is_failing = True
    async with a.origin, b.origin, opened(clock, a.origin.url, b.origin.url) as upstream:
        assert (await fetch(upstream))[1] == b"b"
        assert (a.asked, b.asked) == (1, 1)


async def test_a_kept_connection_that_was_closed_is_no_reason_to_ask_another(clock: Clock) -> None:
    seen: set[int] = set()

    async def once_a_connection(asked: Asked) -> AsyncIterator[bytes]:
        if id(asked.reader) in seen:
            raise HangUp
        seen.add(id(asked.reader))
        yield asked.reply(b"a")

    a, b = Origin(once_a_connection, clock), Switch("b", clock)
    async with a, b.origin, opened(clock, a.url, b.origin.url) as upstream:
        assert [(await fetch(upstream))[1] for _ in range(2)] == [b"a"] * 2
        assert b.asked == 0


async def test_one_that_is_silent_is_waited_for_once_and_then_another_is_asked(clock: Clock) -> None:
    async def silent(asked: Asked) -> AsyncIterator[bytes]:
        await asked.reader.read()
        yield b""

    a, b = Origin(silent, clock), Switch("b", clock)
    async with a, b.origin, opened(clock, a.url, b.origin.url, first_byte_timeout_s=0.05) as upstream:
        assert (await fetch(upstream))[1] == b"b"
        assert len(a.asked) == 1


# What an upstream says of itself: 502, 503, 504.


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_an_answer_that_says_it_is_busy_lets_another_answer(clock: Clock, status: int) -> None:
    a, b = Busy(clock, status), Switch("b", clock)
    async with a.origin, b.origin, opened(clock, a.origin.url, b.origin.url) as upstream:
        assert (await fetch(upstream))[1] == b"b"
        head, body = await fetch(upstream, "/x", "DELETE")
        assert (head.status, body) == (status, b"busy"), "an answer to what is no read is an answer"
        assert upstream.failures == 0


@pytest.mark.parametrize("status", [404, 500, 429])
async def test_another_error_is_an_answer_like_any(clock: Clock, status: int) -> None:
    a, b = Busy(clock, status), Switch("b", clock)
    async with a.origin, b.origin, opened(clock, a.origin.url, b.origin.url) as upstream:
        assert (await fetch(upstream))[0].status == status
        assert b.asked == 0


async def test_where_nobody_does_better_the_client_gets_the_answer_there_was(clock: Clock) -> None:
    a, b = Busy(clock, 503, retry_after="7"), Switch("b", clock)
    b.is_failing = True
    async with a.origin, b.origin, opened(clock, a.origin.url, b.origin.url) as upstream:
        head, body = await fetch(upstream)
        assert (head.status, head.field(b"retry-after"), body) == (503, b"7", b"busy")
        assert b.asked == 2, "the last one is asked again"


async def test_a_single_busy_upstream_is_not_hurried(clock: Clock) -> None:
    a = Busy(clock, 503)
    async with a.origin, opened(clock, a.origin.url) as upstream:
        assert [(await fetch(upstream))[0].status for _ in range(10)] == [503] * 10
        assert len(a.origin.asked) == 10
        assert upstream.peers[0].breaker.circuit is Circuit.CLOSED, "it answers, so what it has stored counts"


@pytest.mark.parametrize(
    ("said", "rest_s"),
    [("4", 4), ("3600", 10), ("Tue, 14 Nov 2023 22:13:23 GMT", 3)],
    ids=["seconds", "bounded", "a-date"],
)
async def test_one_that_asks_for_a_pause_comes_last_for_so_long(clock: Clock, said: str, rest_s: int) -> None:
    a, b = Busy(clock, 503, retry_after=said), Switch("b", clock)
    async with a.origin, b.origin, opened(clock, a.origin.url, b.origin.url) as upstream:
        await fetch(upstream)
        a.status = 200
        clock.now_s += rest_s - 0.5
        assert (await fetch(upstream))[1] == b"b"
        b.is_failing = True
        assert (await fetch(upstream))[1] == b"busy", "last, but before nobody"
        b.is_failing = False
        clock.now_s += 1
        assert (await fetch(upstream))[1] == b"busy"


# The circuit breaker.


async def test_an_upstream_that_fails_again_and_again_is_left_alone_and_then_probed(
    clock: Clock, logged: list[Any]
) -> None:
    a = Switch("a", clock)
    a.is_failing = True
    async with a.origin, opened(clock, a.origin.url, breaker_failures=4) as upstream:
        for _ in range(2):
            with pytest.raises(UpstreamError, match="closed the connection") as caught:
                await fetch(upstream)
        assert caught.value.status == 502
        assert a.asked == 4, "each was tried twice"
        with pytest.raises(UpstreamError, match=r"left alone for another 0\.\d s") as caught:
            await fetch(upstream)
        assert (caught.value.status, a.asked) == (503, 4)
        a.is_failing = False
        clock.now_s += 0.5
        assert (await fetch(upstream))[1] == b"a"
    (opened_line, closed_line) = logged
    assert opened_line.pop("for_s") <= 0.5
    named = {key: opened_line[key] for key in ("event", "log_level", "why")}
    assert named == {"event": "upstream is left alone", "log_level": "warning", "why": "broken"}
    assert closed_line["event"] == "upstream answers again"
    assert opened_line["upstream"] == closed_line["upstream"] == a.origin.url


async def test_half_open_one_request_probes_and_the_others_do_not_wait_for_it(clock: Clock) -> None:
    may_answer = asyncio.Event()

    class Recovering(Switch):
        async def __call__(self, asked: Asked) -> AsyncIterator[bytes]:
            if self.is_failing:
                raise HangUp
            await may_answer.wait()
            yield asked.reply(self.name)

    a = Recovering("a", clock)
    a.is_failing = True
    async with a.origin, opened(clock, a.origin.url, breaker_failures=2) as upstream:
        with pytest.raises(UpstreamError):
            await fetch(upstream)
        a.is_failing = False
        clock.now_s += 0.5
        before = a.asked
        probe = asyncio.create_task(fetch(upstream))
        await so(lambda: a.asked == before + 1)
        others = await asyncio.gather(*[fetch(upstream) for _ in range(20)], return_exceptions=True)
        assert {getattr(other, "status", None) for other in others} == {503}
        assert a.asked == before + 1
        may_answer.set()
        async with asyncio.timeout(PATIENCE_S):
            assert (await probe)[1] == b"a"
            assert (await fetch(upstream))[1] == b"a"


async def test_a_probe_that_answers_closes_the_circuit_before_its_body_has_come(clock: Clock) -> None:
    may_end = asyncio.Event()

    async def long(asked: Asked) -> AsyncIterator[bytes]:
        yield asked.reply(b"half", content_length="8")
        await may_end.wait()
        yield b"half"

    a = Switch("a", clock)
    a.is_failing = True
    async with a.origin, opened(clock, a.origin.url, breaker_failures=2) as upstream:
        with pytest.raises(UpstreamError):
            await fetch(upstream)
        clock.now_s += 0.5
        a.origin.script = long
        probe = asyncio.create_task(fetch(upstream))
        await so(lambda: upstream.received_bytes == 4)
        a.origin.script, a.is_failing = a, False
        assert (await fetch(upstream))[1] == b"a"
        may_end.set()
        assert (await probe)[1] == b"halfhalf"


async def test_a_probe_whose_client_leaves_makes_room_for_another(clock: Clock) -> None:
    a = Switch("a", clock)
    a.is_failing = True

    async def silent(asked: Asked) -> AsyncIterator[bytes]:
        await asked.reader.read()
        yield b""

    async with a.origin, opened(clock, a.origin.url, breaker_failures=2) as upstream:
        with pytest.raises(UpstreamError):
            await fetch(upstream)
        clock.now_s += 0.5
        a.origin.script = silent
        before = a.asked
        probe = asyncio.create_task(fetch(upstream))
        await so(lambda: a.asked == before + 1)
        probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
        a.origin.script, a.is_failing = a, False
        assert (await fetch(upstream))[1] == b"a"


async def test_with_its_circuit_open_the_first_is_passed_over_until_it_answers_a_probe(clock: Clock) -> None:
    a, b = Switch("a", clock), Switch("b", clock)
    a.is_failing = True
    async with (
        a.origin,
        b.origin,
        opened(clock, a.origin.url, b.origin.url, breaker_failures=3) as upstream,
    ):
        assert [(await fetch(upstream))[1] for _ in range(10)] == [b"b"] * 10
        assert a.asked == 3
        clock.now_s += 0.5
        assert (await fetch(upstream))[1] == b"b", "the probe failed, and its request did not"
        assert a.asked == 4
        a.is_failing = False
        clock.now_s += 1.0
        assert [(await fetch(upstream))[1] for _ in range(3)] == [b"a"] * 3


async def test_bodies_that_are_cut_open_the_circuit_though_their_heads_came(clock: Clock) -> None:
    async def cuts(asked: Asked) -> AsyncIterator[bytes]:
        yield asked.reply(b"half", content_length="8")
        raise HangUp

    origin = Origin(cuts, clock)
    async with origin, opened(clock, origin.url, breaker_failures=3) as upstream:
        for _ in range(3):
            with pytest.raises(UpstreamError, match="cut the body short"):
                await fetch(upstream)
        with pytest.raises(UpstreamError, match="left alone"):
            await fetch(upstream)
        assert upstream.failures == 3


# The retry budget.


async def test_a_herd_before_a_failing_upstream_is_repeated_within_the_budget(clock: Clock) -> None:
    a = Switch("a", clock)
    a.is_failing = True
    settings = {"retry_ratio": 0.1, "retry_floor": 5, "breaker_failures": 10_000, "breaker_ratio": 1.0}
    async with a.origin, opened(clock, a.origin.url, **settings) as upstream:
        # One success, lest the share of failures be whole.
        a.is_failing = False
        await fetch(upstream)
        a.is_failing = True
        answers = await asyncio.gather(*[fetch(upstream) for _ in range(99)], return_exceptions=True)
        assert all(isinstance(answer, UpstreamError) for answer in answers)
        assert upstream.budget.granted == 15
        assert a.asked == 100 + 15
        assert upstream.budget.refused == 99 - 15, "each of the others would have liked one"


# By hash.


async def test_by_hash_each_key_has_an_upstream_of_its_own_whatever_the_order(clock: Clock) -> None:
    async with AsyncExitStack() as stack:
        switches = [Switch(name, clock) for name in "abc"]
        for each in switches:
            await stack.enter_async_context(each.origin)
        urls = [
            f"{each.origin.url} weight={weight}" for each, weight in zip(switches, (1, 1, 2), strict=True)
        ]
        there = await stack.enter_async_context(opened(clock, *urls, upstream_choice="hash"))
        back = await stack.enter_async_context(opened(clock, *urls[::-1], upstream_choice="hash"))
        names = {each.origin.url: each.name for each in switches}
        keys = [f"/v/{number}.m4s" for number in range(60)]
        places = [parse_place(url) for url in urls]
        expected = [names[ranked(key.encode(), places)[0].label] for key in keys]
        assert [(await fetch(there, key))[1] for key in keys] == expected
        assert [(await fetch(back, key + "?CMCD=br%3D1"))[1] for key in keys] == expected, "CMCD is in no key"
        assert len(Counter(expected)) == 3


async def test_by_hash_the_next_of_the_key_stands_in(clock: Clock) -> None:
    async with AsyncExitStack() as stack:
        switches = [Switch(name, clock) for name in "abc"]
        for each in switches:
            await stack.enter_async_context(each.origin)
        urls = [each.origin.url for each in switches]
        upstream = await stack.enter_async_context(opened(clock, *urls, upstream_choice="hash"))
        names = {each.origin.url: each for each in switches}
        order = [names[place.label] for place in ranked(b"/x", [parse_place(url) for url in urls])]
        assert (await fetch(upstream))[1] == order[0].name
        order[0].is_failing = True
        assert (await fetch(upstream))[1] == order[1].name
        order[1].is_failing = True
        assert (await fetch(upstream))[1] == order[2].name
