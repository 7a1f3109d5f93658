"""Rules of bit rates: what is announced against what is measured.

A peak is that of any contiguous segments that last between half and one and a half target durations together
(RFC 8216bis, 4.1: peak segment bit rate); what is played together is counted together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from media.facts.model import Entry, Stream, Track
from media.manifest import split_codecs
from media.rules.base import Found, Rule, must, should

_WITHIN = Fraction(1, 10)
_MOST_PEAK = 2
_WIDEST_STEP = Fraction(5, 2)


@dataclass(frozen=True, slots=True)
class Rates:
    """Bits per second."""

    average_bps: Fraction
    peak_bps: Fraction


def rates_of(track: Track, target_s: int | None) -> Rates | None:
    """None unless all sizes are known."""
    sizes = [8 * (seen.size_bytes or 0) for seen in track.segments]
    durations = [seen.listed.duration if seen.duration is None else seen.duration for seen in track.segments]
    total = sum(durations, Fraction(0))
    if not track.is_sized or not total:
        return None
    average = sum(sizes) / total
    target = Fraction(target_s or max(durations))
    return Rates(average, max(_windows(sizes, durations, target), default=average))


def _windows(bits: list[int], durations: list[Fraction], target: Fraction) -> Iterator[Fraction]:
    shortest, longest = min(target / 2, sum(durations, Fraction(0))), target * 3 / 2
    for first in range(len(bits)):
        size, duration = 0, Fraction(0)
        for at in range(first, len(bits)):
            size, duration = size + bits[at], duration + durations[at]
            if duration > longest and at > first:
                break
            if duration >= shortest and duration:
                yield size / duration


def measured(stream: Stream, entry: Entry) -> Rates | None:
    """Of a variant with the costliest rendition of its audio group (9.13 of Apple's)."""
    if entry.media is None or not entry.media.is_finished or stream.hls is None:
        return None
    own = rates_of(entry.media.track, entry.media.target_s)
    group = [e for e in stream.hls.group("AUDIO", entry.get("AUDIO")) if e.get("URI")]
    sound = [rates_of(e.media.track, e.media.target_s) if e.media else None for e in group]
    if own is None or None in sound:
        return None
    known = [each for each in sound if each]
    return Rates(
        own.average_bps + max((each.average_bps for each in known), default=0),
        own.peak_bps + max((each.peak_bps for each in known), default=0),
    )


def _compared(stream: Stream) -> Iterator[tuple[Entry, Rates]]:
    for entry in stream.hls.variants if stream.hls else ():
        if rates := measured(stream, entry):
            yield entry, rates


def _announced(entry: Entry, attribute: str) -> int | None:
    text = entry.get(attribute)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _off(announced: int | None, is_so: Fraction) -> str:
    if not announced or not is_so or abs(announced / is_so - 1) <= _WITHIN:
        return ""
    return f"says {announced} b/s, measured are {round(is_so)} ({float(announced / is_so - 1):+.0%})"


def peak_is_true(stream: Stream) -> Found:
    for entry, rates in _compared(stream):
        if off := _off(_announced(entry, "BANDWIDTH"), rates.peak_bps):
            yield entry.where, f"BANDWIDTH {off}"


def average_is_true(stream: Stream) -> Found:
    for entry, rates in _compared(stream):
        if off := _off(_announced(entry, "AVERAGE-BANDWIDTH"), rates.average_bps):
            yield entry.where, f"AVERAGE-BANDWIDTH {off}"


def peak_is_moderate(stream: Stream) -> Found:
    for entry, rates in _compared(stream):
        if entry.is_video and rates.peak_bps > _MOST_PEAK * rates.average_bps:
            share = float(rates.peak_bps / rates.average_bps)
            yield entry.where, f"the peak is {share:.0%} of the average ({round(rates.average_bps)} b/s)"


def steps_are_small(stream: Stream) -> Found:
    """Between the rungs of one codec."""
    ladders: dict[str, list[tuple[int, str]]] = {}
    for entry in stream.hls.rungs if stream.hls else ():
        average_bps = _announced(entry, "AVERAGE-BANDWIDTH") or _announced(entry, "BANDWIDTH")
        if average_bps:
            family = split_codecs(entry.get("CODECS"))[0][:4]
            ladders.setdefault(family, []).append((average_bps, entry.where))
    for ladder in ladders.values():
        ladder.sort()
        for (lower, _), (upper, where) in pairwise(ladder):
            if upper > _WIDEST_STEP * lower:
                yield where, f"{upper / lower:.2f} times the bit rate of the rung below it"


_SPEC = "HLS Authoring Specification"
RULES: tuple[Rule, ...] = (
    must(
        "hls-authoring-1.27",
        f"{_SPEC}, 1.27 and 9.13",
        "The measured peak is within 10 % of BANDWIDTH.",
        peak_is_true,
    ),
    must(
        "hls-authoring-1.26",
        f"{_SPEC}, 1.26",
        "The measured average is within 10 % of AVERAGE-BANDWIDTH.",
        average_is_true,
    ),
    should(
        "hls-authoring-1.30",
        f"{_SPEC}, 1.30",
        "The peak is no more than 200 % of the average.",
        peak_is_moderate,
    ),
    should(
        "penstock-ladder-step",
        "Penstock; Apple's ladder steps by 1.5 to 2",
        "No rung has more than 2.5 times the bit rate of the one below.",
        steps_are_small,
    ),
)
