"""A soft purge of what is on disk: stale until a newer head, through starts of every kind."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from edge.disk.address import address_of, slice_key, sliced_key, vary_names_in
from edge.disk.tier import DiskTier
from tests.edge.disk.objects import body, disk_tier, files_in, head, versions_of, whole
from tests.edge.disk.test_order import clerk_waits, written
from tests.edge.disk.test_recovery import be_killed, lose_power

KEYS = [b"/a", b"/b", b"/v\nx:1", b"/v\nx:2", sliced_key(b"/s"), sliced_key(b"/v\nx:1")]


async def is_stale(tier: DiskTier, key: bytes) -> bool:
    """As the object itself says, which is what the data plane sees."""
    found = await tier.open(key)
    assert found is not None
    with found:
        assert found.is_stale == tier.is_stale(key)
        return found.is_stale


async def test_what_is_open_and_what_is_not_is_stale_until_it_has_a_newer_head(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        for key in KEYS:
            assert await tier.put(key, head(), body(key))
        assert not await is_stale(tier, b"/a")
        assert [tier.expire(key) for key in (b"/a", b"/v", b"/s", b"/none")] == [1, 3, 1, 0]
        assert [await is_stale(tier, key) for key in KEYS] == [True, False, True, True, True, True]
        for key in KEYS:
            assert await tier.update(key, head(1, 1))
            assert not await is_stale(tier, key)
            assert await whole(tier, key) == (head(1, 1), body(key))


@pytest.mark.parametrize("how", ["snapshot", "journal", "scan"])
@pytest.mark.parametrize("is_saved", [True, False], ids=["in-a-snapshot", "in-the-journal"])
async def test_it_is_known_after_a_start_of_any_kind(tmp_path: Path, how: str, is_saved: bool) -> None:
    folder = tmp_path / "first"
    async with disk_tier(folder) as tier:
        for key in KEYS:
            assert await tier.put(key, head(), body(key))
        tier.expire(b"/a")
        tier.expire(b"/b")
        tier.expire(b"/s")
        assert await tier.update(b"/b", head(1, 1))
        if is_saved:
            tier.save()
            await tier.threads.settled()
        assert await tier.settled()
        shutil.copytree(folder, tmp_path / "second")
    if how != "snapshot":
        folder = tmp_path / "second"
        (be_killed if how == "journal" else lose_power)(folder)
    for _ in range(2):
        async with disk_tier(folder) as tier:
            assert tier.how_started in (how, "snapshot")
            assert [key for key in KEYS if await is_stale(tier, key)] == [b"/a", sliced_key(b"/s")]
    async with disk_tier(folder) as tier:
        assert await tier.put(b"/a", head(2), body(b"/a", 2))
        assert not await is_stale(tier, b"/a")
    async with disk_tier(folder) as tier:
        assert not await is_stale(tier, b"/a")


async def test_what_is_on_its_way_is_stale_when_it_has_come(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        with clerk_waits(tier):
            named = await written(tier, b"/a")  # all but its name
            tier.expire(b"/a")
        assert await named
        writing = tier.begin(b"/b", head(), 10)
        assert writing is not None
        tier.expire(b"/b")
        assert await writing.commit(bytes(10))
        assert [await is_stale(tier, key) for key in (b"/a", b"/b")] == [True, True]
    async with disk_tier(tmp_path) as tier:
        assert [await is_stale(tier, key) for key in (b"/a", b"/b")] == [True, True]


async def test_a_head_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    async with disk_tier(tmp_path, max_open=1) as tier:
        assert await tier.put(b"/a", head(), body(b"/a"))
        assert await tier.put(b"/b", head(), body(b"/b"))
        tier.expire(b"/a")
        path = tmp_path / address_of(b"/a").path
        path.chmod(0o444)
        hidden = path.with_suffix(".hidden")
        path.rename(hidden)
        path.mkdir()  # opens for reading only: an error of the disk
        assert not await tier.update(b"/a", head(1, 1))
        path.rmdir()
        hidden.rename(path)
        assert tier.is_stale(b"/a")


async def test_a_head_that_outgrows_its_place_is_no_longer_stale(tmp_path: Path) -> None:
    async with disk_tier(tmp_path) as tier:
        assert await tier.put(b"/a", head(), body(b"/a"))
        tier.expire(b"/a")
        assert await tier.update(b"/a", head(1, 1, x="v" * 5000))
        assert not await is_stale(tier, b"/a")
    async with disk_tier(tmp_path) as tier:
        assert not await is_stale(tier, b"/a")


def test_slices_are_the_family_of_what_holds_for_them_and_that_is_the_keys() -> None:
    for key in (b"/s", b"/s\nx:1", b"/s\n#odd:1"):
        top = address_of(sliced_key(key))
        assert top.family == address_of(b"/s").digest
        assert address_of(slice_key(key, 12)).family == top.digest
        assert vary_names_in(slice_key(key, 3)) == vary_names_in(sliced_key(key)) == vary_names_in(key)
    assert address_of(b"/s\n#5:").family == address_of(b"/s").digest, "a field may have such a name"


@pytest.mark.parametrize("end", ["dropped", "purged", "evicted", "lost"])
async def test_slices_go_with_what_holds_for_them(tmp_path: Path, end: str) -> None:
    keys = [sliced_key(b"/s"), *(slice_key(b"/s", number) for number in range(5))]
    async with disk_tier(tmp_path, 12 * 16_384) as tier:
        assert await tier.put(b"/s", head(), body(b"/s"))
        for key in keys:
            assert await tier.put(key, head(), body(key))
        if end == "dropped":
            assert tier.drop(keys[0])
        elif end == "purged":
            assert tier.purge(b"/s") == 2, "slices are no responses"
        elif end == "lost":
            (tmp_path / address_of(keys[0]).path).unlink()
            assert await tier.open(keys[0]) is None
        else:
            for key in (*keys[1:], b"/s"):  # it is the oldest now
                tier.touch(key)
            for number in range(6):
                assert await tier.put(b"/other/%d" % number, head(), body(b"/other"))
        assert not any(map(tier.lookup, keys))
        assert tier.lookup(b"/s") == (end != "purged")
        assert await tier.settled()
        assert len(files_in(tmp_path)) == len(tier)


async def test_random_lives_end_as_a_plain_model_says(tmp_path: Path) -> None:
    """Puts, heads, marks, drops, purges and starts; slices never outlive their head."""
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    bases = [b"/a", b"/b", b"/v\nx:1", b"/v\nx:2"]
    model: dict[bytes, tuple[int, int, bool]] = {}  # version, merges, is stale

    def gone(key: bytes) -> None:
        model.pop(key, None)
        if key.endswith(b"\n#"):
            for each in [each for each in model if each.startswith(key) and each != key]:
                del model[each]

    for _ in range(12):
        async with disk_tier(tmp_path, max_open=rng.choice((1, 100))) as tier:
            for serial in range(80):
                base, what = rng.choice(bases), rng.random()
                top, part = sliced_key(base), slice_key(base, rng.randrange(3))
                key = rng.choice((base, top, part if top in model else base))
                if what < 0.4:
                    assert await tier.put(key, head(serial), body(key, serial))
                    model[key] = serial, 0, False
                elif what < 0.55 and key in model:
                    version, merged, _ = model[key]
                    filling = {"x": "v" * 5000} if rng.random() < 0.2 else {}
                    assert await tier.update(key, head(version, merged + 1, **filling)), f"seed {seed}"
                    model[key] = version, merged + 1, False
                elif what < 0.7:
                    primary = base.partition(b"\n")[0]
                    tier.expire(primary)
                    for each, (version, merged, _) in model.items():
                        if each.partition(b"\n")[0] == primary and not each[-1:].isdigit():
                            model[each] = version, merged, True
                    for each in (b"/v\nx:1", b"/v\nx:2"):  # they end in a digit, too
                        if each in model and primary == b"/v":
                            model[each] = *model[each][:2], True
                elif what < 0.8:
                    assert tier.drop(key) == (key in model), f"seed {seed}"
                    gone(key)
                elif what < 0.83:
                    primary = base.partition(b"\n")[0]
                    tier.purge(primary)
                    for each in [each for each in model if each.partition(b"\n")[0] == primary]:
                        del model[each]
                elif what < 0.88:
                    tier.save()
            for key, (version, merged, stale) in model.items():
                found = await whole(tier, key)
                assert found is not None, f"seed {seed}, {key!r}"
                assert versions_of(found[0]) == (version, merged), f"seed {seed}, {key!r}"
                assert found[1] == body(key, version), f"seed {seed}, {key!r}"
                assert await is_stale(tier, key) == stale, f"seed {seed}, {key!r}"
            assert len(tier) == len(model), f"seed {seed}"
