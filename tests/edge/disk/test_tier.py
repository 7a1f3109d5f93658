"""The tier as the edge uses it: what is put is found, within the quota, across restarts."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest

from edge.disk.lru import SlotLru
from edge.disk.tier import DiskTier
from edge.disk.writing import Writing
from edge.eviction import POLICIES
from edge.message import ResponseHead
from tests.edge.disk.objects import (
    body,
    disk_tier,
    file_of,
    files_in,
    head,
    pages_bytes,
    versions_of,
    whole,
)
from tests.edge.wire import Clock

EACH_BYTES = 4096 + 12_288  # on disk, of an object with 10 000 bytes


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


ALL_POLICIES = {"slots": SlotLru, **POLICIES}


async def put(tier: DiskTier, *keys: bytes, version: int = 1) -> None:
    for key in keys:
        assert await tier.put(key, head(version), body(key, version))


async def held(tier: DiskTier, *keys: bytes) -> list[bytes]:
    """Those that are served, with the right bytes."""
    found = []
    for key in keys:
        answer = await whole(tier, key)
        assert (answer is not None) == tier.lookup(key)
        if answer is not None:
            assert answer[1] == body(key, versions_of(answer[0])[0])
            found.append(key)
    return found


async def test_what_is_put_is_found_by_its_key_and_nothing_else_is(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        await put(tier, b"/a", b"/b")
        assert await whole(tier, b"/a") == (head(), body(b"/a"))
        assert await held(tier, b"/a", b"/b", b"/c") == [b"/a", b"/b"]
        assert tier.opened(b"/c") is None
        assert len(tier) == 2
        assert tier.used_bytes == pages_bytes(tmp_path) == 2 * EACH_BYTES


@pytest.mark.parametrize("size_bytes", [0, 1, 4096, 300_000, 3_000_000])
async def test_bodies_of_any_size_come_out_as_they_went_in(tmp_path: Path, size_bytes: int) -> None:
    content = body(b"/a", 1, size_bytes)
    async with disk_tier(tmp_path) as tier:
        assert await tier.put(b"/a", head(), content)
    async with disk_tier(tmp_path) as tier:
        assert await whole(tier, b"/a") == (head(), content)
        assert (tier.counters.corrupt, tier.how_started) == (0, "snapshot")


async def test_a_body_can_be_sent_from_its_descriptor(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        await put(tier, b"/a")
        found = await tier.open(b"/a")
        assert found is not None
        with found, (tmp_path / "out").open("wb") as out:
            assert os.sendfile(out.fileno(), found.descriptor, found.offset + 7, 100) == 100
        assert (tmp_path / "out").read_bytes() == body(b"/a")[7:107]


async def test_a_second_hit_needs_no_thread(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        await put(tier, b"/a")
        assert tier.opened(b"/a") is None
        await whole(tier, b"/a")
        found = tier.opened(b"/a")
        assert found is not None
        found.release()
        assert tier.counters.opened == 1


async def test_a_herd_opens_a_file_once(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        await put(tier, b"/a")
        answers = await asyncio.gather(*[whole(tier, b"/a") for _ in range(50)])
        assert answers == [(head(), body(b"/a"))] * 50
        assert tier.counters.opened == 1


async def test_no_more_files_stay_open_than_were_allowed(tmp_path: Path) -> None:
    async with disk_tier(tmp_path, max_open=3) as tier:
        keys = [b"/%d" % number for number in range(10)]
        await put(tier, *keys)
        before = open_files()
        assert await held(tier, *keys) == keys
        await tier.threads.settled()
        assert open_files() <= before + 3
    assert open_files() < before


async def test_a_viewer_who_leaves_while_a_file_is_opened_leaves_nothing_behind(tmp_path: Path) -> None:
    async with disk_tier(tmp_path, max_open=0) as tier:
        await put(tier, b"/a")
        before = open_files()
        for yields in range(8):
            leaves, stays = (asyncio.create_task(whole(tier, b"/a")) for _ in range(2))
            for _ in range(yields):
                await asyncio.sleep(0)
            leaves.cancel()
            assert await stays == (head(), body(b"/a"))
            await asyncio.wait([leaves])
        await tier.threads.settled()
        assert open_files() == before


async def test_a_newer_response_takes_the_place_of_the_older(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        await put(tier, b"/a")
        old = await tier.open(b"/a")
        assert old is not None
        await put(tier, b"/a", version=2)
        assert await whole(tier, b"/a") == (head(2), body(b"/a", 2))
        with old:  # whoever is sending it goes on
            assert await tier.read(old, 0, old.size_bytes) == body(b"/a")
        assert (len(tier), tier.used_bytes) == (1, EACH_BYTES)


async def test_of_many_who_put_one_key_at_once_one_stays_and_it_is_whole(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        puts = [tier.put(b"/a", head(n), body(b"/a", n)) for n in range(20)]
        readers = [whole(tier, b"/a") for _ in range(20)]
        await asyncio.gather(*puts, *readers)
        assert await held(tier, b"/a") == [b"/a"]
        assert (len(tier), tier.used_bytes) == (1, EACH_BYTES)
    assert pages_bytes(tmp_path) == EACH_BYTES


async def test_a_purge_takes_every_variant_and_nothing_else(tmp_path: Path) -> None:
    family = [b"/a", b"/a\naccept:x", b"/a\naccept:y"]
    async with disk_tier(tmp_path) as tier:
        await put(tier, *family, b"/b")
        assert tier.purge(b"/a") == 3
        assert (tier.purge(b"/a"), await tier.settled()) == (0, True)
        assert await held(tier, *family, b"/b") == [b"/b"]
        assert len(files_in(tmp_path)) == 1


async def test_a_drop_takes_one_variant(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        await put(tier, b"/a\naccept:x", b"/a\naccept:y")
        assert (tier.drop(b"/a\naccept:x"), tier.drop(b"/a\naccept:x")) == (True, False)
        assert await held(tier, b"/a\naccept:x", b"/a\naccept:y") == [b"/a\naccept:y"]


@pytest.mark.parametrize("how", ["snapshot", "scan"])
async def test_after_a_restart_a_key_still_knows_by_what_its_responses_vary(tmp_path: Path, how: str) -> None:
    async with disk_tier(tmp_path) as tier:
        await put(tier, b"/a\naccept:x\norigin:\0", b"/b")
    if how == "scan":
        next(tmp_path.glob("index.*")).unlink()
    async with disk_tier(tmp_path) as tier:
        assert tier.how_started == how
        assert (tier.has_variants(b"/a"), tier.has_variants(b"/b")) == (True, False)
        assert await tier.vary_names(b"/a") == (b"accept", b"origin")
        assert await tier.vary_names(b"/b") == ()
        assert tier.purge(b"/a") == 1
        assert not tier.has_variants(b"/a")


async def test_a_purge_ends_what_is_on_its_way(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        writings = [tier.begin(key, head(), None) for key in (b"/a", b"/a\nx:y", b"/b")]
        tier.purge(b"/a")
        ended = [await writing.commit(b"body") for writing in writings if writing is not None]
        assert ended == [False, False, True]
        putting = asyncio.create_task(tier.put(b"/c", head(), body(b"/c", 1, 2**20)))
        await asyncio.sleep(0)
        tier.purge(b"/c")
        assert not await putting
        await tier.threads.settled()
        assert [path.name for path in files_in(tmp_path)] == [file_of(tier, b"/b").name]


async def test_a_304_renews_the_head_for_those_who_have_it_and_for_the_next_start(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        await put(tier, b"/a", b"/b")
        await whole(tier, b"/a")
        for merged in range(1, 8):
            for key in (b"/a", b"/b"):
                assert await tier.update(key, head(1, merged), is_durable=merged == 7)
                assert await whole(tier, key) == (head(1, merged), body(key))
        assert not await tier.update(b"/c", head())
        assert tier.counters.rewritten_heads == 14
    async with disk_tier(tmp_path) as tier:
        assert await whole(tier, b"/a") == (head(1, 7), body(b"/a"))


async def test_who_opens_while_a_head_is_renewed_gets_the_newer_one(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        await put(tier, b"/a")
        opening = asyncio.create_task(whole(tier, b"/a"))
        await asyncio.sleep(0)
        updating = asyncio.create_task(tier.update(b"/a", head(1, 1)))
        later = asyncio.create_task(whole(tier, b"/a"))
        assert [await opening, await later] == [(head(1, 1), body(b"/a"))] * 2
        assert await updating
        assert await whole(tier, b"/a") == (head(1, 1), body(b"/a"))


async def test_a_head_that_outgrows_its_slot_moves_to_a_new_file(tmp_path: Path) -> None:
    content = body(b"/a", 1, 700_000)
    async with disk_tier(tmp_path) as tier:
        assert await tier.put(b"/a", head(), content)
        larger = head(1, 1, x="v" * 9000)
        assert await tier.update(b"/a", larger)
        assert await whole(tier, b"/a") == (larger, content)
        assert tier.used_bytes == pages_bytes(tmp_path)
    async with disk_tier(tmp_path) as tier:
        assert await whole(tier, b"/a") == (larger, content)


async def test_a_head_that_is_none_by_the_rfc_is_refused(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        assert not await tier.put(b"/a", ResponseHead(200, ((b"a", b"b\nc: d"),), 1, 2), b"")
        assert (len(tier), tier.counters.refused) == (0, 1)


# Pieces and the quota


async def write(writing: Writing | None, *pieces: bytes) -> bool:
    assert writing is not None
    for piece in pieces:
        await writing.write(piece)
    return await writing.commit()


async def test_a_body_may_come_in_pieces_of_known_or_unknown_length(tmp_path: Path) -> None:
    pieces = [body(b"%d" % n, 1, n * 997) for n in range(100)]
    content = b"".join(pieces)
    async with disk_tier(tmp_path) as tier:
        assert await write(tier.begin(b"/known", head(), len(content)), *pieces)
        assert await write(tier.begin(b"/unknown", head(), None), *pieces)
        assert await write(tier.begin(b"/empty", head(), None))
        assert await whole(tier, b"/known") == await whole(tier, b"/unknown") == (head(), content)
        assert await whole(tier, b"/empty") == (head(), b"")
        assert tier.used_bytes == pages_bytes(tmp_path)


@pytest.mark.parametrize("sent", [b"", b"x" * 99, b"x" * 101, b"x" * 10**6])
async def test_a_body_of_another_length_than_was_said_is_never_stored(tmp_path: Path, sent: bytes) -> None:
    async with disk_tier(tmp_path) as tier:
        assert not await write(tier.begin(b"/a", head(), 100), sent)
        assert not await write(tier.begin(b"/a", head(), 100), *[sent[:60], sent[60:]])
        await tier.threads.settled()
        assert (tier.lookup(b"/a"), tier.used_bytes, files_in(tmp_path)) == (False, 0, [])


async def test_a_fill_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        for yields in range(6):
            putting = asyncio.create_task(tier.put(b"/a", head(), body(b"/a", 1, 2**20)))
            for _ in range(yields):
                await asyncio.sleep(0)
            putting.cancel()
            await asyncio.wait([putting])
            await tier.threads.settled()
            assert tier.used_bytes == pages_bytes(tmp_path)
            tier.purge(b"/a")
        assert (await tier.settled(), files_in(tmp_path)) == (True, [])


@pytest.mark.parametrize("policy", ALL_POLICIES)
async def test_what_is_on_its_way_has_its_place_in_the_quota(tmp_path: Path, policy: str) -> None:
    async with disk_tier(tmp_path, 4 * EACH_BYTES, policy=ALL_POLICIES[policy]) as tier:
        await put(tier, b"/a", b"/b")
        known, unknown = tier.begin(b"/c", head(), 10_000), tier.begin(b"/d", head(), 2**20)
        assert known is not None
        assert unknown is None  # more than the whole tier
        assert tier.used_bytes == 3 * EACH_BYTES
        await put(tier, b"/e", b"/f")
        await tier.settled()
        assert tier.used_bytes == 4 * EACH_BYTES >= pages_bytes(tmp_path)
        assert await write(known, body(b"/c"))
        assert await held(tier, b"/c") == [b"/c"]


async def test_unknown_length_takes_room_as_it_comes_and_gives_back_what_it_did_not_need(
    tmp_path: Path,
) -> None:
    async with disk_tier(tmp_path, 4 * 2**20) as tier:
        writing = tier.begin(b"/a", head(), None)
        assert writing is not None
        seen = [tier.used_bytes]
        for _ in range(10):
            await writing.write(b"x" * 300_000)
            assert pages_bytes(tmp_path) <= tier.used_bytes <= 4 * 2**20
            seen.append(tier.used_bytes)
        assert await writing.commit()
        assert seen == sorted(seen)
        assert seen[0] < seen[-1]
        assert tier.used_bytes == pages_bytes(tmp_path)
        assert not await write(tier.begin(b"/b", head(), None), *[b"x" * 300_000] * 20)
        await tier.threads.settled()
        assert tier.used_bytes == pages_bytes(tmp_path)


async def test_what_was_not_used_for_longest_makes_room_and_is_still_readable_by_who_has_it(
    tmp_path: Path,
) -> None:
    async with disk_tier(tmp_path, 3 * EACH_BYTES) as tier:
        await put(tier, b"/a", b"/b", b"/c")
        await whole(tier, b"/a")
        reader = await tier.open(b"/b")
        await whole(tier, b"/a")
        await whole(tier, b"/c")
        await put(tier, b"/d")
        assert await held(tier, b"/a", b"/b", b"/c", b"/d") == [b"/a", b"/c", b"/d"]
        assert tier.counters.evicted == 1
        assert reader is not None
        with reader:
            assert await tier.read(reader, 0, reader.size_bytes) == body(b"/b")
        await tier.settled()
        assert not file_of(tier, b"/b").exists()


async def test_the_order_of_use_outlasts_a_clean_restart(tmp_path: Path) -> None:
    async with disk_tier(tmp_path, 3 * EACH_BYTES) as tier:
        await put(tier, b"/a", b"/b", b"/c")
        await whole(tier, b"/a")
    async with disk_tier(tmp_path, 2 * EACH_BYTES) as tier:
        assert await held(tier, b"/a", b"/b", b"/c") == [b"/a", b"/c"]
        await tier.settled()
        assert tier.used_bytes == pages_bytes(tmp_path) == 2 * EACH_BYTES


# Against a model


@pytest.mark.parametrize("policy", ALL_POLICIES)
@pytest.mark.parametrize("seed", range(3))
async def test_it_never_serves_what_was_not_put_and_keeps_its_quota(
    tmp_path: Path, seed: int, policy: str
) -> None:
    """Four tasks at once, a quota of a third of all keys, restarts between."""
    keys = [b"/%d" % n for n in range(20)] + [b"/v\na:%d" % n for n in range(4)]
    model: dict[bytes, tuple[int, int]] = {}
    serial = 0

    async def act(tier: DiskTier, rng: random.Random, mine: list[bytes]) -> None:
        nonlocal serial
        for _ in range(40):
            key, what = rng.choice(mine), rng.random()
            if what < 0.4:
                serial += 1
                version = serial
                size_bytes = rng.choice((0, 100, 9000, 40_000))
                model.pop(key, None)
                if await tier.put(key, head(version), body(key, version, size_bytes)):
                    model[key] = version, 0
            elif what < 0.8:
                found = await whole(tier, key)
                if found is None:
                    model.pop(key, None)
                else:
                    version, merged = versions_of(found[0])
                    assert (version, merged) == model[key], f"seed {seed}"
                    assert found[1] == body(key, version, len(found[1]))
            elif what < 0.9 and key in model and tier.lookup(key):
                version, merged = model[key]
                model[key] = version, merged + 1
                if not await tier.update(key, head(version, merged + 1)):
                    model.pop(key)
            elif what > 0.95:
                tier.drop(key)
                model.pop(key, None)

    rng = random.Random(seed)
    for _ in range(4):
        async with disk_tier(
            tmp_path, 40 * 4096, policy=ALL_POLICIES[policy], max_open=rng.choice((0, 3, 50))
        ) as tier:
            assert tier.how_started in ("new", "snapshot")
            await asyncio.gather(*[act(tier, random.Random(rng.random()), keys[n::4]) for n in range(4)])
            await tier.settled()
            await tier.threads.settled()
            assert tier.used_bytes == pages_bytes(tmp_path) <= 40 * 4096, f"seed {seed}"
            assert tier.counters.corrupt == tier.counters.lost == 0
            if rng.random() < 0.5:
                tier.save()


async def test_a_snapshot_is_written_when_the_journal_is_old(tmp_path: Path, clock: Clock) -> None:
    async with disk_tier(tmp_path, clock=clock) as tier:
        await put(tier, b"/a")
        tier.beat()
        clock.now_s += 901
        tier.beat()
        await tier.threads.settled()
        assert tier.counters.snapshots == 1
        clock.now_s += 901
        tier.beat()  # nothing came or went since
        await tier.threads.settled()
        assert tier.counters.snapshots == 1
        assert sorted(path.name for path in tmp_path.glob("[ij]*.*")) == ["index.2", "journal.2"]
