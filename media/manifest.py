"""What HLS and DASH share: the error of a bad manifest, codec lists, frame rates as people write them."""

from __future__ import annotations

import re
from fractions import Fraction
from urllib.parse import urlsplit

_VIDEO = (
    "avc",
    "hvc",
    "hev",
    "dvh",
    "dva",
    "dav",
    "av01",
    "vp8",
    "vp9",
    "vp08",
    "vp09",
    "mp4v",
    "vvc",
    "vvi",
)
_FRAME_RATE = re.compile(r"\d{1,9}(\.\d{1,17}|/\d{1,9})?", re.ASCII)
_TEXT = ("stpp", "wvtt", "tx3g")


class ManifestError(ValueError):
    """A manifest that cannot be used; the message names its address and the reason, in one line."""


def split_codecs(codecs: str) -> tuple[str, str]:
    """The video and the audio codecs of a list such as "avc1.64001f,mp4a.40.2" (RFC 6381)."""
    each = [codec.strip() for codec in codecs.split(",") if codec.strip()]
    video = [codec for codec in each if codec.startswith(_VIDEO)]
    audio = [codec for codec in each if not codec.startswith(_VIDEO + _TEXT)]
    return ",".join(video), ",".join(audio)


def frame_rate_of(text: str) -> Fraction:
    """Frames per second of "24000/1001", "25" or "23.976"; the decimals of NTSC rates become exact again."""
    if not _FRAME_RATE.fullmatch(text):
        raise ValueError(f"frame rate {text!r}")
    rate = Fraction(text)
    ntsc = Fraction(round(rate * Fraction(1001, 1000)) * 1000, 1001)
    is_ntsc = rate.denominator != 1 and abs(rate - ntsc) < Fraction(5, 1000)
    return ntsc if is_ntsc else rate


def name_of(uri: str) -> str:
    """A rendition's name from its playlist's address as written: "720p-1f3a/index.m3u8" is "720p-1f3a"."""
    return urlsplit(uri).path.removesuffix(".m3u8").removesuffix("/index")


def first_line(text: str) -> str:
    """How a text begins, for a message."""
    return repr(text.strip()[:60].partition("\n")[0].strip())


def printable(text: str) -> str:
    """What people wrote, on one line and without the control characters that no manifest may hold."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
