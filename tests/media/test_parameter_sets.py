"""Parameter sets are read as they were written, bit by bit, and damage is one error."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.av1_sequence import read_av1_sequence, sequence_header_of
from media.parameter_sets import BitstreamError, ColourFacts, read_avc_sps, read_hevc_sps
from tests.media.bitstreams import Picture, av1_sequence, avc_sps, hevc_sps

SIZES = st.integers(1, 2000).map(lambda half: 4 * half)
PICTURES = st.builds(
    Picture,
    width_px=SIZES,
    height_px=SIZES,
    profile=st.sampled_from([66, 77, 100, 110, 122, 244]),
    level=st.sampled_from([10, 21, 30, 41, 52]),
    depth=st.just(8),
    references=st.integers(0, 16),
    is_interlaced=st.booleans(),
    transfer=st.sampled_from([None, 1, 16, 18]),
)


@given(PICTURES)
def test_a_set_of_h264_is_read_as_written(picture: Picture) -> None:
    found = read_avc_sps(avc_sps(picture))
    assert (found.width_px, found.height_px) == (picture.width_px, picture.height_px)
    assert (found.profile, found.level) == (picture.profile, picture.level)
    assert (found.reference_frames, found.colour) == (picture.references, colour(picture))
    assert found.may_be_interlaced == picture.is_interlaced


@given(PICTURES, st.sampled_from([8, 10, 12]))
def test_a_set_of_hevc_is_read_as_written(picture: Picture, depth: int) -> None:
    written = replace(picture, profile=2, depth=depth)
    found = read_hevc_sps(hevc_sps(written))
    assert (found.width_px, found.height_px) == (written.width_px, written.height_px)
    assert (found.profile, found.level, found.bit_depth) == (2, written.level, depth)
    assert found.colour == colour(written)


AV1_KINDS = [  # profile, depth, chroma format as H.264 counts it
    (0, 8, 1), (0, 10, 1), (0, 10, 0), (1, 8, 3), (2, 10, 2), (2, 12, 1), (2, 12, 2), (2, 12, 3), (2, 12, 0),
]  # fmt: skip


@given(PICTURES, st.sampled_from(AV1_KINDS), st.sampled_from([20, 31, 40, 63]), st.booleans())
def test_a_sequence_of_av1_is_read_as_written(
    picture: Picture, kind: tuple[int, int, int], level: int, is_high_tier: bool
) -> None:
    profile, depth, chroma = kind
    written = replace(picture, profile=profile, depth=depth, chroma=chroma, level=level)
    written = replace(written, is_high_tier=is_high_tier and level >= 40)
    found = read_av1_sequence(av1_sequence(written))
    assert (found.width_px, found.height_px) == (written.width_px, written.height_px)
    assert (found.profile, found.bit_depth, found.chroma) == kind
    assert (found.level, found.is_high_tier) == (level, written.is_high_tier)
    assert found.colour == (colour(written) or ColourFacts(2, 2, 2))


def test_a_sequence_is_found_behind_other_units() -> None:
    payload = av1_sequence(Picture(profile=0))
    sequence = bytes([0x0E, 0, len(payload)]) + payload  # with an extension
    assert sequence_header_of(b"\x12\x00" + sequence + b"\x32\x01\xff") == payload
    assert sequence_header_of(b"\x12\x00") is None
    for damaged in (b"\x08" + payload, b"\x0a\x7f" + payload, b"\x0a" + b"\xff" * 9, b"\x0a"):
        with pytest.raises(BitstreamError, match="open bitstream unit"):
            sequence_header_of(damaged)


def colour(picture: Picture) -> ColourFacts | None:
    return ColourFacts(9, picture.transfer, 9) if picture.transfer is not None else None


@pytest.mark.parametrize(("chroma", "depth"), [(0, 8), (1, 10), (2, 10), (3, 14)])
def test_chroma_and_depth_of_h264_are_read(chroma: int, depth: int) -> None:
    found = read_avc_sps(avc_sps(Picture(profile=244, chroma=chroma, depth=depth)))
    assert (found.chroma, found.bit_depth) == (chroma, depth)


@given(st.binary(max_size=64))
def test_any_bytes_are_a_set_or_one_error(data: bytes) -> None:
    for read in (read_avc_sps, read_hevc_sps, read_av1_sequence, sequence_header_of):
        with suppress(BitstreamError):  # and no other exception
            read(data)


def test_a_set_cut_short_is_an_error() -> None:
    for whole, read in ((avc_sps(Picture()), read_avc_sps), (hevc_sps(Picture(profile=1)), read_hevc_sps)):
        with pytest.raises(BitstreamError, match=r"cut short|no number"):
            read(whole[:6])
