"""Where a key stands on the disk: its digest names the file, so that any process finds it from the key alone.

A variant's key is the primary key, a line feed, and more (edge/storing.py). All keys with one primary are a
family, which one purge takes; a variant's file name says its family, so that a scan of the folders knows it.
Of a response that is kept in slices, what is told of all of them is a variant, too (`sliced_key`), and its
slices are the family of that one: they go with it.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import NamedTuple

SLICED = b"\n#"
_NO_FAMILY = 0
_NAME = re.compile(r"([0-9a-f]{16})(?:-(?!0{16})([0-9a-f]{16}))?")


class Address(NamedTuple):
    """64 bits of a key's hash, and of its primary key's where that is another key (else 0).

    Two keys with one digest stand in each other's way, and the file's own key says whose it is.
    """

    digest: int
    family: int

    @property
    def path(self) -> str:
        """Relative to the tier's folder: one of 256 folders, then the name."""
        name = f"{self.digest:016x}"
        return f"{name[:2]}/{name}-{self.family:016x}" if self.family else f"{name[:2]}/{name}"


def digest_of(key: bytes) -> int:
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "big")


def address_of(key: bytes) -> Address:
    primary, feed, _ = key.partition(b"\n")
    if not feed:
        return Address(digest_of(key), _NO_FAMILY)
    whole, _, last = key.rpartition(b"\n")
    is_slice = last[:1] == b"#" and last[1:].isdigit()
    return Address(digest_of(key), digest_of(sliced_key(whole) if is_slice else primary))


def sliced_key(key: bytes) -> bytes:
    """Where that stands which holds for all slices of the response under `key`."""
    return key + SLICED


def slice_key(key: bytes, number: int) -> bytes:
    """No variant has such a key: its last line would have a colon."""
    return b"%s%s%d" % (key, SLICED, number)


def address_in(folder: str, name: str) -> Address | None:
    """The address that a file in `folder` has by its name, or None for a stray file."""
    match = _NAME.fullmatch(name)
    if match is None or not name.startswith(folder):
        return None
    digest, family = match.groups("0")
    return Address(int(digest, 16), int(family, 16))


def vary_names_in(key: bytes) -> tuple[bytes, ...]:
    """The request fields that a variant's key names; none for a primary key, whole or in slices."""
    return tuple(part.partition(b":")[0] for part in key.split(b"\n")[1:] if b":" in part)
