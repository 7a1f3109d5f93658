"""One sample, encrypted in place as `cenc` or `cbcs` want it (ISO/IEC 23001-7, 10.1 and 10.4).

A subsample is some clear bytes and the protected ones after them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from media.encryption.ciphers import BLOCK_BYTES, cbc, ctr

Subsample = tuple[int, int]  # clear bytes, protected bytes
MOST_CLEAR = 0xFFFF  # a field of 16 bits (7.2)
_STRIDE = 10 * BLOCK_BYTES  # of `cbcs` in video: one block in ten is encrypted


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes of a sample that hold picture: `cenc` protects its whole blocks at the end, `cbcs` all of it."""

    first: int
    end: int


def subsamples_of(size_bytes: int, ranges: Iterable[Range], *, whole_blocks: bool) -> list[Subsample]:
    """The map of a sample; with `whole_blocks` protected runs are multiples of 16 bytes (9.5.2.2)."""
    found: list[Subsample] = []
    at = 0
    for each in ranges:
        first = each.first
        if whole_blocks:
            first += (each.end - first) % BLOCK_BYTES
        if each.end - first < BLOCK_BYTES:
            continue
        found += _split(first - at, each.end - first)
        at = each.end
    if at < size_bytes:
        found += _split(size_bytes - at, 0)
    return found


def _split(clear: int, protected: int) -> list[Subsample]:
    """More clear bytes than a field can count are several subsamples."""
    parts = [(MOST_CLEAR, 0)] * (max(clear - 1, 0) // MOST_CLEAR)
    return [*parts, (clear - MOST_CLEAR * len(parts), protected)]


def crypt_ctr(
    data: bytearray, at: int, size_bytes: int, key: bytes, iv: bytes, parts: Sequence[Subsample]
) -> None:
    """`cenc`: the protected runs are one stream; without parts the whole sample is. Its own inverse."""
    stream = ctr(key, iv.ljust(BLOCK_BYTES, b"\0"))
    for clear, protected in parts or ((0, size_bytes),):
        at += clear
        if protected:
            data[at : at + protected] = stream.update(memoryview(data)[at : at + protected])
            at += protected


def crypt_cbcs(
    data: bytearray,
    at: int,
    size_bytes: int,
    key: bytes,
    iv: bytes,
    parts: Sequence[Subsample],
    *,
    decrypt: bool = False,
) -> None:
    """Each run begins at the IV; one block in ten of a run, or without parts every block of the sample.

    What is left of a block stays clear.
    """
    if not parts:
        end = at + size_bytes // BLOCK_BYTES * BLOCK_BYTES
        data[at:end] = cbc(key, iv, memoryview(data)[at:end], decrypt=decrypt)
        return
    for clear, protected in parts:
        at += clear
        if protected >= BLOCK_BYTES:
            _pattern(data, at, at + protected, key, iv, decrypt=decrypt)
        at += protected


def _pattern(data: bytearray, at: int, end: int, key: bytes, iv: bytes, *, decrypt: bool) -> None:
    """Every tenth block, gathered byte column by byte column: sixteen copies, however many blocks."""
    blocks = (end - at - BLOCK_BYTES) // _STRIDE + 1
    last = at + (blocks - 1) * _STRIDE
    gathered = bytearray(blocks * BLOCK_BYTES)
    for column in range(BLOCK_BYTES):
        gathered[column::BLOCK_BYTES] = data[at + column : last + column + 1 : _STRIDE]
    done = cbc(key, iv, gathered, decrypt=decrypt)
    for column in range(BLOCK_BYTES):
        data[at + column : last + column + 1 : _STRIDE] = done[column::BLOCK_BYTES]
