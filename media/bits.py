"""Bits of a header, and how many bytes were read (ITU-T H.264 and H.265, 7.2; AV1, 4.10)."""

from __future__ import annotations


class BitstreamError(ValueError):
    """A part of the bitstream that ends too early or says what is not handled; the message says which."""


class Bits:
    """Reads bits from the first on. `nal`: without the emulation prevention bytes (H.264, 7.4.1)."""

    __slots__ = ("_dropped", "_left", "_size", "_value")

    def __init__(self, data: bytes | memoryview, *, nal: bool = False) -> None:
        self._dropped: list[int] = []
        raw = bytes(data)
        if nal and b"\0\0\3" in raw:
            raw = self._unescaped(raw)
        self._value = int.from_bytes(raw)
        self._size = self._left = 8 * len(raw)

    def _unescaped(self, raw: bytes) -> bytes:
        first, *rest = raw.split(b"\0\0\3")
        kept = first
        for part in rest:
            kept += b"\0\0"
            self._dropped.append(len(kept))
            kept += part
        return kept

    def u(self, count: int) -> int:
        """Fixed length."""
        self._left -= count
        if self._left < 0:
            raise BitstreamError("it is cut short")
        return self._value >> self._left & ((1 << count) - 1)

    def ue(self) -> int:
        """Exponential Golomb (H.264, 9.1), also AV1's uvlc."""
        rest = self._value & ((1 << self._left) - 1)
        zeros = self._left - rest.bit_length()
        if zeros > 32 or not rest:
            raise BitstreamError("it holds no number where one is due")
        self._left -= zeros
        return self.u(zeros + 1) - 1

    def se(self) -> int:
        value = self.ue()
        return (value + 1) // 2 if value % 2 else -(value // 2)

    @property
    def position(self) -> int:
        """Bits that were read."""
        return self._size - self._left

    @property
    def bytes_read(self) -> int:
        """Bytes of what was given, rounded up, emulation prevention included."""
        kept = -(-self.position // 8)
        return kept + sum(1 for at in self._dropped if at <= kept - 1)
