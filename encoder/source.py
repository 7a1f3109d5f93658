"""What is known of a source video: the facts that the ladder, the plan and the commands decide by."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from encoder.audio.source import AudioSource
from encoder.hdr import HdrMetadata

UNKNOWN = 2  # "unspecified", in each of the tables of ITU-T H.273
_PQ, _HLG = 16, 18  # ITU-T H.273, transfer characteristics


@dataclass(frozen=True, slots=True, kw_only=True)
class Colour:
    """Colour as the source declares it: code points of ITU-T H.273."""

    primaries: int = UNKNOWN
    transfer: int = UNKNOWN
    matrix: int = UNKNOWN
    is_full_range: bool = False
    is_rgb: bool = False  # the pixel format itself, whatever the matrix says

    @property
    def video_range(self) -> str:
        """SDR, HLG or PQ (RFC 8216bis, VIDEO-RANGE)."""
        return {_PQ: "PQ", _HLG: "HLG"}.get(self.transfer, "SDR")


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSource:
    """The picture. Times are those of the container, which need not begin at 0."""

    index: int = 0  # among the source's video streams: cover art may come first
    coded_width_px: int
    coded_height_px: int
    width_px: int  # as shown: square pixels, upright
    height_px: int
    frame_rate: Fraction  # nominal
    is_constant_rate: bool
    start: Fraction  # seconds, of the first frame that decodes
    end: Fraction
    pixel_format: str = "yuv420p"
    bit_depth: int = 8
    colour: Colour = Colour()
    hdr: HdrMetadata | None = None  # what it says of the display it was made for
    is_interlaced: bool = False

    @property
    def duration(self) -> Fraction:
        return self.end - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSource:
    """One subtitle track."""

    index: int  # among the source's subtitle tracks
    codec: str
    is_text: bool  # False: pictures of text (PGS, VobSub, DVB), or nothing that can be decoded
    language: str = "und"  # BCP 47
    label: str = ""
    is_default: bool = False
    is_forced: bool = False
    is_sdh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    video: VideoSource
    key_frames: tuple[Fraction, ...] = ()  # seconds in the container, of those a decoder can start at
    audio: tuple[AudioSource, ...] = ()
    text: tuple[TextSource, ...] = ()
    left_out: tuple[str, ...] = ()  # what cannot be decoded here, in words
