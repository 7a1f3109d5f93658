"""What a client gets of a stored response, over real sockets."""

from __future__ import annotations

import pytest

from tests.edge.messages import NOW_S, date
from tests.edge.wire import Asked, Clock, Origin, connected, get, serving

pytestmark = pytest.mark.socket

BODY = b"0123456789"
MODIFIED = date(NOW_S - 1000)


@pytest.fixture
def origin(clock: Clock) -> Origin:
    """Ten bytes that are fresh for a minute, whatever it is asked."""
    return Origin(
        lambda asked: asked.reply(BODY, cache_control="max-age=60", etag='"v1"', last_modified=MODIFIED),
        clock,
    )


async def test_a_second_request_is_a_hit_and_the_origin_saw_one(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        first, second, third = [await client.get() for _ in range(3)]
        assert (first.status, first.body) == (second.status, second.body) == (200, BODY)
        assert first.cache == "penstock; fwd=uri-miss; fwd-status=200; stored"
        assert second.cache == third.cache == "penstock; hit; ttl=60"
        assert third.body == BODY
        assert len(origin.asked) == 1
        assert server.counters.hits == 2, "the hot path answered them"


async def test_age_grows_with_the_clock(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        ages = []
        for passed_s in (0, 0.5, 1, 8.5, 50, 0.4):
            clock.now_s += passed_s
            answer = await client.get()
            ages.append((int(answer.fields["age"]), answer.cache.partition("ttl=")[2]))
        assert ages == [(0, ""), (0, "59"), (1, "58"), (10, "50"), (0, ""), (0, "59")]
        assert len(origin.asked) == 2


async def test_a_chain_of_edges_tells_each_ones_part(origin: Origin, clock: Clock) -> None:
    """RFC 9211, 2: the caches nearer to the origin come first."""
    async with (
        origin,
        serving(origin.url, clock, name="shield") as shield,
        serving(f"http://{shield.address}", clock, name="edge-1") as server,
        serving(f"http://{shield.address}", clock, name="edge-2") as other,
    ):
        first = await get(server)
        assert first.cache == (
            "shield; fwd=uri-miss; fwd-status=200; stored, edge-1; fwd=uri-miss; fwd-status=200; stored"
        )
        clock.now_s += 7
        assert (await get(server)).cache == "edge-1; hit; ttl=53"
        by_other = await get(other)
        assert by_other.cache == "shield; hit; ttl=53, edge-2; fwd=uri-miss; fwd-status=200; stored"
        assert by_other.fields["age"] == "7"
        clock.now_s += 1
        assert (await get(other)).fields["age"] == "8"
        assert [asked.fields["via"] for asked in origin.asked] == ["1.1 edge-1, 1.1 shield"]


async def test_what_players_say_about_themselves_costs_no_fetch(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        for buffer_ms in range(5):
            assert (
                await client.get(f"/x?CMCD=bl%3D{buffer_ms}", cmcd_request=f"mtp={buffer_ms}")
            ).body == BODY
        assert [asked.target for asked in origin.asked] == ["/x"]
        assert "cmcd-request" not in origin.asked[0].fields


async def test_head_is_answered_from_the_store_and_costs_no_fetch(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        answer = await client.get(method="HEAD")
        assert (answer.status, answer.fields["content-length"]) == (200, "10")
        assert (await client.get()).body == BODY, "no byte of a body came with it"
        assert len(origin.asked) == 1


RANGES = [  # Range, status, body, Content-Range
    pytest.param("bytes=0-3", 206, b"0123", "bytes 0-3/10", id="first"),
    pytest.param("bytes=4-6", 206, b"456", "bytes 4-6/10", id="middle"),
    pytest.param("bytes=-2", 206, b"89", "bytes 8-9/10", id="suffix"),
    pytest.param("bytes=4-", 206, b"456789", "bytes 4-9/10", id="to-the-end"),
    pytest.param("bytes=10-", 416, b"", "bytes */10", id="unsatisfiable"),
    pytest.param("bytes=0-1,4-5", 206, b"012345", "bytes 0-5/10", id="several-that-are-near"),
    pytest.param("bytes=6-2", 200, BODY, None, id="malformed-is-ignored"),
]


@pytest.mark.parametrize(("value", "status", "body", "said"), RANGES)
async def test_a_range_of_a_stored_response(
    origin: Origin, clock: Clock, value: str, status: int, body: bytes, said: str | None
) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await client.get()
        answer = await client.get(range=value)
        assert (answer.status, answer.body, answer.fields.get("content-range")) == (status, body, said)
        assert answer.cache == "penstock; hit; ttl=60"
        assert (await client.get()).body == BODY
        assert len(origin.asked) == 1


@pytest.mark.parametrize(("value", "status", "body", "said"), RANGES)
async def test_a_range_of_a_response_that_is_still_arriving(
    origin: Origin, clock: Clock, value: str, status: int, body: bytes, said: str | None
) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        answer = await client.get(range=value)
        assert (answer.status, answer.body, answer.fields.get("content-range")) == (status, body, said)
        assert (await client.get()).body == BODY
        assert len(origin.asked) == 1


@pytest.mark.parametrize(
    ("condition", "status"),
    [('"v1"', 206), ('"v0"', 200), (MODIFIED.replace("2023", "2022"), 200)],
    ids=["right", "wrong", "wrong-date"],
)
async def test_if_range_holds_or_gives_the_whole(
    origin: Origin, clock: Clock, condition: str, status: int
) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        for _ in range(2):  # arriving, and stored
            answer = await client.get(range="bytes=2-3", if_range=condition)
            assert (answer.status, answer.body) == (status, b"23" if status == 206 else BODY)


CONDITIONS = [
    pytest.param({"if_none_match": '"v1"'}, 304, id="same-tag"),
    pytest.param({"if_none_match": '"v0"'}, 200, id="other-tag"),
    pytest.param({"if_modified_since": MODIFIED}, 304, id="not-since"),
    pytest.param({"if_modified_since": date(NOW_S - 2000)}, 200, id="since"),
]


@pytest.mark.parametrize(("named", "status"), CONDITIONS)
async def test_a_client_that_has_it_is_told_so(
    origin: Origin, clock: Clock, named: dict[str, str], status: int
) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        for _ in range(2):  # arriving, and stored
            answer = await client.get("/x", **named)
            assert (answer.status, answer.body) == (status, b"" if status == 304 else BODY)
            assert answer.fields["etag"] == '"v1"'
        assert len(origin.asked) == 1
        assert not {"if-none-match", "if-modified-since"} & origin.asked[0].fields.keys()


async def test_only_if_cached_is_served_or_refused(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        assert (await client.get(cache_control="only-if-cached")).status == 504
        assert origin.asked == []
        await client.get()
        assert (await client.get(cache_control="only-if-cached")).body == BODY
        assert len(origin.asked) == 1


async def test_each_variant_is_fetched_once_and_given_to_those_who_select_it(clock: Clock) -> None:
    def script(asked: Asked) -> bytes:
        language = asked.fields.get("accept-language", "none")
        return asked.reply(language.encode(), vary="Accept-Language", cache_control="max-age=60")

    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        for _ in range(2):
            for language in ("de", "en"):
                assert (await client.get(accept_language=language)).body == language.encode()
            assert (await client.get()).body == b"none"
        assert len(origin.asked) == 3


async def test_a_large_body_leaves_the_store_whole(clock: Clock) -> None:
    body = bytes(range(256)) * 20_000
    origin = Origin(lambda asked: asked.reply(body, cache_control="max-age=60"), clock)
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        for _ in range(3):
            assert (await client.get()).body == body
        assert (await client.get(range="bytes=1000000-3000000")).body == body[1_000_000:3_000_001]
        assert len(origin.asked) == 1


async def test_players_on_other_sites_may_read_what_caches_say(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        for _ in range(2):
            answer = await client.get()
            assert answer.fields["access-control-allow-origin"] == "*"
            assert "cache-status" in answer.fields["access-control-expose-headers"]


async def test_the_key_is_told_if_it_is_asked_for(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock, tell_key=True) as server, connected(server) as client:
        first = await client.get("/x?a=1&CMCD=br%3D1")
        assert first.cache == 'penstock; key="/x?a=1"; fwd=uri-miss; fwd-status=200; stored'
        again = await client.get("/x?a=1&CMCD=br%3D2")
        assert again.cache == 'penstock; key="/x?a=1"; hit; ttl=60'
