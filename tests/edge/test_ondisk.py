"""The disk tier behind the sockets: what RAM has no place for comes from files, whole or in parts."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from edge.disk.objects import DiskObject
from edge.ondisk import OnDisk
from edge.server import Server
from tests.edge.messages import NOW_S, date
from tests.edge.test_tls import connected as connected_in_tls
from tests.edge.test_tls import in_tls, make_certificate, trusting
from tests.edge.wire import Asked, Clock, Message, Origin, ask, connected, get, serving, so
from tests.edge.wire2 import connected2

pytestmark = pytest.mark.socket

KIB, MIB = 1024, 2**20
SEED = 20261121
MODIFIED = date(NOW_S - 1000)
# By name; from the hot path's mappings, and by sendfile.
SIZES_BYTES = {"/empty": 0, "/one": 1, "/small": 20 * KIB, "/middle": 700 * KIB, "/large": 5 * MIB + 7}
BODIES = {name: random.Random(f"{SEED}{name}").randbytes(size) for name, size in SIZES_BYTES.items()}
for another in range(4):  # of one size class: a buffer that is lent again too early shows
    BODIES[f"/middle/{another}"] = random.Random(another).randbytes(800 * KIB)


@pytest.fixture
def origin(clock: Clock) -> Origin:
    """Bodies that are fresh for a minute, with validators."""

    def script(asked: Asked) -> bytes:
        return asked.reply(
            BODIES[asked.target], cache_control="max-age=60", etag='"v1"', last_modified=MODIFIED
        )

    return Origin(script, clock)


@asynccontextmanager
async def on_disk(
    origin: Origin, clock: Clock, folder: Path, *, ram: int = 0, **settings: Any
) -> AsyncIterator[Server]:
    """An edge whose RAM tier has place for so many bytes; less than a configuration may say."""
    settings = {"disk": folder, "slice": 0} | settings
    async with serving(origin.url, clock, **settings) as server:
        server.store.policy.capacity_bytes = ram
        yield server


def disk_of(server: Server) -> OnDisk:
    assert server.disk is not None
    return server.disk


async def landed(server: Server, number: int = 1) -> None:
    """So many responses have been written since the edge began."""
    await so(lambda: disk_of(server).tier.counters.written >= number)


async def fill(server: Server, *targets: str, **named: str) -> None:
    """Ask for each, and wait until it is on the disk."""
    for target in targets:
        number = disk_of(server).tier.counters.written
        assert (await get(server, target, **named)).status < 500
        await landed(server, number + 1)


def is_hit(answer: Message) -> bool:
    return "; hit" in answer.cache


def _is_let_go(source: DiskObject) -> bool:
    return source.users == 1


async def nothing_lent(server: Server) -> None:
    await so(lambda: disk_of(server).mappings.lent_bytes == 0)


async def nothing_held(server: Server, *targets: str) -> None:
    """No file is held but by the set of open ones."""
    disk = disk_of(server)
    for target in targets:
        opened = disk.tier.opened(target.encode())
        if opened is not None:
            opened.release()
            await so(partial(_is_let_go, opened))


@pytest.mark.parametrize("target", SIZES_BYTES)
async def test_what_ram_has_no_place_for_comes_from_disk(
    target: str, origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin, on_disk(origin, clock, tmp_path) as server, connected(server) as client:
        await fill(server, target)
        for _ in range(4):
            answer = await client.get(target)
            assert (answer.status, answer.body, is_hit(answer)) == (200, BODIES[target], True)
        assert len(server.entries) == 0
        assert disk_of(server).hits == 4
        assert len(origin.asked) == 1
        await nothing_lent(server)
        await nothing_held(server, target)


async def test_what_was_evicted_from_ram_comes_from_disk_and_rises_again(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin, on_disk(origin, clock, tmp_path, ram=MIB) as server:
        await fill(server, "/small", "/middle")
        assert set(server.entries) == {b"/small", b"/middle"}
        for number in range(40):
            BODIES[f"/other/{number}"] = b"x" * 60 * KIB
        await fill(server, *(f"/other/{number}" for number in range(40)))
        assert not {b"/small", b"/middle"} & server.entries.keys()
        assert is_hit(await get(server, "/small"))
        await so(lambda: b"/small" in server.entries)
        answer = await get(server, "/small")
        assert (answer.body, is_hit(answer)) == (BODIES["/small"], True)
        assert disk_of(server).hits == 1
        assert len(origin.asked) == 42


async def test_what_has_risen_is_not_written_again(origin: Origin, clock: Clock, tmp_path: Path) -> None:
    async with origin, on_disk(origin, clock, tmp_path) as server:
        await fill(server, "/small")
    async with on_disk(origin, clock, tmp_path, ram=MIB) as server:
        assert is_hit(await get(server, "/small"))
        await so(lambda: b"/small" in server.entries)
        assert disk_of(server).tier.counters.written == 0


async def test_after_a_restart_all_is_there(origin: Origin, clock: Clock, tmp_path: Path) -> None:
    async with origin:
        async with on_disk(origin, clock, tmp_path) as server:
            await fill(server, *SIZES_BYTES)
        clock.now_s += 9
        async with on_disk(origin, clock, tmp_path) as server:
            for target in SIZES_BYTES:
                answer = await get(server, target)
                assert (answer.body, answer.fields["age"]) == (BODIES[target], "9")
        assert len(origin.asked) == len(SIZES_BYTES)


async def test_after_a_death_all_is_there(origin: Origin, clock: Clock, tmp_path: Path) -> None:
    async with origin:
        async with on_disk(origin, clock, tmp_path / "of the dead") as server:
            await fill(server, *SIZES_BYTES)
            shutil.copytree(tmp_path / "of the dead", tmp_path / "left")
        async with on_disk(origin, clock, tmp_path / "left") as server:
            assert disk_of(server).tier.how_started == "journal"
            for target in SIZES_BYTES:
                answer = await get(server, target)
                assert (answer.body, is_hit(answer)) == (BODIES[target], True)
        assert len(origin.asked) == len(SIZES_BYTES)


async def test_many_slow_readers_get_every_byte_of_their_own_body(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    """They take so much at once that mappings come back, are lent again, and run out."""
    rng = random.Random(SEED)
    names = [name for name in BODIES if name.startswith(("/small", "/middle", "/large"))]
    async with origin, on_disk(origin, clock, tmp_path, send_buffer=256 * KIB) as server:
        await fill(server, *names)

        async def read_slowly(wanted: list[str]) -> None:
            async with connected(server, limit_bytes=64 * KIB) as client:
                await client.get("/one")
                for target in wanted:
                    client.send(ask(target))
                    for _ in range(20):
                        await asyncio.sleep(0)
                    assert (await client.answer()).body == BODIES[target], f"seed {SEED}"

        await asyncio.gather(*(read_slowly(rng.choices(names, k=3)) for _ in range(40)))
        assert disk_of(server).mappings.lent_bytes <= 32 * MIB
        await nothing_lent(server)
        await nothing_held(server, *names)


async def test_requests_sent_ahead_are_answered_in_order(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin, on_disk(origin, clock, tmp_path) as server, connected(server) as client:
        await fill(server, *SIZES_BYTES)
        targets = [*SIZES_BYTES, *reversed(SIZES_BYTES)] * 3
        client.send(b"".join(map(ask, targets)))
        for target in targets:
            assert (await client.answer()).body == BODIES[target]
        assert len(origin.asked) == len(SIZES_BYTES)


@pytest.mark.parametrize("target", ["/middle", "/large"])
async def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(
    target: str, origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin, on_disk(origin, clock, tmp_path, send_buffer=256 * KIB) as server:
        await fill(server, target)
        for _ in range(8):
            async with connected(server, limit_bytes=KIB) as client:
                await client.get("/one")
                client.send(ask(target))
                await client.head()
        await so(lambda: not server.connections)
        await nothing_lent(server)
        await nothing_held(server, target)
        assert (await get(server, target)).body == BODIES[target]


async def test_a_client_that_takes_nothing_of_a_file_is_let_go(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin, on_disk(origin, clock, tmp_path, send_buffer=256 * KIB) as server:
        await fill(server, "/large")
        async with connected(server, limit_bytes=KIB) as client:
            client.send(ask("/large"))
            await client.head()

            def is_let_go() -> bool:
                clock.now_s += 1  # whenever it is that the kernel takes no more
                return not server.connections

            await so(is_let_go)
        await nothing_held(server, "/large")


PARTS = [  # id, of a body of 700 KiB or 5 MiB: the range and what it brings
    pytest.param("bytes=0-0", 0, 1, id="14.1.2-first-byte"),
    pytest.param("bytes=100-299999", 100, 300_000, id="14.1.2-first-and-last"),
    pytest.param("bytes=600000-", 600_000, None, id="14.1.2-to-the-end"),
    pytest.param("bytes=-70000", -70_000, None, id="14.1.2-suffix"),
]


@pytest.mark.parametrize("target", ["/middle", "/large"])
@pytest.mark.parametrize(("wanted", "first", "end"), PARTS)
async def test_a_range_comes_from_disk(
    target: str, wanted: str, first: int, end: int | None, origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin, on_disk(origin, clock, tmp_path) as server:
        await fill(server, target)
        answer = await get(server, target, range=wanted)
        assert (answer.status, is_hit(answer)) == (206, True)
        assert answer.body == BODIES[target][first:end]
        assert answer.fields["content-range"].endswith(f"/{len(BODIES[target])}")
        assert len(origin.asked) == 1


async def test_several_ranges_come_as_parts(origin: Origin, clock: Clock, tmp_path: Path) -> None:
    async with origin, on_disk(origin, clock, tmp_path) as server, connected(server) as client:
        await fill(server, "/large")
        answer = await client.get("/large", range="bytes=0-9,5000000-5000099,-5")
        assert answer.status == 206
        assert answer.fields["content-type"].startswith("multipart/byteranges")
        body = BODIES["/large"]
        places = [answer.body.find(piece) for piece in (body[:10], body[5000000:5000100], body[-5:])]
        assert -1 not in places
        assert places == sorted(places)
        assert (await client.get("/large")).body == body


CONDITIONS = [  # id, request fields, status
    pytest.param({"range": "bytes=0-9", "if_range": '"v1"'}, 206, id="13.1.5-if-range-holds"),
    pytest.param({"range": "bytes=0-9", "if_range": '"v0"'}, 200, id="13.1.5-if-range-fails"),
    pytest.param({"range": "bytes=99999999-"}, 416, id="14.1.2-unsatisfiable"),
    pytest.param({"if_none_match": '"v1"'}, 304, id="13.1.2-not-modified"),
    pytest.param({"if_none_match": '"v0"'}, 200, id="13.1.2-modified"),
    pytest.param({"if_modified_since": MODIFIED}, 304, id="13.1.3-not-modified"),
    pytest.param({"cache_control": "only-if-cached"}, 200, id="5.2.1.7-stored"),
    pytest.param({"cache_control": "max-age=100"}, 200, id="5.2.1.1-young-enough"),
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("fields", "status"), CONDITIONS)
async def test_what_a_request_demands_is_answered_from_disk(
    fields: dict[str, str], status: int, method: str, origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin, on_disk(origin, clock, tmp_path) as server, connected(server) as client:
        await fill(server, "/middle")
        answer = await client.get("/middle", method, **fields)
        # RFC 9110, 14.2: Range is for GET alone.
        expected = 200 if method == "HEAD" and status in (206, 416) else status
        assert (answer.status, is_hit(answer)) == (expected, True)
        if method == "GET" and status < 300:
            assert answer.body == BODIES["/middle"][: 10 if status == 206 else None]
        assert (await client.get("/middle")).body == BODIES["/middle"]
        assert len(origin.asked) == 1


async def test_a_client_of_http_10_gets_it_and_the_connection_ends(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin, on_disk(origin, clock, tmp_path) as server:
        await fill(server, "/large")
        async with connected(server) as client:
            client.send(b"GET /large HTTP/1.0\r\nHost: edge.example\r\n\r\n")
            assert (await client.rest()).endswith(b"\r\n\r\n" + BODIES["/large"])


async def test_clients_of_http_2_and_of_tls_get_it(origin: Origin, clock: Clock, tmp_path: Path) -> None:
    files = make_certificate(tmp_path, "edge.example")
    settings = in_tls(files)
    async with origin, on_disk(origin, clock, tmp_path / "disk", **settings) as server:
        await fill(server, *SIZES_BYTES)
        async with connected2(server) as clear, connected2(server, tls=trusting(files, "h2")) as secret:
            for target in SIZES_BYTES:
                for client in (clear, secret):
                    answer = await client.get(target)
                    assert (answer.status, bytes(answer.body)) == (200, BODIES[target])
        async with connected_in_tls(server, trusting(files, "http/1.1")) as old:
            for target in SIZES_BYTES:
                assert (await old.get(target)).body == BODIES[target]
                assert (await old.get(target, range="bytes=0-0")).body == BODIES[target][:1]
        assert len(origin.asked) == len(SIZES_BYTES)
        await nothing_held(server, *SIZES_BYTES)


@pytest.fixture
def polyglot(clock: Clock) -> Origin:
    """Says in which language it was asked, and that this matters."""

    def script(asked: Asked) -> bytes:
        spoken = asked.fields.get("accept-language", "none").encode()
        return asked.reply(spoken * 10_000, cache_control="max-age=60", vary="accept-language")

    return Origin(script, clock)


async def test_variants_come_from_disk_after_a_restart(
    polyglot: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with polyglot:
        async with on_disk(polyglot, clock, tmp_path) as server:
            await fill(server, "/x", accept_language="de")
            await fill(server, "/x", accept_language="fr")
            await fill(server, "/x")
        for ram in (0, MIB):
            async with on_disk(polyglot, clock, tmp_path, ram=ram) as server:
                for _ in range(2):
                    assert (await get(server, accept_language="fr")).body == b"fr" * 10_000
                    assert (await get(server, accept_language="de")).body == b"de" * 10_000
                    assert (await get(server)).body == b"none" * 10_000
                assert len(polyglot.asked) == 3
        async with on_disk(polyglot, clock, tmp_path) as server:
            assert (await get(server, accept_language="it")).body == b"it" * 10_000
            assert len(polyglot.asked) == 4


async def test_variants_on_disk_are_forgotten_when_the_origin_chooses_otherwise(
    polyglot: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with polyglot:
        async with on_disk(polyglot, clock, tmp_path) as server:
            await fill(server, "/x", accept_language="de")
        polyglot.script = lambda asked: asked.reply(b"for all", cache_control="max-age=60")
        async with on_disk(polyglot, clock, tmp_path) as server:
            await fill(server, "/x", accept_language="fr")
            assert (await get(server, accept_language="de")).body == b"for all"
            assert (await get(server, accept_language="it")).body == b"for all"
            assert len(polyglot.asked) == 2


# What is stale.


@pytest.fixture
async def stale(origin: Origin, clock: Clock, tmp_path: Path) -> AsyncIterator[Origin]:
    """An origin, and a folder that holds what it said a minute ago."""
    async with origin:
        async with on_disk(origin, clock, tmp_path) as server:
            await fill(server, "/small", "/large")
        clock.now_s += 61
        origin.asked.clear()
        yield origin


def confirms(asked: Asked) -> bytes:
    assert asked.fields["if-none-match"] == '"v1"'
    return asked.reply(status=304, cache_control="max-age=60", etag='"v1"')


@pytest.mark.parametrize("ram", [0, 64 * MIB], ids=["no-ram", "ram"])
@pytest.mark.parametrize("target", ["/small", "/large"])
async def test_a_stale_one_is_validated_and_fresh_after_the_next_restart(
    target: str, ram: int, stale: Origin, clock: Clock, tmp_path: Path
) -> None:
    stale.script = confirms
    async with on_disk(stale, clock, tmp_path, ram=ram) as server:
        answer = await get(server, target)
        assert answer.body == BODIES[target]
        assert "fwd=stale; fwd-status=304" in answer.cache
        assert is_hit(await get(server, target))
    async with on_disk(stale, clock, tmp_path, ram=ram) as server:
        answer = await get(server, target)
        assert (is_hit(answer), answer.body) == (True, BODIES[target])
    assert len(stale.asked) == 1


async def test_a_stale_one_is_replaced(stale: Origin, clock: Clock, tmp_path: Path) -> None:
    stale.script = lambda asked: asked.reply(b"new", cache_control="max-age=60", etag='"v2"')
    async with on_disk(stale, clock, tmp_path) as server:
        assert (await get(server, "/small")).body == b"new"
        await landed(server)
    async with on_disk(stale, clock, tmp_path) as server:
        assert (await get(server, "/small")).body == b"new"
    assert len(stale.asked) == 1


async def test_a_herd_on_a_stale_one_asks_once(stale: Origin, clock: Clock, tmp_path: Path) -> None:
    stale.script = confirms
    async with on_disk(stale, clock, tmp_path, ram=64 * MIB) as server:
        answers = await asyncio.gather(*(get(server, "/large") for _ in range(30)))
        assert {answer.body for answer in answers} == {BODIES["/large"]}
        assert len(stale.asked) == 1
        await nothing_held(server, "/large")


@pytest.mark.parametrize(
    ("control", "status"),
    [
        pytest.param("max-age=60", 200, id="4.2.4-disconnected"),
        pytest.param("max-age=60, stale-if-error=600", 200, id="5861-4-stale-if-error"),
        pytest.param("max-age=60, must-revalidate", 504, id="5.2.2.2-must-revalidate"),
    ],
)
async def test_a_dead_origin_is_stood_in_for_as_far_as_it_allowed(
    control: str, status: int, clock: Clock, tmp_path: Path
) -> None:
    origin = Origin(lambda asked: asked.reply(b"x" * KIB, cache_control=control, etag='"v1"'), clock)
    async with origin, on_disk(origin, clock, tmp_path) as server:
        await fill(server, "/x")
    clock.now_s += 61
    for ram in (0, MIB):
        async with on_disk(origin, clock, tmp_path, ram=ram) as server:
            answer = await get(server)
            assert answer.status == status
            assert status == 504 or answer.body == b"x" * KIB


@pytest.mark.parametrize("ram", [0, MIB], ids=["no-ram", "ram"])
async def test_a_stale_one_is_served_while_it_is_validated(ram: int, clock: Clock, tmp_path: Path) -> None:
    """RFC 5861, 3."""
    control = "max-age=60, stale-while-revalidate=600"
    origin = Origin(lambda asked: asked.reply(b"old", cache_control=control, etag='"v1"'), clock)
    async with origin:
        async with on_disk(origin, clock, tmp_path) as server:
            await fill(server, "/x")
        clock.now_s += 61
        origin.script = lambda asked: asked.reply(b"new", cache_control=control, etag='"v2"')
        async with on_disk(origin, clock, tmp_path, ram=ram) as server:
            assert (await get(server)).body == b"old"
            await landed(server)
            assert (await get(server)).body == b"new"
        assert len(origin.asked) == 2


async def test_what_is_not_in_ram_is_updated_only_if_it_is_what_was_validated(
    stale: Origin, clock: Clock, tmp_path: Path
) -> None:
    """While one client's 304 is on its way, another's fetch brings a newer body."""
    may_confirm = asyncio.Event()

    async def confirm_late(asked: Asked) -> AsyncIterator[bytes]:
        await may_confirm.wait()
        yield confirms(asked)

    def script(asked: Asked) -> bytes | AsyncIterator[bytes]:
        if "cache-control" in asked.fields:
            return asked.reply(b"new", cache_control="max-age=60", etag='"v2"')
        return confirm_late(asked)

    stale.script = script
    async with on_disk(stale, clock, tmp_path) as server:
        first = asyncio.create_task(get(server, "/small"))
        await so(lambda: len(stale.asked) == 1)
        await fill(server, "/small", cache_control="no-cache")
        may_confirm.set()
        assert (await first).body == BODIES["/small"]
    async with on_disk(stale, clock, tmp_path) as server:
        answer = await get(server, "/small")
        assert (answer.body, answer.fields["etag"]) == (b"new", '"v2"')
