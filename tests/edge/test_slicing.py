"""A range of a large response costs upstream the slices it lies in (RFC 9110, 14; RFC 9111, 3.4)."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from edge.server import Server
from tests.edge.wire import Asked, Clock, HangUp, Message, Origin, ask, connected, get, serving, so

pytestmark = pytest.mark.socket

SLICE = 4096
SIZE = 10 * SLICE + 123


def film(version: int = 1, size_bytes: int = SIZE) -> bytes:
    return random.Random(version).randbytes(size_bytes)


class Film:
    """An origin with one large resource, of which it gives any range; each answer may be held back."""

    def __init__(self, body: bytes | None = None, **named: Any) -> None:
        self.body = film() if body is None else body
        self.named: dict[str, Any] = {"cache_control": "max-age=60", "etag": '"v1"'} | named
        self.is_ranged = True
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self, asked: Asked) -> AsyncIterator[bytes]:
        await self.may_answer.wait()
        answer = self.answer(asked)
        end = answer.index(b"\r\n\r\n") + 4 + 100
        yield answer[:end]
        await self.may_end.wait()
        yield answer[end:]

    def answer(self, asked: Asked) -> bytes:
        named = {name: value for name, value in self.named.items() if value is not None}
        if "etag" in named and asked.fields.get("if-none-match") == named["etag"]:
            return asked.reply(status=304, **named)
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", asked.fields.get("range", ""))
        if match is None or not self.is_ranged:
            return asked.reply(self.body, **named)
        size = len(self.body)
        first = int(match[1]) if match[1] else max(0, size - int(match[2]))
        last = min(int(match[2]), size - 1) if match[1] and match[2] else size - 1
        if first > last:
            return asked.reply(status=416, content_range=f"bytes */{size}")
        said = f"bytes {first}-{last}/{size}"
        return asked.reply(self.body[first : last + 1], 206, content_range=said, **named)


def ranges(origin: Origin) -> list[str | None]:
    return [asked.fields.get("range") for asked in origin.asked]


def sliced(*numbers: int) -> list[str | None]:
    return [f"bytes={number * SLICE}-{(number + 1) * SLICE - 1}" for number in numbers]


def is_part(answer: Message, first: int, last: int, body: bytes | None = None) -> bool:
    body = film() if body is None else body
    return (
        answer.status == 206
        and answer.fields["content-range"] == f"bytes {first}-{last}/{len(body)}"
        and answer.body == body[first : last + 1]
    )


async def wire_of(answer: bytes) -> AsyncIterator[bytes]:
    yield answer


def nothing_under_way(server: Server) -> bool:
    return len(server.flights) == 0


async def test_a_cold_range_costs_its_slice_and_no_more(clock: Clock) -> None:
    origin = Origin(Film(), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        cold = await client.get(range="bytes=5000-5099")
        assert is_part(cold, 5000, 5099)
        assert cold.cache == "penstock; fwd=uri-miss; fwd-status=206; stored"
        clock.now_s += 3
        hit = await client.get(range="bytes=4096-8191")
        assert is_part(hit, 4096, 8191)
        assert (hit.cache, hit.fields["age"]) == ("penstock; hit; ttl=57", "3")
        assert ranges(origin) == sliced(1)


@pytest.mark.parametrize("are_new", [True, False], ids=["one-connection-each", "one-after-the-other"])
async def test_ten_viewers_of_one_cold_range_cost_one_request(clock: Clock, are_new: bool) -> None:
    script = Film()
    script.may_answer.clear()
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server:
        herd = [
            asyncio.create_task(get(server, "/x", "GET", range=f"bytes={100 * number if are_new else 0}-999"))
            for number in range(10)
        ]
        await so(lambda: server.counters.connections == 10 and len(origin.asked) >= 1)
        script.may_answer.set()
        answers = await asyncio.gather(*herd)
        assert all(
            is_part(answer, 100 * number if are_new else 0, 999) for number, answer in enumerate(answers)
        )
        assert ranges(origin) == sliced(0)
        said = sorted(answer.cache.rpartition("; ")[2] for answer in answers)
        assert said == ["collapsed"] * 9 + ["stored"]
        assert nothing_under_way(server)


async def test_a_range_over_several_slices_is_put_together(clock: Clock) -> None:
    origin = Origin(Film(), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        assert is_part(await client.get(range="bytes=4000-17000"), 4000, 17000)
        assert ranges(origin) == sliced(0, 1, 2, 3, 4)
        assert (await client.get(range="bytes=4000-17000")).cache == "penstock; hit; ttl=60"
        partial = await client.get(range="bytes=17000-21000")
        assert is_part(partial, 17000, 21000)
        assert partial.cache == "penstock; fwd=partial; fwd-status=206; stored"
        assert ranges(origin) == sliced(0, 1, 2, 3, 4, 5)


SUFFIXES = [  # Range, first and last byte, what upstream is asked for
    pytest.param("bytes=-100", SIZE - 100, SIZE - 1, ["bytes=-100"], id="suffix"),
    pytest.param("bytes=-9999", SIZE - 9999, SIZE - 1, ["bytes=-9999"], id="suffix-of-several-slices"),
    pytest.param(f"bytes=-{10 * SIZE}", 0, SIZE - 1, [f"bytes=-{10 * SIZE}"], id="suffix-longer-than-all"),
    pytest.param(f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1, sliced(10), id="the-last-byte"),
    pytest.param(f"bytes={SIZE - 5}-{SIZE + 5}", SIZE - 5, SIZE - 1, sliced(10), id="past-the-end"),
]


@pytest.mark.parametrize(("value", "first", "last", "asked_for"), SUFFIXES)
async def test_a_range_at_the_end(
    clock: Clock, value: str, first: int, last: int, asked_for: list[str]
) -> None:
    origin = Origin(Film(), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        for _ in range(2):
            assert is_part(await client.get(range=value), first, last)
        assert ranges(origin) == asked_for
        assert is_part(await client.get(range=f"bytes={SIZE - 3}-"), SIZE - 3, SIZE - 1)
        assert len(origin.asked) == len(asked_for)


async def test_a_whole_get_is_completed_from_slices(clock: Clock) -> None:
    origin = Origin(Film(), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        await client.get(range="bytes=9000-9001")
        whole = await client.get()
        assert (whole.status, whole.body, whole.fields["content-length"]) == (200, film(), str(SIZE))
        assert whole.cache == "penstock; fwd=partial; fwd-status=206; stored"
        assert ranges(origin) == sliced(2, 0, 1, *range(3, 11))
        assert (await client.get()).cache == "penstock; hit; ttl=60"
        assert (await client.get()).body == film()
        assert len(origin.asked) == 11


async def test_a_head_is_answered_from_what_the_slices_told(clock: Clock) -> None:
    origin = Origin(Film(), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        await client.get(range="bytes=9000-9001")
        answer = await client.get(method="HEAD")
        assert (answer.status, answer.fields["content-length"]) == (200, str(SIZE))
        assert is_part(await client.get(range="bytes=9000-9001"), 9000, 9001)


async def test_a_client_that_has_the_whole_is_told_so_by_slices_too(clock: Clock) -> None:
    origin = Origin(Film(), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        for _ in range(2):
            answer = await client.get(range="bytes=5000-5001", if_none_match='"v1"')
            assert (answer.status, answer.body) == (304, b"")
        assert len(origin.asked) == 1


async def test_a_range_past_the_end_is_told_so(clock: Clock) -> None:
    origin = Origin(Film(), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        for before in (False, True):
            if before:
                await client.get(range="bytes=0-0")
            answer = await client.get(range="bytes=99999-")
            assert (answer.status, answer.body) == (416, b"")
            assert answer.fields["content-range"] == f"bytes */{SIZE}"
        assert nothing_under_way(server)


async def test_a_range_of_an_empty_body_is_none(clock: Clock) -> None:
    origin = Origin(Film(b""), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        for value in ("bytes=0-9", "bytes=-9", "bytes=5-"):
            answer = await client.get(range=value)
            assert (answer.status, answer.body) == (416, b"")
        whole = await client.get()
        assert (whole.status, whole.body) == (200, b"")
        assert (await client.get(range="bytes=0-9")).status == 416


async def test_an_origin_that_ignores_ranges_gives_the_whole_once(clock: Clock) -> None:
    script = Film()
    script.is_ranged = False
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        assert is_part(await client.get(range="bytes=5000-5099"), 5000, 5099)
        hit = await client.get()
        assert (hit.body, hit.cache) == (film(), "penstock; hit; ttl=60")
        assert len(origin.asked) == 1


async def test_a_small_object_is_stored_whole_by_its_first_range(clock: Clock) -> None:
    origin = Origin(Film(b"0123456789"), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        assert (await client.get(range="bytes=2-3")).body == b"23"
        hit = await client.get()
        assert (hit.status, hit.body, hit.cache) == (200, b"0123456789", "penstock; hit; ttl=60")
        assert (server.counters.hits, len(origin.asked)) == (1, 1)


WITHOUT_VALIDATOR = [
    pytest.param({"etag": None}, id="none"),
    pytest.param({"etag": 'W/"v1"'}, id="a-weak-one"),
]


@pytest.mark.parametrize("named", WITHOUT_VALIDATOR)
async def test_what_has_no_strong_validator_is_never_put_together(
    clock: Clock, named: dict[str, Any]
) -> None:
    """RFC 9110, 15.3.7.3."""
    script = Film(**named)
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        assert is_part(await client.get(range="bytes=4000-9000"), 4000, 9000)
        script.body = film(2)
        for value, first, last in (("bytes=0-99", 0, 99), ("bytes=20000-29999", 20000, 29999)):
            answer = await client.get(range=value)
            assert any(is_part(answer, first, last, film(version)) for version in (1, 2)), "of one version"
        whole = await client.get()
        assert whole.body in (film(1), film(2))


def changing_at(number: int, script: Film, **named: Any) -> Callable[[Asked], AsyncIterator[bytes]]:
    """`script`, which has another film from its question of that number on."""
    asked_so_far = 0

    def answer(asked: Asked) -> AsyncIterator[bytes]:
        nonlocal asked_so_far
        asked_so_far += 1
        if asked_so_far == number:
            script.body = film(2)
            script.named |= named
        return script(asked)

    return answer


async def test_a_new_version_that_is_seen_before_a_byte_is_sent_is_the_answer(clock: Clock) -> None:
    origin = Origin(changing_at(2, Film(), etag='"v2"'), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        await client.get(range="bytes=0-99")
        answer = await client.get(range="bytes=0-9999")
        assert is_part(answer, 0, 9999, film(2))
        assert answer.fields["etag"] == '"v2"'
        assert is_part(await client.get(range="bytes=50-8000"), 50, 8000, film(2))


async def test_a_new_version_between_two_slices_cuts_the_answer_and_mixes_nothing(clock: Clock) -> None:
    origin = Origin(changing_at(3, Film(), etag='"v2"'), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server:
        await get(server, "/x", "GET", range="bytes=0-99")
        async with connected(server) as client:
            client.send(ask("/x", "GET", range="bytes=0-9999"))
            head = await client.head()
            assert (head.status, head.fields["etag"]) == (206, '"v1"')
            assert "; hit" not in head.fields["cache-status"]
            came = await client.rest()
            assert came == film(1)[: len(came)]
            assert len(came) < 10_000
        await so(lambda: nothing_under_way(server))
        async with connected(server) as client:
            assert is_part(await client.get(range="bytes=4096-5000"), 4096, 5000, film(2))
            assert is_part(await client.get(range="bytes=0-9999"), 0, 9999, film(2))
            assert (await client.get()).body == film(2)


async def test_stale_slices_are_made_fresh_by_one_304(clock: Clock) -> None:
    origin = Origin(Film(), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        await client.get(range="bytes=0-9999")
        asked_before = len(origin.asked)
        clock.now_s += 61
        renewed = await client.get(range="bytes=0-9999")
        assert is_part(renewed, 0, 9999)
        assert renewed.fields["age"] == "0"
        assert len(origin.asked) == asked_before + 1
        assert origin.asked[-1].fields["if-none-match"] == '"v1"'
        assert (await client.get(range="bytes=0-9999")).cache == "penstock; hit; ttl=60"
        assert len(origin.asked) == asked_before + 1


async def test_stale_slices_of_an_old_version_are_replaced(clock: Clock) -> None:
    script = Film()
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        await client.get(range="bytes=0-9999")
        clock.now_s += 61
        script.body, script.named["etag"] = film(2), '"v2"'
        for _ in range(2):
            assert is_part(await client.get(range="bytes=5000-9999"), 5000, 9999, film(2))
        assert is_part(await client.get(range="bytes=0-9999"), 0, 9999, film(2))


async def test_stale_slices_stand_in_for_a_dead_origin(clock: Clock) -> None:
    origin = Origin(Film(), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        await client.get(range="bytes=0-99")
        clock.now_s += 61
        await origin.die()
        stale = await client.get(range="bytes=0-99")
        assert is_part(stale, 0, 99)
        assert stale.fields["age"] == "61"
        assert "stale" in stale.cache or "ttl=-1" in stale.cache


@pytest.mark.parametrize(("condition", "status"), [('"v1"', 206), ('"v0"', 200)], ids=["holds", "does-not"])
async def test_if_range_is_judged_by_what_is_stored_or_fetched(
    clock: Clock, condition: str, status: int
) -> None:
    origin = Origin(Film(), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        for warm in (False, True, True):
            if warm:
                await client.get(range="bytes=20000-20001")
            answer = await client.get(range="bytes=5000-5099", if_range=condition)
            assert answer.status == status
            assert answer.body == (film()[5000:5100] if status == 206 else film())
        assert all("if-range" not in asked.fields for asked in origin.asked)


async def test_several_ranges_are_one_answer_cold_and_warm(clock: Clock) -> None:
    origin = Origin(Film(content_type="video/mp4"), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        answers = [await client.get(range="bytes=0-9,20000-20009") for _ in range(2)]
        server.purge(b"/x")
        await client.get(range="bytes=20000-20001")
        answers.append(await client.get(range="bytes=0-9,20000-20009"))
        for answer in answers:
            assert answer.status == 206
            boundary = answer.fields["content-type"].partition("boundary=")[2].encode()
            parts = answer.body.split(b"--" + boundary)
            assert [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts[1:-1]] == [
                film()[:10],
                film()[20000:20010],
            ]
            assert b"content-range: bytes 20000-20009/%d" % SIZE in parts[2]
            assert (parts[0], parts[-1]) == (b"", b"--\r\n")
            assert "content-range" not in answer.fields


async def test_a_slice_that_was_evicted_is_fetched_again(clock: Clock) -> None:
    origin = Origin(Film(), clock)
    settings = {"ram": 40_000, "max_object": 40_000, "slice": SLICE}
    async with origin, serving(origin.url, clock, **settings) as server, connected(server) as client:
        for _ in range(2):
            for first in range(0, SIZE - 5000, 4999):
                assert is_part(await client.get(range=f"bytes={first}-{first + 4999}"), first, first + 4999)
        assert server.store.evicted > 0
        assert len(origin.asked) > 11
        assert (await client.get()).body == film(), "larger than the store, and whole all the same"
        assert server.store.policy.used_bytes <= 40_000


async def test_a_store_too_small_for_one_slice_serves_ranges_all_the_same(clock: Clock) -> None:
    origin = Origin(Film(), clock)
    settings = {"ram": 5000, "max_object": 5000, "slice": SLICE}
    async with origin, serving(origin.url, clock, **settings) as server, connected(server) as client:
        for _ in range(2):
            assert is_part(await client.get(range="bytes=4000-17000"), 4000, 17000)
        assert len(server.store) == 0
        assert (await client.get()).body == film()


async def test_a_run_that_is_evicted_while_it_is_sent_is_sent_to_its_end(clock: Clock) -> None:
    size = 64 * 2**20
    body = random.Random(1).randbytes(2**20) * 64
    origin = Origin(Film(body), clock)
    async with origin, serving(origin.url, clock, slice=32 * 2**20) as server:
        await get(server, "/x", "GET", range="bytes=0-0")
        await so(lambda: nothing_under_way(server))
        async with connected(server, 2**16) as slow:
            slow.send(ask("/x", "GET", range=f"bytes=0-{size - 1}"))
            head = await slow.head()
            assert head.status == 206
            assert server.purge(b"/x") == 1
            came = await slow.reader.readexactly(size)
            assert came == body
        await so(lambda: nothing_under_way(server))


async def test_a_purge_between_two_slices_lets_the_answer_go_on(clock: Clock) -> None:
    script = Film()
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        await client.get(range="bytes=0-99")
        await so(lambda: nothing_under_way(server))
        script.may_end.clear()
        client.send(ask("/x", "GET", range="bytes=0-9999"))
        head = await client.head()
        await so(lambda: len(origin.asked) >= 2)
        assert server.purge(b"/x") == 1
        script.may_end.set()
        assert head.status == 206
        assert await client.reader.readexactly(10_000) == film()[:10_000]
        await so(lambda: nothing_under_way(server))
        assert (await client.get(range="bytes=5000-5001")).cache.startswith("penstock; ")


async def test_a_slice_that_is_purged_on_its_way_is_not_stored(clock: Clock) -> None:
    script = Film()
    script.may_end.clear()
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        client.send(ask("/x", "GET", range="bytes=0-99"))
        await client.head()
        server.purge(b"/x")
        script.may_end.set()
        assert await client.reader.readexactly(100) == film()[:100]
        await so(lambda: nothing_under_way(server))
        assert len(server.store) == 0


async def test_a_slice_that_upstream_cuts_is_cut_for_the_client_and_never_stored(clock: Clock) -> None:
    async def cut(asked: Asked) -> AsyncIterator[bytes]:
        yield script.answer(asked)[:-3000]
        raise HangUp

    script = Film()
    origin = Origin(cut, clock)
    async with origin, serving(origin.url, clock, slice=SLICE, resume_tries=0) as server:
        async with connected(server) as client:
            client.send(ask("/x", "GET", range="bytes=0-4000"))
            assert (await client.head()).status == 206
            came = await client.rest()
            assert came == film()[: len(came)]
            assert len(came) < 4001
        await so(lambda: nothing_under_way(server))
        assert len(server.store) == 0
        origin.script = script
        assert is_part(await get(server, "/x", "GET", range="bytes=0-4000"), 0, 4000)


LIES = [  # what a 206 says that is not so
    pytest.param({"content_range": f"bytes 0-4095/{SIZE}"}, id="another-range"),
    pytest.param({"content_range": "bytes 8192-12287/*"}, id="of-unknown-size"),
    pytest.param({"content_range": "bytes 9-1/5"}, id="nonsense"),
    pytest.param({"content_range": f"bytes 8192-12000/{SIZE}"}, id="fewer-than-it-sends"),
    pytest.param({}, id="nothing"),
]


@pytest.mark.parametrize("named", LIES)
async def test_a_206_that_is_wrong_never_poisons_the_store(clock: Clock, named: dict[str, Any]) -> None:
    script = Film()
    origin = Origin(
        lambda asked: asked.reply(film()[8192:12288], 206, cache_control="max-age=60", etag='"v1"', **named),
        clock,
    )
    async with origin, serving(origin.url, clock, slice=SLICE) as server:
        async with connected(server) as client:
            client.send(ask("/x", "GET", range="bytes=9000-9099", connection="close"))
            await client.rest()
        await so(lambda: nothing_under_way(server))
        origin.script = script
        clock.now_s += 20  # what is not worth waiting for is remembered for ten seconds
        server.purge(b"/never-seen")
        if "content_range" not in named or named["content_range"] != f"bytes 0-4095/{SIZE}":
            assert is_part(await get(server, "/x", "GET", range="bytes=9000-9099"), 9000, 9099)


async def test_variants_have_slices_of_their_own(clock: Clock) -> None:
    bodies = {"de": film(1), "en": film(2)}
    scripts = {name: Film(body, vary="accept-language", etag=f'"{name}"') for name, body in bodies.items()}
    origin = Origin(lambda asked: scripts[asked.fields["accept-language"]].answer(asked), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        for _ in range(2):
            for language, body in bodies.items():
                answer = await client.get(range="bytes=4000-9000", accept_language=language)
                assert is_part(answer, 4000, 9000, body)
        assert len(origin.asked) == 6
        assert server.purge(b"/x") == 2


async def test_two_variants_that_come_at_once_are_kept_apart(clock: Clock) -> None:
    bodies = {"de": film(1), "en": film(2)}
    may_answer = asyncio.Event()

    async def script(asked: Asked) -> AsyncIterator[bytes]:
        await may_answer.wait()
        language = asked.fields["accept-language"]
        yield Film(bodies[language], vary="accept-language", etag=f'"{language}"').answer(asked)

    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server:
        herd = [
            asyncio.create_task(get(server, "/x", "GET", range="bytes=100-199", accept_language=language))
            for language in ["de", "en"] * 5
        ]
        await so(lambda: server.counters.connections == 10 and len(origin.asked) >= 1)
        may_answer.set()
        answers = await asyncio.gather(*herd)
        assert [answer.body for answer in answers] == [body[100:200] for body in bodies.values()] * 5


async def test_a_range_that_may_not_be_stored_is_passed_on_as_it_was_asked(clock: Clock) -> None:
    origin = Origin(Film(cache_control="no-store"), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        for _ in range(2):
            assert is_part(await client.get(range="bytes=5000-5099"), 5000, 5099)
        assert ranges(origin)[-1] == "bytes=5000-5099"
        assert len(server.store) == 0


async def test_an_authorised_range_does_not_switch_slices_off_for_others(clock: Clock) -> None:
    """RFC 9111, 3.5."""
    origin = Origin(Film(), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        answer = await client.get(range="bytes=5000-5099", authorization="Bearer x")
        assert is_part(answer, 5000, 5099)
        assert len(server.store) == 0
        await client.get(range="bytes=5000-5099")
        assert (await client.get(range="bytes=5000-5099")).cache == "penstock; hit; ttl=60"


async def test_a_slice_is_handed_on_as_it_comes(clock: Clock) -> None:
    script = Film()
    script.may_end.clear()
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server:
        async with connected(server) as one, connected(server) as other:
            for client in (one, other):
                client.send(ask("/x", "GET", range="bytes=0-3999"))
                assert (await client.head()).status == 206
                assert await client.reader.readexactly(100) == film()[:100]
            script.may_end.set()
            for client in (one, other):
                assert await client.reader.readexactly(3900) == film()[100:4000]
        assert ranges(origin) == sliced(0)


async def test_slices_can_be_switched_off(clock: Clock) -> None:
    origin = Origin(Film(), clock)
    async with origin, serving(origin.url, clock, slice=0) as server, connected(server) as client:
        assert is_part(await client.get(range="bytes=5000-5099"), 5000, 5099)
        assert ranges(origin) == [None]
        assert (await client.get()).cache == "penstock; hit; ttl=60"


async def test_a_range_joins_nothing_of_the_whole_and_costs_it_nothing(clock: Clock) -> None:
    """The whole and a slice are on their way at once; what was whole stays so."""
    script = Film()
    script.may_end.clear()
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server:
        async with connected(server) as whole, connected(server) as part:
            whole.send(ask())
            assert (await whole.head()).status == 200
            part.send(ask("/x", "GET", range="bytes=5000-5099"))
            assert (await part.head()).status == 206
            script.may_end.set()
            assert await part.reader.readexactly(100) == film()[5000:5100]
            assert await whole.reader.readexactly(SIZE) == film()
        await so(lambda: nothing_under_way(server))
        asked_before = len(origin.asked)
        assert (await get(server)).body == film()
        assert (await get(server)).cache == "penstock; hit; ttl=60"
        assert len(origin.asked) == asked_before


async def test_a_slice_past_the_end_is_never_taken_for_the_resource(clock: Clock) -> None:
    """One client's odd range costs the others nothing."""

    def script(asked: Asked) -> bytes:
        if "range" in asked.fields:
            return asked.reply(b"", 416, cache_control="max-age=60", content_range=f"bytes */{SIZE}")
        return asked.reply(film(), cache_control="max-age=60", etag='"v1"')

    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        assert (await client.get(range="bytes=99999999-")).status == 416
        assert (await client.get()).body == film()
        assert (await client.get()).cache == "penstock; hit; ttl=60", "nor is it passed on for a while"


async def test_a_part_that_nobody_asked_for_is_no_answer(clock: Clock) -> None:
    said: dict[str, Any] = {
        "content_range": f"bytes 0-99/{SIZE}",
        "cache_control": "max-age=60",
        "etag": '"v1"',
    }
    origin = Origin(lambda asked: asked.reply(film()[:100], 206, **said), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        assert (await client.get()).status == 502
        assert len(server.store) == 0


async def test_slices_that_vanish_while_they_are_validated_are_fetched_again(clock: Clock) -> None:
    script = Film()
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        await client.get(range="bytes=0-99")
        await so(lambda: nothing_under_way(server))
        clock.now_s += 61
        script.may_answer.clear()
        client.send(ask("/x", "GET", range="bytes=0-99"))
        await so(lambda: len(origin.asked) == 2)
        server.store.purge(b"/x")
        script.may_answer.set()
        assert is_part(await client.answer(), 0, 99)
        assert nothing_under_way(server)


async def test_stale_slices_are_served_at_once_where_they_may_be_and_validated_behind(clock: Clock) -> None:
    """RFC 5861, 3."""
    script = Film(cache_control="max-age=60, stale-while-revalidate=30")
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        await client.get(range="bytes=0-99")
        await so(lambda: nothing_under_way(server))
        clock.now_s += 70
        script.may_answer.clear()
        stale = await client.get(range="bytes=0-99")
        assert is_part(stale, 0, 99)
        assert (stale.cache, stale.fields["age"]) == ("penstock; hit; ttl=-10", "70")
        script.may_answer.set()
        await so(lambda: len(origin.asked) == 2 and nothing_under_way(server))
        assert (await client.get(range="bytes=0-99")).cache == "penstock; hit; ttl=60"
        assert len(origin.asked) == 2


@pytest.mark.parametrize("wish", ["no-cache", "max-age=0"])
async def test_a_client_may_ask_for_slices_to_be_validated(clock: Clock, wish: str) -> None:
    """RFC 9111, 5.2.1."""
    origin = Origin(Film(), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        await client.get(range="bytes=0-99")
        clock.now_s += 5
        answer = await client.get(range="bytes=0-99", cache_control=wish)
        assert is_part(answer, 0, 99)
        assert answer.cache == "penstock; fwd=request; fwd-status=304; ttl=60"
        assert origin.asked[1].fields["cache-control"] == wish
        assert origin.asked[1].fields["if-none-match"] == '"v1"'


async def test_an_early_hint_for_a_later_slice_is_not_sent_into_the_body(clock: Clock) -> None:
    script = Film()

    def hinting(asked: Asked) -> AsyncIterator[bytes]:
        async def answer() -> AsyncIterator[bytes]:
            yield b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
            yield script.answer(asked)

        return answer()

    origin = Origin(hinting, clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        client.send(ask("/x", "GET", range="bytes=0-9999"))
        assert (await client.head()).status == 103
        assert is_part(await client.answer(), 0, 9999)


async def test_what_is_for_the_first_client_only_is_not_shown_to_the_followers_of_a_slice(
    clock: Clock,
) -> None:
    """RFC 9111, 5.2.2.7."""
    script = Film(cache_control='max-age=60, private="x-mine"', x_mine="1", age="7")
    script.may_end.clear()
    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server:
        async with connected(server) as one, connected(server) as other:
            heads = []
            for client in (one, other):
                client.send(ask("/x", "GET", range="bytes=0-3999"))
                heads.append(await client.head())
            assert ["x-mine" in head.fields for head in heads] == [True, False]
            assert [head.fields["age"] for head in heads] == ["7", "7"], "each Age once"
            script.may_end.set()
            assert await other.reader.readexactly(4000) == film()[:4000]
        await so(lambda: nothing_under_way(server))
        assert "x-mine" not in (await get(server, "/x", "GET", range="bytes=0-9")).fields


async def test_what_is_too_large_for_the_store_is_kept_in_slices_whoever_asked_for_the_whole(
    clock: Clock,
) -> None:
    origin = Origin(Film(), clock)
    async with (
        origin,
        serving(origin.url, clock, slice=SLICE, max_object=20_000) as server,
        connected(server) as client,
    ):
        assert (await client.get()).body == film()
        for _ in range(2):
            assert is_part(await client.get(range="bytes=5000-5099"), 5000, 5099)
        assert ranges(origin) == [None, *sliced(1)]


async def test_a_viewer_who_leaves_costs_one_slice_and_the_one_ahead(clock: Clock) -> None:
    origin = Origin(Film(), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server:
        await get(server, "/x", "GET", range="bytes=0-0")
        async with connected(server, 1024) as client:
            client.send(ask("/x", "GET", range="bytes=4096-"))
            await client.head()
            client.leave()
            await so(lambda: not server.connections)
        await so(lambda: nothing_under_way(server))
        assert is_part(await get(server, "/x", "GET", range="bytes=0-9999"), 0, 9999)


@pytest.mark.parametrize("number", [2, 3])
async def test_a_length_that_changes_under_one_tag_ends_in_no_loop(clock: Clock, number: int) -> None:
    script = Film()

    def shrinking(asked: Asked) -> AsyncIterator[bytes]:
        if len(origin.asked) == number:
            script.body = film()[:6000]
            script.is_ranged = False
        return script(asked)

    origin = Origin(shrinking, clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server:
        await get(server, "/x", "GET", range="bytes=0-99")
        await so(lambda: nothing_under_way(server))
        async with connected(server) as client, connected(server) as other:
            client.send(ask("/x", "GET", range="bytes=0-9999"))
            head = await client.head()
            is_seen = number == 2  # before the head was sent
            assert head.fields["content-range"] == (
                "bytes 0-5999/6000" if is_seen else f"bytes 0-9999/{SIZE}"
            )
            if is_seen:
                assert await client.reader.readexactly(6000) == film()[:6000]
            else:
                came = await client.rest()
                assert came == film()[: len(came)]
                assert len(came) < 10_000
            await so(lambda: nothing_under_way(server))
            assert (await other.get()).body == film()[:6000]


async def test_a_part_without_a_strong_validator_answers_what_lies_in_it(clock: Clock) -> None:
    """RFC 9111, 3.3."""
    origin = Origin(Film(etag='W/"v1"'), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        assert is_part(await client.get(range="bytes=5000-5099"), 5000, 5099)
        hit = await client.get(range="bytes=5050-6000")
        assert is_part(hit, 5050, 6000)
        assert hit.cache == "penstock; hit; ttl=60"
        assert is_part(await client.get(range="bytes=20000-20099"), 20000, 20099)
        assert ranges(origin) == sliced(1, 4)


async def test_a_range_that_upstream_gives_instead_of_another_is_not_passed_off(clock: Clock) -> None:
    def odd(asked: Asked) -> AsyncIterator[bytes]:
        if "range" not in asked.fields:
            return wire_of(asked.reply(film(), etag='"v1"', cache_control="max-age=60"))
        said = f"bytes 20000-20099/{SIZE}"
        part = film()[20000:20100]
        return wire_of(asked.reply(part, 206, etag='"v1"', cache_control="max-age=60", content_range=said))

    origin = Origin(odd, clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        assert is_part(await client.get(range="bytes=5000-5099"), 5000, 5099)
        assert is_part(await client.get(range="bytes=20000-20099"), 20000, 20099)


async def test_only_if_cached_takes_parts_and_asks_nobody(clock: Clock) -> None:
    """RFC 9111, 5.2.1.7."""
    origin = Origin(Film(), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        await client.get(range="bytes=0-9999")
        asked = len(origin.asked)
        for value, status in (("bytes=10-9000", 206), ("bytes=10-90000", 504), ("bytes=99999-", 416)):
            answer = await client.get(range=value, cache_control="only-if-cached")
            assert answer.status == status, value
        clock.now_s += 61
        assert (await client.get(range="bytes=10-9000", cache_control="only-if-cached")).status == 504
        assert len(origin.asked) == asked


async def test_a_dead_origin_is_told_before_a_head_is_sent(clock: Clock) -> None:
    origin = Origin(Film(), clock)
    async with origin, serving(origin.url, clock, slice=SLICE) as server, connected(server) as client:
        await client.get(range="bytes=0-99")
        await origin.die()
        assert (await client.get(range="bytes=0-9999")).status == 502
        assert is_part(await client.get(range="bytes=0-99"), 0, 99)
