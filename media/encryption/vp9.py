"""What of VP9 is protected: each frame but its uncompressed header (VP9, 6.2; VP Codec ISO Media, 3.5).

Frame sizes may be those of earlier frames, so a segment is read from its key frame on.
"""

from __future__ import annotations

from collections.abc import Iterator

from media.bits import Bits, BitstreamError
from media.encryption.samples import Range

_MOST_HEADER_BYTES = 256
_SYNC = 0x498342
_RGB = 7
_KEY_FRAME = 0
_FEATURE_BITS = (8, 6, 2, 0)  # 6.2.11; the first two have a sign

Size = tuple[int, int]


class Vp9Layout:
    """Reads the samples of one segment in order."""

    def __init__(self) -> None:
        self._sizes: list[Size | None] = [None] * 8  # of the reference frames

    def ranges(self, sample: memoryview) -> Iterator[Range]:
        """What follows the uncompressed header of each frame of a superframe. Raises BitstreamError."""
        for first, end in _frames(sample):
            if size := self._header_bytes(sample[first : min(end, first + _MOST_HEADER_BYTES)]):
                yield Range(first + size, end)

    def _header_bytes(self, frame: memoryview) -> int:
        """0: the frame only shows another one again."""
        bits = Bits(frame)
        if bits.u(2) != 2:
            raise BitstreamError("a VP9 frame does not begin with its marker")
        profile = bits.u(1) | bits.u(1) << 1
        if profile == 3:
            bits.u(1)
        if bits.u(1):
            return 0
        is_intra = bits.u(1) == _KEY_FRAME
        is_shown, is_resilient = bits.u(1), bits.u(1)
        if is_intra:
            _sync(bits)
            _color(bits, profile)
            size, refreshed = _size(bits), 0xFF
        else:
            intra_only = not is_shown and bool(bits.u(1))
            bits.u(0 if is_resilient else 2)
            size, refreshed = self._intra(bits, profile) if intra_only else self._inter(bits)
        for index in range(8):
            if refreshed >> index & 1:
                self._sizes[index] = size
        bits.u(2 if is_resilient else 4)  # a resilient frame neither refreshes contexts nor is it parallel
        _loop_filter(bits)
        _quantization(bits)
        _segmentation(bits)
        _tiles(bits, size[0])
        bits.u(16)
        return bits.bytes_read

    def _intra(self, bits: Bits, profile: int) -> tuple[Size, int]:
        _sync(bits)
        if profile:
            _color(bits, profile)
        refreshed = bits.u(8)
        return _size(bits), refreshed

    def _inter(self, bits: Bits) -> tuple[Size, int]:
        refreshed = bits.u(8)
        references = [(bits.u(3), bits.u(1))[0] for _ in range(3)]
        size: Size | None = None
        for reference in references:
            if bits.u(1):
                size = self._sizes[reference]
                if size is None:
                    raise BitstreamError("a VP9 frame has the size of one that is not in its segment")
                _render(bits)
                break
        size = size or _size(bits)
        bits.u(1)
        if not bits.u(1):
            bits.u(2)
        return size, refreshed


def _frames(sample: memoryview) -> Iterator[tuple[int, int]]:
    """A superframe says at its end where its frames are (annex B)."""
    marker = sample[-1] if sample else 0
    if marker & 0xE0 == 0xC0:
        count, width = (marker & 7) + 1, (marker >> 3 & 3) + 1
        index = len(sample) - 2 - count * width
        if index >= 0 and sample[index] == marker:
            at = 0
            for number in range(count):
                begin = index + 1 + number * width
                size = int.from_bytes(sample[begin : begin + width], "little")
                if at + size > index:
                    raise BitstreamError("a VP9 superframe's frames are longer than itself")
                if size:
                    yield at, at + size
                at += size
            return
    if sample:
        yield 0, len(sample)


def _sync(bits: Bits) -> None:
    if bits.u(24) != _SYNC:
        raise BitstreamError("a VP9 key frame lacks its sync code")


def _color(bits: Bits, profile: int) -> None:
    """6.2.2."""
    if profile >= 2:
        bits.u(1)
    if bits.u(3) != _RGB:
        bits.u(1)
        bits.u(3 if profile & 1 else 0)
    else:
        bits.u(profile & 1)


def _size(bits: Bits) -> Size:
    size = bits.u(16) + 1, bits.u(16) + 1
    _render(bits)
    return size


def _render(bits: Bits) -> None:
    if bits.u(1):
        bits.u(32)


def _loop_filter(bits: Bits) -> None:
    bits.u(9)
    if bits.u(1) and bits.u(1):
        for _ in range(6):
            bits.u(7 * bits.u(1))


def _quantization(bits: Bits) -> None:
    bits.u(8)
    for _ in range(3):
        bits.u(5 * bits.u(1))


def _segmentation(bits: Bits) -> None:
    """6.2.11."""
    if not bits.u(1):
        return
    if bits.u(1):
        for _ in range(7):
            bits.u(8 * bits.u(1))
        if bits.u(1):
            for _ in range(3):
                bits.u(8 * bits.u(1))
    if bits.u(1):
        bits.u(1)
        for _ in range(8):
            for number, size in enumerate(_FEATURE_BITS):
                if bits.u(1):
                    bits.u(size + (number < 2))


def _tiles(bits: Bits, width_px: int) -> None:
    """6.2.14: how many columns there may be hangs on the width."""
    blocks = (width_px + 63) // 64
    least = 0
    while 64 << least < blocks:
        least += 1
    most = 1
    while blocks >> most >= 4:
        most += 1
    columns = least
    while columns < most - 1 and bits.u(1):
        columns += 1
    if bits.u(1):
        bits.u(1)
