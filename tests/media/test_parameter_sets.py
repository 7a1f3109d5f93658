"""Parameter sets are read as they were written, bit by bit, and damage is one error."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.parameter_sets import ParameterSetError, read_avc_sps, read_hevc_sps
from tests.media.bitstreams import Picture, avc_sps, hevc_sps

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
    assert (found.reference_frames, found.transfer) == (picture.references, picture.transfer)
    assert found.may_be_interlaced == picture.is_interlaced


@given(PICTURES, st.sampled_from([8, 10, 12]))
def test_a_set_of_hevc_is_read_as_written(picture: Picture, depth: int) -> None:
    written = replace(picture, profile=2, depth=depth)
    found = read_hevc_sps(hevc_sps(written))
    assert (found.width_px, found.height_px) == (written.width_px, written.height_px)
    assert (found.profile, found.level, found.bit_depth) == (2, written.level, depth)


@pytest.mark.parametrize(("chroma", "depth"), [(0, 8), (1, 10), (2, 10), (3, 14)])
def test_chroma_and_depth_of_h264_are_read(chroma: int, depth: int) -> None:
    found = read_avc_sps(avc_sps(Picture(profile=244, chroma=chroma, depth=depth)))
    assert (found.chroma, found.bit_depth) == (chroma, depth)


@given(st.binary(max_size=64))
def test_any_bytes_are_a_set_or_one_error(data: bytes) -> None:
    for read in (read_avc_sps, read_hevc_sps):
        with suppress(ParameterSetError):  # and no other exception
            read(data)


def test_a_set_cut_short_is_an_error() -> None:
    for whole, read in ((avc_sps(Picture()), read_avc_sps), (hevc_sps(Picture(profile=1)), read_hevc_sps)):
        with pytest.raises(ParameterSetError, match=r"cut short|no number"):
            read(whole[:6])
