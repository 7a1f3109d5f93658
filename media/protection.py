"""What a published title says of its encryption: schemes, key ids and addresses, and never a key.

AES-128 is HLS's own, of whole segments (RFC 8216, 5.2); `cenc` and `cbcs` are of samples (ISO/IEC 23001-7).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Scheme = Literal["aes-128", "cenc", "cbcs"]
_KEY_ID = re.compile(r"[0-9a-f]{32}")
_IV = re.compile(r"[0-9a-f]{32}")
_COMMON_SYSTEM = bytes.fromhex("1077efecc0b24d02ace33c1e52e2fb4b")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """What may be known of a key."""

    key_id: str = ""  # 32 lower-case hex digits (KID); empty: the manifest does not say
    uri: str | None = None  # where its 16 bytes are, for those who may have them
    iv: str | None = None  # the constant IV of `cbcs`, 32 hex digits

    def __post_init__(self) -> None:
        if self.key_id and not _KEY_ID.fullmatch(self.key_id):
            raise ValueError(f"key id {self.key_id!r} is not 32 lower-case hex digits")
        if self.iv is not None and not _IV.fullmatch(self.iv):
            raise ValueError(f"IV {self.iv!r} is not 32 lower-case hex digits")

    @property
    def uuid(self) -> str:
        """The key id as DASH writes it: 8-4-4-4-12."""
        k = self.key_id
        return f"{k[:8]}-{k[8:12]}-{k[12:16]}-{k[16:20]}-{k[20:]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """How a rendition is encrypted.

    Segment 1 has the first key. With rotation each next run of segments has the next key, and after the last
    comes the first again; so a rendition's number of keys does not hang on its length.
    """

    scheme: Scheme
    keys: tuple[KeyFacts, ...]
    rotate_every_segments: int | None = None
    license_url: str | None = None  # a ClearKey licence server (W3C EME, 9.1.4)
    iv_prefix: str = ""  # AES-128: the first half of each segment's IV, 16 hex digits; empty: IVs are numbers

    def __post_init__(self) -> None:
        if not self.keys:
            raise ValueError("encrypted, but with no key")
        if self.rotate_every_segments is not None and self.rotate_every_segments < 1:
            raise ValueError(f"rotate_every_segments = {self.rotate_every_segments}: at least 1")

    @property
    def allows_dash(self) -> bool:
        """DASH knows no segments that are encrypted whole as HLS does it."""
        return self.scheme != "aes-128"

    @property
    def allows_ranges(self) -> bool:
        """Whether a part of a segment can be decrypted alone, as an I-frame playlist wants it."""
        return self.scheme != "aes-128"

    def key_index(self, number: int) -> int:
        """Which key the segment of that number (from 1) has."""
        if self.rotate_every_segments is None:
            return 0
        return (number - 1) // self.rotate_every_segments % len(self.keys)

    def key_of(self, number: int) -> KeyFacts:
        return self.keys[self.key_index(number)]

    def segment_iv(self, number: int) -> str | None:
        """The IV of a segment that is encrypted whole, 32 hex digits (AES-128)."""
        if self.scheme != "aes-128":
            return None
        return f"{self.iv_prefix or '0' * 16}{number:016x}"


def pssh(key_ids: Sequence[str]) -> bytes:
    """The box that names the keys: version 1, of the common system (23001-7, 8.1; W3C "cenc" init data)."""
    ids = b"".join(bytes.fromhex(key_id) for key_id in key_ids)
    payload = struct.pack(">I", 1 << 24) + _COMMON_SYSTEM + struct.pack(">I", len(key_ids)) + ids + bytes(4)
    return struct.pack(">I4s", 8 + len(payload), b"pssh") + payload
