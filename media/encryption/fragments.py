"""Fragments, encrypted: where samples are, and boxes that say how (ISO/IEC 23001-7, 7; 14496-12, 8.7, 8.9).

`senc`, `saiz`, `saio` and, where the key is not that of `tenc`, a `seig` group go to the end of each `traf`;
all offsets into the media move by what they take. A `sidx` is dropped: its sizes are no longer true, and a
segment that a manifest names needs none.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from media.boxes import Box, BoxError, read_boxes
from media.encryption.samples import Subsample

_ADDED = ("senc", "saiz", "saio", "sgpd", "sbgp")
_HAS_SUBSAMPLES = 0x2
_FRAGMENT_GROUP = 0x10000  # group descriptions of the fragment itself are counted from here (8.9.4)


@dataclass(frozen=True, slots=True)
class SampleAux:
    """What `senc` says of a sample."""

    iv: bytes
    parts: Sequence[Subsample] = ()


@dataclass(frozen=True, slots=True)
class Fragment:
    """A `moof` as it is before anything is added."""

    moof: Box
    traf: Box
    spans: list[tuple[int, int]]  # of the samples: first byte in the segment, and size


def fragments(boxes: Sequence[Box], data_bytes: int, default_size: int) -> Iterator[Fragment]:
    """Raises BoxError, also for samples that do not lie in an `mdat`: encrypting them would break boxes."""
    ends = [*(box.offset for box in boxes[1:]), data_bytes]
    media = [
        (end - len(box.payload), end) for box, end in zip(boxes, ends, strict=True) if box.kind == "mdat"
    ]
    for moof in (box for box in boxes if box.kind == "moof"):
        trafs = [box for box in moof.children() if box.kind == "traf"]
        if len(trafs) != 1:
            raise BoxError(f"box 'moof' at byte {moof.offset} holds {len(trafs)} tracks, not one")
        spans = list(_spans(moof, trafs[0], default_size))
        for at, size in spans:
            if not any(first <= at and at + size <= end for first, end in media):
                raise BoxError(f"box 'moof' at byte {moof.offset} places a sample outside of 'mdat'")
        yield Fragment(moof, trafs[0], spans)


def _spans(moof: Box, traf: Box, default_size: int) -> Iterator[tuple[int, int]]:
    """8.8.7 and 8.8.8; the base of all offsets is the moof, as CMAF has it."""
    tfhd = traf.child("tfhd")
    _, flags = tfhd.version_and_flags()
    if flags & 0x1:
        raise BoxError(f"box 'tfhd' at byte {tfhd.offset} counts from elsewhere than its 'moof'")
    at = 8 + (4 if flags & 0x2 else 0) + (4 if flags & 0x8 else 0)
    if flags & 0x10:
        (default_size,) = tfhd.unpack("I", at)
    end = None
    for trun in (box for box in traf.children() if box.kind == "trun"):
        _, flags = trun.version_and_flags()
        (count,) = trun.unpack("I", 4)
        at = 8
        if flags & 0x1:
            end = moof.offset + trun.unpack("i", at)[0]
            at += 4
        if end is None:
            raise BoxError(f"box 'trun' at byte {trun.offset} does not say where its samples are")
        at += 4 if flags & 0x4 else 0
        for size in _sizes(trun, flags, count, at, default_size):
            yield end, size
            end += size


def _sizes(trun: Box, flags: int, count: int, at: int, default_size: int) -> Sequence[int]:
    words = [word for word in (0x100, 0x200, 0x400, 0x800) if flags & word]
    if 0x200 not in words:
        return [default_size] * count
    if count * 4 * len(words) > len(trun.payload):
        raise BoxError(f"box 'trun' at byte {trun.offset} claims {count} samples")
    table = trun.unpack(f"{count * len(words)}I", at)
    return table[words.index(0x200) :: len(words)]


def rebuilt(data: bytearray, boxes: Sequence[Box], added: Callable[[Box], bytes]) -> bytes:
    """The segment with `added(moof)` at the end of each `traf`, instead of what was added before."""
    out = []
    ends = [*(box.offset for box in boxes[1:]), len(data)]
    for box, end in zip(boxes, ends, strict=True):
        if box.kind == "moof":
            out.append(_moof(box, end - box.offset, added(box)))
        elif box.kind != "sidx":
            out.append(bytes(data[box.offset : end]))
    return b"".join(out)


def _moof(moof: Box, size_bytes: int, added: bytes) -> bytes:
    children = moof.children()
    traf = next(box for box in children if box.kind == "traf")
    kept = [box for box in traf.children() if box.kind not in _ADDED]
    traf_bytes = 8 + sum(8 + len(box.payload) for box in kept) + len(added)
    shift = traf_bytes - (8 + len(traf.payload))
    parts = [make_box(box.kind, _moved(box, shift)) for box in kept]
    inner = make_box("traf", b"".join(parts) + added)
    made = make_box(
        "moof", b"".join(inner if box is traf else make_box(box.kind, box.payload) for box in children)
    )
    if len(made) != size_bytes + shift:
        raise BoxError(f"box 'moof' at byte {moof.offset} holds boxes of 64-bit sizes, which are not handled")
    return made


def _moved(box: Box, shift: int) -> bytes:
    """A run's samples are `shift` bytes further from the `moof`."""
    if box.kind != "trun" or not box.version_and_flags()[1] & 0x1:
        return bytes(box.payload)
    (offset,) = box.unpack("i", 8)
    return bytes(box.payload[:8]) + struct.pack(">i", offset + shift) + bytes(box.payload[12:])


def make_box(kind: str, payload: bytes | memoryview) -> bytes:
    return struct.pack(">I4s", 8 + len(payload), kind.encode("latin-1")) + bytes(payload)


def full_box(kind: str, payload: bytes, version: int = 0, flags: int = 0) -> bytes:
    return make_box(kind, struct.pack(">I", version << 24 | flags) + payload)


def aux_boxes(fragment: Fragment, aux: Sequence[SampleAux], group: bytes) -> bytes:
    """What a `traf` gains; `group` is the `seig` entry, or nothing.

    Samples without IV and parts (whole, under a constant IV) need no word of their own (7.2.2).
    """
    grouped = _seig(group, len(aux)) if group else b""
    if not any(each.iv or each.parts for each in aux):
        return grouped
    has_parts = any(each.parts for each in aux)
    entries = [_entry(each, has_parts) for each in aux]
    senc = full_box(
        "senc", struct.pack(">I", len(aux)) + b"".join(entries), flags=_HAS_SUBSAMPLES if has_parts else 0
    )
    saiz = _saiz([len(entry) for entry in entries])
    kept = sum(8 + len(box.payload) for box in fragment.traf.children() if box.kind not in _ADDED)
    # saio is 20 bytes; the entries stand behind it and behind the head of senc
    at = fragment.traf.offset - fragment.moof.offset + 8 + kept + len(grouped) + len(saiz) + 20 + 16
    return grouped + saiz + full_box("saio", struct.pack(">II", 1, at)) + senc


def _entry(aux: SampleAux, has_parts: bool) -> bytes:
    if not has_parts:
        return aux.iv
    numbers = [number for part in aux.parts for number in part]
    return aux.iv + struct.pack(">H" + "HI" * len(aux.parts), len(aux.parts), *numbers)


def _saiz(sizes: Sequence[int]) -> bytes:
    """8.7.8: one size for all, or a byte for each."""
    if max(sizes) > 255:
        raise BoxError(f"a sample has {(max(sizes) - 10) // 6} protected runs, too many for 'saiz'")
    if len(set(sizes)) == 1:
        return full_box("saiz", struct.pack(">BI", sizes[0], len(sizes)))
    return full_box("saiz", struct.pack(">BI", 0, len(sizes)) + bytes(sizes))


def _seig(entry: bytes, samples: int) -> bytes:
    """All samples are of one group of the fragment's own (23001-7, 6; 14496-12, 8.9)."""
    sgpd = full_box("sgpd", b"seig" + struct.pack(">II", len(entry), 1) + entry, version=1)
    return sgpd + full_box("sbgp", b"seig" + struct.pack(">III", 1, samples, _FRAGMENT_GROUP + 1))


def read_aux(traf: Box, iv_bytes: int, samples: int) -> list[SampleAux]:
    """What `senc` says, for the inverse. Raises BoxError."""
    found = [box for box in traf.children() if box.kind == "senc"]
    if not found:
        return [SampleAux(b"")] * samples
    senc = found[0]
    _, flags = senc.version_and_flags()
    if senc.unpack("I", 4)[0] != samples:
        raise BoxError(f"box 'senc' at byte {senc.offset} is not of {samples} samples")
    at, aux = 8, []
    for _ in range(samples):
        iv = bytes(senc.payload[at : at + iv_bytes])
        at += iv_bytes
        parts: list[Subsample] = []
        if flags & _HAS_SUBSAMPLES:
            (count,) = senc.unpack("H", at)
            numbers = senc.unpack("HI" * count, at + 2)
            parts = list(zip(numbers[::2], numbers[1::2], strict=True))
            at += 2 + 6 * count
        aux.append(SampleAux(iv, parts))
    return aux


def boxes_of(data: bytes | bytearray) -> list[Box]:
    return list(read_boxes(bytes(data)))
