"""Channel layouts, and the matrices that bring any of them to 5.1 and to stereo.

Stereo is ITU-R BS.775-4, annex 4: centre and surrounds at -3 dB, no low-frequency effects. What has more
channels than 5.1 goes through 5.1: a channel between two others is shared among them at equal power.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

Matrix = tuple[tuple[float, ...], ...]  # a row to each channel that comes out, a column to each that goes in

SURROUND = ("FL", "FR", "FC", "LFE", "BL", "BR")  # 5.1 in FFmpeg's order: channel configuration 6 of AAC
_HALF_POWER = 0.5**0.5

_LAYOUTS = {
    name: tuple(channels.split("+"))
    for name, channels in (
        line.split()
        for line in """
        mono FC
        stereo FL+FR
        2.1 FL+FR+LFE
        3.0 FL+FR+FC
        3.0(back) FL+FR+BC
        4.0 FL+FR+FC+BC
        quad FL+FR+BL+BR
        quad(side) FL+FR+SL+SR
        3.1 FL+FR+FC+LFE
        5.0 FL+FR+FC+BL+BR
        5.0(side) FL+FR+FC+SL+SR
        4.1 FL+FR+FC+LFE+BC
        5.1 FL+FR+FC+LFE+BL+BR
        5.1(side) FL+FR+FC+LFE+SL+SR
        6.0 FL+FR+FC+BC+SL+SR
        6.0(front) FL+FR+FLC+FRC+SL+SR
        3.1.2 FL+FR+FC+LFE+TFL+TFR
        hexagonal FL+FR+FC+BL+BR+BC
        6.1 FL+FR+FC+LFE+BC+SL+SR
        6.1(back) FL+FR+FC+LFE+BL+BR+BC
        6.1(front) FL+FR+LFE+FLC+FRC+SL+SR
        7.0 FL+FR+FC+BL+BR+SL+SR
        7.0(front) FL+FR+FC+FLC+FRC+SL+SR
        7.1 FL+FR+FC+LFE+BL+BR+SL+SR
        7.1(wide) FL+FR+FC+LFE+BL+BR+FLC+FRC
        7.1(wide-side) FL+FR+FC+LFE+FLC+FRC+SL+SR
        5.1.2 FL+FR+FC+LFE+SL+SR+TFL+TFR
        5.1.2(back) FL+FR+FC+LFE+BL+BR+TFL+TFR
        octagonal FL+FR+FC+BL+BR+BC+SL+SR
        cube FL+FR+BL+BR+TFL+TFR+TBL+TBR
        5.1.4 FL+FR+FC+LFE+SL+SR+TFL+TFR+TBL+TBR
        7.1.2 FL+FR+FC+LFE+BL+BR+SL+SR+TFL+TFR
        7.1.4 FL+FR+FC+LFE+BL+BR+SL+SR+TFL+TFR+TBL+TBR
        7.2.3 FL+FR+FC+LFE+BL+BR+SL+SR+TFL+TFR+TBC+LFE2
        9.1.4 FL+FR+FC+LFE+BL+BR+FLC+FRC+SL+SR+TFL+TFR+TBL+TBR
        9.1.6 FL+FR+FC+LFE+BL+BR+FLC+FRC+SL+SR+TFL+TFR+TBL+TBR+TSL+TSR
        hexadecagonal FL+FR+FC+BL+BR+BC+SL+SR+TFL+TFC+TFR+TBL+TBC+TBR+WL+WR
        binaural BIL+BIR
        downmix DL+DR
        22.2 FL+FR+FC+LFE+BL+BR+FLC+FRC+BC+SL+SR+TC+TFL+TFC+TFR+TBL+TBC+TBR+LFE2+TSL+TSR+BFC+BFL+BFR
        """.strip().splitlines()
    )
}
_NAMED = re.compile(r"\d+ channels \(([A-Z0-9+]+)\)")  # a mix of channels that has no name of its own

# Where a channel goes in 5.1, and at what share of it.
_PLACES: dict[str, dict[str, float]] = {
    **{name: {name: 1.0} for name in SURROUND},
    **{name: {"FL": 1.0} for name in ("DL", "BIL")},
    **{name: {"FR": 1.0} for name in ("DR", "BIR")},
    **{name: {"BL": 1.0} for name in ("SL", "SDL", "SSL")},
    **{name: {"BR": 1.0} for name in ("SR", "SDR", "SSR")},
    "LFE2": {"LFE": 1.0},
    "FLC": {"FL": _HALF_POWER, "FC": _HALF_POWER},
    "FRC": {"FR": _HALF_POWER, "FC": _HALF_POWER},
    "WL": {"FL": _HALF_POWER, "BL": _HALF_POWER},
    "WR": {"FR": _HALF_POWER, "BR": _HALF_POWER},
    "BC": {"BL": _HALF_POWER, "BR": _HALF_POWER},
    # Above and below the ear: into the ring, at -3 dB.
    **{name: {"FL": _HALF_POWER} for name in ("TFL", "BFL")},
    **{name: {"FR": _HALF_POWER} for name in ("TFR", "BFR")},
    **{name: {"FC": _HALF_POWER} for name in ("TFC", "BFC")},
    **{name: {"BL": _HALF_POWER} for name in ("TBL", "TSL", "TTL")},
    **{name: {"BR": _HALF_POWER} for name in ("TBR", "TSR", "TTR")},
    "TBC": {"BL": 0.5, "BR": 0.5},
    "TC": dict.fromkeys(("FL", "FR", "BL", "BR"), _HALF_POWER / 2),
}
_DOWN: Matrix = (  # from 5.1
    (1, 0, _HALF_POWER, 0, _HALF_POWER, 0),
    (0, 1, _HALF_POWER, 0, 0, _HALF_POWER),
)


def positions(layout: str, channels: int) -> tuple[str, ...]:
    """The channels of a layout in their order; empty if it is unknown, or not one of places (ambisonics)."""
    named = _NAMED.fullmatch(layout)
    found = tuple(named[1].split("+")) if named else _LAYOUTS.get(layout, ())
    return found if len(found) == channels and _PLACES.keys() >= set(found) else ()


def to_surround(channels: Sequence[str]) -> Matrix:
    """A matrix to 5.1, which may leave channels empty."""
    rows = [[_PLACES[channel].get(place, 0.0) for channel in channels] for place in SURROUND]
    for place, own in (("BL", "SL"), ("BR", "SR")):
        if place in channels and own in channels:  # 7.1: two of equal rank share a place
            row = rows[SURROUND.index(place)]
            for name in (place, own):
                row[channels.index(name)] = _HALF_POWER
    return _bounded(rows)


def to_stereo(channels: Sequence[str]) -> Matrix:
    """One channel goes to both sides whole."""
    if len(channels) == 1:
        return ((1.0,), (1.0,))
    surround = to_surround(channels)
    return _bounded(
        [
            [
                sum(share * row[n] for share, row in zip(down, surround, strict=True))
                for n, _ in enumerate(channels)
            ]
            for down in _DOWN
        ]
    )


def is_surround(channels: Sequence[str]) -> bool:
    """Five channels around the ear; many a film has nothing for the sixth."""
    places = dict(zip(SURROUND, to_surround(channels), strict=True)) if channels else {}
    return bool(places) and all(any(row) for place, row in places.items() if place != "LFE")


def picked(matrix: Matrix, columns: Iterable[int], width: int) -> Matrix:
    """The matrix for the channels at `columns` of `width`; the others are not heard."""
    at = {column: n for n, column in enumerate(columns)}
    return tuple(tuple(row[at[n]] if n in at else 0.0 for n in range(width)) for row in matrix)


def _bounded(rows: Sequence[Sequence[float]]) -> Matrix:
    """Turned down as far as it takes that full scale on every channel does not clip."""
    most = max((sum(row) for row in rows), default=0.0)
    scale = 1 / most if most > 1 else 1.0
    return tuple(tuple(round(share * scale, 6) for share in row) for row in rows)
