"""Slices on disk: what RAM has let go of, or never had since the start, costs upstream nothing again."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from edge.disk.address import address_of, slice_key, sliced_key
from edge.purging import Plan, Progress, Wish
from edge.server import Server
from tests.edge.test_ondisk import disk_of, fill, is_hit, on_disk
from tests.edge.test_slicing import SIZE, SLICE, Film, film, is_part, ranges, sliced
from tests.edge.wire import Asked, Clock, Message, Origin, ask, connected, get, so

pytestmark = pytest.mark.socket

MIB = 2**20
COUNT = 11  # slices of a film
WISHES = [
    pytest.param(Wish("url", b"/x"), id="exact"),
    pytest.param(Wish("prefix", b"/"), id="prefix"),
    pytest.param(Wish("group", b"g"), id="group"),
]


@pytest.fixture
def script() -> Film:
    return Film(cache_groups='"g"')


@pytest.fixture
def origin(script: Film, clock: Clock) -> Origin:
    return Origin(script, clock)


edge = on_disk


def key_of(target: str = "/x") -> bytes:
    return target.encode()


async def rest(server: Server) -> None:
    """Nothing is on its way to the disk any more."""
    disk = disk_of(server)
    await so(lambda: not disk.sheaves.under_way and disk.waiting_bytes == 0)


async def forget_ram(server: Server) -> None:
    """As if other responses had taken its place; the disk keeps what it has."""
    await rest(server)
    for key in server.store.keys_now():
        server.store._drop(key)


def on_disk_now(server: Server, target: str = "/x") -> list[int]:
    sheaves = disk_of(server).sheaves
    return [number for number in range(COUNT) if sheaves.has(key_of(target), number)]


async def written_down(server: Server) -> None:
    """Purges so far outlast this process."""
    await asyncio.sleep(0)  # bans are handed to the clerk by a task
    await disk_of(server).tier.settled()


def purge(server: Server, wish: Wish) -> int:
    progress = Progress()
    for _ in server.purger.steps(Plan([wish]), progress):
        pass
    return progress.purged


async def part(server: Server, first: int, last: int, target: str = "/x", **named: str) -> Message:
    answer = await get(server, target, "GET", range=f"bytes={first}-{last}", **named)
    assert is_part(answer, first, last), answer
    return answer


@pytest.mark.parametrize("ram", [0, 64 * MIB], ids=["no-ram", "evicted"])
async def test_what_ram_let_go_of_comes_from_disk(
    ram: int, origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    async with origin, edge(origin, clock, tmp_path / "disk", ram=ram, slice=SLICE, access_log=log) as server:
        assert "stored" in (await part(server, 5000, 5099)).cache
        await forget_ram(server)
        assert on_disk_now(server) == [1]
        clock.now_s += 3
        hit = await part(server, 4096, 8191)
        assert (hit.cache, hit.fields["age"]) == ("penstock; hit; ttl=57", "3")
        assert disk_of(server).hits == 1
        assert ranges(origin) == sliced(1)
    assert [json.loads(line)["tier"] for line in log.read_text().splitlines()] == ["upstream", "disk"]


@pytest.mark.parametrize("is_clean", [True, False], ids=["stopped", "killed"])
async def test_a_restart_costs_upstream_nothing(
    is_clean: bool, origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    folder = tmp_path / "first"
    async with origin:
        async with edge(origin, clock, folder, ram=MIB, slice=SLICE) as server:
            await part(server, 0, SIZE - 1)
            await rest(server)
            if not is_clean:
                shutil.copytree(folder, tmp_path / "second")
        asked = len(origin.asked)
        async with edge(
            origin, clock, folder if is_clean else tmp_path / "second", ram=MIB, slice=SLICE
        ) as server:
            assert on_disk_now(server) == list(range(COUNT))
            for first, last in ((0, 0), (4000, 17000), (SIZE - 100, SIZE - 1)):
                assert is_hit(await part(server, first, last))
            whole = await get(server)
            assert (whole.status, whole.body, is_hit(whole)) == (200, film(), True)
            assert is_part(await get(server, range="bytes=-7"), SIZE - 7, SIZE - 1)
            parts = await get(server, range="bytes=0-9,9000-9009")
            assert parts.fields["content-type"].startswith("multipart/byteranges")
            assert film()[9000:9010] in parts.body
            only = await get(server, range="bytes=100-5000", cache_control="only-if-cached")
            assert is_part(only, 100, 5000)
            told = await get(server, if_none_match='"v1"')
            assert told.status == 304
        assert len(origin.asked) == asked


async def test_ram_disk_and_upstream_make_one_answer(origin: Origin, clock: Clock, tmp_path: Path) -> None:
    async with origin:
        async with edge(origin, clock, tmp_path, ram=MIB, slice=SLICE) as server:
            await part(server, 2 * SLICE, 4 * SLICE - 1)
            await rest(server)
        async with edge(origin, clock, tmp_path, ram=MIB, slice=SLICE) as server:
            await part(server, 5 * SLICE, 5 * SLICE + 9)
            await so(lambda: len(server.store) == 1)
            mixed = await part(server, 2 * SLICE + 5, 8 * SLICE)
            assert mixed.cache == "penstock; fwd=partial; fwd-status=206; stored"
            assert ranges(origin) == sliced(2, 3, 5, 4, 6, 7, 8)
            await rest(server)
            assert on_disk_now(server) == [2, 3, 4, 5, 6, 7, 8]
            whole = await get(server)
            assert whole.body == film()
            assert sorted(ranges(origin), key=str) == sorted(sliced(*range(COUNT)), key=str)


async def test_stale_slices_are_made_fresh_by_one_304_and_one_small_record(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin:
        async with edge(origin, clock, tmp_path, ram=0, slice=SLICE) as server:
            await part(server, 0, SIZE - 1)
            await rest(server)
        asked = len(origin.asked)
        clock.now_s += 61
        async with edge(origin, clock, tmp_path, ram=0, slice=SLICE) as server:
            answer = await part(server, 0, 5000)
            assert answer.cache.startswith("penstock; fwd=stale; fwd-status=304; ttl=60")
            await rest(server)
            counters = disk_of(server).tier.counters
            assert (counters.written, counters.rewritten_heads) == (0, 1)
        async with edge(origin, clock, tmp_path, ram=0, slice=SLICE) as server:
            clock.now_s += 59
            assert (await part(server, 8000, 20000)).cache == "penstock; hit; ttl=1"
        assert len(origin.asked) == asked + 1


async def test_a_304_for_what_is_in_ram_renews_what_is_only_on_disk(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin:
        async with edge(origin, clock, tmp_path, ram=MIB, slice=SLICE) as server:
            await part(server, 0, 3 * SLICE)
            await rest(server)
            clock.now_s += 61
            assert "fwd-status=304" in (await part(server, 0, 9)).cache
            await rest(server)
        async with edge(origin, clock, tmp_path, ram=MIB, slice=SLICE) as server:
            assert is_hit(await part(server, SLICE, 3 * SLICE))


async def test_one_more_slice_makes_all_fresh(origin: Origin, clock: Clock, tmp_path: Path) -> None:
    """RFC 9111, 3.4: the newest head is that of all."""
    async with origin, edge(origin, clock, tmp_path, ram=0, slice=SLICE) as server:
        await part(server, 0, 9)
        await rest(server)
        clock.now_s += 50
        await part(server, SLICE, SLICE + 9)
        await rest(server)
        clock.now_s += 50
        assert (await part(server, 5, 5000)).cache == "penstock; hit; ttl=10"


@pytest.mark.parametrize("ram", [0, MIB], ids=["no-ram", "ram"])
async def test_another_representation_takes_the_place_of_the_old_slices(
    ram: int, script: Film, origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin:
        async with edge(origin, clock, tmp_path, ram=ram, slice=SLICE) as server:
            await part(server, 0, 4 * SLICE)
            await rest(server)
        clock.now_s += 61
        script.body = film(2)
        script.named["etag"] = '"v2"'
        async with edge(origin, clock, tmp_path, ram=ram, slice=SLICE) as server:
            answer = await get(server, range="bytes=0-4095")
            assert answer.body == film(2)[:4096]
            await rest(server)
            assert on_disk_now(server) == [0]
            whole = await get(server)
            assert whole.body == film(2)
            await rest(server)
        async with edge(origin, clock, tmp_path, ram=ram, slice=SLICE) as server:
            again = await get(server)
            assert (again.body, is_hit(again)) == (film(2), True)


async def test_another_representation_that_shows_with_a_later_slice_mixes_nothing(
    script: Film, origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin, edge(origin, clock, tmp_path, ram=0, slice=SLICE) as server:
        await part(server, 0, SLICE - 1)
        await rest(server)
        script.body = film(2)
        script.named["etag"] = '"v2"'
        answer = await get(server, range="bytes=0-9999")
        assert answer.body == film(2)[:10000]
        await rest(server)
        assert (await get(server, range="bytes=0-9999")).body == film(2)[:10000]


async def test_a_newer_representation_is_the_answer_before_it_is_written(
    script: Film, origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin, edge(origin, clock, tmp_path, ram=0, slice=SLICE) as server:
        await part(server, 0, 2 * SLICE - 1)
        await rest(server)
        script.body = film(2)
        script.named["etag"] = '"v2"'
        for _ in range(3):
            answer = await get(server, range="bytes=0-4095", cache_control="no-cache")
            assert answer.body == film(2)[:4096]
            assert not server.store.keys_now()
            assert (await get(server, range="bytes=4096-4099")).body == film(2)[4096:4100]


@pytest.mark.parametrize("ram", [0, MIB], ids=["no-ram", "ram"])
@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("is_clean", [None, True, False], ids=["running", "stopped", "killed"])
async def test_what_is_purged_is_asked_for_again(
    wish: Wish, is_clean: bool | None, ram: int, origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    folder = tmp_path / "first"
    async with origin:
        async with edge(origin, clock, folder, ram=ram, slice=SLICE) as server:
            await part(server, 0, 3 * SLICE - 1)
            await rest(server)
            clock.now_s += 1
            purged = purge(server, wish)
            assert purged == 1 or (ram == 0 and wish.kind != "url")
            clock.now_s += 1
            await written_down(server)
            if is_clean is None:
                assert "fwd=uri-miss" in (await part(server, 4096, 4099)).cache
                await rest(server)
                assert on_disk_now(server) == [1]
                assert is_hit(await part(server, 4096, 4099))
                return
            if not is_clean:
                shutil.copytree(folder, tmp_path / "second")
        async with edge(
            origin, clock, folder if is_clean else tmp_path / "second", ram=ram, slice=SLICE
        ) as server:
            assert "fwd=uri-miss" in (await part(server, 4096, 4099)).cache
            await rest(server)
            assert on_disk_now(server) == [1]


@pytest.mark.parametrize("ram", [0, MIB], ids=["no-ram", "ram"])
@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("is_clean", [None, True, False], ids=["running", "stopped", "killed"])
async def test_what_is_purged_softly_is_validated_and_nothing_else_comes(
    wish: Wish, is_clean: bool | None, ram: int, origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    soft = Wish(wish.kind, wish.value, is_soft=True)
    folder = tmp_path / "first"

    async def validated(server: Server) -> None:
        assert "fwd=stale; fwd-status=304" in (await part(server, 0, 2 * SLICE)).cache
        await rest(server)
        assert is_hit(await part(server, 0, 2 * SLICE))

    async with origin:
        async with edge(origin, clock, folder, ram=ram, slice=SLICE) as server:
            await part(server, 0, 3 * SLICE - 1)
            await rest(server)
            clock.now_s += 1
            purge(server, soft)
            clock.now_s += 1
            await written_down(server)
            if is_clean is None:
                await validated(server)
            elif not is_clean:
                shutil.copytree(folder, tmp_path / "second")
        if is_clean is not None:
            async with edge(
                origin, clock, folder if is_clean else tmp_path / "second", ram=ram, slice=SLICE
            ) as server:
                await validated(server)
        assert len(origin.asked) == 4
        async with edge(origin, clock, folder, ram=ram, slice=SLICE) as server:
            if is_clean is not False:
                assert is_hit(await part(server, 0, 2 * SLICE)), "a newer head ends it for good"


async def test_variants_have_slices_of_their_own_on_disk(
    script: Film, origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    script.named["vary"] = "accept"
    async with origin:
        async with edge(origin, clock, tmp_path, ram=0, slice=SLICE) as server:
            await part(server, 0, 5000, accept="a")
            await part(server, 0, 100, accept="b")
            await rest(server)
        asked = len(origin.asked)
        async with edge(origin, clock, tmp_path, ram=0, slice=SLICE) as server:
            assert is_hit(await part(server, 0, 5000, accept="a"))
            assert is_hit(await part(server, 0, 100, accept="b"))
            assert len(origin.asked) == asked
            assert "fwd=" in (await part(server, 5000, 5001, accept="b")).cache
            await rest(server)
            assert purge(server, Wish("url", b"/x")) == 2
            assert not is_hit(await part(server, 0, 5000, accept="a"))


async def test_the_whole_takes_the_place_of_its_slices(
    script: Film, origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin, edge(origin, clock, tmp_path, ram=0, slice=SLICE) as server:
        await part(server, 0, 5000)
        await rest(server)
        script.is_ranged = False
        await fill(server, "/x", range="bytes=9000-9001")
        await rest(server)
        assert on_disk_now(server) == []
        assert len(disk_of(server).tier) == 1
        assert is_hit(await get(server))


async def test_a_changed_slice_size_starts_anew(origin: Origin, clock: Clock, tmp_path: Path) -> None:
    async with origin:
        async with edge(origin, clock, tmp_path, ram=0, slice=SLICE) as server:
            await part(server, 0, 5000)
            await rest(server)
        async with edge(origin, clock, tmp_path, ram=0, slice=2 * SLICE) as server:
            assert not is_hit(await part(server, 0, 5000))
            await rest(server)
            assert len(disk_of(server).tier) == 2
            assert is_hit(await part(server, 0, 5000))
        async with edge(origin, clock, tmp_path, ram=0, slice=0) as server:
            assert (await get(server)).body == film()


async def test_ten_viewers_after_a_restart_cost_one_validation(
    script: Film, origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin:
        async with edge(origin, clock, tmp_path, ram=0, slice=SLICE) as server:
            await part(server, 0, SIZE - 1)
            await rest(server)
        asked = len(origin.asked)
        clock.now_s += 61
        script.may_answer.clear()
        async with edge(origin, clock, tmp_path, ram=0, slice=SLICE) as server:
            herd = [asyncio.create_task(part(server, 100 * number, 9999)) for number in range(10)]
            await so(lambda: server.counters.connections == 10 and len(origin.asked) > asked)
            script.may_answer.set()
            await asyncio.gather(*herd)
        assert len(origin.asked) == asked + 1


async def test_what_has_no_strong_validator_is_not_kept_in_slices_on_disk(
    script: Film, origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    script.named["etag"] = 'W/"v1"'
    async with origin, edge(origin, clock, tmp_path, ram=0, slice=SLICE) as server:
        await part(server, 0, 9)
        await rest(server)
        assert len(disk_of(server).tier) == 0


SPOILS: list[Any] = [
    pytest.param(lambda path: path.unlink(), id="gone"),
    pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-1]), id="short"),
    pytest.param(
        lambda path: path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1])), id="a-bit"
    ),
]


@pytest.mark.parametrize("spoil", SPOILS)
async def test_a_spoilt_slice_is_fetched_again_and_no_wrong_byte_is_sent(
    spoil: Callable[[Path], object], origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin:
        async with edge(origin, clock, tmp_path, ram=0, slice=SLICE) as server:
            await part(server, 0, 4 * SLICE - 1)
            await rest(server)
        spoil(tmp_path / address_of(slice_key(b"/x", 2)).path)
        async with edge(origin, clock, tmp_path, ram=0, slice=SLICE) as server:
            await part(server, 0, 4 * SLICE - 1)
            await rest(server)
            assert ranges(origin) == sliced(0, 1, 2, 3, 2)
            assert on_disk_now(server) == [0, 1, 2, 3]
            assert is_hit(await part(server, 0, 4 * SLICE - 1))


@pytest.mark.parametrize("spoil", SPOILS[:2])
async def test_slices_without_their_head_are_not_used_and_make_room(
    spoil: Callable[[Path], object], origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin:
        async with edge(origin, clock, tmp_path, ram=0, slice=SLICE) as server:
            await part(server, 0, 4 * SLICE - 1)
            await rest(server)
        spoil(tmp_path / address_of(sliced_key(b"/x")).path)
        async with edge(origin, clock, tmp_path, ram=0, slice=SLICE) as server:
            assert "fwd=uri-miss" in (await part(server, 0, 9)).cache
            await rest(server)
            assert on_disk_now(server) == [0]
            assert len(disk_of(server).tier) == 2


async def test_the_quota_holds_and_a_head_is_never_older_than_its_slices(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    async with origin, edge(origin, clock, tmp_path, ram=0, slice=SLICE, disk_size=40 * 4096) as server:
        tier = disk_of(server).tier
        for _ in range(150):
            target, first = f"/{rng.randrange(3)}", rng.randrange(SIZE)
            await part(server, first, min(SIZE - 1, first + rng.randrange(12_000)), target)
            assert tier.used_bytes <= 40 * 4096, f"seed {seed}"
            if rng.random() < 0.3:
                await rest(server)
                for number in range(3):
                    heads = tier.lookup(sliced_key(b"/%d" % number))
                    slices = any(tier.lookup(slice_key(b"/%d" % number, each)) for each in range(COUNT))
                    assert heads or not slices, f"seed {seed}"
        assert tier.counters.evicted > 0


async def test_what_is_purged_while_it_waits_for_the_disk_is_not_written(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin, edge(origin, clock, tmp_path, ram=MIB, slice=SLICE) as server:
        tier = disk_of(server).tier
        by_url = partial(purge, server, Wish("url", b"/x"))
        for forget in (by_url, partial(server.store.drop, b"/x")):
            async with connected(server) as client:
                await client.get(range=f"bytes=0-{4 * SLICE - 1}")
                forget()
            await rest(server)
            await tier.settled()
            assert (len(tier), on_disk_now(server)) == (0, [])
            await so(lambda: tier.used_bytes == 0)


async def test_what_is_purged_softly_while_it_waits_for_the_disk_is_validated_after_a_restart(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin:
        async with edge(origin, clock, tmp_path, ram=MIB, slice=SLICE) as server:
            async with connected(server) as client:
                await client.get(range=f"bytes=0-{4 * SLICE - 1}")
                purge(server, Wish("url", b"/x", is_soft=True))
            await rest(server)
        async with edge(origin, clock, tmp_path, ram=MIB, slice=SLICE) as server:
            assert "fwd-status=304" in (await part(server, 0, 9)).cache


async def test_a_purge_while_slices_are_sent_lets_the_answer_go_on(
    script: Film, origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    script.body = random.Random(3).randbytes(16 * MIB)
    async with origin:
        async with edge(origin, clock, tmp_path, ram=0, slice=MIB) as server:
            await get(server, range=f"bytes=0-{16 * MIB - 1}")
            await rest(server)
        async with (
            edge(origin, clock, tmp_path, ram=0, slice=MIB, send_buffer=65536) as server,
            connected(server, limit_bytes=65536) as client,
        ):
            client.send(ask("/x"))
            head = await client.head()
            assert is_hit(head)
            assert purge(server, Wish("url", b"/x")) == 1
            async with asyncio.timeout(20):
                got = await client.reader.readexactly(int(head.fields["content-length"]))
            assert got == script.body
            assert len(disk_of(server).tier) > 1, "the rest came from upstream, and is kept"


async def test_a_disk_that_is_full_costs_slices_and_no_answer(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin, edge(origin, clock, tmp_path, ram=MIB, slice=SLICE) as server:
        disk_of(server).tier.write_failed(OSError(28, "No space left on device"), 1)
        await part(server, 0, 9999)
        await rest(server)
        assert is_hit(await part(server, 0, 9999))
        assert len(disk_of(server).tier) == 0


async def test_an_unsafe_request_ends_slices_on_disk(
    script: Film, origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    """RFC 9111, 4.4."""
    async with origin, edge(origin, clock, tmp_path, ram=0, slice=SLICE) as server:
        await part(server, 0, 9)
        await rest(server)
        origin.script = lambda asked: asked.reply()
        async with connected(server) as client:
            await client.post("/x", b"change")
        origin.script = script
        assert not is_hit(await part(server, 0, 9))


async def test_a_dead_origin_is_stood_in_for_by_stale_slices_on_disk(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin, edge(origin, clock, tmp_path, ram=0, slice=SLICE) as server:
        await part(server, 0, 9999)
        await rest(server)
    clock.now_s += 61
    async with edge(origin, clock, tmp_path, ram=0, slice=SLICE) as server:
        assert "fwd=stale" in (await part(server, 0, 9999)).cache


async def test_random_viewers_purges_versions_and_restarts_never_see_a_wrong_byte(
    clock: Clock, tmp_path: Path
) -> None:
    """Each answer is of one version that upstream had; after a hard purge of none that was there before."""
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    versions = dict.fromkeys(("/a", "/b"), 1)
    least = dict(versions)

    def script(asked: Asked) -> bytes:
        version = versions[asked.target]
        film_now = Film(film(version + ord(asked.target[1]) * 1000), etag=f'"{version}"')
        return film_now.answer(asked)

    origin = Origin(script, clock)
    async with origin:
        for _ in range(6):
            ram = rng.choice((0, 20_000, MIB))
            async with edge(
                origin, clock, tmp_path, ram=ram, slice=SLICE, disk_size=rng.choice((30, 400)) * 4096
            ) as server:
                for _ in range(40):
                    target, what = rng.choice(("/a", "/b")), rng.random()
                    clock.now_s += rng.choice((0, 1, 1, 30))
                    if what < 0.08:
                        versions[target] += 1
                    elif what < 0.2:
                        kind = rng.choice(("url", "prefix"))
                        is_soft = rng.random() < 0.5
                        purge(server, Wish(kind, target.encode(), is_soft=is_soft))  # type: ignore[arg-type]
                        clock.now_s += 1
                        least[target] = versions[target]
                    else:
                        first = rng.randrange(SIZE)
                        last = min(SIZE - 1, first + rng.randrange(15_000))
                        try:
                            answer = await get(server, target, "GET", range=f"bytes={first}-{last}")
                        except asyncio.IncompleteReadError:
                            continue  # another version came between two slices
                        version = int(answer.fields["etag"].strip('"'))
                        assert least[target] <= version <= versions[target], f"seed {seed}"
                        body = film(version + ord(target[1]) * 1000)
                        assert answer.body == body[first : last + 1], f"seed {seed}"
                    if rng.random() < 0.1:
                        await rest(server)
