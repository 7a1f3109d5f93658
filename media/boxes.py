"""Boxes: the type-length-value layer of ISO base media files (ISO/IEC 14496-12, 4.2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass


class BoxError(ValueError):
    """Bytes that are not the boxes they claim to be; the message names the box and where it stands."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its four-character type, its payload, and where it began in the bytes given."""

    kind: str
    payload: memoryview
    offset: int

    def unpack(self, layout: str, at: int = 0) -> tuple[int, ...]:
        """Read big-endian integers (`struct` letters) from the payload."""
        try:
            return struct.unpack_from(f">{layout}", self.payload, at)
        except struct.error:
            raise BoxError(
                f"box {self.kind!r} at byte {self.offset} ends after {len(self.payload)} bytes of payload"
            ) from None

    def version_and_flags(self) -> tuple[int, int]:
        """What opens a full box (4.2.2)."""
        (word,) = self.unpack("I")
        return word >> 24, word & 0xFFFFFF

    def children(self, skip: int = 0) -> list[Box]:
        """The boxes inside, after `skip` bytes of this box's own fields."""
        self.unpack(f"{skip}x")
        return list(read_boxes(self.payload[skip:], self.offset + 8 + skip))

    def child(self, *path: str) -> Box:
        """The first box on a path of types; a missing one is a BoxError."""
        box = self
        for kind in path:
            box = only(kind, box.children(), inside=box.kind)
        return box


def read_boxes(data: bytes | memoryview, offset: int = 0) -> Iterator[Box]:
    """The boxes that stand one after another in `data`, whose first byte is at `offset` of the file."""
    view = memoryview(data)
    while view:
        head = Box("head", view, offset)
        size, code = head.unpack("II")
        header_bytes = 8
        if size == 1:  # a 64-bit size follows
            (size,), header_bytes = head.unpack("Q", 8), 16
        elif size == 0:  # to the end of the file
            size = len(view)
        kind = code.to_bytes(4).decode("latin-1")
        if not header_bytes <= size <= len(view):
            raise BoxError(f"box {kind!r} at byte {offset} says {size} bytes, {len(view)} are left")
        yield Box(kind, view[header_bytes:size], offset)
        view, offset = view[size:], offset + size


def only(kind: str, boxes: list[Box], inside: str) -> Box:
    """The one box of that kind; none or several is a BoxError."""
    found = [box for box in boxes if box.kind == kind]
    if len(found) != 1:
        raise BoxError(f"{inside} holds {len(found) or 'no'} {kind!r} boxes, one is expected")
    return found[0]
