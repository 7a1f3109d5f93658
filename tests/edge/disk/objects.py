"""Objects whose right bytes anyone can tell: the body follows from key and version, which the head names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from edge.disk.address import address_of
from edge.disk.lru import SlotLru
from edge.disk.tier import DiskTier
from edge.eviction import EvictionPolicy
from edge.fields import first
from edge.message import ResponseHead
from service.log import get_logger
from tests.edge.messages import NOW_S
from tests.edge.wire import Clock

LARGE_BYTES = 2**30


def head(version: int = 1, merged: int = 0, **named: str) -> ResponseHead:
    more = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in named.items())
    fields = ((b"content-type", b"video/mp4"), (b"etag", b'"%d"' % version), (b"x-merged", b"%d" % merged))
    return ResponseHead(200, fields + more, NOW_S, NOW_S + merged)


def body(key: bytes, version: int = 1, size_bytes: int = 10_000) -> bytes:
    return hashlib.shake_128(b"%s %d" % (key, version)).digest(size_bytes)


def versions_of(found: ResponseHead) -> tuple[int, int]:
    """Version and merge that a head names."""
    return int((first(found.fields, b"etag") or b"").strip(b'"')), int(first(found.fields, b"x-merged") or 0)


def disk_tier(
    folder: Path,
    capacity_bytes: int = LARGE_BYTES,
    *,
    clock: Callable[[], float] | None = None,
    policy: Callable[[int], EvictionPolicy] = SlotLru,
    max_open: int = 512,
) -> DiskTier:
    return DiskTier(
        folder,
        capacity_bytes,
        clock=clock or Clock(),
        logger=get_logger("edge"),
        policy=policy,
        max_open=max_open,
    )


async def whole(tier: DiskTier, key: bytes) -> tuple[ResponseHead, bytes] | None:
    """What the tier serves for `key`."""
    found = await tier.open(key)
    if found is None:
        return None
    with found:
        return found.head, await tier.read(found, 0, found.size_bytes)


def file_of(tier: DiskTier, key: bytes) -> Path:
    return tier.folder / address_of(key).path


def files_in(folder: Path) -> list[Path]:
    """The objects' files, and what is on its way."""
    return [path for path in folder.glob("??/*") if path.is_file()] + list(folder.glob("tmp/*"))


def pages_bytes(folder: Path) -> int:
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in files_in(folder))
