"""Renditions: the encodings of one title that a player chooses from.

A video rendition is a rung of the ladder; an audio rendition is one track in one codec; text and images go
beside them. Codec strings are those of RFC 6381, languages those of BCP 47.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """VMAF of a rendition against the source at the source's size, 0 to 100."""

    mean: float
    p5: float  # of twenty frames, the worst is about so
    segments: tuple[float, ...]  # the mean of each stretch of a segment's length
    frames: int  # that were scored


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
    quality: Quality | None = None  # None: not measured


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
    is_commentary: bool = False  # somebody talks about the title
    is_descriptive: bool = False  # says what is to be seen, for who cannot see it


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRendition:
    """One track of subtitles or captions, in WebVTT."""

    name: str  # its folder below the title, such as "subtitles/en-1f3a9b2c"
    average_bps: int
    peak_bps: int
    language: str = "und"  # BCP 47
    label: str = ""  # what a menu shows; empty: the language
    is_default: bool = False  # shown unless the viewer says otherwise
    is_forced: bool = False  # translates what the picture or a foreign voice says, also for who wants no text
    is_sdh: bool = False  # for the deaf and hard of hearing: says who speaks and what sounds

    @property
    def whole_uri(self) -> str:
        """All its cues in one file, for DASH and for the `track` element of a page."""
        return f"{self.name}.vtt"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRendition:
    """Thumbnails for seeking: each segment is one JPEG, a sheet of tiles from left to right, then down."""

    name: str  # its folder below the title, such as "thumbnails"
    average_bps: int
    peak_bps: int
    width_px: int  # of one thumbnail
    height_px: int
    columns: int  # of a sheet
    rows: int
    interval: Fraction  # seconds from one thumbnail to the next
    codecs: str = "jpeg"

    @property
    def index_uri(self) -> str:
        """Where each thumbnail lies, in WebVTT, for players of progressive video."""
        return f"{self.name}/index.vtt"

    def __post_init__(self) -> None:
        if self.columns < 1 or self.rows < 1:
            raise ValueError(f"{self.name}: {self.columns}x{self.rows} tiles hold no thumbnail")
        if self.interval <= 0:
            raise ValueError(f"{self.name}: thumbnails every {self.interval} s")


Rendition = VideoRendition | AudioRendition
AnyRendition = Rendition | TextRendition | ImageRendition
