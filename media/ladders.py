"""The ladders of a presentation: rungs of one codec and one dynamic range, among which a player switches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from media.manifest import split_codecs
from media.presentation import Track
from media.rendition import VideoRendition

# Some players stay with the codec that they meet first, and every one of them plays H.264.
_FAMILIES = {
    "avc1": 0, "avc3": 0, "hvc1": 1, "hev1": 1, "dvh1": 2, "dvhe": 2, "av01": 3, "dav1": 4, "vp09": 5,
    "vp9": 5,
}  # fmt: skip
_EFFICIENCY = {"av01": 3, "dav1": 3, "hvc1": 2, "hev1": 2, "dvh1": 2, "dvhe": 2, "vp09": 1, "vp9": 1}
_RANGES = {"SDR": 0, "HLG": 1, "PQ": 2}


Ladder = list[Track[VideoRendition]]


def ladders(video: Iterable[Track[VideoRendition]]) -> list[Ladder]:
    """SDR before HDR, H.264 before the rest; within a ladder the order stays."""
    found: dict[tuple[int, int, str], list[Track[VideoRendition]]] = {}
    for track in video:
        found.setdefault(_kind(track.rendition), []).append(track)
    return [found[kind] for kind in sorted(found)]


def in_ladders(video: Iterable[Track[VideoRendition]]) -> list[Track[VideoRendition]]:
    """One ladder after another."""
    return [track for ladder in ladders(video) for track in ladder]


def preferences(video: Sequence[Ladder]) -> list[int]:
    """Of each ladder a rank from 1 on: HDR is above SDR, and fewer bits for the same picture above more."""
    order = sorted(range(len(video)), key=lambda number: _preference(video[number][0].rendition))
    return [order.index(number) + 1 for number in range(len(video))]


def _preference(rung: VideoRendition) -> tuple[bool, int]:
    return rung.video_range != "SDR", _EFFICIENCY.get(_entry(rung), 0)


def _entry(rung: VideoRendition) -> str:
    return split_codecs(rung.codecs)[0].partition(",")[0].partition(".")[0]


def _kind(rung: VideoRendition) -> tuple[int, int, str]:
    entry = _entry(rung)
    family = _FAMILIES.get(entry)
    is_range = _RANGES.get(rung.video_range, len(_RANGES))
    return (is_range, len(_FAMILIES), entry) if family is None else (is_range, family, "")
