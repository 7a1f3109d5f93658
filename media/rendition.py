"""Renditions: the encodings of one title that a player chooses from.

A video rendition is a rung of the ladder; an audio rendition is one track in one codec. Codec strings are
those of RFC 6381, languages those of BCP 47.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRendition:
    """One rung of the ladder."""

    name: str  # its folder below the title, such as "720p-1f3a9b2c"
    codecs: str  # RFC 6381, such as "avc1.64001f"
    average_bps: int  # over the whole rendition (HLS AVERAGE-BANDWIDTH)
    peak_bps: int  # of the costliest segment (HLS BANDWIDTH)
    width_px: int
    height_px: int
    frame_rate: Fraction
    video_range: str = "SDR"  # SDR, HLG or PQ (RFC 8216bis, VIDEO-RANGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioRendition:
    """One audio track in one codec."""

    name: str
    codecs: str  # RFC 6381, such as "mp4a.40.2"
    average_bps: int
    peak_bps: int
    sample_rate_hz: int
    channels: int
    language: str = "und"  # BCP 47
    label: str = ""  # what a menu shows; empty: the language
    is_default: bool = True


Rendition = VideoRendition | AudioRendition
