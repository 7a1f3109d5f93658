"""A process that keeps slices, renews, purges and marks until it is killed; run by test_crash_slices.py.

    python -m tests.edge.disk.crash_slices_child FOLDER CAPACITY SEED

It tells what it is about to do, and what is done, on standard output, as `MARK DEED KEY VERSION NUMBER`: deed
`S` is a slice, `R` a newer head, `P` a purge, `E` a soft one; mark `?` comes before, `=` when it will last.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path
from time import time

from edge.message import ResponseHead
from edge.ondisk import OnDisk
from edge.ranges import Span
from edge.slices import Part, Sliced
from edge.stored import Speaker, StoredResponse
from service import log
from tests.edge.disk.objects import body, disk_tier

KEYS = [b"/0", b"/1", b"/v\naccept:a", b"/w\naccept:a"]
SLICE, SLICES = 20_000, 6
TOTAL = SLICE * SLICES - 7777


def tell(mark: str, deed: str, key: bytes, version: int = 0, number: int = 0) -> None:
    os.write(1, f"{mark} {deed} {key.hex()} {version} {number}\n".encode())


def film(key: bytes, version: int) -> bytes:
    return body(key, version, TOTAL)


def part_of_film(key: bytes, version: int, number: int) -> tuple[Part, bytes]:
    fields = (
        (b"etag", b'"%d"' % version),
        (b"cache-control", b"max-age=1000000"),
        (b"vary", b"accept" if b"\n" in key else b""),
    )
    span = Span(number * SLICE, min((number + 1) * SLICE, TOTAL) - 1)
    now_s = time()
    return Part(ResponseHead(200, fields, now_s, now_s), span, TOTAL), film(key, version)[
        span.first : span.last + 1
    ]


def on_disk(folder: Path, capacity_bytes: int) -> OnDisk:
    return OnDisk(disk_tier(folder, capacity_bytes, clock=time), Speaker(b"edge"), time, lambda _: True)


async def rest(disk: OnDisk, key: bytes) -> None:
    while key in disk.sheaves.under_way:  # noqa: ASYNC110 - the end of a sheaf has no event
        await asyncio.sleep(0.0005)


async def live(folder: Path, capacity_bytes: int, seed: int) -> None:
    rng = random.Random(seed)
    async with on_disk(folder, capacity_bytes) as disk:

        async def act(key: bytes, rng: random.Random) -> None:
            version = seed * 1000
            while True:
                what = rng.random()
                if what < 0.6:
                    version += rng.random() < 0.1
                    number = rng.randrange(SLICES)
                    tell("?", "S", key, version, number)
                    part, data = part_of_film(key, version, number)
                    sliced = Sliced(StoredResponse(key, part.head, b"", b"edge"), TOTAL, SLICE)
                    disk.sheaves.keep(sliced, list(sliced.pieces(part.span, data)))
                    if rng.random() < 0.6:
                        await rest(disk, key)
                        if disk.sheaves.has(key, number):
                            tell("=", "S", key, version, number)
                elif what < 0.8:
                    tell("?", "R", key, version)
                    part, _ = part_of_film(key, version, 0)
                    disk.sheaves.renew(Sliced(StoredResponse(key, part.head, b"", b"edge"), TOTAL, SLICE))
                elif what < 0.88:
                    tell("?", "P", key)
                    disk.purge(key.partition(b"\n")[0])
                    await disk.tier.settled()
                    tell("=", "P", key)
                elif what < 0.96:
                    await rest(disk, key)
                    tell("?", "E", key)
                    disk.expire(key, time())
                    await disk.tier.settled()
                    tell("=", "E", key)
                else:
                    disk.tier.save()
                await asyncio.sleep(0)

        await asyncio.gather(*[act(key, random.Random(rng.random())) for key in KEYS])


if __name__ == "__main__":
    log.configure(to=sys.stderr)
    asyncio.run(live(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
