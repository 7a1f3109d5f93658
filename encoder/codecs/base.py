"""What a codec is to the encoder: a name, and ffmpeg's output options for what one encode is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from encoder.hdr import HdrMetadata

Options = dict[str, str | int | None]  # None: an option that takes no value

# A segment takes at most the cap and one buffer: its peak stays within 1 + buffer / segment of the cap.
BUFFER_S = 1.0
PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What one encode is asked for."""

    width_px: int
    height_px: int
    frame_rate: Fraction
    gop_frames: int
    preset: str  # one of PRESETS: libx264's words, which each codec maps to its own
    max_bps: int
    crf: float | None = None  # on the codec's own scale; None: its usual one
    video_range: str = "SDR"  # SDR, PQ or HLG
    hdr: HdrMetadata | None = None  # what a PQ source says of itself

    @property
    def is_hdr(self) -> bool:
        return self.video_range != "SDR"

    @property
    def buffer_bits(self) -> int:
        return round(self.max_bps * BUFFER_S)

    def quality(self, usual: float) -> float:
        return usual if self.crf is None else self.crf

    @property
    def key_frames(self) -> str:
        """Key frames on the grid, whatever the encoder thinks of it."""
        return f"expr:not(mod(n,{self.gop_frames}))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    name: str  # as --codec has it
    encoder: str  # what ffmpeg must have
    options: Callable[[Target], Options]
    default_crf: float
    crf_range: tuple[float, float]  # best to worst of what is of use
    may_hdr: bool = False  # HDR rungs are made in it
