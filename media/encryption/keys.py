"""Content keys: a key never shows itself in a log, a traceback or a repr."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class ContentKey:
    """One AES-128 key and its id."""

    key_id: str  # 32 lower-case hex digits
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) != KEY_BYTES:
            raise ValueError(f"the key of {self.key_id} has {len(self.key)} bytes, {KEY_BYTES} are needed")
        if len(self.key_id) != 32 or set(self.key_id) - set("0123456789abcdef"):
            raise ValueError(f"key id {self.key_id!r} is not 32 lower-case hex digits")

    def derived(self, purpose: str, size_bytes: int = 16) -> bytes:
        """Bytes that differ by key and purpose and tell nothing of the key (HMAC-SHA-256, RFC 2104)."""
        return hmac.digest(self.key, f"penstock {purpose}".encode(), hashlib.sha256)[:size_bytes]
