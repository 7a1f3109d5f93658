"""The bytes of one object's file: prelude and key, two slots for the head, then the body on a page boundary.

    0            40       40 + key       + slot         body offset (a multiple of 4096)
    | prelude     | key    | slot 0       | slot 1       | body ...

Prelude, key and body never change. A 304 changes the head: it is written to the slot that is not in use, with
the next sequence number. Each part has a CRC-32, and that of a slot begins with the prelude's, so that it
cannot be another file's. A slot that was torn while it was written fails; the older one still holds.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from zlib import crc32

from edge.fields import Fields
from edge.message import ResponseHead

PAGE_BYTES = 4096
VERSION = 1
_MAGIC = b"penstock"
_PRELUDE = struct.Struct("<8sIIIIQI")  # magic, version, key, slot, body offset, body (bytes), body's CRC
_CHECK = struct.Struct("<I")
_KEY_AT = _PRELUDE.size + _CHECK.size
_SLOT = struct.Struct("<IIIdd")  # sequence, bytes of the fields, status, requested_s, received_s
_SLOT_FIXED_BYTES = _CHECK.size + _SLOT.size
_SPARE_BYTES = 256  # for fields that a 304 adds
_MAX_FRONT_BYTES = 2**20
_BREAKS = (b"\n", b"\r", b"\0")  # no field may have them (RFC 9110, 5.5)


class CorruptError(ValueError):
    """The file is not what was written; the message says which part."""


class UnfitError(ValueError):
    """The head cannot be kept on disk: too large, or not a head by RFC 9110."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How much room the parts in front of the body have."""

    slot_bytes: int
    body_offset: int


@dataclass(frozen=True, slots=True)
class Front:
    """All that stands before the body, checked."""

    key: bytes
    head: ResponseHead
    shape: Shape
    body_bytes: int
    body_crc: int
    sequence: int
    check: int  # the prelude's CRC, with which those of the slots begin


def pages_of(size_bytes: int) -> int:
    """What a file of that size takes on the disk."""
    return -(-size_bytes // PAGE_BYTES)


def shape_of(key: bytes, head: ResponseHead) -> Shape:
    """Raises UnfitError where the head is none that can be kept."""
    slot_bytes = _SLOT_FIXED_BYTES + len(_packed(head.fields)) + _SPARE_BYTES
    body_offset = pages_of(_KEY_AT + len(key) + 2 * slot_bytes) * PAGE_BYTES
    if body_offset > _MAX_FRONT_BYTES:
        raise UnfitError("the head is too large")
    return Shape((body_offset - _KEY_AT - len(key)) // 2, body_offset)


def front_bytes(key: bytes, head: ResponseHead, shape: Shape, body_bytes: int, body_crc: int) -> bytes:
    """All that stands before a new body."""
    sizes = len(key), shape.slot_bytes, shape.body_offset, body_bytes
    prelude = _PRELUDE.pack(_MAGIC, VERSION, *sizes, body_crc)
    check = crc32(key, crc32(prelude))
    front = prelude + _CHECK.pack(check) + key + _slot(0, head, check)
    return front.ljust(shape.body_offset, b"\0")


def body_offset_in(data: bytes) -> int:
    """Where the body begins by the first bytes of a file; raises CorruptError where that cannot be."""
    if len(data) < _KEY_AT:
        raise CorruptError("the file ends in its prelude")
    magic, version, _, _, body_offset, _, _ = _PRELUDE.unpack_from(data)
    if magic != _MAGIC or version != VERSION or not PAGE_BYTES <= body_offset <= _MAX_FRONT_BYTES:
        raise CorruptError("the prelude is not one of this version")
    return int(body_offset)


def parse_front(data: bytes) -> Front:
    """What the bytes before a body say. Raises CorruptError where a check fails."""
    body_offset = body_offset_in(data)
    _, _, key_bytes, slot_bytes, _, body_bytes, body_crc = _PRELUDE.unpack_from(data)
    key = data[_KEY_AT : _KEY_AT + key_bytes]
    check = crc32(key, crc32(data[: _PRELUDE.size]))
    if _CHECK.unpack_from(data, _PRELUDE.size)[0] != check or len(data) < body_offset:
        raise CorruptError("the prelude fails its check")
    slots = [_read_slot(data, _KEY_AT + key_bytes + n * slot_bytes, slot_bytes, check) for n in (0, 1)]
    valid = [slot for n, slot in enumerate(slots) if slot is not None and slot[0] % 2 == n]
    if not valid:
        raise CorruptError("both heads fail their checks")
    sequence, head = max(valid, key=lambda slot: slot[0])
    return Front(key, head, Shape(slot_bytes, body_offset), body_bytes, body_crc, sequence, check)


def update_of(front: Front, head: ResponseHead) -> tuple[int, bytes]:
    """Where in the file a newer head goes, and its bytes. Raises UnfitError where the slot is too small."""
    sequence = front.sequence + 1
    slot = _slot(sequence, head, front.check)
    if len(slot) > front.shape.slot_bytes:
        raise UnfitError("the head has outgrown its slot")
    return _KEY_AT + len(front.key) + (sequence % 2) * front.shape.slot_bytes, slot


def _slot(sequence: int, head: ResponseHead, check: int) -> bytes:
    fields = _packed(head.fields)
    content = _SLOT.pack(sequence, len(fields), head.status, head.requested_s, head.received_s) + fields
    return _CHECK.pack(crc32(content, check)) + content


def _read_slot(data: bytes, at: int, slot_bytes: int, check: int) -> tuple[int, ResponseHead] | None:
    slot = data[at : at + slot_bytes]
    if len(slot) < _SLOT_FIXED_BYTES:
        return None
    sequence, size_bytes, status, requested_s, received_s = _SLOT.unpack_from(slot, _CHECK.size)
    content = slot[_CHECK.size : _SLOT_FIXED_BYTES + size_bytes]
    if _CHECK.unpack_from(slot)[0] != crc32(content, check):
        return None
    return sequence, ResponseHead(status, _unpacked(content[_SLOT.size :]), requested_s, received_s)


def _packed(fields: Fields) -> bytes:
    packed = b"\n".join([part for field in fields for part in field])
    if packed.count(b"\n") != max(0, 2 * len(fields) - 1) or any(each in packed for each in _BREAKS[1:]):
        raise UnfitError("a field has a line break in it")
    return packed


def _unpacked(packed: bytes) -> Fields:
    if not packed:
        return ()
    parts = packed.split(b"\n")
    return tuple(zip(parts[::2], parts[1::2], strict=True))
