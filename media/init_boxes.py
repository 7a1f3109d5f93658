"""What an init segment should say and its writer left out or got wrong: HDR's `mdcv` and `clli` (ISO/IEC
14496-12, 12.1.6 and 12.1.7), the level of VP9 (VP Codec ISO Media File Format Binding, 2.2).

Pure: bytes in, bytes out; boxes that are there already stay.
"""

from __future__ import annotations

import struct

from media.boxes import Box, BoxError, read_boxes

_VISUAL_ENTRY_BYTES = 78  # before the boxes inside (12.1.3)
_STSD_BYTES = 8  # version, flags and the count
_HEAD_BYTES = 8
_VP9_LEVEL_AT = 5  # behind version, flags and profile
_PATH = ("moov", "trak", "mdia", "minf", "stbl", "stsd")

Point = tuple[int, int]


def mastering_display_box(
    *, green: Point, blue: Point, red: Point, white: Point, max_luminance: int, min_luminance: int
) -> bytes:
    """`mdcv`: chromaticities in units of 0.00002, luminance in units of 0.0001 cd/m²."""
    payload = struct.pack(">8H2I", *green, *blue, *red, *white, max_luminance, min_luminance)
    return _box(b"mdcv", payload)


def content_light_box(*, max_content: int, max_average: int) -> bytes:
    """`clli`: light levels in cd/m²."""
    return _box(b"clli", struct.pack(">2H", max_content, max_average))


def with_boxes(init: bytes, *boxes: bytes) -> bytes:
    """The init segment with these boxes at the end of its sample entry, unless it has one of the kind.

    Raises BoxError if it has no single sample entry.
    """
    parents, entry = _entry(init)
    inside = {box.kind for box in entry.children(_VISUAL_ENTRY_BYTES)}
    missing = [box for box in boxes if box[4:8].decode("latin-1") not in inside]
    added = b"".join(missing)
    data = bytearray(init)
    end = entry.offset + _HEAD_BYTES + len(entry.payload)
    data[end:end] = added
    for box in (*parents, entry):
        (size,) = struct.unpack_from(">I", data, box.offset)
        struct.pack_into(">I", data, box.offset, size + len(added))
    return bytes(data)


def with_vp9_level(init: bytes, level: int) -> bytes:
    """The init segment of VP9 with this level, in tenths; that of another codec as it is. Raises BoxError."""
    _, entry = _entry(init)
    found = [box for box in entry.children(_VISUAL_ENTRY_BYTES) if box.kind == "vpcC"]
    if not found:
        return init
    found[0].unpack("B", _VP9_LEVEL_AT)
    data = bytearray(init)
    data[found[0].offset + _HEAD_BYTES + _VP9_LEVEL_AT] = level
    return bytes(data)


def _entry(init: bytes) -> tuple[list[Box], Box]:
    """The boxes on the way, and the sample entry."""
    parents: list[Box] = []
    boxes = list(read_boxes(init))
    for kind in _PATH:
        found = [box for box in boxes if box.kind == kind]
        if len(found) != 1:
            raise BoxError(f"the init segment holds {len(found) or 'no'} {kind!r} boxes, one is expected")
        parents.append(found[0])
        boxes = found[0].children(_STSD_BYTES if kind == "stsd" else 0)
    if len(boxes) != 1:
        raise BoxError(f"the init segment holds {len(boxes) or 'no'} sample entries, one is expected")
    return parents, boxes[0]


def _box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I4s", _HEAD_BYTES + len(payload), kind) + payload
