"""Video codecs: one file each, and one line here. A codec turns a target into ffmpeg's output options.

In the order in which a manifest lists them: what everybody plays comes first.
"""

from __future__ import annotations

from encoder.codecs.av1 import AV1
from encoder.codecs.base import Codec, Options, Target
from encoder.codecs.h264 import H264
from encoder.codecs.hevc import HEVC
from encoder.codecs.vp9 import VP9

__all__ = ["CODECS", "Codec", "Options", "Target"]

CODECS: dict[str, Codec] = {codec.name: codec for codec in (H264, HEVC, AV1, VP9)}
