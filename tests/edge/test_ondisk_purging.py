"""A purge reaches the disk: what is only there, also after a restart, and nothing that came later."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from edge.purging import Plan, Progress, Wish
from edge.server import Server
from tests.edge.test_ondisk import disk_of, fill, is_hit, landed, on_disk
from tests.edge.wire import Asked, Clock, Origin, ask, connected, get, so

pytestmark = pytest.mark.socket

KIB, MIB = 1024, 2**20
WISHES = [
    pytest.param(Wish("url", b"/a/x"), id="exact"),
    pytest.param(Wish("prefix", b"/a/"), id="prefix"),
    pytest.param(Wish("group", b"g"), id="group"),
    pytest.param(Wish("prefix", b""), id="all"),
    pytest.param(Wish("url", b"/a/x", is_soft=True), id="soft-exact"),
    pytest.param(Wish("prefix", b"/a/", is_soft=True), id="soft-prefix"),
    pytest.param(Wish("group", b"g", is_soft=True), id="soft-group"),
]


@pytest.fixture
def origin(clock: Clock) -> Origin:
    """Each answer has another number; /a/x is in a group, and has variants if that is asked for."""

    number = 0

    def script(asked: Asked) -> bytes:
        nonlocal number
        number += 1
        fields = {"cache-control": "max-age=600", "etag": f'"{number}"'}
        if asked.target == "/a/x":
            fields["cache-groups"] = '"g"'
        if "accept-language" in asked.fields:
            fields["vary"] = "accept-language"
        return asked.reply(b"%d " % number * KIB, 200, is_dated=True, **fields)

    return Origin(script, clock)


def purge(server: Server, wish: Wish) -> None:
    for _ in server.purger.steps(Plan([wish]), Progress()):
        pass


@pytest.mark.parametrize("ram", [0, 64 * MIB], ids=["no-ram", "ram"])
@pytest.mark.parametrize("wish", WISHES)
async def test_what_is_purged_is_asked_for_again_and_then_used(
    wish: Wish, ram: int, origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin, on_disk(origin, clock, tmp_path, ram=ram) as server:
        await fill(server, "/a/x", "/b/y")
        clock.now_s += 1
        purge(server, wish)
        clock.now_s += 1
        again = await get(server, "/a/x")
        assert "fwd=" in again.cache
        assert again.body == b"3 " * KIB
        await landed(server, 3)
        assert is_hit(await get(server, "/a/x"))
        assert is_hit(await get(server, "/b/y")) == (wish.value != b"")


@pytest.mark.parametrize("is_clean", [True, False], ids=["stopped", "killed"])
@pytest.mark.parametrize("wish", WISHES)
async def test_it_stays_purged_after_a_restart_and_what_came_later_stays(
    wish: Wish, is_clean: bool, origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    folder = tmp_path / "first"
    async with origin:
        async with on_disk(origin, clock, folder) as server:
            await fill(server, "/a/x", "/b/y")
            clock.now_s += 1
            purge(server, wish)
            clock.now_s += 1
            await fill(server, "/a/later")
            await disk_of(server).tier.settled()
            if not is_clean:
                shutil.copytree(folder, tmp_path / "second")
        async with on_disk(origin, clock, folder if is_clean else tmp_path / "second") as server:
            assert is_hit(await get(server, "/a/later"))
            assert (await get(server, "/a/x")).body == b"4 " * KIB
            assert is_hit(await get(server, "/b/y")) == (wish.value != b"")


async def test_a_purge_takes_variants_that_are_only_on_disk(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin:
        async with on_disk(origin, clock, tmp_path) as server:
            await fill(server, "/v", accept_language="de")
            await fill(server, "/v", accept_language="fr")
        async with on_disk(origin, clock, tmp_path) as server:
            assert server.purge(b"/v") == 2
            assert (await get(server, "/v", accept_language="de")).body == b"3 " * KIB


@pytest.mark.parametrize("ram", [0, 64 * MIB], ids=["no-ram", "ram"])
async def test_an_unsafe_request_reaches_the_disk(
    ram: int, origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    """RFC 9111, 4.4, and RFC 9875, 3."""
    async with origin:
        async with on_disk(origin, clock, tmp_path, ram=ram) as server:
            await fill(server, "/a/x", "/p", "/q")
        script = origin.script
        async with on_disk(origin, clock, tmp_path, ram=ram) as server:
            clock.now_s += 1
            origin.script = lambda asked: asked.reply(location="/q", cache_group_invalidation='"g"')
            async with connected(server) as client:
                await client.post("/p", b"change")
            origin.script = script
            clock.now_s += 1
            for target in ("/a/x", "/p", "/q"):
                assert not is_hit(await get(server, target)), target


async def test_what_was_validated_after_a_soft_purge_is_on_disk_again(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin:
        async with on_disk(origin, clock, tmp_path, ram=64 * MIB) as server:
            await fill(server, "/a/x")
            clock.now_s += 1
            purge(server, Wish("url", b"/a/x", is_soft=True))
            origin.script = lambda asked: asked.reply(status=304, cache_control="max-age=600", etag='"1"')
            clock.now_s += 1
            assert "fwd-status=304" in (await get(server, "/a/x")).cache
            await so(lambda: disk_of(server).tier.counters.rewritten_heads == 1)
        async with on_disk(origin, clock, tmp_path) as server:
            assert is_hit(await get(server, "/a/x"))


async def test_what_is_purged_while_it_is_sent_does_not_rise_to_ram(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    body = b"x" * 6 * MIB
    origin.script = lambda asked: asked.reply(body, cache_control="max-age=600")
    async with origin:
        async with on_disk(origin, clock, tmp_path) as server:
            await fill(server, "/x")
        async with on_disk(origin, clock, tmp_path, ram=64 * MIB, send_buffer=256 * KIB) as server:
            async with connected(server, limit_bytes=KIB) as client:
                client.send(ask("/x"))
                await client.head()
                assert server.purge(b"/x") == 1
                assert len(await client.reader.readexactly(len(body))) == len(body)
                client.send(ask("/other"))
                await client.head()
            assert b"/x" not in server.entries
            assert "fwd=uri-miss" in (await get(server, "/x")).cache


async def test_what_is_purged_before_it_is_written_is_not_written(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin, on_disk(origin, clock, tmp_path) as server:
        disk = disk_of(server)
        await fill(server, "/head")
        found = await disk.tier.open(b"/head")
        assert found is not None
        with found:
            for forget in (disk.tier.purge, disk.drop):
                disk.keep(b"/x", found.head, bytes(MIB))
                forget(b"/x")
                await so(lambda: disk.waiting_bytes == 0)
                assert not disk.tier.lookup(b"/x")
        assert len(disk.tier) == 1


async def test_of_two_that_come_at_once_the_later_stays(origin: Origin, clock: Clock, tmp_path: Path) -> None:
    async with origin, on_disk(origin, clock, tmp_path) as server:
        disk = disk_of(server)
        await fill(server, "/x")
        found = await disk.tier.open(b"/x")
        assert found is not None
        with found:
            disk.keep(b"/x", found.head, b"older" * 100_000)
            disk.keep(b"/x", found.head, b"newer")
            assert not disk.tier.lookup(b"/x"), "what is older than both is gone at once"
        await so(lambda: disk.waiting_bytes == 0)
        assert (await get(server, "/x")).body == b"newer"


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda path: path.write_bytes(b"{"), id="torn"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(b'{"groups": [[1]]}'), id="of-another-kind"),
        pytest.param(lambda path: (path.unlink(), path.mkdir()), id="not-to-be-read"),
    ],
)
async def test_where_nobody_knows_what_was_purged_nothing_older_is_used(
    spoil: Callable[[Path], object], origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin:
        async with on_disk(origin, clock, tmp_path) as server:
            await fill(server, "/x")
            purge(server, Wish("prefix", b"/a"))
        spoil(tmp_path / "bans.json")
        clock.now_s += 1
        async with on_disk(origin, clock, tmp_path) as server:
            assert not is_hit(await get(server, "/x"))


async def test_many_purges_are_all_remembered(origin: Origin, clock: Clock, tmp_path: Path) -> None:
    async with origin:
        async with on_disk(origin, clock, tmp_path) as server:
            await fill(server, *(f"/{number}/x" for number in range(20)))
            clock.now_s += 1
            for number in range(0, 20, 2):
                purge(server, Wish("prefix", b"/%d/" % number))
                await asyncio.sleep(0)
        async with on_disk(origin, clock, tmp_path) as server:
            hits = [is_hit(await get(server, f"/{number}/x")) for number in range(20)]
            assert hits == [False, True] * 10


async def test_a_start_that_finds_nothing_needs_no_purge_of_before(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin:
        async with on_disk(origin, clock, tmp_path) as server:
            purge(server, Wish("prefix", b"/a"))
        clock.now_s -= 5  # else what comes now is newer, whatever is remembered
        async with on_disk(origin, clock, tmp_path) as server:
            await fill(server, "/a/x")
        async with on_disk(origin, clock, tmp_path) as server:
            assert is_hit(await get(server, "/a/x"))


@pytest.mark.parametrize("is_clean", [None, True, False], ids=["running", "stopped", "killed"])
@pytest.mark.parametrize("ram", [0, 64 * MIB], ids=["no-ram", "ram"])
@pytest.mark.parametrize("wish", [wish for wish in WISHES if wish.values[0].is_soft])  # type: ignore[union-attr]
async def test_what_is_only_on_disk_is_made_stale_by_a_soft_purge_and_validated(
    wish: Wish, ram: int, is_clean: bool | None, clock: Clock, tmp_path: Path
) -> None:
    def script(asked: Asked) -> bytes:
        named: dict[str, Any] = {"cache-control": "max-age=600", "etag": '"1"', "cache-groups": '"g"'}
        if asked.fields.get("if-none-match") == '"1"':
            return asked.reply(status=304, **named)
        return asked.reply(b"x" * KIB, **named)

    async def validated(server: Server) -> None:
        answer = await get(server, "/a/x")
        assert (answer.body, "fwd=stale; fwd-status=304" in answer.cache) == (b"x" * KIB, True)
        await so(lambda: disk_of(server).tier.counters.rewritten_heads == 1)
        assert is_hit(await get(server, "/a/x"))

    origin = Origin(script, clock)
    first, second = tmp_path / "first", tmp_path / "second"
    async with origin:
        async with on_disk(origin, clock, first) as server:
            await fill(server, "/a/x")
            clock.now_s += 1
            purge(server, wish)
            clock.now_s += 1
            await asyncio.sleep(0)  # bans are handed to the clerk by a task
            await disk_of(server).tier.settled()
            if is_clean is None:
                await validated(server)
            elif not is_clean:
                shutil.copytree(first, second)
        if is_clean is not None:
            async with on_disk(origin, clock, first if is_clean else second, ram=ram) as server:
                await validated(server)
        async with on_disk(origin, clock, second if is_clean is False else first) as server:
            assert is_hit(await get(server, "/a/x")), "the newer head ends it, for the next start, too"
        assert len(origin.asked) == 2


async def test_what_was_purged_softly_is_not_served_where_it_must_be_validated_and_cannot(
    clock: Clock, tmp_path: Path
) -> None:
    """RFC 9111, 5.2.2.2."""
    origin = Origin(lambda asked: asked.reply(b"x", cache_control="max-age=600, must-revalidate"), clock)
    async with on_disk_of(origin, clock, tmp_path) as server:
        assert (await get(server, "/x")).status == 504


@asynccontextmanager
async def on_disk_of(origin: Origin, clock: Clock, folder: Path) -> AsyncIterator[Server]:
    """/x is on disk, was purged softly, and its origin is dead."""
    async with origin, on_disk(origin, clock, folder) as server:
        await fill(server, "/x")
        purge(server, Wish("url", b"/x", is_soft=True))
    async with on_disk(origin, clock, folder) as server:
        yield server
