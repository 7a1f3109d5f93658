"""A process that puts, renews and purges until it is killed; run by test_crash.py.

    python -m tests.edge.disk.crash_child FOLDER CAPACITY SEED

Each change is told on standard output before it begins and after it has ended: `? KEY VERSION MERGED`, then
`= KEY VERSION MERGED`, or `! KEY` where the tier refused. Version 0 means: not stored.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path
from time import time

from service import log
from tests.edge.disk.objects import body, disk_tier, head, versions_of, whole

KEYS = [b"/%d" % n for n in range(24)] + [b"/v\nname:%d" % n for n in range(4)]
SIZES_BYTES = (0, 500, 20_000, 200_000, 700_000)


def tell(mark: str, key: bytes, version: int = 0, merged: int = 0) -> None:
    words = f"{mark} {key.hex()} {version} {merged}\n"
    os.write(1, words.encode())


async def live(folder: Path, capacity_bytes: int, seed: int) -> None:
    rng = random.Random(seed)
    async with disk_tier(folder, capacity_bytes, clock=time, max_open=rng.choice((2, 100))) as tier:

        async def act(mine: list[bytes], rng: random.Random) -> None:
            serial = seed * 1000
            while True:
                key, what = rng.choice(mine), rng.random()
                if what < 0.5:
                    serial += len(KEYS)
                    version = serial + KEYS.index(key) % 4
                    size_bytes = rng.choice(SIZES_BYTES)
                    tell("?", key, version)
                    content = body(key, version, size_bytes)
                    if rng.random() < 0.5:
                        is_kept = await tier.put(key, head(version), content)
                    else:
                        writing = tier.begin(key, head(version), rng.choice((None, size_bytes)))
                        is_kept = writing is not None
                        if writing is not None:
                            for at in range(0, size_bytes, 90_000):
                                await writing.write(content[at : at + 90_000])
                            is_kept = await writing.commit()
                    tell("=" if is_kept else "!", key, version)
                elif what < 0.7:
                    found = await whole(tier, key)
                    if found is not None:
                        version, merged = versions_of(found[0])
                        filling = {"x": "v" * 3000} if rng.random() < 0.1 else {}
                        tell("?", key, version, merged + 1)
                        if await tier.update(key, head(version, merged + 1, **filling)):
                            tell("=", key, version, merged + 1)
                elif what < 0.85:
                    tell("?", key)
                    tier.drop(key)
                    if await tier.settled():
                        tell("=", key)
                elif what < 0.9:
                    tier.save()
                await asyncio.sleep(0)

        await asyncio.gather(*[act(KEYS[n::4], random.Random(rng.random())) for n in range(4)])


if __name__ == "__main__":
    log.configure(to=sys.stderr)
    asyncio.run(live(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
