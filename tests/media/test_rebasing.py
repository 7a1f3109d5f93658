from __future__ import annotations

import pytest

from media.boxes import BoxError, read_boxes
from media.cmaf import read_fragment
from media.rebasing import rebased, without_type
from tests.media.bitstreams import NON_SYNC, SYNC, box, fragment

GOP = [SYNC, *[NON_SYNC] * 3]
TYPE = box("styp", b"msdh", bytes(4), b"msdhmsix")
SEGMENT = fragment(0, 1, GOP, [10] * 4) + fragment(4, 1, GOP, [10] * 4)


def sequences(data: bytes) -> list[int]:
    return [box.child("mfhd").unpack("II")[1] for box in read_boxes(data) if box.kind == "moof"]


def test_a_segment_moves_in_time_and_keeps_its_size() -> None:
    moved = rebased(TYPE + SEGMENT, 1000, 7)
    assert len(moved) == len(TYPE + SEGMENT)
    assert (read_fragment(moved).start_ticks, read_fragment(moved).duration_ticks) == (1000, 8)
    assert sequences(moved) == [7, 8]


def test_a_segment_that_is_moved_back_is_what_it_was() -> None:
    first, _ = sequences(SEGMENT)
    assert rebased(rebased(SEGMENT, 5000, 9), -5000, first) == rebased(SEGMENT, 0, first)


def test_what_follows_in_one_file_has_no_type_of_its_own() -> None:
    assert without_type(TYPE + SEGMENT) == without_type(SEGMENT) == SEGMENT


@pytest.mark.parametrize("length", [10, 30, 60])
def test_a_cut_short_segment_is_refused(length: int) -> None:
    with pytest.raises(BoxError):
        rebased(SEGMENT[:length], 0, 1)
