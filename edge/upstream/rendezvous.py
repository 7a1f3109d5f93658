"""Which upstream a key belongs to: weighted rendezvous hashing.

Highest random weight: D. Thaler, C. Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM
Transactions on Networking 6(1), 1998. Weights by the logarithmic method: C. Schindelhauer, G. Schomaker,
"Weighted distributed hash tables", SPAA 2005. An upstream that goes takes along only its own keys.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import blake2b
from typing import Protocol, TypeVar


class Weighted(Protocol):
    """An upstream as the hash sees it."""

    @property
    def label(self) -> str: ...
    @property
    def weight(self) -> float: ...


P = TypeVar("P", bound=Weighted)


def ranked(key: bytes, places: Sequence[P]) -> list[P]:
    """The places in the order in which they are asked for `key`; the order they come in does not matter."""
    return sorted(places, key=lambda place: (-score(key, place.label, place.weight), place.label))


def score(key: bytes, label: str, weight: float) -> float:
    """-weight / ln(h), h drawn from (0, 1) by key and label: the highest wins, in proportion."""
    digest = blake2b(key, digest_size=8, key=blake2b(label.encode(), digest_size=16).digest()).digest()
    # The upper 53 bits are what a float holds; the half keeps h off both ends.
    h = ((int.from_bytes(digest, "big") >> 11) + 0.5) / 2**53
    return -weight / math.log(h)
