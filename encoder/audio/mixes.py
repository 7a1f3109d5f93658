"""Mixes: which of a source's channels are heard together, and as what.

A track whose layout is known is mixed by it. Cameras and broadcasters write one track (or one channel of a
track without a layout) for each microphone or loudspeaker; those go by the conventions that are used for them
(SMPTE ST 320, EBU R 48 and R 123):

| channels without places | heard as |
| --- | --- |
| 1 | mono, on both sides |
| 2 | left, right |
| 3 | left, right; the third by itself |
| 4 | left, right; left, right of another mix |
| 5 | two pairs; the fifth by itself |
| 6 | 5.1: L R C LFE Ls Rs |
| 7 | 5.1; the seventh by itself |
| 8 | 5.1, and its stereo mix: Lt Rt |
| more | the first eight as 8, the rest in pairs |

What was measured corrects a convention: 5.1 whose centre, effects and surrounds are silent is stereo, a
silent stereo mix is mixed from the 5.1, and a further pair that is silent is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from encoder.audio.layouts import SURROUND, Matrix, is_surround, picked, positions, to_stereo, to_surround
from encoder.audio.loudness import Loudness
from encoder.audio.source import AudioSource

_PAIR, _ONE = ("FL", "FR"), ("FC",)
_FRONT_PAIR = 2  # of 5.1, L and R come first


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Channels of one or several tracks, one after the other, and the matrix that mixes them."""

    tracks: tuple[int, ...]  # among the source's audio tracks
    sample_rate_hz: int  # of the source
    matrix: Matrix
    is_mono: bool = False  # both sides are the same

    @property
    def channels(self) -> int:
        return len(self.matrix)


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One entry of a menu of languages: it is offered in each codec, in stereo and perhaps in 5.1."""

    source: AudioSource  # whose language, label and flags it has
    stereo: Mix
    surround: Mix | None = None
    otherwise: Mix | None = None  # stereo, should `stereo` be silent
    is_spare: bool = False  # left out if it is silent
    label: str = ""


def voices(tracks: Sequence[AudioSource]) -> tuple[Voice, ...]:
    """By what the tracks declare; in the order of the tracks."""
    return tuple(voice for group in _groups(tracks) for voice in _voices(group))


def mixes(found: Iterable[Voice], may_surround: bool) -> tuple[Mix, ...]:
    """Every mix that may be needed, each once: what is to be measured."""
    every = (
        mix
        for voice in found
        for mix in (voice.stereo, voice.otherwise, voice.surround if may_surround else None)
        if mix
    )
    return tuple(dict.fromkeys(every))


def corrected(found: Iterable[Voice], loudness: Mapping[Mix, Loudness]) -> tuple[Voice, ...]:
    """What the measured loudness makes of it; with none, all stays as declared."""
    heard = (_corrected(voice, loudness) for voice in found)
    return tuple(voice for voice in heard if voice)


def _corrected(voice: Voice, loudness: Mapping[Mix, Loudness]) -> Voice | None:
    stereo = loudness.get(voice.stereo)
    surround = loudness.get(voice.surround) if voice.surround else None
    if surround and surround.is_silent_from(_FRONT_PAIR):
        voice = replace(voice, surround=None)
    if stereo and stereo.is_silent:
        if voice.is_spare:
            return None
        if voice.otherwise:
            voice = replace(voice, stereo=voice.otherwise)
    return voice


def _groups(tracks: Sequence[AudioSource]) -> list[list[AudioSource]]:
    """Single channels that differ in nothing but their place belong together."""
    groups: dict[object, list[AudioSource]] = {}
    for track in tracks:
        kind = (track.language, track.label, track.is_commentary, track.is_descriptive)
        alike = (*kind, track.codec, track.sample_rate_hz)
        groups.setdefault(alike if track.channels == 1 else track.index, []).append(track)
    return list(groups.values())


def _voices(group: Sequence[AudioSource]) -> Iterator[Voice]:
    first = group[0]
    known = positions(first.layout, first.channels) if len(group) == 1 else ()
    if not known:
        yield from _by_convention(group)
        return
    yield Voice(
        source=first,
        stereo=_mix(group, to_stereo(known), is_mono=known == _ONE),
        surround=_mix(group, to_surround(known)) if is_surround(known) else None,
        label=first.label,
    )


def _by_convention(group: Sequence[AudioSource]) -> Iterator[Voice]:
    """`group` is several tracks of one channel, or one track without a layout."""
    width = sum(track.channels for track in group)
    source = replace(group[0], is_default=any(track.is_default for track in group))
    for number, columns in enumerate(_cut(width)):
        matrix = to_stereo(
            SURROUND if len(columns) >= len(SURROUND) else _PAIR if len(columns) == 2 else _ONE
        )
        down = _heard(group, matrix, columns[: len(SURROUND)], is_mono=len(columns) == 1)
        voice = Voice(source=source, stereo=down, label=source.label)
        if len(columns) >= len(SURROUND):
            surround = _heard(group, to_surround(SURROUND), columns[: len(SURROUND)])
            voice = replace(voice, surround=surround)
        if len(columns) > len(SURROUND):
            own = _heard(group, to_stereo(_PAIR), columns[len(SURROUND) :])
            voice = replace(voice, stereo=own, otherwise=down)
        if number:
            first, last = columns[0] + 1, columns[-1] + 1
            name = f"Channels {first}+{last}" if last > first else f"Channel {first}"
            label = f"{source.label} ({name})" if source.label else name
            voice = replace(voice, source=replace(source, is_default=False), is_spare=True, label=label)
        yield voice


def _cut(width: int) -> list[range]:
    """The first six or eight channels together, the others in pairs."""
    first = 8 if width >= 8 else 6 if width >= 6 else min(2, width)
    edges = [0, *range(first, width, 2), width]
    return [range(start, end) for start, end in pairwise(edges)]


def _heard(group: Sequence[AudioSource], matrix: Matrix, columns: range, is_mono: bool = False) -> Mix:
    """Of several tracks only those are read that are heard."""
    if len(group) == 1:
        return _mix(group, picked(matrix, columns, group[0].channels), is_mono)
    return _mix([group[column] for column in columns], matrix, is_mono)


def _mix(group: Sequence[AudioSource], matrix: Matrix, is_mono: bool = False) -> Mix:
    return Mix(
        tracks=tuple(track.index for track in group),
        sample_rate_hz=max(track.sample_rate_hz for track in group),
        matrix=matrix,
        is_mono=is_mono,
    )
