"""Init segments, encrypted: the sample entry says how it was and how its samples are protected.

ISO/IEC 14496-12, 8.12 (`sinf`, `frma`, `schm`, `schi`); 23001-7, 8 (`pssh`, `tenc`).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from media.boxes import Box, BoxError, only, read_boxes
from media.codec_strings import PROTECTED
from media.encryption.fragments import full_box, make_box
from media.protection import pssh

_ENTRY_BYTES = {"vide": 78, "soun": 28}
_VERSION = 0x10000  # of the scheme, in `schm`


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleDefaults:
    """What `tenc` and `seig` say alike."""

    key_id: bytes
    iv_bytes: int  # of each sample's own IV; 0: the IV is constant
    constant_iv: bytes = b""
    pattern: tuple[int, int] = (0, 0)  # blocks encrypted, blocks skipped

    def tenc(self) -> bytes:
        """8.2; version 1 has the pattern."""
        crypt, skip = self.pattern
        is_patterned = bool(self.constant_iv)
        head = struct.pack(">BBBB", 0, crypt << 4 | skip, 1, self.iv_bytes)
        return full_box("tenc", head + self.key_id + self._constant(), version=int(is_patterned))

    def seig(self) -> bytes:
        """6: the same for a group of samples."""
        crypt, skip = self.pattern
        head = struct.pack(">BBBB", 0, crypt << 4 | skip, 1, self.iv_bytes)
        return head + self.key_id + self._constant()

    def _constant(self) -> bytes:
        return bytes([len(self.constant_iv)]) + self.constant_iv if self.constant_iv else b""


@dataclass(frozen=True, slots=True)
class ClearEntry:
    """What of a clear init segment the encryption of its segments hangs on."""

    kind: str  # of the sample entry
    boxes: tuple[Box, ...]  # inside it
    is_video: bool
    default_size: int  # of samples whose fragments do not say (8.8.3)


def read_clear(init: bytes) -> ClearEntry:
    """Raises BoxError."""
    moov = only("moov", list(read_boxes(init)), inside="the init segment")
    media = moov.child("trak", "mdia")
    handler = _handler(media)
    entries = media.child("minf", "stbl", "stsd").children(skip=8)
    if len(entries) != 1:
        raise BoxError(f"the init segment holds {len(entries)} sample entries, not one")
    (size,) = moov.child("mvex", "trex").unpack("I", 16)
    inside = tuple(entries[0].children(_ENTRY_BYTES[handler]))
    return ClearEntry(entries[0].kind, inside, handler == "vide", size)


def protected_init(init: bytes, scheme: str, defaults: SampleDefaults, key_ids: Sequence[str]) -> bytes:
    """Raises BoxError, also for one that is protected already."""

    def entry(box: Box, handler: str) -> bytes:
        if box.kind in PROTECTED:
            raise BoxError(f"sample entry {box.kind!r}: the init segment is encrypted already")
        sinf = make_box(
            "sinf",
            make_box("frma", box.kind.encode("latin-1"))
            + full_box("schm", scheme.encode() + struct.pack(">I", _VERSION))
            + make_box("schi", defaults.tenc()),
        )
        return make_box("encv" if handler == "vide" else "enca", bytes(box.payload) + sinf)

    return _rewritten(init, entry, pssh(key_ids))


def clear_init(init: bytes) -> bytes:
    """The inverse. Raises BoxError."""

    def entry(box: Box, handler: str) -> bytes:
        size = _ENTRY_BYTES[handler]
        inside = box.children(size)
        original = bytes(only("sinf", inside, inside=box.kind).child("frma").payload).decode("latin-1")
        kept = [make_box(each.kind, each.payload) for each in inside if each.kind != "sinf"]
        return make_box(original, bytes(box.payload[:size]) + b"".join(kept))

    return _rewritten(init, entry, b"")


def _handler(media: Box) -> str:
    handler = bytes(media.child("hdlr").payload[8:12]).decode("latin-1")
    if handler not in _ENTRY_BYTES:
        raise BoxError(f"handler {handler!r}: only video and audio tracks are encrypted")
    return handler


def _rewritten(init: bytes, entry: Callable[[Box, str], bytes], added: bytes) -> bytes:
    """With another sample entry, and `added` at the end of `moov`, where a `pssh` was before."""
    boxes = list(read_boxes(init))
    handler = _handler(only("moov", boxes, inside="the init segment").child("trak", "mdia"))

    def stsd(box: Box) -> bytes:
        entries = [entry(each, handler) for each in box.children(skip=8)]
        return make_box("stsd", bytes(box.payload[:8]) + b"".join(entries))

    def descend(box: Box, path: tuple[str, ...]) -> bytes:
        if not path:
            return stsd(box)
        inside = [
            descend(each, path[1:]) if each.kind == path[0] else make_box(each.kind, each.payload)
            for each in box.children()
            if each.kind != "pssh"
        ]
        return make_box(box.kind, b"".join(inside) + (added if box.kind == "moov" else b""))

    path = ("trak", "mdia", "minf", "stbl", "stsd")
    out = [descend(box, path) if box.kind == "moov" else make_box(box.kind, box.payload) for box in boxes]
    return b"".join(out)
