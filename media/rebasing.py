"""Moving media segments in time: fragments made by separate encodes become one track.

Decode times and sequence numbers are rewritten where they stand, so that no size changes. Section numbers are
those of ISO/IEC 14496-12.
"""

from __future__ import annotations

import struct

from media.boxes import Box, read_boxes

_HEADER_BYTES = 8  # of a box: size and type


def rebased(data: bytes, shift_ticks: int, first_sequence: int) -> bytes:
    """The media segment `data`, `shift_ticks` later, its fragments counted from `first_sequence`.

    Raises BoxError.
    """
    moved = bytearray(data)
    fragments = [box for box in read_boxes(data) if box.kind == "moof"]
    for sequence, moof in enumerate(fragments, first_sequence):
        header = moof.child("mfhd")
        struct.pack_into(">I", moved, header.offset + _HEADER_BYTES + 4, sequence)  # 8.8.5
        for traf in (box for box in moof.children() if box.kind == "traf"):
            _shift(moved, traf.child("tfdt"), shift_ticks)
    return bytes(moved)


def without_type(data: bytes) -> bytes:
    """The media segment without its `styp`, to follow another in one file."""
    start = next((box.offset for box in read_boxes(data) if box.kind not in ("styp", "free")), len(data))
    return data[start:]


def _shift(moved: bytearray, tfdt: Box, shift_ticks: int) -> None:
    """The decode time, of 64 bits or 32 (8.8.12)."""
    version, _ = tfdt.version_and_flags()
    layout = "Q" if version else "I"
    (ticks,) = tfdt.unpack(layout, 4)
    struct.pack_into(f">{layout}", moved, tfdt.offset + _HEADER_BYTES + 4, ticks + shift_ticks)
