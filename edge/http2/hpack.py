"""Header compression for HTTP/2 (HPACK, RFC 7541): the one door to the hpack library, for its tables.

What the edge sends is coded without a dynamic table: every field stands for itself, so the head of a stored
response is coded once and then sent as it is to any connection.
"""

from __future__ import annotations

from collections import deque
from functools import lru_cache

from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hpack.huffman_table import HUFFMAN_COMPLETE, HUFFMAN_EMIT_SYMBOL, HUFFMAN_FAIL, HUFFMAN_TABLE
from hpack.table import HeaderTable

from edge.fields import Fields

Field = tuple[bytes, bytes]

TABLE_BYTES = 4096  # SETTINGS_HEADER_TABLE_SIZE as it is where nobody says otherwise
_ENTRY_BYTES = 32  # what an entry costs beside its name and value (RFC 7541, 4.1)
_MAX_INTEGER_BYTES = 5
_STATIC: tuple[Field, ...] = tuple((name, value) for name, value in HeaderTable.STATIC_TABLE)
_INDEX_OF_FIELD = {field: number for number, field in enumerate(_STATIC, 1)}
_INDEX_OF_NAME = {name: number for number, (name, _) in reversed(list(enumerate(_STATIC, 1)))}
_STEPS: dict[int, tuple[int, bytes, int]] = {}  # of Huffman decoding, by state and octet; at most 2¹⁶
_HUFFMAN = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)


class CompressionError(Exception):
    """A header block that cannot be decoded; the connection has lost its state (RFC 9113, 4.3)."""


class Decoder:
    """One direction of one connection: header blocks in, fields out."""

    __slots__ = ("_size_bytes", "_table", "limit_bytes")

    def __init__(self) -> None:
        self._table: deque[Field] = deque()  # the newest first
        self._size_bytes = 0
        self.limit_bytes = TABLE_BYTES

    def decode(self, block: bytes, max_bytes: int) -> tuple[list[Field], bool]:
        """The fields, and whether they are all there: beyond `max_bytes` they are read but not kept."""
        fields: list[Field] = []
        table, statics = self._table, _STATIC
        known = len(statics)
        left_bytes = max_bytes
        position, end = 0, len(block)
        may_resize = True
        while position < end:
            octet = block[position]
            if octet >= 0xC0 or 0x80 < octet < 0xFF:  # indexed, and in most cases in one octet
                index = octet & 0x7F
                position += 1
                if index == 0x7F:
                    index, position = _integer(block, position - 1, 7)
            elif octet == 0x80:
                raise CompressionError("index 0 is no field")
            elif octet & 0xE0 == 0x20:
                if not may_resize:
                    raise CompressionError("a table size update comes first in a block")
                size_bytes, position = _integer(block, position, 5)
                self._resize(size_bytes)
                continue
            else:
                field, position = self._literal(block, position)
                may_resize = False
                left_bytes -= len(field[0]) + len(field[1]) + _ENTRY_BYTES
                if left_bytes >= 0:
                    fields.append(field)
                continue
            may_resize = False
            if index <= known:
                field = statics[index - 1]
            elif index - known <= len(table):
                field = table[index - known - 1]
            else:
                raise CompressionError(f"index {index} is in no table")
            left_bytes -= len(field[0]) + len(field[1]) + _ENTRY_BYTES
            if left_bytes >= 0:
                fields.append(field)
        return fields, left_bytes >= 0

    def _literal(self, block: bytes, position: int) -> tuple[Field, int]:
        """A field whose value, and perhaps name, is spelt out (RFC 7541, 6.2)."""
        is_kept = block[position] & 0x40
        index, position = _integer(block, position, 6 if is_kept else 4)
        if index:
            name = self._name(index)
        else:
            name, position = _string(block, position)
        value, position = _string(block, position)
        if is_kept:
            self._keep((name, value))
        return (name, value), position

    def _name(self, index: int) -> bytes:
        if index <= len(_STATIC):
            return _STATIC[index - 1][0]
        if index - len(_STATIC) <= len(self._table):
            return self._table[index - len(_STATIC) - 1][0]
        raise CompressionError(f"index {index} is in no table")

    def _keep(self, field: Field) -> None:
        self._table.appendleft(field)
        self._size_bytes += len(field[0]) + len(field[1]) + _ENTRY_BYTES
        self._evict()

    def _resize(self, size_bytes: int) -> None:
        if size_bytes > TABLE_BYTES:
            raise CompressionError(f"a table of {size_bytes} bytes was not offered")
        self.limit_bytes = size_bytes
        self._evict()

    def _evict(self) -> None:
        while self._size_bytes > self.limit_bytes:
            name, value = self._table.pop()
            self._size_bytes -= len(name) + len(value) + _ENTRY_BYTES


def _integer(block: bytes, position: int, prefix_bits: int) -> tuple[int, int]:
    """An integer and the position after it (RFC 7541, 5.1)."""
    try:
        mask = (1 << prefix_bits) - 1
        value = block[position] & mask
        if value < mask:
            return value, position + 1
        for shift in range(_MAX_INTEGER_BYTES):
            octet = block[position + 1 + shift]
            value += (octet & 0x7F) << (7 * shift)
            if octet < 0x80:
                return value, position + 2 + shift
    except IndexError:
        raise CompressionError("the header block ends in an integer") from None
    raise CompressionError("an integer is too large")


def _string(block: bytes, position: int) -> tuple[bytes, int]:
    """A string literal and the position after it (RFC 7541, 5.2)."""
    size_bytes, start = _integer(block, position, 7)
    end = start + size_bytes
    if end > len(block):
        raise CompressionError("the header block ends in a string")
    text = block[start:end]
    return (_unpacked(text) if block[position] & 0x80 else text), end


@lru_cache(maxsize=4096)
def _unpacked_short(text: bytes) -> bytes:
    return _huffman(text)


def _unpacked(text: bytes) -> bytes:
    """Players repeat their paths and agents, so short strings are remembered."""
    return _unpacked_short(text) if len(text) <= 128 else _huffman(text)


def _huffman(text: bytes) -> bytes:
    """The library's table goes by half octets; two of its steps are remembered as one."""
    steps, state, flags, out = _STEPS, 0, HUFFMAN_COMPLETE, []
    for octet in text:
        step = steps.get(state | octet)
        if step is None:
            step = steps[state | octet] = _step(state >> 8, octet)
        state, emitted, flags = step
        out.append(emitted)
    if not flags & HUFFMAN_COMPLETE:
        raise CompressionError("a Huffman string ends in the middle of a code")
    return b"".join(out)


def _step(state: int, octet: int) -> tuple[int, bytes, int]:
    """What an octet does in a state of the decoder: the next state (times 256), what it emits, and flags."""
    emitted, flags = b"", 0
    for half in (octet >> 4, octet & 0xF):
        state, flags, symbol = HUFFMAN_TABLE[state * 16 + half]
        if flags & HUFFMAN_FAIL:
            raise CompressionError("a Huffman string has a code that stands for nothing")
        if flags & HUFFMAN_EMIT_SYMBOL:
            emitted += bytes((symbol,))
    return state << 8, emitted, flags


def encode(fields: Fields) -> bytes:
    """A header block that reads the same on every connection."""
    return b"".join([_encoded(field) for field in fields])


@lru_cache(maxsize=4096)
def _encoded(field: Field) -> bytes:
    """One field: an index of the static table, or a literal that is not indexed (RFC 7541, 6.2.2)."""
    index = _INDEX_OF_FIELD.get(field)
    if index is not None:
        return _packed_integer(index, 7, 0x80)
    name, value = field
    index = _INDEX_OF_NAME.get(name, 0)
    head = _packed_integer(index, 4, 0)
    return head + (b"" if index else _packed_string(name)) + _packed_string(value)


def _packed_string(text: bytes) -> bytes:
    packed = _HUFFMAN.encode(text)
    if len(packed) < len(text):
        return _packed_integer(len(packed), 7, 0x80) + packed
    return _packed_integer(len(text), 7, 0) + text


def _packed_integer(value: int, prefix_bits: int, flags: int) -> bytes:
    mask = (1 << prefix_bits) - 1
    if value < mask:
        return bytes((flags | value,))
    octets = [flags | mask]
    value -= mask
    while value >= 0x80:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*octets, value))
