"""Many clients and one fetch: what they share, what they do not, and what happens when it breaks."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest

from tests.edge.wire import Asked, Client, Clock, HangUp, Origin, ask, connected, get, pieces, serving, so

pytestmark = pytest.mark.socket

MIB = 2**20


class Parts:
    """An origin that sends a body part by part, each when it is released."""

    def __init__(self, *parts: bytes, declared: bool = True, **named: str) -> None:
        self.parts = parts
        self.released = asyncio.Semaphore(0)
        self.declared = declared
        self.named = {"cache_control": "max-age=60"} | named

    def release(self, count: int = 1) -> None:
        for _ in range(count):
            self.released.release()

    async def __call__(self, asked: Asked) -> AsyncIterator[bytes]:
        framing = (
            {"content_length": str(sum(map(len, self.parts)))}
            if self.declared
            else {"transfer_encoding": "chunked"}
        )
        yield asked.reply(b"", 200, is_dated=True, **framing, **self.named)
        for part in self.parts:
            await self.released.acquire()
            yield part if self.declared else b"%x\r\n%b\r\n" % (len(part), part)
        if not self.declared:
            yield b"0\r\n\r\n"


async def test_two_hundred_clients_of_a_cold_object_cost_one_fetch_and_nobody_waits_for_the_end(
    clock: Clock,
) -> None:
    parts = [bytes([number]) * (MIB // 2) for number in range(8)]
    script = Parts(*parts)
    origin = Origin(script, clock)
    first_bytes = 0
    all_have_begun = asyncio.Event()

    async def digest(client: Client) -> str:
        nonlocal first_bytes
        seen = hashlib.sha256()
        is_first = True
        async for piece in pieces(await client.head(), until_close=False):
            if is_first:
                is_first = False
                first_bytes += 1
                if first_bytes == 200:
                    all_have_begun.set()
            seen.update(piece)
        client.leave()
        return seen.hexdigest()

    async with origin, serving(origin.url, clock) as server:
        async with asyncio.timeout(50):
            clients = []
            for _ in range(200):
                reader, writer = await asyncio.open_connection(*server.address)
                clients.append(Client(reader, writer))
            for client in clients:
                client.send(ask("/seg1.m4s"))
            digests = asyncio.gather(*map(digest, clients))
            script.release()
            await all_have_begun.wait()
            assert origin.sent_bytes < MIB, "only the first part is on its way"
            script.release(7)
            assert set(await digests) == {hashlib.sha256(b"".join(parts)).hexdigest()}
        assert len(origin.asked) == 1
        assert (await get(server, "/seg1.m4s")).cache.startswith("penstock; hit")


async def test_a_viewer_who_joins_in_the_middle_gets_what_came_before_at_once(clock: Clock) -> None:
    script = Parts(b"one", b"two")
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as leader:
        leader.send(ask())
        script.release()
        await leader.head()
        assert await leader.reader.readexactly(3) == b"one"
        async with connected(server) as late:
            late.send(ask())
            head = await late.head()
            assert head.cache == "penstock; fwd=uri-miss; fwd-status=200; collapsed"
            assert await late.reader.readexactly(3) == b"one"
            script.release()
            assert await late.reader.readexactly(3) == b"two"
        assert len(origin.asked) == 1


async def test_a_leader_who_leaves_cancels_nothing_and_the_object_is_stored(clock: Clock) -> None:
    script = Parts(b"one", b"two", b"three")
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as follower:
        async with connected(server) as leader:
            leader.send(ask())
            await leader.head()
            follower.send(ask())
            await follower.head()
        for part in (b"one", b"two"):  # written to both, so that the edge knows now who is left
            script.release()
            assert await follower.reader.readexactly(len(part)) == part
        await so(lambda: len(server.connections) == 1)
        script.release()
        assert await follower.reader.readexactly(5) == b"three"
        assert (await get(server)).cache == "penstock; hit; ttl=60"
        assert len(origin.asked) == 1


async def test_an_object_that_everybody_left_is_stored(clock: Clock) -> None:
    script = Parts(b"one", b"two")
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server:
        async with connected(server) as leader:
            leader.send(ask())
            await leader.head()
        script.release(2)
        await so(lambda: not len(server.flights))
        assert (await get(server)).cache == "penstock; hit; ttl=60"
        assert len(origin.asked) == 1


async def test_followers_of_a_private_answer_are_not_queued_one_behind_the_other(clock: Clock) -> None:
    script = Parts(b"for you", cache_control="no-store")
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server:
        herd = [asyncio.create_task(get(server)) for _ in range(10)]
        await so(lambda: len(origin.asked) == 10)  # all are upstream although no answer has ended
        script.release(10)
        answers = await asyncio.gather(*herd)
        assert {answer.body for answer in answers} == {b"for you"}
        next_herd = [asyncio.create_task(get(server)) for _ in range(5)]
        await so(lambda: len(origin.asked) == 15)
        script.release(5)
        assert {answer.cache for answer in await asyncio.gather(*next_herd)} == {
            "penstock; fwd=uri-miss; fwd-status=200"
        }


async def test_a_herd_of_two_variants_costs_two_fetches(clock: Clock) -> None:
    may_answer = asyncio.Event()

    async def script(asked: Asked) -> AsyncIterator[bytes]:
        await may_answer.wait()
        yield asked.reply(
            asked.fields["accept-language"].encode(), vary="accept-language", cache_control="max-age=60"
        )

    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server:
        herd = [
            asyncio.create_task(get(server, "/x", "GET", accept_language=language))
            for language in ["de", "en"] * 10
        ]
        await so(lambda: server.counters.connections == 20 and len(origin.asked) == 1)
        may_answer.set()
        assert [answer.body for answer in await asyncio.gather(*herd)] == [b"de", b"en"] * 10
        assert len(origin.asked) == 2


async def test_a_herd_varies_on_a_field_that_no_shared_fetch_carries(clock: Clock) -> None:
    may_answer = asyncio.Event()

    async def script(asked: Asked) -> AsyncIterator[bytes]:
        await may_answer.wait()
        yield asked.reply(b"all", vary="range", cache_control="max-age=60")

    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server:
        herd = [asyncio.create_task(get(server, "/x", "GET", range="bytes=0-1")) for _ in range(5)]
        await so(lambda: server.counters.connections == 5 and len(origin.asked) == 1)
        may_answer.set()
        assert [answer.body for answer in await asyncio.gather(*herd)] == [b"al"] * 5


@pytest.mark.parametrize("declared", [True, False], ids=["content-length", "chunked"])
async def test_a_body_that_is_cut_upstream_is_cut_for_the_client_and_never_stored(
    clock: Clock, declared: bool
) -> None:
    async def cut(asked: Asked) -> AsyncIterator[bytes]:
        if declared:
            yield asked.reply(b"half", cache_control="max-age=60", content_length="8")
        else:
            yield asked.reply(b"4\r\nhalf\r\n", cache_control="max-age=60", transfer_encoding="chunked")
        raise HangUp

    origin = Origin(cut, clock)
    async with origin, serving(origin.url, clock) as server:
        for _ in range(2):
            async with connected(server) as client:
                client.send(ask())
                head = await client.head()
                came = await client.rest()
                assert head.status == 200
                assert came in ((b"", b"half") if declared else (b"", b"4\r\nhalf\r\n")), "no clean end"
                assert head.fields.get("content-length") == ("8" if declared else None)
        assert len(server.entries) == 0
        assert len(origin.asked) == 2
        origin.script = lambda asked: asked.reply(b"complete", cache_control="max-age=60")
        assert (await get(server)).body == b"complete"


async def test_a_body_of_unknown_length_is_chunked_and_stored_with_its_length(clock: Clock) -> None:
    script = Parts(b"one", b"two", declared=False)
    origin = Origin(script, clock)
    script.release(2)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        missed = await client.get()
        assert (missed.body, missed.fields["transfer-encoding"]) == (b"onetwo", "chunked")
        hit = await client.get()
        assert (hit.body, hit.fields["content-length"]) == (b"onetwo", "6")
        assert "transfer-encoding" not in hit.fields


@pytest.mark.parametrize("declared", [True, False], ids=["content-length", "chunked"])
async def test_a_body_too_large_for_the_store_goes_at_its_readers_pace(clock: Clock, declared: bool) -> None:
    script = Parts(*[b"x" * (MIB // 4)] * 192, declared=declared)
    script.release(192)
    origin = Origin(script, clock)
    async with (
        origin,
        serving(origin.url, clock, max_object=MIB) as server,
        connected(server, 64 * 1024) as slow,
    ):
        slow.send(ask())
        head = await slow.head()
        before = -1
        while origin.sent_bytes != before:  # until nothing moves any more
            before = origin.sent_bytes
            await asyncio.sleep(0.1)
        assert origin.sent_bytes < 32 * MIB, "what was not read was not fetched"
        (connection,) = server.connections
        assert connection.transport.get_write_buffer_size() < MIB
        sizes = [len(piece) async for piece in pieces(head, until_close=False)]
        assert sum(sizes) == 48 * MIB
        assert len(server.entries) == 0


async def test_a_purge_during_a_fill_reaches_who_waits_and_stores_nothing(clock: Clock) -> None:
    script = Parts(b"old", b"er")
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send(ask())
        await client.head()
        assert server.purge(b"/x") == 0
        script.release(2)
        assert await client.reader.readexactly(5) == b"older"
        await so(lambda: not server.entries)
        script.release(2)
        assert (await get(server)).cache == "penstock; fwd=uri-miss; fwd-status=200; stored"
        assert len(origin.asked) == 2


async def test_a_purge_during_the_fill_of_a_variant_stores_nothing(clock: Clock) -> None:
    script = Parts(b"old", vary="accept")
    script.release()
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get("/x", accept="a")
        client.send(ask("/x", accept="b"))
        await client.head()
        assert server.purge(b"/x") == 1
        script.release()
        assert await client.reader.readexactly(3) == b"old"
        await so(lambda: not len(server.flights))
        assert len(server.entries) == 0


async def test_an_unsafe_request_during_a_fill_stores_nothing(clock: Clock) -> None:
    parts = Parts(b"old")
    origin = Origin(parts, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send(ask())
        await client.head()
        origin.script = lambda asked: asked.reply(b"changed")
        async with connected(server) as writer:
            assert (await writer.post("/x", b"new")).status == 200
        parts.release()
        assert await client.reader.readexactly(3) == b"old"
        await so(lambda: not len(server.flights))
        assert len(server.entries) == 0


async def test_an_authorised_client_does_not_switch_caching_off_for_others(clock: Clock) -> None:
    origin = Origin(lambda asked: asked.reply(b"x", cache_control="max-age=60"), clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        assert "stored" not in (await client.get(authorization="Bearer x")).cache
        await client.get()
        assert (await client.get()).cache == "penstock; hit; ttl=60"
