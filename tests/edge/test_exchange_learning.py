"""What a request that is passed on teaches the store: what is invalid, what holds, what is kept."""

from __future__ import annotations

from typing import Any

import pytest

from tests.edge.messages import NOW_S, date
from tests.edge.wire import Asked, Clock, Origin, connected, serving

pytestmark = pytest.mark.socket

BODY = b"0123456789"


class Shop:
    """An origin whose GETs are fresh for a minute, and whose other answers are what the test says."""

    def __init__(self, status: int = 200, **named: Any) -> None:
        self.status = status
        self.named = named
        self.kept: dict[str, Any] = {"cache_control": "max-age=60", "etag": '"v1"'}

    def __call__(self, asked: Asked) -> bytes:
        if asked.method == "GET":
            return asked.reply(BODY, **self.kept)
        return asked.reply(b"done", self.status, **self.named)


INVALIDATING = [  # fields of the answer to a POST to /order, targets whose responses it ends
    pytest.param({}, {"/order"}, id="4.4-the-target"),
    pytest.param({"location": "/made"}, {"/order", "/made"}, id="4.4-location"),
    pytest.param({"content_location": "/made?q=1"}, {"/order", "/made?q=1"}, id="4.4-content-location"),
    pytest.param(
        {"location": "http://edge.example/made"}, {"/order", "/made"}, id="4.4-in-full-of-the-same-origin"
    ),
    pytest.param({"location": "http://other.example/made"}, {"/order"}, id="4.4-of-another-origin"),
    pytest.param({"location": "/made?CMCD=br%3D1"}, {"/order", "/made"}, id="by-its-key"),
    pytest.param({"location": "http://["}, {"/order"}, id="no-url"),
]


@pytest.mark.parametrize(("named", "targets"), INVALIDATING)
async def test_an_unsafe_request_ends_what_its_answer_names(
    clock: Clock, named: dict[str, str], targets: set[str]
) -> None:
    origin = Origin(Shop(201, **named), clock)
    everything = ["/order", "/made", "/made?q=1", "/other"]
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        for target in everything:
            await client.get(target)
        assert (await client.post("/order", b"one")).status == 201
        ended = {target for target in everything if "hit" not in (await client.get(target)).cache}
        assert ended == targets


async def test_an_unsafe_request_ends_the_groups_that_its_answer_names(clock: Clock) -> None:
    """RFC 9875, 3."""
    groups = {"/a": '"red"', "/b": '"blue", "red"', "/c": '"blue"'}

    def script(asked: Asked) -> bytes:
        if asked.method == "GET":
            return asked.reply(BODY, cache_control="max-age=60", cache_groups=groups[asked.target])
        return asked.reply(b"", cache_group_invalidation='"red"')

    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        for target in groups:
            await client.get(target)
        await client.post("/a", b"paint")
        assert [("hit" in (await client.get(target)).cache) for target in groups] == [False, False, True]


async def test_a_safe_request_ends_no_group(clock: Clock) -> None:
    origin = Origin(
        lambda asked: asked.reply(
            BODY, cache_control="max-age=60", cache_groups='"red"', cache_group_invalidation='"red"'
        ),
        clock,
    )
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get("/a")
        await client.get("/b")
        await client.get("/a", method="OPTIONS")
        assert "hit" in (await client.get("/a")).cache


async def test_an_unsafe_request_ends_slices_too(clock: Clock) -> None:
    def script(asked: Asked) -> bytes:
        if asked.method != "GET":
            return asked.reply()
        said: dict[str, Any] = {
            "content_range": "bytes 0-4095/99999",
            "etag": '"v1"',
            "cache_control": "max-age=60",
        }
        return asked.reply(b"x" * 4096, 206, **said)

    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock, slice=4096) as server, connected(server) as client:
        await client.get(range="bytes=0-9")
        assert "hit" in (await client.get(range="bytes=0-9")).cache
        await client.post("/x", b"new")
        assert "hit" not in (await client.get(range="bytes=0-9")).cache


async def test_a_post_whose_answer_is_what_get_would_bring_is_kept_for_get(clock: Clock) -> None:
    """RFC 9110, 9.3.3."""
    shop = Shop(200, cache_control="max-age=60", content_location="/order")
    origin = Origin(shop, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        assert (await client.post("/order", b"one")).body == b"done"
        hit = await client.get("/order")
        assert (hit.body, hit.cache) == (b"done", "penstock; hit; ttl=60")
        assert (await client.post("/order", b"two")).status == 200, "a POST is never answered from the store"
        assert [asked.method for asked in origin.asked] == ["POST", "POST"]


@pytest.mark.parametrize(
    "named",
    [{"cache_control": "max-age=60"}, {"cache_control": "max-age=60", "content_location": "/else"}],
    ids=["no-content-location", "of-another"],
)
async def test_another_post_is_not_kept(clock: Clock, named: dict[str, str]) -> None:
    origin = Origin(Shop(200, **named), clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.post("/order", b"one")
        assert (await client.get("/order")).body == BODY
        assert (await client.get("/else")).body == BODY


HEADS = [  # fields of the answer to HEAD, is what is stored fresh afterwards, its x-new
    pytest.param({"etag": '"v1"', "content_length": "10", "x_new": "1"}, True, "1", id="4.3.5-the-same"),
    pytest.param({"etag": '"v2"', "content_length": "10", "x_new": "1"}, False, None, id="4.3.5-another-tag"),
    pytest.param(
        {"etag": '"v1"', "content_length": "11", "x_new": "1"}, False, None, id="4.3.5-another-length"
    ),
]


@pytest.mark.parametrize(("named", "is_fresh", "new"), HEADS)
async def test_a_head_that_went_upstream_updates_what_is_stored_or_ends_its_freshness(
    clock: Clock, named: dict[str, str], is_fresh: bool, new: str | None
) -> None:
    origin = Origin(Shop(200, cache_control="max-age=60", **named), clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        clock.now_s += 61
        assert (await client.get(method="HEAD")).status == 200
        answer = await client.get()
        assert answer.body == BODY
        assert (answer.cache == "penstock; hit; ttl=60") is is_fresh
        assert answer.fields.get("x-new") == new


async def test_a_304_to_a_clients_own_condition_updates_what_is_stored(clock: Clock) -> None:
    """RFC 9111, 4.3.4: If-Match goes to the origin, and what it says holds for what is stored."""

    def script(asked: Asked) -> bytes:
        if "if-match" in asked.fields:
            return asked.reply(status=304, cache_control="max-age=60", etag='"v1"', x_new="1")
        return asked.reply(BODY, cache_control="max-age=60", etag='"v1"')

    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        clock.now_s += 61
        assert (await client.get(if_match='"v1"', if_none_match='"v1"')).status == 304
        hit = await client.get()
        assert (hit.cache, hit.fields["x-new"]) == ("penstock; hit; ttl=60", "1")


async def test_a_head_is_served_stale_when_the_origin_is_dead_as_a_get_is(clock: Clock) -> None:
    """RFC 9111, 4.2.4."""
    origin = Origin(Shop(), clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        clock.now_s += 61
        await origin.die()
        stale = await client.get(method="HEAD")
        assert (stale.status, stale.fields["content-length"]) == (200, "10")
        assert stale.cache == "penstock; fwd=stale; ttl=-1"


async def test_a_heuristic_lifetime_says_so_by_its_ttl(clock: Clock) -> None:
    shop = Shop()
    shop.kept = {"last_modified": date(NOW_S - 1000)}
    origin = Origin(shop, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        assert (await client.get()).cache == "penstock; hit; ttl=100"
