"""What a frame says of the display it was made for is read as libavutil has it; damage is nothing."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from enum import Enum

import pytest

from encoder.hdr import ContentLight, HdrMetadata, MasteringDisplay, hdr_of


class Type(Enum):
    """PyAV's names."""

    MASTERING_DISPLAY_METADATA = 1
    CONTENT_LIGHT_LEVEL = 2
    DISPLAYMATRIX = 3


@dataclass(frozen=True)
class Side:
    type: Type
    data: bytes

    def __bytes__(self) -> bytes:
        return self.data


P3 = MasteringDisplay(
    red=(34000, 16000), green=(13250, 34500), blue=(7500, 3000), white=(15635, 16450),
    max_luminance=10_000_000, min_luminance=1,
)  # fmt: skip
LIGHT = ContentLight(max_content=993, max_average=362)


def mastering(
    display: MasteringDisplay = P3, *, flags: tuple[int, int] = (1, 1), denominator: int = 50_000
) -> Side:
    points = [*display.red, *display.green, *display.blue, *display.white]
    rationals = [number for point in points for number in (point, denominator)]
    rationals += [display.min_luminance, 10_000, display.max_luminance, 10_000]
    return Side(Type.MASTERING_DISPLAY_METADATA, struct.pack("=22i", *rationals, *flags))


def light(content: int = 993, average: int = 362) -> Side:
    return Side(Type.CONTENT_LIGHT_LEVEL, struct.pack("=2I", content, average))


def test_both_are_read_among_others() -> None:
    other = Side(Type.DISPLAYMATRIX, bytes(36))
    assert hdr_of([other, mastering(), light()]) == HdrMetadata(mastering=P3, light=LIGHT)


def test_one_may_be_missing() -> None:
    assert hdr_of([mastering()]) == HdrMetadata(mastering=P3)
    assert hdr_of([light()]) == HdrMetadata(light=LIGHT)
    assert hdr_of([light(993, 0)]) == HdrMetadata(light=ContentLight(max_content=993, max_average=0))


@pytest.mark.parametrize(
    "side",
    [
        pytest.param(light(0, 0), id="unknown-light"),
        pytest.param(light(70_000, 1), id="light-that-no-box-holds"),
        pytest.param(Side(Type.CONTENT_LIGHT_LEVEL, b"\0\0"), id="light-cut-short"),
        pytest.param(mastering(flags=(0, 1)), id="no-primaries"),
        pytest.param(mastering(flags=(1, 0)), id="no-luminance"),
        pytest.param(mastering(denominator=0), id="divided-by-nothing"),
        pytest.param(mastering(replace(P3, red=(-1, 5))), id="off-the-plane"),
        pytest.param(mastering(replace(P3, min_luminance=10_000_000)), id="darkest-is-brightest"),
        pytest.param(Side(Type.MASTERING_DISPLAY_METADATA, bytes(80)), id="cut-short"),
    ],
)
def test_what_cannot_be_used_is_left_out(side: Side) -> None:
    assert hdr_of([side]) is None
    assert hdr_of([]) is None


def test_boxes_are_those_that_are_known() -> None:
    both = HdrMetadata(mastering=P3, light=LIGHT).boxes()
    assert [box[4:8] for box in both] == [b"mdcv", b"clli"]
    assert [box[4:8] for box in HdrMetadata(light=LIGHT).boxes()] == [b"clli"]
    # Green, blue, red, white, brightest, darkest (ISO/IEC 14496-12, 12.1.6).
    assert struct.unpack(">8H2I", both[0][8:]) == (
        13250, 34500, 7500, 3000, 34000, 16000, 15635, 16450, 10_000_000, 1,
    )  # fmt: skip
