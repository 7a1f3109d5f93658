"""What becomes of a stored response that is stale: validated, served so, or replaced (RFC 9111, 4.3)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.message import CacheStatus
from tests.edge.messages import NOW_S
from tests.edge.wire import Asked, Client, Clock, Origin, connected, get, serving, so

pytestmark = pytest.mark.socket

BODY = b"0123456789"


class Versions:
    """An origin's resource: answers 304 to who holds its version. Counts what it was asked."""

    def __init__(self, control: str) -> None:
        self.control = control
        self.body = BODY
        self.status = 200
        self.is_304_dated = True

    @property
    def etag(self) -> str:
        return f'"{len(self.body)}"'

    def __call__(self, asked: Asked) -> bytes:
        if self.status >= 400:
            return asked.reply(b"trouble", self.status)
        if asked.fields.get("if-none-match") == self.etag:
            return asked.reply(
                status=304, cache_control=self.control, etag=self.etag, is_dated=self.is_304_dated
            )
        return asked.reply(self.body, cache_control=self.control, etag=self.etag, is_dated=self.is_304_dated)


async def test_a_304_keeps_the_body_and_makes_it_fresh_again(clock: Clock) -> None:
    origin = Origin(Versions("max-age=60"), clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        clock.now_s += 61
        refreshed = await client.get()
        assert (refreshed.status, refreshed.body, refreshed.fields["age"]) == (200, BODY, "0")
        assert refreshed.cache == "penstock; fwd=stale; fwd-status=304; ttl=60"
        assert origin.asked[1].fields["if-none-match"] == '"10"'
        clock.now_s += 59
        assert (await client.get()).cache == "penstock; hit; ttl=1"
        assert len(origin.asked) == 2


async def test_a_new_version_takes_the_place_of_the_old(clock: Clock) -> None:
    versions = Versions("max-age=60")
    origin = Origin(versions, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        clock.now_s += 61
        versions.body = b"newer and longer"
        replaced = await client.get()
        assert (replaced.body, replaced.cache) == (
            versions.body,
            "penstock; fwd=stale; fwd-status=200; stored",
        )
        assert (await client.get()).body == versions.body
        assert len(origin.asked) == 2


async def test_a_304_without_a_date_makes_it_fresh_again_too(clock: Clock) -> None:
    versions = Versions("max-age=60")
    versions.is_304_dated = False
    origin = Origin(versions, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        clock.now_s += 61
        await client.get()
        assert (await client.get()).cache == "penstock; hit; ttl=60"


async def test_a_herd_on_a_stale_response_costs_one_validation(clock: Clock) -> None:
    may_answer = asyncio.Event()
    versions = Versions("max-age=60")

    async def slowly(asked: Asked) -> AsyncIterator[bytes]:
        await may_answer.wait()
        yield versions(asked)

    origin = Origin(versions, clock)
    async with origin, serving(origin.url, clock) as server:
        await get(server)
        clock.now_s += 61
        origin.script = slowly
        herd = [asyncio.create_task(get(server)) for _ in range(20)]
        await so(lambda: server.counters.connections == 21 and len(origin.asked) == 2)
        may_answer.set()
        assert {answer.body for answer in await asyncio.gather(*herd)} == {BODY}
        assert len(origin.asked) == 2


async def test_stale_while_revalidate_answers_at_once_and_refreshes_behind(clock: Clock) -> None:
    """RFC 5861, 3."""
    may_answer = asyncio.Event()
    versions = Versions("max-age=60, stale-while-revalidate=30")

    async def slowly(asked: Asked) -> AsyncIterator[bytes]:
        await may_answer.wait()
        yield versions(asked)

    origin = Origin(versions, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        clock.now_s += 70
        origin.script = slowly
        for _ in range(3):
            stale = await client.get()
            assert (stale.body, stale.fields["age"], stale.cache) == (BODY, "70", "penstock; hit; ttl=-10")
        await so(lambda: len(origin.asked) == 2)
        may_answer.set()
        await so(lambda: len(server.flights) == 0)
        assert (await client.get()).cache == "penstock; hit; ttl=60"
        assert len(origin.asked) == 2


async def test_what_is_served_stale_is_as_old_as_it_is_and_is_counted_and_logged_each_time(
    clock: Clock, tmp_path: Path
) -> None:
    may_answer, log = asyncio.Event(), tmp_path / "access.log"
    versions = Versions("max-age=60, stale-while-revalidate=30")
    versions.body = b"x" * 40_000  # of two pieces, and of a memory file once it is hot

    async def slowly(asked: Asked) -> AsyncIterator[bytes]:
        await may_answer.wait()
        yield versions(asked)

    origin = Origin(versions, clock)
    async with origin, serving(origin.url, clock, access_log=log) as server, connected(server) as client:
        await client.get()
        origin.script = slowly
        for passed_s in (60, 1, 2):
            clock.now_s += passed_s
            for _ in range(50):
                stale = await client.get("/x?CMCD=sid%3D%22a%22")
                ttl_s = 60 - int(stale.fields["age"])
                assert (stale.body, stale.cache) == (versions.body, f"penstock; hit; ttl={ttl_s}")
            assert ttl_s == int(NOW_S + 60 - clock.now_s)
        part, known = await client.get(range="bytes=0-1"), await client.get(if_none_match=versions.etag)
        assert [(each.status, each.cache) for each in (part, known)] == (
            [(206, "penstock; hit; ttl=-3"), (304, "penstock; hit; ttl=-3")]
        )
        assert server.counters.outcomes[CacheStatus.STALE] == 152
        assert server.counters.sent_bytes[CacheStatus.STALE] == 150 * len(versions.body) + 2
        await so(lambda: len(origin.asked) == 2)
        may_answer.set()
    lines = [json.loads(line) for line in log.read_text().splitlines()][1:]
    told = [(line["status"], line["cache"], line["tier"], line["bytes"], line["sid"]) for line in lines[:150]]
    assert told == [(200, "stale", "ram", 40_000, "a")] * 150
    assert [line["status"] for line in lines[150:]] == [206, 304]


async def test_a_request_that_has_been_here_is_not_answered_stale(clock: Clock) -> None:
    origin = Origin(Versions("max-age=60, stale-while-revalidate=30"), clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        passed = origin.asked[0].fields["cdn-loop"]
        clock.now_s += 70
        assert (await client.get(cdn_loop=passed)).status == 508
        assert len(origin.asked) == 1


async def test_past_its_grace_a_response_waits_for_its_validation(clock: Clock) -> None:
    origin = Origin(Versions("max-age=60, stale-while-revalidate=30"), clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        clock.now_s += 91
        assert (await client.get()).cache == "penstock; fwd=stale; fwd-status=304; ttl=60"


async def test_a_refresh_that_may_not_be_kept_lets_go_of_upstream(clock: Clock) -> None:
    was_let_go = asyncio.Event()

    async def now_private(asked: Asked) -> AsyncIterator[bytes]:
        yield asked.reply(b"half", cache_control="no-store", content_length="8")
        await asked.reader.read()
        was_let_go.set()

    origin = Origin(Versions("max-age=60, stale-while-revalidate=30"), clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        clock.now_s += 70
        origin.script = now_private
        assert (await client.get()).body == BODY
        await so(was_let_go.is_set)


async def test_stale_if_error_covers_an_error_of_the_origin(clock: Clock) -> None:
    """RFC 5861, 4."""
    versions = Versions("max-age=60, stale-if-error=600")
    origin = Origin(versions, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        clock.now_s += 100
        versions.status = 503
        stale = await client.get()
        assert (stale.status, stale.body) == (200, BODY)
        assert stale.cache == "penstock; fwd=stale; fwd-status=503; ttl=-40"
        clock.now_s += 600
        assert (await client.get()).status == 503


@pytest.mark.parametrize("control", ["max-age=60", "max-age=60, stale-if-error=600"])
async def test_a_dead_origin_leaves_what_is_stored(clock: Clock, control: str) -> None:
    """RFC 9111, 4.2.4."""
    origin = Origin(Versions(control), clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        clock.now_s += 100
        await origin.die()
        for _ in range(2):
            stale = await client.get()
            assert (stale.status, stale.body, stale.cache) == (200, BODY, "penstock; fwd=stale; ttl=-40")
        assert (await client.get("/never-seen")).status == 502


@pytest.mark.parametrize("control", ["max-age=60, must-revalidate", "s-maxage=60", "no-cache"])
async def test_what_must_be_validated_is_not_served_stale_when_the_origin_is_dead(
    clock: Clock, control: str
) -> None:
    origin = Origin(Versions(control), clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        clock.now_s += 100
        await origin.die()
        refused = await client.get()
        assert refused.status == 504, "RFC 9111, 5.2.2.2"
        assert BODY not in refused.body


async def test_no_cache_is_validated_each_time(clock: Clock) -> None:
    versions = Versions("no-cache, max-age=60")
    origin = Origin(versions, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        versions.body = b"new"
        assert (await client.get()).body == b"new"


@pytest.mark.parametrize("control", ["no-cache", "max-age=0"])
async def test_what_was_just_validated_says_so_and_not_hit(clock: Clock, control: str) -> None:
    origin = Origin(Versions(control), clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        validated = await client.get()
        assert validated.body == BODY
        assert validated.cache.startswith("penstock; fwd=stale; fwd-status=304")


async def test_a_client_may_ask_for_validation(clock: Clock) -> None:
    origin = Origin(Versions("max-age=60"), clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        clock.now_s += 5
        assert (await client.get(cache_control="no-cache")).fields["age"] == "0"
        assert origin.asked[1].fields["if-none-match"] == '"10"'


async def test_an_error_while_validating_does_not_cost_what_is_stored(clock: Clock) -> None:
    """RFC 9111, 4.3.3: the error may be forwarded; it does not invalidate."""
    versions = Versions("max-age=60")
    origin = Origin(versions, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        clock.now_s += 61
        versions.status = 503
        assert (await client.get()).status == 503
        await origin.die()
        assert (await client.get()).body == BODY


async def test_after_an_error_the_next_herd_is_collapsed_and_the_answer_stored(clock: Clock) -> None:
    versions = Versions("max-age=60")
    origin = Origin(versions, clock)
    versions.status = 503
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        assert (await client.get()).status == 503
        versions.status = 200
        await client.get()
        assert (await client.get()).cache == "penstock; hit; ttl=60"


async def test_a_304_does_not_widen_who_may_read(clock: Clock) -> None:
    def script(asked: Asked) -> bytes:
        if "if-none-match" in asked.fields:
            return asked.reply(status=304, cache_control="max-age=60", etag='"1"')
        return asked.reply(
            BODY,
            cache_control="max-age=60",
            etag='"1"',
            access_control_allow_origin="https://player.example",
        )

    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        clock.now_s += 61
        assert (await client.get()).fields["access-control-allow-origin"] == "https://player.example"


async def purged_by(client: Client, method: str, status: int) -> bool:
    """Whether the answer to an unsafe request ends what is stored."""
    await client.get()
    client.send(
        f"{method} /x HTTP/1.1\r\nHost: a\r\nX-Status: {status}\r\nContent-Length: 2\r\n\r\nhi".encode()
    )
    assert (await client.answer(method)).status == status
    return "hit" not in (await client.get()).cache


@pytest.mark.parametrize(
    ("method", "status", "is_purged"),
    [
        ("POST", 200, True),
        ("PUT", 204, True),
        ("DELETE", 302, True),
        ("POST", 403, False),
        ("POST", 500, False),
        ("OPTIONS", 200, False),
    ],
)
async def test_an_unsafe_request_that_succeeds_invalidates(
    clock: Clock, method: str, status: int, is_purged: bool
) -> None:
    """RFC 9111, 4.4."""
    origin = Origin(
        lambda asked: asked.reply(
            status=int(asked.fields.get("x-status", "200")), cache_control="max-age=60"
        ),
        clock,
    )
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        assert await purged_by(client, method, status) is is_purged
        assert origin.asked[1].body == b"hi"
