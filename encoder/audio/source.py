"""What is known of one audio track of a source: the facts that its renditions are planned by."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSource:
    """One audio track."""

    index: int  # among the source's audio tracks
    codec: str
    sample_rate_hz: int
    channels: int
    layout: str  # FFmpeg's name of it: "5.1(side)", or "6 channels" where the source does not say
    language: str = "und"  # BCP 47
    label: str = ""  # its title, as the source has it
    is_default: bool = False
    is_commentary: bool = False  # somebody talks about the title
    is_descriptive: bool = False  # says what is to be seen, for who cannot see it
    end: Fraction | None = None  # seconds; None: well before the picture
