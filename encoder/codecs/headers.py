"""Init segments as ffmpeg should have written them: the same for every chunk of a rung."""

from __future__ import annotations

from fractions import Fraction

from encoder.codecs.base import Target
from media.init_boxes import with_boxes, with_vp9_level
from media.levels import vp9_level


def completed(header: bytes, target: Target) -> bytes:
    """With the boxes of HDR, and VP9's level by frame rate and cap too: ffmpeg knows the size alone.

    Raises BoxError.
    """
    boxes = target.hdr.boxes() if target.hdr else []
    level = vp9_level(target.width_px, target.height_px, target.frame_rate, Fraction(target.max_bps))
    header = with_boxes(header, *boxes)
    return header if level is None else with_vp9_level(header, level)
