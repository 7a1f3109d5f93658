"""What a source says of the display it was made for: SMPTE ST 2086, and the light levels of CTA-861.3.

Whole numbers in the units of the `mdcv` and `clli` boxes and of the SEI messages (ITU-T H.265, D.3.28), so
that nothing is rounded on the way from one to the other.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from media.init_boxes import content_light_box, mastering_display_box

_CHROMATICITY_UNITS = 50_000  # of 0.00002
_LUMINANCE_UNITS = 10_000  # of 0.0001 cd/m²
_RATIONALS, _FLAGS = 10, 2  # libavutil's AVMasteringDisplayMetadata

Point = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MasteringDisplay:
    """Chromaticities in units of 0.00002, luminance in units of 0.0001 cd/m²."""

    red: Point
    green: Point
    blue: Point
    white: Point
    max_luminance: int
    min_luminance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentLight:
    """The brightest pixel, and the brightest picture on average, in cd/m²."""

    max_content: int
    max_average: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HdrMetadata:
    mastering: MasteringDisplay | None = None
    light: ContentLight | None = None

    def boxes(self) -> list[bytes]:
        """For the init segment, as `media.init_boxes.with_boxes` takes them."""
        display, light = self.mastering, self.light
        boxes = []
        if display:
            boxes.append(
                mastering_display_box(
                    green=display.green,
                    blue=display.blue,
                    red=display.red,
                    white=display.white,
                    max_luminance=display.max_luminance,
                    min_luminance=display.min_luminance,
                )
            )
        if light:
            boxes.append(content_light_box(max_content=light.max_content, max_average=light.max_average))
        return boxes


class SideData(Protocol):
    """PyAV's, as far as it is looked at."""

    @property
    def type(self) -> object: ...
    def __bytes__(self) -> bytes: ...


def hdr_of(side_data: Iterable[SideData]) -> HdrMetadata | None:
    """What the side data of a decoded frame says; None if it says nothing that can be used."""
    mastering: MasteringDisplay | None = None
    light: ContentLight | None = None
    for each in side_data:
        match getattr(each.type, "name", ""):
            case "MASTERING_DISPLAY_METADATA":
                mastering = _mastering(bytes(each))
            case "CONTENT_LIGHT_LEVEL":
                light = _light(bytes(each))
    return HdrMetadata(mastering=mastering, light=light) if mastering or light else None


def _mastering(data: bytes) -> MasteringDisplay | None:
    """libavutil's struct: red, green, blue, white, least and most luminance as fractions, then two flags."""
    size = struct.calcsize(f"={2 * _RATIONALS + _FLAGS}i")
    if len(data) < size:
        return None
    *numbers, has_primaries, has_luminance = struct.unpack_from(f"={2 * _RATIONALS + _FLAGS}i", data)
    pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
    if not (has_primaries and has_luminance) or any(denominator <= 0 for _, denominator in pairs):
        return None
    values = [Fraction(*pair) for pair in pairs]
    points = [round(value * _CHROMATICITY_UNITS) for value in values[:8]]
    low, high = (round(value * _LUMINANCE_UNITS) for value in values[8:])
    if not all(0 <= point < 2**16 for point in points) or not 0 <= low < high < 2**32:
        return None
    red, green, blue, white = zip(points[::2], points[1::2], strict=True)
    return MasteringDisplay(
        red=red, green=green, blue=blue, white=white, max_luminance=high, min_luminance=low
    )


def _light(data: bytes) -> ContentLight | None:
    if len(data) < struct.calcsize("=2I"):
        return None
    max_content, max_average = struct.unpack_from("=2I", data)
    if (not max_content and not max_average) or max(max_content, max_average) >= 2**16:
        return None  # 0 is "unknown" (CTA-861.3)
    return ContentLight(max_content=max_content, max_average=max_average)
