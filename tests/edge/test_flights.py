"""Collapsed forwarding: one fetch, many who wait, and none of them in another's way."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable

import pytest

from edge.fields import Fields
from edge.flights import Flight, Flights
from edge.upstream.client import UpstreamError
from tests.edge.messages import head

KEY = b"/seg1"
MIB = 2**20
FINISH_SHARE = 0.25


class Origin:
    """A fetch that sends one chunk each time it is told to, and counts how often it was asked."""

    def __init__(self, error: UpstreamError | None = None) -> None:
        self.asked = 0
        self.sent = 0
        self._may_send: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._error = error

    def send(self, *chunks: bytes) -> None:
        for chunk in chunks:
            self._may_send.put_nowait(chunk)

    def end(self) -> None:
        self._may_send.put_nowait(None)

    async def fly(self, flight: Flight) -> None:
        self.asked += 1
        await flight.begin(head(), KEY)
        while (chunk := await self._may_send.get()) is not None:
            await flight.add(chunk)
            self.sent += len(chunk)
        if self._error is not None:
            raise self._error


def unheard(status: int, fields: Fields) -> None:
    pytest.fail(f"nobody sent {status} {fields}")


async def turns(until: Callable[[], bool]) -> None:
    """Let the other tasks go on until something is so."""
    for _ in range(1000):
        if until():
            return
        await asyncio.sleep(0)
    pytest.fail("it never came to that")


def watched(flight: Flight) -> tuple[list[bytes], Awaitable[None]]:
    """A viewer's chunks as they come, and its end."""
    chunks: list[bytes] = []

    async def view() -> None:
        with flight.seat() as seat:
            await flight.headed(unheard)
            async for chunk in flight.read(seat):
                chunks.append(chunk)  # noqa: PERF401 - each is seen as it comes

    return chunks, asyncio.create_task(view())


async def test_a_hundred_viewers_cost_one_fetch_and_get_each_chunk_as_it_arrives() -> None:
    origin, flights = Origin(), Flights(MIB, FINISH_SHARE)
    joined = [flights.join(KEY, origin.fly) for _ in range(100)]
    assert [is_leader for _, is_leader in joined] == [True] + [False] * 99
    viewers = [watched(flight) for flight, _ in joined]
    origin.send(b"one")
    await turns(lambda: all(chunks == [b"one"] for chunks, _ in viewers))
    origin.send(b"two")
    origin.end()
    await asyncio.gather(*[end for _, end in viewers])
    assert all(chunks == [b"one", b"two"] for chunks, _ in viewers)
    assert origin.asked == 1
    assert len(flights) == 0


async def test_a_late_viewer_gets_it_from_the_first_byte() -> None:
    origin, flights = Origin(), Flights(MIB, FINISH_SHARE)
    early, _ = flights.join(KEY, origin.fly)
    chunks, end = watched(early)
    origin.send(b"one", b"two")
    await turns(lambda: len(chunks) == 2)
    late, is_leader = flights.join(KEY, origin.fly)
    late_chunks, late_end = watched(late)
    origin.send(b"three")
    origin.end()
    await asyncio.gather(end, late_end)
    assert (is_leader, late_chunks) == (False, [b"one", b"two", b"three"])


async def test_the_next_viewer_after_the_end_starts_a_fetch_of_its_own() -> None:
    origin, flights = Origin(), Flights(MIB, FINISH_SHARE)
    flight, _ = flights.join(KEY, origin.fly)
    origin.end()
    assert await asyncio.wait_for(_after_head(flight), 5) == b""
    _, is_leader = flights.join(KEY, origin.fly)
    assert is_leader
    await flights.close()


async def _after_head(flight: Flight) -> bytes:
    with flight.seat() as seat:
        await flight.headed(unheard)
        return b"".join([chunk async for chunk in flight.read(seat)])


async def test_two_keys_are_two_flights() -> None:
    origin, flights = Origin(), Flights(MIB, FINISH_SHARE)
    assert flights.join(b"/a", origin.fly)[1]
    assert flights.join(b"/b", origin.fly)[1]
    assert len(flights) == 2
    await flights.close()


async def test_a_leader_who_leaves_cancels_nothing_that_others_wait_for() -> None:
    origin, flights = Origin(), Flights(MIB, FINISH_SHARE)
    leader = asyncio.create_task(_after_head(flights.join(KEY, origin.fly)[0]))
    follower = asyncio.create_task(_after_head(flights.join(KEY, origin.fly)[0]))
    origin.send(b"one")
    await turns(lambda: origin.sent == 3)
    leader.cancel()
    origin.send(b"two")
    origin.end()
    assert await follower == b"onetwo"
    assert leader.cancelled()
    assert origin.asked == 1


async def test_a_fetch_that_everybody_left_goes_on_for_the_store() -> None:
    origin, flights = Origin(), Flights(MIB, FINISH_SHARE)
    flight, _ = flights.join(KEY, origin.fly)
    viewer = asyncio.create_task(_after_head(flight))
    await turns(lambda: origin.asked == 1)
    viewer.cancel()
    origin.send(b"one", b"two")
    await turns(lambda: origin.sent == 6)
    assert flight.body() == b"onetwo"
    await flights.close()


async def test_an_error_before_the_head_reaches_all() -> None:
    flights = Flights(MIB, FINISH_SHARE)

    async def fail(flight: Flight) -> None:  # noqa: ARG001
        await asyncio.sleep(0)
        raise UpstreamError(504, "late")

    joined = [flights.join(KEY, fail)[0] for _ in range(3)]
    await asyncio.gather(*[flight.headed(unheard) for flight in joined])
    assert [flight.error and flight.error.status for flight in joined] == [504] * 3
    assert all(flight.head is None for flight in joined)


async def test_an_error_in_the_middle_reaches_all_after_what_came() -> None:
    origin, flights = Origin(UpstreamError(502, "cut short")), Flights(MIB, FINISH_SHARE)
    viewers = [watched(flights.join(KEY, origin.fly)[0]) for _ in range(3)]
    origin.send(b"half")
    origin.end()
    ends = await asyncio.gather(*[end for _, end in viewers], return_exceptions=True)
    assert [str(end) for end in ends] == ["cut short"] * 3
    assert all(chunks == [b"half"] for chunks, _ in viewers)


async def test_a_body_that_outgrows_the_store_goes_at_the_slowest_readers_pace() -> None:
    origin, flights = Origin(), Flights(MIB, FINISH_SHARE)
    flight, _ = flights.join(KEY, origin.fly)
    await turns(lambda: flight.head is not None)
    fast, end = watched(flight)
    chunk = b"x" * (MIB // 4)
    origin.send(*[chunk] * 40)
    origin.end()
    with flight.seat() as seat:
        slow_bytes = 0
        async for piece in flight.read(seat):
            slow_bytes += len(piece)
            for _ in range(20):  # the fast one takes what it gets
                await asyncio.sleep(0)
            assert len(b"".join(fast)) - slow_bytes <= 2 * MIB, "memory is bounded"
    await end
    assert slow_bytes == len(b"".join(fast)) == 10 * MIB


async def test_nobody_joins_a_body_that_outgrew_the_store() -> None:
    origin, flights = Origin(), Flights(4, FINISH_SHARE)
    flight, _ = flights.join(KEY, origin.fly)
    chunks, _ = watched(flight)
    await turns(lambda: flight.head is not None)
    origin.send(b"12345")
    await turns(lambda: chunks == [b"12345"])
    other, is_leader = flights.join(KEY, origin.fly)
    assert is_leader
    assert other is not flight
    await flights.close()


async def test_a_body_that_outgrows_the_store_in_its_first_chunk_reaches_those_who_wait() -> None:
    flights = Flights(4, FINISH_SHARE)

    async def burst(flight: Flight) -> None:
        await flight.begin(head(), KEY)
        for chunk in (b"first", b"second"):
            await flight.add(chunk)

    viewers = [watched(flights.join(KEY, burst)[0]) for _ in range(2)]
    await asyncio.gather(*[end for _, end in viewers])
    assert [chunks for chunks, _ in viewers] == [[b"first", b"second"]] * 2


class Told(Flight):
    """A flight that counts how often it woke those who wait."""

    times = 0

    def announce(self) -> None:
        self.times += 1
        super().announce()


async def test_readers_who_wait_for_a_body_that_nobody_may_join_let_each_other_sleep() -> None:
    flight = Told(MIB, FINISH_SHARE)
    viewers = [watched(flight) for _ in range(3)]
    flight.may_join = False
    await flight.begin(head(), KEY)
    for _ in range(100):
        await asyncio.sleep(0)
    assert flight.times < 20
    await flight.add(b"one")
    await turns(lambda: all(chunks == [b"one"] for chunks, _ in viewers))
    flight.land()
    await asyncio.gather(*[end for _, end in viewers])


async def test_a_body_that_outgrew_the_store_ends_when_nobody_reads_it() -> None:
    origin, flights = Origin(), Flights(MIB, FINISH_SHARE)
    flight, _ = flights.join(KEY, origin.fly)
    origin.send(*[b"x" * MIB] * 8)
    origin.end()
    await turns(lambda: flight.is_complete)
    assert origin.sent < 4 * MIB


async def test_what_is_discarded_reaches_those_who_wait_and_nobody_else() -> None:
    origin, flights = Origin(), Flights(MIB, FINISH_SHARE)
    flight, _ = flights.join(KEY, origin.fly)
    chunks, end = watched(flight)
    origin.send(b"old")
    await turns(lambda: chunks == [b"old"])
    flights.discard(KEY.__eq__)
    other, is_leader = flights.join(KEY, Origin().fly)
    assert is_leader
    origin.send(b"er")
    origin.end()
    await end
    assert chunks == [b"old", b"er"]
    assert not flight.may_join
    assert flights.join(KEY, Origin().fly) == (other, False)
    await flights.close()


async def test_closing_cancels_what_is_on_its_way_and_tells_those_who_wait() -> None:
    origin, flights = Origin(), Flights(MIB, FINISH_SHARE)
    chunks, end = watched(flights.join(KEY, origin.fly)[0])
    origin.send(b"one")
    await turns(lambda: chunks == [b"one"])
    await flights.close()
    with pytest.raises(UpstreamError, match="cancelled"):
        await end
    assert len(flights) == 0


async def test_a_body_that_has_come_and_that_nobody_reads_is_let_go_at_once() -> None:
    async def flown() -> weakref.ref[Flight]:
        origin, flights = Origin(), Flights(MIB, FINISH_SHARE)
        flight, _ = flights.join(KEY, origin.fly)
        with flight.seat():
            origin.send(b"x" * 1000)
            origin.end()
            await turns(lambda: flight.is_complete)
            assert flight.body() == b"x" * 1000
        assert flight.body() == b""
        return weakref.ref(flight)

    gone = await flown()
    await turns(lambda: gone() is None)  # without the collector of cycles, which comes late
