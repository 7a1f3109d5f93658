"""Header compression against the library's own coder and decoder, and what of RFC 7541 is a fault."""

from __future__ import annotations

import random

import pytest
from hpack import Decoder as TheirDecoder
from hpack import Encoder

from edge.fields import Fields
from edge.http2.hpack import CompressionError, Decoder, encode

PLENTY = 2**20


def _some_fields(rng: random.Random) -> Fields:
    names = [b":status", b"cache-control", b"x-" + rng.randbytes(3).hex().encode(), b"etag", b"a" * 200]
    values = [
        b"",
        b"200",
        b"max-age=60",
        rng.randbytes(rng.randint(0, 40)),
        b"v" * rng.choice((126, 127, 300)),
    ]
    return tuple((rng.choice(names), rng.choice(values)) for _ in range(rng.randint(0, 12)))


def test_what_another_coder_says_is_understood_over_a_whole_connection() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201
    rng = random.Random(seed)
    theirs, ours = Encoder(), Decoder()
    for _ in range(500):
        if rng.random() < 0.05:
            theirs.header_table_size = rng.choice((0, 100, 1000, 4096))
        fields = _some_fields(rng)
        assert ours.decode(theirs.encode(fields, huffman=rng.random() < 0.5), PLENTY) == (list(fields), True)


def test_what_is_coded_here_is_understood_by_another_in_any_order() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201
    rng = random.Random(seed)
    theirs = TheirDecoder()
    for _ in range(500):
        fields = _some_fields(rng)
        assert [tuple(field) for field in theirs.decode(encode(fields), raw=True)] == list(fields)
    assert len(theirs.header_table.dynamic_entries) == 0


def test_what_is_coded_here_is_short() -> None:
    fields = ((b":status", b"200"), (b"cache-control", b"public, max-age=31536000, immutable"))
    assert len(encode(fields)) < 32


FAULTS = [  # the block in hexadecimal
    pytest.param("80", id="6.1-index-0"),
    pytest.param("be", id="2.3.3-index-in-no-table"),
    pytest.param("7e0161", id="2.3.3-name-in-no-table"),
    pytest.param("ff", id="5.1-integer-cut-off"),
    pytest.param("ffffffffffffff", id="5.1-integer-too-large"),
    pytest.param("0005616263", id="5.2-string-cut-off"),
    pytest.param("0081ff0161", id="5.2-padding-of-a-whole-octet"),
    pytest.param("008118" + "0161", id="5.2-padding-that-is-not-ones"),
    pytest.param("0084ffffffff0161", id="5.2-end-of-string-symbol"),
    pytest.param("3fe21f", id="6.3-table-larger-than-offered"),
    pytest.param("8820", id="4.2-table-resized-late"),
]


@pytest.mark.parametrize("block", FAULTS)
def test_a_block_that_breaks_a_rule_is_a_fault(block: str) -> None:
    with pytest.raises(CompressionError):
        Decoder().decode(bytes.fromhex(block), PLENTY)


def test_a_table_may_be_made_smaller_at_the_start_of_a_block() -> None:
    decoder = Decoder()
    assert decoder.decode(bytes.fromhex("400161016220" + "")[:5], PLENTY)[0] == [(b"a", b"b")]
    assert decoder.decode(bytes.fromhex("be"), PLENTY)[0] == [(b"a", b"b")]
    assert decoder.decode(bytes.fromhex("2088"), PLENTY)[0] == [(b":status", b"200")]
    with pytest.raises(CompressionError):
        decoder.decode(bytes.fromhex("be"), PLENTY)


def test_a_head_beyond_the_limit_is_read_but_not_kept() -> None:
    encoder, decoder = Encoder(), Decoder()
    first = encoder.encode([("x", "a" * 3000)])
    decoder.decode(first, PLENTY)
    bomb = encoder.encode([("x", "a" * 3000)]) * 20_000
    fields, is_whole = decoder.decode(bomb, 10_000)
    assert (len(fields), is_whole) == (3, False)


def test_an_entry_larger_than_the_table_empties_it() -> None:
    encoder, decoder = Encoder(), Decoder()
    for size in (10, 5000, 10):
        fields = [(b"x", b"a" * size)]
        assert decoder.decode(encoder.encode(fields), PLENTY)[0] == fields
