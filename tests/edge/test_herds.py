"""Herds of viewers, and faults in the midst of them: how often the origin is asked, who gets what, and when.

Counts and order only; how long it takes is measured by `benchmarks/herd.py` and told in docs/caching.md.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from edge.fields import Fields
from edge.flights import Flight
from edge.message import CacheStatus
from edge.server import Server
from tests.edge.messages import head
from tests.edge.wire import Asked, Client, Clock, HangUp, Held, Message, Origin, ask, get, serving, so

pytestmark = pytest.mark.socket

MANY = 1000
KIB = 1024


@asynccontextmanager
async def herd(server: Server, count: int) -> AsyncIterator[list[Client]]:
    """Clients, connected."""
    clients = [Client(*await asyncio.open_connection(*server.address)) for _ in range(count)]
    try:
        yield clients
    finally:
        for client in clients:
            client.leave()


def all_ask(clients: Iterable[Client], target: str = "/x", **named: str) -> None:
    for client in clients:
        client.send(ask(target, **named))


async def heads(clients: Iterable[Client]) -> list[Message]:
    async with asyncio.timeout(30):
        return [await client.head() for client in clients]


async def answers(clients: Iterable[Client]) -> list[Message]:
    async with asyncio.timeout(30):
        return [await client.answer() for client in clients]


async def all_wait(server: Server, count: int) -> None:
    """Returns when so many wait for fetches under way."""
    await so(lambda: sum(flight.viewers for flight in server.flights._flights.values()) == count)


class Gate:
    """An origin that sends a head, and each of two halves of the body, when it may."""

    def __init__(self, body: bytes = b"first half|second half", **named: Any) -> None:
        self.body = body
        self.named: dict[str, Any] = {"cache_control": "max-age=60", "etag": '"1"'} | named
        self.head, self.first, self.second = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def open(self) -> None:
        for event in (self.head, self.first, self.second):
            event.set()

    async def __call__(self, asked: Asked) -> AsyncIterator[bytes]:
        await self.head.wait()
        if "if-none-match" in asked.fields:
            yield asked.reply(b"", 304, **self.named)
            return
        yield asked.reply(b"", content_length=str(len(self.body)), **self.named)
        half = len(self.body) // 2
        await self.first.wait()
        yield self.body[:half]
        await self.second.wait()
        yield self.body[half:]


async def test_a_thousand_on_a_cold_key_have_their_heads_before_anybody_has_a_byte_of_the_body(
    clock: Clock,
) -> None:
    gate = Gate()
    origin = Origin(gate, clock)
    async with origin, serving(origin.url, clock) as server, herd(server, MANY) as clients:
        all_ask(clients)
        await all_wait(server, MANY)
        await so(lambda: len(origin.asked) == 1)
        gate.head.set()
        said = Counter(each.cache.rpartition("; ")[2] for each in await heads(clients))
        assert said == {"stored": 1, "collapsed": MANY - 1}
        gate.first.set()
        assert {await client.reader.readexactly(11) for client in clients} == {b"first half|"}
        gate.second.set()
        assert {await client.reader.readexactly(11) for client in clients} == {b"second half"}
        assert len(origin.asked) == 1


async def test_a_thousand_wait_for_one_slow_first_byte(clock: Clock) -> None:
    held = Held()
    origin = Origin(held, clock)
    async with origin, serving(origin.url, clock) as server, herd(server, MANY) as clients:
        all_ask(clients)
        await all_wait(server, MANY)
        held.may_answer.set()
        assert {answer.body for answer in await answers(clients)} == {b"/x"}
        assert len(origin.asked) == 1


async def test_who_waits_for_a_head_is_told_interim_answers_before_it(clock: Clock) -> None:
    hint = b"HTTP/1.1 103 Early Hints\r\nlink: </y>; rel=preload\r\n\r\n"
    origin = Origin(lambda asked: hint + asked.reply(b"body", cache_control="max-age=60"), clock)
    async with origin, serving(origin.url, clock) as server, herd(server, 5) as clients:
        all_ask(clients)
        assert [each.status for each in await heads(clients)] == [103] * 5
        assert [(each.status, each.body) for each in await answers(clients)] == [(200, b"body")] * 5


async def test_what_clients_of_one_herd_want_in_different_ways_each_gets_in_its_own(clock: Clock) -> None:
    gate = Gate()
    origin = Origin(gate, clock)
    async with origin, serving(origin.url, clock, slice=0) as server, herd(server, 4) as clients:
        plain, part, known, old = clients
        plain.send(ask())
        part.send(ask(range="bytes=6-9"))
        known.send(ask(if_none_match='"1"'))
        old.send(ask().replace(b"HTTP/1.1", b"HTTP/1.0"))
        await all_wait(server, 4)
        gate.open()
        told = [(each.status, each.body) for each in await answers(clients)]
        assert told == [(200, gate.body), (206, b"half"), (304, b""), (200, gate.body)]
        assert await old.rest() == b"", "the connection of an HTTP/1.0 client ends"
        assert len(origin.asked) == 1


async def test_the_next_herd_on_an_uncacheable_answer_is_all_upstream_at_once(
    clock: Clock,
) -> None:
    gate = Gate(cache_control="no-store")
    origin = Origin(gate, clock)
    async with origin, serving(origin.url, clock) as server:
        gate.open()
        await get(server)
        gate.head.clear()
        async with herd(server, 200) as clients:
            all_ask(clients)
            await so(lambda: len(origin.asked) == 201)  # and none of them has been answered yet
            gate.head.set()
            assert {answer.body for answer in await answers(clients)} == {gate.body}
        assert len(origin.asked) == 201


async def test_a_herd_on_its_first_uncacheable_answer_is_let_go_by_the_head(clock: Clock) -> None:
    gate = Gate(cache_control="no-store")
    origin = Origin(gate, clock)
    async with origin, serving(origin.url, clock) as server, herd(server, 100) as clients:
        all_ask(clients)
        await all_wait(server, 100)
        await so(lambda: len(origin.asked) == 1)
        gate.head.set()
        await so(lambda: len(origin.asked) == 100)  # the leader's own body has not begun
        gate.open()
        assert {answer.body for answer in await answers(clients)} == {gate.body}


async def test_a_thousand_on_an_expired_object_cost_one_validation(clock: Clock) -> None:
    gate = Gate()
    origin = Origin(gate, clock)
    async with origin, serving(origin.url, clock) as server, herd(server, MANY) as clients:
        gate.open()
        await get(server)
        clock.now_s += 61
        gate.head.clear()
        all_ask(clients)
        await all_wait(server, MANY)
        gate.head.set()
        said = Counter((each.body, each.cache) for each in await answers(clients))
        assert said == {(gate.body, "penstock; fwd=stale; fwd-status=304; ttl=60"): MANY}
        assert [each.fields.get("if-none-match") for each in origin.asked] == [None, '"1"']


@pytest.mark.parametrize("size_bytes", [10, 64 * KIB, 4096 * KIB])
async def test_what_clients_want_in_different_ways_of_an_expired_object_each_gets_in_its_own(
    clock: Clock, size_bytes: int
) -> None:
    gate = Gate(b"0123456789" * (size_bytes // 10))
    origin = Origin(gate, clock)
    async with origin, serving(origin.url, clock, slice=0) as server, herd(server, 64) as clients:
        gate.open()
        await get(server)
        clock.now_s += 61
        gate.head.clear()
        part, known, old, last, *plain = clients
        part.send(ask(range="bytes=3-5"))
        known.send(ask(if_none_match='"1"'))
        old.send(ask().replace(b"HTTP/1.1", b"HTTP/1.0"))
        last.send(ask(connection="close"))
        all_ask(plain)
        await all_wait(server, 64)
        gate.head.set()
        told = [(each.status, each.body) for each in await answers(clients[:4])]
        assert told == [(206, b"345"), (304, b""), (200, gate.body), (200, gate.body)]
        assert [await each.rest() for each in (old, last)] == [b"", b""], "their connections end"
        said = {(each.body, each.fields["age"], each.cache) for each in await answers(plain)}
        assert said == {(gate.body, "0", "penstock; fwd=stale; fwd-status=304; ttl=60")}
        assert {each.cache for each in [await client.get() for client in plain]} == {"penstock; hit; ttl=60"}
        assert len(origin.asked) == 2


async def test_each_of_a_herd_is_counted_and_has_its_line_in_the_log(clock: Clock, tmp_path: Path) -> None:
    gate, log = Gate(), tmp_path / "access.log"
    origin = Origin(gate, clock)
    async with origin, serving(origin.url, clock, access_log=log) as server, herd(server, 50) as clients:
        gate.open()
        await get(server)
        clock.now_s += 61
        gate.head.clear()
        all_ask(clients)
        await all_wait(server, 50)
        gate.head.set()
        await answers(clients)
        await so(lambda: server.counters.outcomes[CacheStatus.REVALIDATED] == 50)
        assert server.counters.sent_bytes[CacheStatus.REVALIDATED] == 50 * len(gate.body)
    lines = [json.loads(line) for line in log.read_text().splitlines()][1:]
    names = ("url", "status", "bytes", "cache", "tier", "fwd", "fwd_status", "upstream_ms")
    told = {tuple(line[name] for name in names) for line in lines}
    assert told == {("/x", 200, len(gate.body), "revalidated", "ram", "stale", 304, 0.0)}
    assert len(lines) == 50


async def test_a_client_of_an_expired_object_who_takes_nothing_holds_nobody_up(clock: Clock) -> None:
    gate = Gate(b"x" * 8192 * KIB)
    origin = Origin(gate, clock)
    async with origin, serving(origin.url, clock) as server, herd(server, 5) as clients:
        gate.open()
        await get(server)
        clock.now_s += 61
        gate.head.clear()
        lazy, *others = clients
        lazy.writer.transport.pause_reading()  # type: ignore[attr-defined]
        all_ask(clients)
        await all_wait(server, 5)
        gate.head.set()
        bodies = [each.body for each in await asyncio.gather(*[client.answer() for client in others])]
        assert bodies == [gate.body] * 4
        lazy.writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert (await lazy.answer()).body == gate.body


async def test_who_left_before_a_validation_is_answered_harms_nobody(clock: Clock) -> None:
    gate = Gate()
    origin = Origin(gate, clock)
    async with origin, serving(origin.url, clock) as server, herd(server, 20) as clients:
        gate.open()
        await get(server)
        clock.now_s += 61
        gate.head.clear()
        all_ask(clients)
        await all_wait(server, 20)
        for client in clients[:10]:
            client.leave()
        gate.head.set()
        assert {answer.body for answer in await answers(clients[10:])} == {gate.body}
        await so(lambda: len(server.connections) == 10)


async def test_a_herd_before_an_upstream_that_fails_is_told_so_each_once(clock: Clock) -> None:
    held = asyncio.Event()

    async def breaking(_: Asked) -> AsyncIterator[bytes]:
        await held.wait()
        yield b""
        raise HangUp

    origin = Origin(breaking, clock)
    async with origin, serving(origin.url, clock) as server, herd(server, 50) as clients:
        all_ask(clients)
        await all_wait(server, 50)
        held.set()
        told = await answers(clients)
        assert {answer.status for answer in told} == {502}
        assert {answer.body for answer in told} == {told[0].body}
        assert told[0].body.startswith(b"502 ")
        assert all(answer.cache.startswith("penstock; detail=") for answer in told)
        await so(lambda: server.counters.outcomes[CacheStatus.REFUSED] == 50)
        assert server.counters.sent_bytes[CacheStatus.REFUSED] == 50 * len(told[0].body)
        origin.script = lambda asked: asked.reply(b"fine", cache_control="max-age=60")
        assert {(await client.get()).body for client in clients} == {b"fine"}, "the connections go on"


async def test_with_stale_while_revalidate_a_thousand_have_it_before_the_one_validation_is_answered(
    clock: Clock,
) -> None:
    gate = Gate(cache_control="max-age=60, stale-while-revalidate=60")
    origin = Origin(gate, clock)
    async with origin, serving(origin.url, clock) as server, herd(server, MANY) as clients:
        gate.open()
        await get(server)
        clock.now_s += 61
        gate.head.clear()
        all_ask(clients)
        said = Counter((each.body, each.cache) for each in await answers(clients))
        assert said == {(gate.body, "penstock; hit; ttl=-1"): MANY}
        await so(lambda: len(origin.asked) == 2)
        gate.head.set()
        await so(lambda: not len(server.flights))
        assert len(origin.asked) == 2


async def test_a_leader_and_half_its_followers_leave_mid_body_and_the_others_finish(clock: Clock) -> None:
    gate = Gate()
    origin = Origin(gate, clock)
    async with origin, serving(origin.url, clock) as server, herd(server, 200) as clients:
        all_ask(clients)
        await all_wait(server, 200)
        gate.head.set()
        gate.first.set()
        await heads(clients)
        stay = clients[1::2]
        for client in clients[::2]:
            client.leave()
        await so(lambda: len(server.connections) == 100)
        gate.second.set()
        assert {await client.reader.readexactly(22) for client in stay} == {gate.body}
        assert (await get(server)).cache == "penstock; hit; ttl=60"
        assert len(origin.asked) == 1


async def test_a_viewer_who_leaves_before_the_head_is_not_greeted_and_harms_nobody(clock: Clock) -> None:
    gate = Gate()
    origin = Origin(gate, clock)
    async with origin, serving(origin.url, clock) as server, herd(server, 20) as clients:
        all_ask(clients)
        await all_wait(server, 20)
        for client in clients[:10]:
            client.leave()
        gate.open()
        assert {answer.body for answer in await answers(clients[10:])} == {gate.body}
        assert len(origin.asked) == 1


async def test_a_follower_who_takes_nothing_holds_nobody_up_and_its_bytes_wait_once(clock: Clock) -> None:
    gate = Gate(b"x" * 8192 * KIB)
    origin = Origin(gate, clock)
    async with origin, serving(origin.url, clock) as server, herd(server, 5) as clients:
        lazy, *others = clients
        lazy.writer.transport.pause_reading()  # type: ignore[attr-defined]
        all_ask(clients)
        await all_wait(server, 5)
        gate.open()
        assert [len(each.body) for each in await asyncio.gather(*[each.answer() for each in others])] == (
            [len(gate.body)] * 4
        )
        waiting = [each.transport.get_write_buffer_size() for each in server.connections]
        assert max(waiting) < 2048 * KIB, "its body is not queued for it"
        lazy.writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert (await lazy.answer()).body == gate.body
        assert len(origin.asked) == 1


class Breaking:
    """An origin that breaks off in the middle, and serves ranges whole."""

    def __init__(self, **named: Any) -> None:
        self.body = bytes(range(256)) * 400
        self.named: dict[str, Any] = {"cache_control": "max-age=60"} | named
        self.may_answer = asyncio.Event()

    async def __call__(self, asked: Asked) -> AsyncIterator[bytes]:
        await self.may_answer.wait()
        size = len(self.body)
        if "range" in asked.fields:
            begin = int(asked.fields["range"].removeprefix("bytes=").partition("-")[0])
            span = f"bytes {begin}-{size - 1}/{size}"
            yield asked.reply(self.body[begin:], 206, content_range=span, **self.named)
            return
        yield asked.reply(self.body[: size // 2], content_length=str(size), **self.named)
        raise HangUp


async def test_a_cut_from_upstream_is_a_broken_transfer_for_all_and_nothing_is_stored(clock: Clock) -> None:
    script = Breaking()
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server, herd(server, 50) as clients:
        all_ask(clients)
        await all_wait(server, 50)
        script.may_answer.set()
        for client in clients:
            assert (await client.head()).fields["content-length"] == str(len(script.body))
            came = await client.rest()
            assert len(came) < len(script.body)
            assert script.body.startswith(came)
        assert len(server.entries) == 0
        assert len(origin.asked) == 1


async def test_a_cut_body_with_a_strong_tag_is_whole_for_all_by_one_range(clock: Clock) -> None:
    script = Breaking(etag='"1"')
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server, herd(server, 50) as clients:
        all_ask(clients)
        await all_wait(server, 50)
        script.may_answer.set()
        assert {answer.body for answer in await answers(clients)} == {script.body}
        assert [each.fields.get("if-range") for each in origin.asked] == [None, '"1"']
        assert (await get(server)).cache == "penstock; hit; ttl=60"


async def silence(asked: Asked) -> AsyncIterator[bytes]:
    yield await asked.reader.read()
    raise HangUp


async def test_a_herd_before_a_silent_upstream_costs_each_upstream_one_request(clock: Clock) -> None:
    silent, second = Origin(silence, clock), Origin(Gate(), clock)
    assert isinstance(second.script, Gate)
    second.script.open()
    async with silent, second:
        both = (silent.url, second.url)
        async with serving(both, clock, first_byte_timeout_s=0.2) as server, herd(server, 50) as clients:
            all_ask(clients)
            assert {answer.body for answer in await answers(clients)} == {second.script.body}
    assert (len(silent.asked), len(second.asked)) == (1, 1)


async def test_an_open_circuit_is_probed_by_one_of_a_herd_and_the_others_do_not_wait_for_it(
    clock: Clock,
) -> None:
    held, second = Held(), Origin(lambda asked: asked.reply(b"2", cache_control="max-age=60"), clock)
    first = Origin(silence, clock)
    settings = {"first_byte_timeout_s": 0.2, "breaker_failures": 2, "retry_floor": 100}
    async with first, second, serving((first.url, second.url), clock, **settings) as server:
        for number in range(4):
            assert (await get(server, f"/first-{number}")).body == b"2"
        assert len(first.asked) == 2, "two failed, and the circuit opened"
        first.script = held
        clock.now_s += 1
        async with herd(server, 20) as clients:
            for number, client in enumerate(clients):
                client.send(ask(f"/{number}"))
            await so(lambda: len(second.asked) == 4 + 19)
            assert len(first.asked) == 3, "one of them probes"
            held.may_answer.set()
            told = Counter(len(answer.body) > 1 for answer in await answers(clients))
        assert told == {False: 19, True: 1}, "whoever probed has the first upstream's answer"
        await get(server, "/then")
        assert first.asked[-1].target == "/then"


async def test_a_herd_behind_one_silent_upstream_is_told_504_after_one_request(clock: Clock) -> None:
    origin = Origin(silence, clock)
    settings = {"first_byte_timeout_s": 0.2, "breaker_failures": 2}
    async with origin, serving(origin.url, clock, **settings) as server:
        async with herd(server, 50) as clients:
            all_ask(clients)
            assert {answer.status for answer in await answers(clients)} == {504}
        assert len(origin.asked) == 1
        assert (await get(server)).status == 504
        assert (await get(server)).status == 503, "the circuit is open"
        assert len(origin.asked) == 2


DEAD = [  # what the origin said, what a herd of its dead end gets, by which Cache-Status
    pytest.param("max-age=60, must-revalidate", 504, None, id="5.2.2.2-must-revalidate"),
    pytest.param("max-age=60, stale-if-error=60", 200, "penstock; fwd=stale; ttl=-1", id="5861-4"),
    pytest.param("max-age=60", 200, "penstock; fwd=stale; ttl=-1", id="4.2.4-disconnected"),
]


@pytest.mark.parametrize(("control", "status", "said"), DEAD)
async def test_a_herd_whose_origin_is_dead(clock: Clock, control: str, status: int, said: str | None) -> None:
    gate = Gate(cache_control=control)
    origin = Origin(gate, clock)
    async with origin, serving(origin.url, clock) as server, herd(server, 100) as clients:
        gate.open()
        await get(server)
        clock.now_s += 61
        await origin.die()
        all_ask(clients)
        told = await answers(clients)
        assert {answer.status for answer in told} == {status}
        if said is None:
            assert all(gate.body not in answer.body for answer in told)
        else:
            assert {(answer.body, answer.cache) for answer in told} == {(gate.body, said)}


async def test_a_herd_all_over_a_large_cold_object_costs_one_request_a_slice(clock: Clock) -> None:
    body = bytes(number % 251 for number in range(1024 * KIB))
    may_answer = asyncio.Event()

    async def ranges(asked: Asked) -> AsyncIterator[bytes]:
        await may_answer.wait()
        begin, end = map(int, asked.fields["range"].removeprefix("bytes=").split("-"))
        span = f"bytes {begin}-{end}/{len(body)}"
        yield asked.reply(
            body[begin : end + 1], 206, content_range=span, etag='"1"', cache_control="max-age=60"
        )

    origin = Origin(ranges, clock)
    async with origin, serving(origin.url, clock, slice=128 * KIB) as server, herd(server, 320) as clients:
        begins = [number * 32 * KIB % len(body) for number in range(320)]
        for client, begin in zip(clients, begins, strict=True):
            client.send(ask(range=f"bytes={begin}-{begin + 32 * KIB - 1}"))
        await all_wait(server, 320)
        may_answer.set()
        told = await answers(clients)
        assert [answer.body for answer in told] == [body[begin : begin + 32 * KIB] for begin in begins]
        assert len({asked.fields["range"] for asked in origin.asked}) == len(origin.asked) == 8


async def test_a_thousand_clients_of_ten_cold_keys_cost_ten_fetches(clock: Clock) -> None:
    held = Held()
    origin = Origin(held, clock)
    async with origin, serving(origin.url, clock) as server, herd(server, MANY) as clients:
        for number, client in enumerate(clients):
            client.send(ask(f"/{number % 10}"))
        await all_wait(server, MANY)
        held.may_answer.set()
        told = [answer.body for answer in await answers(clients)]
        assert told == [b"/%d" % (number % 10) for number in range(MANY)]
        assert len(origin.asked) == 10


async def test_two_edges_before_a_shield_ask_the_origin_once(clock: Clock) -> None:
    gate = Gate()
    origin = Origin(gate, clock)
    async with origin, serving(origin.url, clock, name="shield", loop_id="shield") as shield:
        behind = "http://{}:{}".format(*shield.address)
        async with (
            serving(behind, clock, name="a", loop_id="a") as one,
            serving(behind, clock, name="b", loop_id="b") as other,
            herd(one, 100) as left,
            herd(other, 100) as right,
        ):
            all_ask([*left, *right])
            await all_wait(one, 100)
            await all_wait(other, 100)
            await all_wait(shield, 2)
            gate.open()
            assert {answer.body for answer in await answers([*left, *right])} == {gate.body}
            assert len(origin.asked) == 1


# The flight alone: who is greeted, and when.


async def test_all_are_greeted_before_the_first_chunk_is_handed_on() -> None:
    flight, seen = Flight(KIB, 0.25), list[str]()

    async def view(number: int) -> None:
        with flight.seat(lambda _: seen.append(f"greeted {number}")) as seat:
            await flight.headed(unheard)
            async for chunk in flight.read(seat):
                seen.append(f"{chunk.decode()} {number}")

    viewers = [asyncio.create_task(view(number)) for number in range(3)]
    await asyncio.sleep(0)
    await flight.begin(head(), b"/x")
    await flight.add(b"chunk")
    flight.land()
    await asyncio.gather(*viewers)
    assert seen == [f"{what} {number}" for what in ("greeted", "chunk") for number in range(3)]


async def test_nobody_is_greeted_who_left_or_came_after_the_head() -> None:
    flight, seen = Flight(KIB, 0.25), list[str]()
    with flight.seat(lambda _: seen.append("stayed")):
        with flight.seat(lambda _: seen.append("left")):
            pass
        await flight.begin(head(), b"/x")
        with flight.seat(lambda _: seen.append("late")):
            await flight.add(b"chunk")
    assert seen == ["stayed"]


def unheard(status: int, fields: Fields) -> None:
    pytest.fail(f"nobody sent {status} {fields}")
