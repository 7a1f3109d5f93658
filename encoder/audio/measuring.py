"""The first pass: FFmpeg's arguments to measure every mix in one decode (ITU-R BS.1770 by `ebur128`)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from encoder.audio.filters import Filter, graph_text, mixed
from encoder.audio.mixes import Mix
from encoder.audio.plan import CODECS, output_rate

_GLOBAL = ["-hide_banner", "-nostdin", "-y", "-loglevel", "error", "-nostats", "-progress", "pipe:1"]


def log_of(number: int) -> str:
    """Where the measure of the mix of that number is printed, in the working folder."""
    return f"loudness-{number}.txt"


def measuring(mixes: Sequence[Mix], input_path: str, duration: Fraction, video_start: Fraction) -> list[str]:
    """What is heard beside the picture, and nothing before or after it.

    The numbers come as metadata in a file: FFmpeg's own summary has one decimal, and its log is closed.
    """
    graphs = [_graph(mix, number, duration, video_start) for number, mix in enumerate(mixes)]
    outputs = [word for number, _ in enumerate(mixes) for word in ("-map", f"[m{number}]")]
    source = ["-copyts", "-vn", "-sn", "-dn", "-i", input_path]
    return [*_GLOBAL, *source, "-filter_complex", ";".join(graphs), *outputs, "-f", "null", "-"]


def _graph(mix: Mix, number: int, duration: Fraction, start: Fraction) -> str:
    rate = output_rate(mix.sample_rate_hz, CODECS["aac"])
    measure: list[Filter] = [
        ("apad", {}),
        ("atrim", {"end_sample": max(1, int(duration * rate))}),
        ("ebur128", {"peak": "true", "metadata": 1, "framelog": "quiet"}),
        ("ametadata", {"mode": "print", "file": log_of(number)}),
    ]
    return graph_text(mixed(mix.tracks, mix.matrix, rate, start, measure), number, f"m{number}")
