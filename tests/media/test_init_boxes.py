"""Boxes that a writer left out come into the sample entry, and all sizes around them fit."""

from __future__ import annotations

import pytest

from media.boxes import BoxError, read_boxes
from media.cmaf_header import read_header
from media.init_boxes import content_light_box, mastering_display_box, with_boxes, with_vp9_level
from tests.media.bitstreams import Picture, box, full, header, hvcc, picture_entry, vpcc

MAIN10 = Picture(profile=2, depth=10, transfer=16)
DISPLAY = mastering_display_box(
    green=(8500, 39850), blue=(6550, 2300), red=(35400, 14600), white=(15635, 16450),
    max_luminance=10_000_000, min_luminance=50,
)  # fmt: skip
LIGHT = content_light_box(max_content=1000, max_average=400)


def init(*inside: bytes) -> bytes:
    return header("vide", picture_entry("hvc1", MAIN10, hvcc(MAIN10) + b"".join(inside)), 25)


def test_boxes_are_bytes_as_the_standard_has_them() -> None:
    assert DISPLAY.hex() == "000000206d64637621349baa199608fc8a4839083d1340420098968000000032"
    assert LIGHT.hex() == "0000000c636c6c6903e80190"


def test_added_boxes_stand_in_the_sample_entry_and_the_rest_stays() -> None:
    assert with_boxes(init(), DISPLAY, LIGHT) == init(DISPLAY, LIGHT)
    assert read_header(with_boxes(init(), DISPLAY, LIGHT)) == read_header(init())
    behind = box("free", b"kept")
    assert with_boxes(init() + behind, LIGHT) == init(LIGHT) + behind


def test_a_box_that_is_there_stays_as_it_is() -> None:
    other = content_light_box(max_content=600, max_average=100)
    assert with_boxes(init(other), DISPLAY, LIGHT) == init(other, DISPLAY)
    assert with_boxes(init()) == init()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(box("moov", box("trak"), box("trak")), id="two-tracks"),
        pytest.param(init()[:-9], id="cut-short"),
        pytest.param(
            box(
                "moov",
                box("trak", box("mdia", box("minf", box("stbl", box("stsd", full("none", 0, 0)[:8]))))),
            ),
            id="no-entry",
        ),
    ],
)
def test_an_init_segment_without_one_entry_is_an_error(data: bytes) -> None:
    with pytest.raises(BoxError):
        with_boxes(data, LIGHT)


def test_the_level_of_vp9_is_set_and_nothing_else() -> None:
    vp9 = header("vide", picture_entry("vp09", Picture(), vpcc()), 25)
    assert read_header(vp9).init.codecs == "vp09.00.10.08"
    changed = with_vp9_level(vp9, 41)
    assert read_header(changed).init.codecs == "vp09.00.41.08"
    assert with_vp9_level(changed, 10) == vp9
    assert with_vp9_level(init(), 41) == init()


def test_the_boxes_are_found_where_a_reader_looks() -> None:
    moov = next(found for found in read_boxes(with_boxes(init(), DISPLAY, LIGHT)) if found.kind == "moov")
    entry = moov.child("trak", "mdia", "minf", "stbl", "stsd").children(skip=8)[0]
    assert [found.kind for found in entry.children(78)] == ["hvcC", "mdcv", "clli"]
