"""What of AV1 is protected: the data of each tile, by whole blocks from its end (AV1 in ISOBMFF, 4).

All headers stay in clear; a segment is read from its key frame on.
"""

from __future__ import annotations

from collections.abc import Iterator

from media.bits import Bits, BitstreamError
from media.boxes import Box
from media.encryption.av1_frame import FrameReader, Tiles
from media.encryption.av1_sequence import Sequence, read_sequence
from media.encryption.ciphers import BLOCK_BYTES
from media.encryption.samples import Range

_SEQUENCE, _FRAME_HEADER, _TILE_GROUP, _FRAME = 1, 3, 4, 6  # obu_type, 6.2.2
_MOST_HEADER_BYTES = 1024


class Av1Layout:
    """Reads the samples of one segment in order. `box` is `av1C`."""

    def __init__(self, box: Box) -> None:
        self._sequence: Sequence | None = None
        self._frames = FrameReader()
        self._tiles: Tiles | None = None
        self._seen = 0  # tiles of the frame so far
        for _ in self.groups(box.payload[4:]):
            raise BitstreamError("'av1C' holds a picture")

    def ranges(self, sample: memoryview) -> Iterator[Range]:
        """The tiles, in whole blocks counted from their end, under `cbcs` too. Raises BitstreamError."""
        for _, at, end, last in self.groups(sample):
            for tile in self._tiles_of(sample, at, end, last):
                yield Range(tile.first + (tile.end - tile.first) % BLOCK_BYTES, tile.end)

    def groups(self, sample: memoryview) -> Iterator[tuple[int, int, int, int]]:
        """Of each OBU with tiles: its beginning, where its headers end, its own end, and its last tile."""
        for kind, layers, begin, first, end in _units(sample):
            head = sample[first : min(end, first + _MOST_HEADER_BYTES)]
            if kind == _SEQUENCE:
                self._sequence = read_sequence(Bits(head))
            elif kind in (_FRAME, _FRAME_HEADER) and self._tiles is None:
                first += self._header_bytes(head, layers)
            if kind in (_FRAME, _TILE_GROUP):
                size, last = self._group_header(sample[first : first + 4])
                yield begin, first + size, end, last

    def _header_bytes(self, head: memoryview, layers: tuple[int, int]) -> int:
        if self._sequence is None:
            raise BitstreamError("an AV1 frame comes before any sequence header")
        bits = Bits(head)
        self._tiles, self._seen = self._frames.read(bits, self._sequence, layers), 0
        return bits.bytes_read

    def _group_header(self, head: memoryview) -> tuple[int, int]:
        """Its bytes, and the last tile of the group (5.11.1)."""
        tiles = self._tiles
        if tiles is None:
            raise BitstreamError("AV1 tiles come without a frame header")
        if tiles.count == 1:
            return 0, 0
        bits, last = Bits(head), tiles.count - 1
        if bits.u(1):
            bits.u(tiles.columns_log2 + tiles.rows_log2)
            last = bits.u(tiles.columns_log2 + tiles.rows_log2)
        return bits.bytes_read, last

    def _tiles_of(self, sample: memoryview, at: int, end: int, last: int) -> Iterator[Range]:
        """All tiles of a group but the last say how long they are."""
        tiles = self._tiles
        while tiles and self._seen <= last:
            size = end - at
            if self._seen < last:
                size = int.from_bytes(sample[at : at + tiles.size_bytes], "little") + 1
                at += tiles.size_bytes
            if size <= 0 or at + size > end:
                raise BitstreamError("an AV1 tile is longer than its group")
            yield Range(at, at + size)
            at, self._seen = at + size, self._seen + 1
        if tiles and self._seen == tiles.count:
            self._tiles = None


def _units(sample: memoryview) -> Iterator[tuple[int, tuple[int, int], int, int, int]]:
    """Type, layers, beginning, first byte behind header and size, and end of each OBU (5.3)."""
    at = 0
    while at < len(sample):
        begin, header = at, sample[at]
        at += 1
        layers = (0, 0)
        if header & 4:
            if at == len(sample):
                raise BitstreamError("an AV1 OBU ends within its header")
            layers = sample[at] >> 5, sample[at] >> 3 & 3
            at += 1
        size = len(sample) - at
        if header & 2:
            size, at = _leb128(sample, at)
        if at + size > len(sample):
            raise BitstreamError("an AV1 OBU ends behind its sample")
        yield header >> 3 & 0xF, layers, begin, at, at + size
        at += size


def _leb128(sample: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for index in range(8):
        if at >= len(sample):
            break
        byte = sample[at]
        at += 1
        value |= (byte & 0x7F) << (7 * index)
        if not byte & 0x80:
            return value, at
    raise BitstreamError("an AV1 OBU's size is cut short")
