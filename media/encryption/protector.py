"""A rendition's encryption: clear init and media segments in, protected ones out, in any order, anywhere.

Nothing here is random: equal input, settings and keys give equal bytes, so a run that is taken up again ends
with the same files. Initialization vectors are numbered instead, which is what a counter mode asks of them
(NIST SP 800-38A, appendix B): they never repeat under a key.

- `cenc`: 8 bytes, of which four are the rendition's mark, twenty bits the segment's number and twelve the
  sample's in it; the other eight bytes count blocks. Samples of one rendition differ in their numbers, those
  of several under one key in the mark: whoever makes the protectors of a title checks that
  (`marks_differ`). A rendition's name carries the hash of what it was made from (decision 0001), so another
  encode under the same key has other marks too, but for a chance of 2^-32; a title should have its own keys.
- AES-128: 16 bytes, the rendition's mark (eight) and the segment's number (eight).
- `cbcs` is defined with one constant IV for a key (23001-7, 10.4): samples share it, and CBC bears that:
  equal beginnings of slices under one key show as equal, no more. It is derived from the key.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from media.bits import BitstreamError
from media.boxes import Box, BoxError
from media.encryption.av1 import Av1Layout
from media.encryption.avc import avc_layout
from media.encryption.ciphers import CipherError, cbc_padded, cbc_unpadded
from media.encryption.fragments import (
    Fragment,
    SampleAux,
    aux_boxes,
    boxes_of,
    fragments,
    read_aux,
    rebuilt,
)
from media.encryption.headers import (
    ClearEntry,
    SampleDefaults,
    clear_init,
    protected_init,
    read_clear,
)
from media.encryption.hevc import HevcLayout
from media.encryption.hevc_sets import read_sets
from media.encryption.keys import ContentKey
from media.encryption.samples import Range, Subsample, crypt_cbcs, crypt_ctr, subsamples_of
from media.encryption.vp9 import Vp9Layout
from media.protection import KeyFacts, Protection, Scheme

_IV_BYTES = 8  # of a sample under `cenc`
_MOST_SEGMENTS, _MOST_SAMPLES = 2**20, 2**12
_PATTERN = (1, 9)  # of `cbcs` in video: what Apple and DASH-IF ask for


class ProtectionError(ValueError):
    """A rendition that cannot be encrypted, or not be read; the message says which, where and why."""


class Layout(Protocol):
    def ranges(self, sample: memoryview) -> Iterator[Range]:
        """The bytes that may be protected. Raises BitstreamError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protector:
    """The keys of one rendition and how they are used. Never logged: its repr shows key ids alone."""

    scheme: Scheme
    title: str
    name: str  # of the rendition
    keys: tuple[ContentKey, ...]
    rotate_every_segments: int | None = None
    key_url: str | None = None  # where players fetch a key; {kid} stands for its id
    license_url: str | None = None  # a ClearKey licence server
    title_key_ids: tuple[str, ...] = ()  # of all renditions: players such as hls.js ask for keys but once

    @property
    def mark(self) -> bytes:
        """What tells the IVs of this rendition from those of others under the same key."""
        return hashlib.sha256(f"{self.title}\0{self.name}".encode()).digest()[:8]

    @property
    def fingerprint(self) -> str:
        """Changes when any key or setting does, and tells nothing of a key: for the plan's hash."""
        digest = hashlib.sha256(repr(self).encode())
        for key in self.keys:
            digest.update(key.derived("fingerprint"))
        return digest.hexdigest()[:16]

    @property
    def protection(self) -> Protection:
        """What is published."""
        is_cbcs = self.scheme == "cbcs"
        return Protection(
            scheme=self.scheme,
            keys=tuple(
                KeyFacts(
                    key_id=key.key_id,
                    uri=self.key_url.replace("{kid}", key.key_id) if self.key_url else None,
                    iv=_constant_iv(key).hex() if is_cbcs else None,
                )
                for key in self.keys
            ),
            rotate_every_segments=self.rotate_every_segments if len(self.keys) > 1 else None,
            license_url=self.license_url,
            iv_prefix=self.mark.hex() if self.scheme == "aes-128" else "",
        )

    def init(self, clear_init: bytes) -> bytes:
        """The init segment that is published. With AES-128 it stays clear. Raises ProtectionError."""
        if self.scheme == "aes-128":
            return clear_init
        with _telling(f"{self.name}: init segment"):
            entry = read_clear(clear_init)
            key_ids = list(dict.fromkeys([*(key.key_id for key in self.keys), *self.title_key_ids]))
            return protected_init(clear_init, self.scheme, self._defaults(self.keys[0], entry), key_ids)

    def segment(self, clear: bytes, number: int, clear_init: bytes) -> bytes:
        """The media segment of that number (from 1), encrypted. Raises ProtectionError."""
        key = self.keys[self._index(number)]
        if self.scheme == "aes-128":
            return cbc_padded(key.key, self._segment_iv(number), clear)
        with _telling(f"{self.name}, segment {number}"):
            return self._cenc(clear, number, key, _entry(clear_init))

    def clear(self, protected: bytes, number: int, clear_init: bytes) -> bytes:
        """The inverse of `segment`. Raises ProtectionError."""
        key = self.keys[self._index(number)]
        with _telling(f"{self.name}, segment {number}"):
            if self.scheme == "aes-128":
                return cbc_unpadded(key.key, self._segment_iv(number), protected)
            entry = _entry(clear_init)
            data, boxes = bytearray(protected), boxes_of(protected)
            for fragment in fragments(boxes, len(data), entry.default_size):
                aux = read_aux(fragment.traf, 0 if self.scheme == "cbcs" else _IV_BYTES, len(fragment.spans))
                self._crypt(data, fragment, aux, key, decrypt=True)
            return rebuilt(data, boxes, lambda _: b"")

    def clear_init(self, protected: bytes) -> bytes:
        """The inverse of `init`. Raises ProtectionError."""
        with _telling(f"{self.name}: init segment"):
            return protected if self.scheme == "aes-128" else clear_init(protected)

    def _index(self, number: int) -> int:
        if not 1 <= number < _MOST_SEGMENTS:
            raise ProtectionError(f"{self.name}: segment {number} is not in 1 to {_MOST_SEGMENTS - 1}")
        return self.protection.key_index(number)

    def _segment_iv(self, number: int) -> bytes:
        return self.mark + number.to_bytes(8)

    def _sample_ivs(self, number: int) -> Iterator[bytes]:
        for index in range(_MOST_SAMPLES):
            yield self.mark[:4] + struct.pack(">I", number << 12 | index)
        raise BitstreamError(f"more than {_MOST_SAMPLES} samples; make shorter segments")

    def _cenc(self, clear: bytes, number: int, key: ContentKey, entry: ClearEntry) -> bytes:
        data, boxes = bytearray(clear), boxes_of(clear)
        ivs, layout = self._sample_ivs(number), layout_of(entry)
        group = b"" if key is self.keys[0] else self._defaults(key, entry).seig()
        added: dict[int, bytes] = {}
        for fragment in fragments(boxes, len(data), entry.default_size):
            if any(box.kind == "senc" for box in fragment.traf.children()):
                raise BoxError("it is encrypted already")
            aux = list(self._aux(memoryview(clear), fragment, layout, ivs))
            self._crypt(data, fragment, aux, key)
            added[fragment.moof.offset] = aux_boxes(fragment, aux, group)
        return rebuilt(data, boxes, lambda moof: added[moof.offset])

    def _aux(
        self, clear: memoryview, fragment: Fragment, layout: Layout | None, ivs: Iterator[bytes]
    ) -> Iterator[SampleAux]:
        for at, size in fragment.spans:
            iv = next(ivs) if self.scheme == "cenc" else b""
            if layout is None:
                yield SampleAux(iv)
            else:
                ranges = layout.ranges(clear[at : at + size])
                yield SampleAux(iv, subsamples_of(size, ranges, whole_blocks=self.scheme == "cenc"))

    def _crypt(
        self,
        data: bytearray,
        fragment: Fragment,
        aux: Sequence[SampleAux],
        key: ContentKey,
        *,
        decrypt: bool = False,
    ) -> None:
        constant = _constant_iv(key) if self.scheme == "cbcs" else b""
        for (at, size), each in zip(fragment.spans, aux, strict=True):
            parts: Sequence[Subsample] = each.parts
            if self.scheme == "cbcs":
                crypt_cbcs(data, at, size, key.key, constant, parts, decrypt=decrypt)
            else:
                crypt_ctr(data, at, size, key.key, each.iv, parts)

    def _defaults(self, key: ContentKey, entry: ClearEntry) -> SampleDefaults:
        key_id = bytes.fromhex(key.key_id)
        if self.scheme == "cenc":
            return SampleDefaults(key_id=key_id, iv_bytes=_IV_BYTES)
        pattern = _PATTERN if entry.is_video else (0, 0)
        return SampleDefaults(key_id=key_id, iv_bytes=0, constant_iv=_constant_iv(key), pattern=pattern)


def marks_differ(protectors: Iterable[Protector]) -> bool:
    """Whether no two renditions under one scheme and title could share an IV."""
    marks = [protector.mark[:4] for protector in protectors]
    return len(set(marks)) == len(marks)


def _constant_iv(key: ContentKey) -> bytes:
    return key.derived("cbcs IV")


@lru_cache(maxsize=64)
def _entry(clear_init: bytes) -> ClearEntry:
    return read_clear(clear_init)


def layout_of(entry: ClearEntry) -> Layout | None:
    """How the samples of a codec are made up; None: they are protected whole, as sound is."""
    if not entry.is_video:
        return None
    for box in entry.boxes:
        if box.kind in _LAYOUTS:
            return _LAYOUTS[box.kind](box)
    raise BitstreamError(f"sample entry {entry.kind!r}: no rule says what of its samples stays clear")


def _hevc(box: Box) -> Layout:
    return HevcLayout(*read_sets(box))


_LAYOUTS: dict[str, Callable[[Box], Layout]] = {
    "avcC": avc_layout,
    "hvcC": _hevc,
    "av1C": Av1Layout,
    "vpcC": lambda _: Vp9Layout(),
}


class _telling:  # noqa: N801
    """What goes wrong within becomes one ProtectionError that says where."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (BoxError, BitstreamError, CipherError)):
            raise ProtectionError(f"{self._where}: {error}") from None
