"""Audio groups of an HLS presentation (RFC 8216, 4.3.4.1.1): one for each codec and number of channels.

Every variant is listed once with each group, so all groups offer the same to a listener: who is not there in
5.1 is there in stereo.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from media.hls_media_writer import playlist_of
from media.hls_tags import Attributes, quoted, yes
from media.rendition import AudioRendition

DESCRIBES_VIDEO = "public.accessibility.describes-video"
AUXILIARY = "public.auxiliary-content"  # Apple's AVMediaCharacteristic.isAuxiliaryContent: commentary
_LONE = "audio"  # the name of a group that is the only one
_FAMILIES = {"mp4a": "aac"}
_PLACES = {6: "51", 8: "71"}
_Audience = tuple[str, str, bool, bool, int]


@dataclass(frozen=True, slots=True)
class AudioGroup:
    """Its members by their NAME, which each has in every group."""

    name: str
    members: tuple[tuple[str, AudioRendition], ...]

    @property
    def renditions(self) -> list[AudioRendition]:
        return [rendition for _, rendition in self.members]


def audio_groups(renditions: Sequence[AudioRendition]) -> list[AudioGroup]:
    """In the order of the renditions; the first of a group says what codec and how many channels it has."""
    found: dict[str, dict[_Audience, AudioRendition]] = {}
    for rendition in renditions:
        group = found.setdefault(_group_of(rendition), {})
        group[_audience(rendition, group)] = rendition
    first: dict[_Audience, AudioRendition] = {}
    for group in found.values():
        for audience, rendition in group.items():
            first.setdefault(audience, rendition)
    names = _names(first)
    groups: dict[frozenset[str], AudioGroup] = {}
    for name, group in found.items():
        whole = {a: group.get(a) or _stand_in(a, name, found, rendition) for a, rendition in first.items()}
        members = tuple((names[audience], rendition) for audience, rendition in whole.items())
        groups.setdefault(frozenset(r.name for r in whole.values()), AudioGroup(name, members))
    if len(groups) == 1:
        return [AudioGroup(_LONE, group.members) for group in groups.values()]
    return list(groups.values())


def media_of(group: AudioGroup) -> Iterator[Attributes]:
    """In a group one is the default, one of each language and kind may be chosen unasked."""
    renditions = group.renditions
    default = next((each for each in renditions if each.is_default), None)
    for name, rendition in group.members:
        is_default = rendition is default
        is_first = rendition is next(each for each in renditions if _kind(each) == _kind(rendition))
        attributes = {
            "TYPE": "AUDIO",
            "GROUP-ID": quoted(group.name),
            "NAME": quoted(name),
            "LANGUAGE": quoted(rendition.language),
            "DEFAULT": yes(is_default),
            "AUTOSELECT": yes(is_default or (is_first and not rendition.is_commentary)),
        }
        if characteristics := _characteristics(rendition):
            attributes["CHARACTERISTICS"] = quoted(characteristics)
        if rendition.channels:
            attributes["CHANNELS"] = quoted(str(rendition.channels))
        yield attributes | {"URI": quoted(playlist_of(rendition))}


def _group_of(rendition: AudioRendition) -> str:
    family = rendition.codecs.partition(".")[0]
    channels = rendition.channels
    places = "stereo" if channels <= 2 else _PLACES.get(channels, f"{channels}ch")
    return f"{_FAMILIES.get(family, family)}-{places}"


def _audience(rendition: AudioRendition, group: dict[_Audience, AudioRendition]) -> _Audience:
    """Who it is for; several that are for the same are told apart by their order."""
    kind = (rendition.language, rendition.label, rendition.is_commentary, rendition.is_descriptive)
    return (*kind, sum(audience[:4] == kind for audience in group))


def _stand_in(
    audience: _Audience,
    group: str,
    found: dict[str, dict[_Audience, AudioRendition]],
    first: AudioRendition,
) -> AudioRendition:
    """The same codec with other channels, or else the first there is."""
    family = group.rpartition("-")[0]
    alike = [
        each[audience]
        for name, each in found.items()
        if name.rpartition("-")[0] == family and audience in each
    ]
    return next(iter(alike), first)


def _names(first: dict[_Audience, AudioRendition]) -> dict[_Audience, str]:
    plain = {audience: rendition.label or rendition.language for audience, rendition in first.items()}
    count = Counter(plain.values())
    return {a: f"{name} ({first[a].name})" if count[name] > 1 else name for a, name in plain.items()}


def _kind(rendition: AudioRendition) -> tuple[str, bool, bool]:
    return rendition.language, rendition.is_commentary, rendition.is_descriptive


def _characteristics(rendition: AudioRendition) -> str:
    each = [DESCRIBES_VIDEO] * rendition.is_descriptive + [AUXILIARY] * rendition.is_commentary
    return ",".join(each)
