"""Segments by their heads: what stands before the media is enough, and damage is a BoxError."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.boxes import BoxError
from media.cmaf_fragments import FragmentFacts, SampleDefaults, facts_of, head_boxes
from media.cmaf_header import read_header
from tests.media.bitstreams import (
    NON_SYNC,
    SYNC,
    Picture,
    avcc,
    box,
    fragment,
    full,
    header,
    hvcc,
    picture_entry,
)

GOP = [SYNC, *[NON_SYNC] * 49]
SEGMENT = fragment(1000, 1, GOP * 2, [10] * 100)


def facts(data: bytes, size_bytes: int | None = None) -> FragmentFacts:
    boxes, _ = head_boxes(data, len(data) if size_bytes is None else size_bytes)
    return facts_of(boxes, SampleDefaults())


def test_the_head_says_what_the_whole_says() -> None:
    head = SEGMENT[: SEGMENT.index(b"mdat") + 12]
    boxes, is_complete = head_boxes(head, len(SEGMENT))
    assert is_complete
    assert facts_of(boxes, SampleDefaults()) == facts(SEGMENT)
    assert facts(SEGMENT).longest_gop_ticks == 50
    assert facts(SEGMENT).starts_with_sync


@given(st.integers(0, len(SEGMENT)))
def test_a_head_that_is_too_short_says_so(length: int) -> None:
    boxes, is_complete = head_boxes(SEGMENT[:length], len(SEGMENT))
    assert is_complete == (length >= SEGMENT.index(b"mdat") + 12)
    assert [each.kind for each in boxes] == (
        ["moof", "mdat"] if is_complete else ["moof"] * (length >= SEGMENT.index(b"mdat") - 4)
    )


def test_a_second_fragment_beyond_the_head_is_asked_for() -> None:
    segment = SEGMENT + fragment(1100, 1, GOP, [10] * 50)
    assert not head_boxes(segment[: len(SEGMENT)], len(segment))[1]
    assert facts(segment).sample_count == 150


@pytest.mark.parametrize(("start", "gap"), [(1100, 0), (1107, 7), (1090, -10)])
def test_the_fragments_of_a_segment_join_or_not(start: int, gap: int) -> None:
    assert facts(SEGMENT + fragment(start, 1, GOP, [10] * 50)).inner_gap_ticks == gap


@pytest.mark.parametrize(
    ("flags", "longest", "is_sync"),
    [
        (GOP, 50, True),
        ([NON_SYNC] * 20 + GOP, 50, False),
        ([NON_SYNC] * 80 + GOP, 80, False),
        ([NON_SYNC] * 9, 9, False),
    ],
)
def test_the_widest_distance_between_key_frames(flags: list[int], longest: int, is_sync: bool) -> None:
    found = facts(fragment(0, 1, flags, [1] * len(flags)))
    assert (found.longest_gop_ticks, found.starts_with_sync) == (longest, is_sync)


def test_composition_offsets_move_what_is_shown_first() -> None:
    run = full("trun", 1, 0xF01, "II8I", 2, 0, 10, 7, SYNC, 2**32 - 4, 10, 7, NON_SYNC, 30)
    traf = box("traf", full("tfhd", 0, 0x20000, "I", 1), full("tfdt", 1, 0, "Q", 100), run)
    assert facts(box("moof", traf) + box("mdat", bytes(14))).first_shown_ticks == 96


def test_a_run_may_not_claim_any_number_of_samples() -> None:
    run = full("trun", 0, 0, "I", 2**32 - 1)
    traf = box("traf", full("tfhd", 0, 0x20008, "II", 1, 1), full("tfdt", 0, 0, "I", 0), run)
    with pytest.raises(BoxError, match="claims 4294967295 samples"):
        facts(box("moof", traf))


@given(st.integers(0, len(SEGMENT) - 1), st.integers(0, 255))
def test_damage_anywhere_gives_facts_or_a_box_error(at: int, value: int) -> None:
    with suppress(BoxError):  # and no other exception
        facts(SEGMENT[:at] + bytes([value]) + SEGMENT[at + 1 :])


PICTURE = Picture(width_px=960, height_px=540, transfer=18)
WITH_BOXES = avcc(PICTURE) + box("pasp", b"\0\0\0\4\0\0\0\3") + box("colr", b"nclx", b"\0\1\0\x10\0\1\0")
HEADER = header("vide", picture_entry("avc1", PICTURE, WITH_BOXES), 25)


def test_a_header_tells_what_its_boxes_and_its_bitstream_say() -> None:
    found = read_header(HEADER)
    assert found.brands == ("iso6", "iso6", "cmfc")
    assert (found.size_px, found.pixel_aspect, found.transfer) == ((960, 540), Fraction(4, 3), 16)
    assert read_header(header("vide", picture_entry("avc1", PICTURE, avcc(PICTURE)), 25)).transfer == 18
    main = replace(PICTURE, profile=1)
    hevc = read_header(header("vide", picture_entry("hvc1", main, hvcc(main)), 25))
    assert hevc.size_px == (960, 540)


def test_an_encrypted_entry_keeps_its_name() -> None:
    inside = avcc(PICTURE) + box("sinf", box("frma", b"avc1"))
    found = read_header(header("vide", picture_entry("encv", PICTURE, inside), 25))
    assert (found.sample_entry, found.is_protected, found.init.codecs) == ("avc1", True, "avc1.64001e")


@given(st.integers(0, len(HEADER) - 1), st.integers(0, 255), st.integers(0, len(HEADER)))
def test_a_damaged_header_gives_facts_or_a_box_error(at: int, value: int, length: int) -> None:
    with suppress(BoxError):  # and no other exception
        read_header((HEADER[:at] + bytes([value]) + HEADER[at + 1 :])[:length])
