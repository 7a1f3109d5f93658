"""WebVTT segments, as far as a checker needs them (W3C WebVTT, 4; X-TIMESTAMP-MAP: RFC 8216, 3.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

_TIME = r"(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})"
_TIMING = re.compile(rf"{_TIME}[ \t]+-->[ \t]+{_TIME}(?:[ \t].*)?", re.ASCII)
_MAP = re.compile(r"X-TIMESTAMP-MAP=(?=.*MPEGTS:\d+)(?=.*LOCAL:" + _TIME + r").+", re.ASCII)


@dataclass(frozen=True, slots=True)
class VttFacts:
    """A segment's cues as start and end in seconds; `problem` is the first line that is wrong."""

    cues: tuple[tuple[Fraction, Fraction], ...] = ()
    has_timestamp_map: bool = False
    problem: str = ""


def read_vtt(text: str) -> VttFacts:
    """Reads to the end whatever it finds."""
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or not re.match(r"WEBVTT(?:[ \t]|$)", lines[0]):
        return VttFacts(problem=f"it begins with {lines[0][:40]!r}" if lines else "it is empty")
    head = lines[1 : next((n for n, line in enumerate(lines) if not line.strip()), len(lines))]
    is_mapped = any(_MAP.fullmatch(line.strip()) for line in head)
    cues: list[tuple[Fraction, Fraction]] = []
    problem = ""
    for line in lines[1:]:
        if "-->" not in line:
            continue
        match = _TIMING.fullmatch(line.strip())
        if match is None:
            problem = problem or f"{line.strip()[:60]!r} is no cue timing"
            continue
        start, end = _seconds(match.groups()[:4]), _seconds(match.groups()[4:])
        if end <= start:
            problem = problem or f"the cue {line.strip()[:60]!r} ends before it starts"
        cues.append((start, end))
    return VttFacts(tuple(cues), is_mapped, problem)


def _seconds(parts: tuple[str | None, ...]) -> Fraction:
    hours, minutes, seconds, milliseconds = (int(part or 0) for part in parts)
    return Fraction(((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds, 1000)
