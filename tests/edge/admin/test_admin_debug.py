"""`/debug/keys`: why something is stored, until when and where; or why not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from edge.listing import DiskListing, ListedResponse
from edge.purging import Wish
from edge.server import Server
from tests.edge.admin.test_app import TOKEN, administered
from tests.edge.messages import NOW_S
from tests.edge.test_ondisk import disk_of, fill, on_disk
from tests.edge.test_sheaves import purge
from tests.edge.test_sheaves import rest as sheaves_rest
from tests.edge.test_slicing import SIZE, SLICE, Film
from tests.edge.wire import Asked, Clock, Held, Origin, ask, connected, get, serving, so

pytestmark = pytest.mark.socket


@pytest.fixture
def origin(clock: Clock) -> Origin:
    return Origin(lambda asked: asked.reply(b"0123456789", cache_control="max-age=60"), clock)


@pytest.fixture
async def server(origin: Origin, clock: Clock) -> AsyncIterator[Server]:
    async with (
        origin,
        serving(origin.url, clock, admin_token="secret", slice=4096, drain_timeout_s=0.1) as server,
    ):
        yield server


async def told(server: Server, **query: str) -> dict[str, Any]:
    async with (
        administered(server) as admin,
        admin.get("/debug/keys", params=query, headers=TOKEN) as response,
    ):
        found: dict[str, Any] = await response.json(content_type=None)
        return found


async def test_a_stored_response_is_told_with_all_that_decided(
    server: Server, origin: Origin, clock: Clock
) -> None:
    origin.script = lambda asked: asked.reply(
        b"0123456789",
        cache_control="max-age=5",
        cdn_cache_control="max-age=60, stale-while-revalidate=30, stale-if-error=600",
        age="10",
        etag='"1"',
        cache_groups='"b", "a"',
        vary="accept-language",
    )
    await get(server, "/x", "GET", accept_language="de")
    await get(server, "/x")
    clock.now_s += 20
    found = await told(server, url="http://any.example/x?CMCD=br%3D1")
    assert found["key"] == "/x"
    assert found["verdict"] == "stored; 2 of 2 variants fresh, the longest for another 30 s"
    variants = {each["variant"]["accept-language"]: each for each in found["stored"]}
    assert variants.keys() == {"de", None}
    assert variants["de"] == {
        "variant": {"accept-language": "de"},
        "status": 200,
        "tier": "ram",
        "bytes": 10,
        "received_s": NOW_S,
        "age_s": 30,
        "lifetime_s": 60,
        "fresh_until_s": NOW_S + 50,
        "ttl_s": 30,
        "was_expired": False,
        "stale_while_revalidate_until_s": NOW_S + 80,
        "stale_if_error_until_s": NOW_S + 650,
        "may_be_stale_without_upstream": True,
        "decided_by": "CDN-Cache-Control",
        "directives": {"max-age": "60", "stale-while-revalidate": "30", "stale-if-error": "600"},
        "etag": '"1"',
        "last_modified": None,
        "groups": ["a", "b"],
    }
    server.purger.purge(b"/x", is_soft=True)
    found = await told(server, url="/x")
    assert [(each["ttl_s"], each["was_expired"]) for each in found["stored"]] == [(0, True)] * 2
    assert found["verdict"].startswith("stored; stale, and served at once")


async def test_parts_are_told_by_their_bytes(server: Server, origin: Origin) -> None:
    def part(asked: Asked) -> bytes:
        where = "bytes 4096-8191/20000"
        return asked.reply(b"x" * 4096, 206, content_range=where, etag='"1"', cache_control="max-age=60")

    origin.script = part
    await get(server, "/x", "GET", range="bytes=5000-5009")
    (only,) = (await told(server, url="/x"))["stored"]
    assert (only["tier"], only["bytes"], only["total_bytes"]) == ("parts", 4096, 20_000)
    assert only["parts"] == [[4096, 8191]]


WHY_NOT = [
    pytest.param({"cache_control": "private"}, "the response says private", id="private"),
    pytest.param({"cache_control": "no-store"}, "the response says no-store", id="no-store"),
    pytest.param({"cache_control": "max-age=9", "vary": "*"}, "Vary: *", id="vary"),
    pytest.param({}, "neither a lifetime nor a validator", id="nothing"),
    pytest.param(
        {"content_length": "99999999", "cache_control": "max-age=9"}, "larger than max_object", id="size"
    ),
]


@pytest.mark.parametrize(("said", "why"), WHY_NOT)
async def test_what_is_not_shared_is_told_with_the_reason(
    server: Server, origin: Origin, said: dict[str, str], why: str
) -> None:
    origin.script = lambda asked: asked.reply(b"1", 200, is_dated=True, **said)
    async with connected(server) as client:
        client.send(ask("/x"))
        await client.head()
        found = await told(server, url="/x")
    assert why in found["not_shared"]["why"]
    assert found["verdict"].startswith("not stored, and not shared for another 10 s: ")
    assert found["stored"] == []


async def test_what_nothing_is_known_of_is_told_so(server: Server) -> None:
    found = await told(server, url="/never")
    assert found["verdict"] == "not stored; nothing is known of it"


async def test_what_is_on_its_way_is_told(server: Server, origin: Origin) -> None:
    origin.script = held = Held()
    async with connected(server) as client:
        client.send(ask("/x"))
        await so(lambda: len(origin.asked) == 1)
        found = await told(server, url="/x")
        held.may_answer.set()
        await client.answer()
    assert found["flights"] == [{"has_head": False, "come_bytes": 0, "viewers": 1, "is_shared": True}]
    assert found["verdict"] == "not stored; on its way"


async def test_a_listing_has_a_bound_and_says_when_there_is_more(server: Server) -> None:
    for target in ("/v/1", "/v/2", "/v/3", "/w/1"):
        await get(server, target)
    found = await told(server, prefix="/v/", limit="2")
    assert (len(found["keys"]), found["has_more"]) == (2, True)
    found = await told(server, prefix="/v/")
    assert sorted(row["key"] for row in found["keys"]) == ["/v/1", "/v/2", "/v/3"]
    assert found["has_more"] is False
    assert found["keys"][0] == {
        "key": "/v/1",
        "variant": {},
        "status": 200,
        "bytes": 10,
        "tier": "ram",
        "ttl_s": 60,
    }


BAD = [
    pytest.param({}, "name what to look for", id="nothing"),
    pytest.param({"url": "/x", "prefix": "/"}, "name what to look for", id="both"),
    pytest.param({"url": "x"}, "url = 'x': the request target must be a path", id="no-path"),
    pytest.param({"prefix": "/", "limit": "0"}, "limit = '0': give a number from 1 to 1000", id="no-limit"),
    pytest.param({"prefix": "/", "limit": "many"}, "limit = 'many'", id="no-number"),
]


@pytest.mark.parametrize(("query", "said"), BAD)
async def test_a_question_that_makes_no_sense_is_a_problem(
    server: Server, query: dict[str, str], said: str
) -> None:
    assert said in (await told(server, **query))["detail"]


async def test_what_is_on_disk_is_listed_and_told_too(clock: Clock, tmp_path: Path) -> None:
    """Whole and in slices, fresh, purged softly and purged; of slices those that are there."""
    origin = Origin(Film(), clock)
    settings: dict[str, Any] = {"admin_token": "secret", "drain_timeout_s": 0.1, "slice": SLICE}
    async with origin:
        async with on_disk(origin, clock, tmp_path, **settings) as server:
            for target in ("/v/whole", "/v/soft", "/v/gone", "/other"):
                await fill(server, target)
            for first in (0, 3 * SLICE, 10 * SLICE):
                await get(server, "/v/parts", range=f"bytes={first}-{first + 9}")
                await sheaves_rest(server)
            clock.now_s += 1
            purge(server, Wish("url", b"/v/soft", is_soft=True))
            purge(server, Wish("prefix", b"/v/go"))
        clock.now_s += 1
        async with on_disk(origin, clock, tmp_path, ram=2**20, **settings) as server:
            found = await told(server, prefix="/v/")
            rows = {row["key"]: (row["tier"], row["bytes"], row["ttl_s"] > 0) for row in found["keys"]}
            assert rows == {
                "/v/whole": ("disk", SIZE, True),
                "/v/soft": ("disk", SIZE, False),
                "/v/parts": ("disk-parts", 2 * SLICE + SIZE - 10 * SLICE, True),
            }
            assert (found["has_more"], found["files_looked_at"]) == (False, 5)
            assert (await told(server, prefix="/v/", limit="2"))["has_more"]
            parts = (await told(server, url="/v/parts"))["stored"][0]
            assert (parts["tier"], parts["total_bytes"]) == ("disk-parts", SIZE)
            assert parts["parts"] == [
                [0, SLICE - 1],
                [3 * SLICE, 4 * SLICE - 1],
                [10 * SLICE, SIZE - 1],
            ]
            await get(server, "/v/whole")
            await so(lambda: b"/v/whole" in server.entries)
            found = await told(server, prefix="/v/")
            assert sorted((row["key"], row["tier"]) for row in found["keys"]) == [
                ("/v/parts", "disk-parts"),
                ("/v/soft", "disk"),
                ("/v/whole", "ram"),
            ]


async def test_a_disk_that_holds_more_than_is_looked_at_says_so(clock: Clock, tmp_path: Path) -> None:
    origin = Origin(lambda asked: asked.reply(b"x", cache_control="max-age=60"), clock)
    async with origin, on_disk(origin, clock, tmp_path) as server:
        await fill(server, *(f"/{number}" for number in range(9)))
        for most, is_complete in ((9, True), (8, False)):
            listing = DiskListing(disk_of(server), b"/", most)
            keys = [head.key async for head in listing.found() if isinstance(head, ListedResponse)]
            assert keys == [b"/%d" % number for number in range(8, 8 - most, -1)], "newest first"
            assert (listing.is_complete, listing.looked_at) == (is_complete, most)
