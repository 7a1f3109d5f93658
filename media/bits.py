"""Bits of a parameter set, read from the first one on (ITU-T H.264 and H.265, 7.2 and 9.1 or 9.2)."""

from __future__ import annotations


class ParameterSetError(ValueError):
    """A parameter set that ends too early or says what cannot be."""


class Bits:
    def __init__(self, data: bytes) -> None:
        self._bits = f"{int.from_bytes(data):0{8 * len(data)}b}" if data else ""
        self._at = 0

    @classmethod
    def of_nal(cls, nal: bytes) -> Bits:
        """What a NAL unit holds, without the emulation prevention bytes (7.4.1)."""
        return cls(nal.replace(b"\0\0\3", b"\0\0"))

    def u(self, count: int) -> int:
        """Fixed length."""
        end = self._at + count
        if end > len(self._bits):
            raise ParameterSetError("a parameter set is cut short")
        value = int(self._bits[self._at : end] or "0", 2)
        self._at = end
        return value

    def ue(self) -> int:
        """Exponential Golomb, also AV1's uvlc."""
        end = self._bits.find("1", self._at)
        zeros = end - self._at
        if end < 0 or zeros > 32:
            raise ParameterSetError("a parameter set holds no number where one is due")
        self._at = end
        return self.u(zeros + 1) - 1

    def se(self) -> int:
        value = self.ue()
        return (value + 1) // 2 if value % 2 else -(value // 2)
