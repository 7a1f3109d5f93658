"""Cues made to fit a title: shifted to its time 0, in order, nothing twice, nothing beyond its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

from media.webvtt import Cue, WebVtt


def fitted(webvtt: WebVtt, duration: Fraction, start: Fraction = Fraction(0)) -> WebVtt:
    """What is shown from `start` on for `duration`, both in seconds, counted from 0.

    The same words that go on without a gap are one cue.
    """
    shift_ms, end_ms = round(1000 * start), int(1000 * duration)
    shown = (_within(cue, shift_ms, end_ms) for cue in webvtt.cues)
    return replace(webvtt, cues=_joined(cue for cue in shown if cue))


def _within(cue: Cue, shift_ms: int, end_ms: int) -> Cue | None:
    start_ms, until_ms = max(0, cue.start_ms - shift_ms), min(end_ms, cue.end_ms - shift_ms)
    return replace(cue, start_ms=start_ms, end_ms=until_ms) if start_ms < until_ms else None


def _joined(cues: Iterable[Cue]) -> tuple[Cue, ...]:
    last: dict[tuple[str, str], int] = {}  # where the cue that said the same stands
    joined: list[Cue] = []
    for cue in sorted(cues, key=lambda cue: (cue.start_ms, cue.end_ms)):
        words = (cue.payload, cue.settings)
        before = joined[last[words]] if words in last else None
        if before and cue.start_ms <= before.end_ms:
            joined[last[words]] = replace(before, end_ms=max(before.end_ms, cue.end_ms))
        else:
            last[words] = len(joined)
            joined.append(cue)
    return tuple(joined)
