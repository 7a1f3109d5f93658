"""Read DASH manifests, our own and other people's (ISO/IEC 23009-1): with its writer, the door to lxml.

One period is read, addressed by templates or lists; text also as one file, thumbnails as sheets of tiles.
What a manifest does not say of a rendition is 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from fractions import Fraction
from typing import TypeVar

from lxml import etree

from media.dash_protection import protection_of
from media.dash_representation import Representation, children, described
from media.dash_writer import TEXT_TYPE, write_mpd
from media.ladders import in_ladders
from media.manifest import ManifestError, first_line
from media.presentation import Presentation, Track
from media.rendition import (
    AnyRendition,
    AudioRendition,
    ImageRendition,
    TextRendition,
)
from media.timeline import Segment, Timeline

__all__ = ["ManifestError", "read_mpd", "write_mpd"]

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_TRICK_MODE = "http://dashif.org/guidelines/trickmode"
Kind = TypeVar("Kind", bound=AnyRendition)


def read_mpd(text: str, uri: str) -> Presentation:
    """Read what `uri` answered; addresses come out absolute. Raises ManifestError."""
    mpd = _parse(text, uri)
    with _reading(uri):
        periods = children(mpd, "Period")
        if len(periods) != 1:
            raise ManifestError(f"{uri}: the manifest has {len(periods)} periods, one is read")
        period_s = _period_s(mpd, periods[0])
        found = [
            Representation((mpd, periods[0], adaptation_set, element), uri, period_s)
            for adaptation_set in children(periods[0], "AdaptationSet")
            for element in children(adaptation_set, "Representation")
            if described(adaptation_set, "EssentialProperty", _TRICK_MODE) is None
        ]
        video = [_track(each, each.rung()) for each in found if each.kind == "video"]
        audio = [_track(each, each.sound()) for each in found if each.kind == "audio"]
        if not video and not audio:
            raise ManifestError(f"{uri}: the manifest has neither video nor audio")
        video.sort(key=lambda track: (track.rendition.peak_bps, track.rendition.height_px))
        is_live = mpd.get("type") == "dynamic"
        return Presentation(
            video=tuple(in_ladders(video)),
            audio=_with_default(audio),
            text=tuple(_beside(_text, found)),
            images=tuple(_beside(_images, found)),
            is_live=is_live,
        )


def _track(representation: Representation, rendition: Kind) -> Track[Kind]:
    addressing = representation.addressing()
    try:
        return Track(
            rendition=rendition,
            init=addressing.init(),
            timeline=addressing.timeline(),
            protection=protection_of(representation.levels[2:]),
        )
    except KeyError as error:
        raise ValueError(f"representation {rendition.name} has no {error.args[0]!r}") from None
    except (ArithmeticError, ValueError) as error:
        raise ValueError(f"representation {rendition.name}: {error}") from None


def _beside(
    read: Callable[[Representation], Track[Kind] | None], found: Iterable[Representation]
) -> Iterator[Track[Kind]]:
    """Text and thumbnails that cannot be read are passed by: the picture plays without them."""
    for representation in found:
        with suppress(ArithmeticError, LookupError, ValueError):
            if track := read(representation):
                yield track


def _text(representation: Representation) -> Track[TextRendition] | None:
    """Segments, or one file of WebVTT."""
    if representation.kind != "text":
        return None
    rendition = representation.text()
    if representation.has_addressing:
        return _track(representation, rendition)
    uri, duration = representation.file(), representation.period_s
    if representation.says("mimeType") != TEXT_TYPE or not uri or not duration:
        return None
    whole = Segment(number=1, start_ticks=0, duration_ticks=duration.numerator, uri=uri)
    return Track(
        rendition=rendition, init=None, timeline=Timeline(timescale=duration.denominator, segments=(whole,))
    )


def _images(representation: Representation) -> Track[ImageRendition] | None:
    """Sheets of tiles at even intervals."""
    if representation.kind != "image":
        return None
    attributes = representation.addressing().attributes
    sheet = Fraction(int(attributes["duration"]), int(attributes.get("timescale", "1")))
    return _track(representation, representation.image(sheet))


def _with_default(audio: Sequence[Track[AudioRendition]]) -> tuple[Track[AudioRendition], ...]:
    """Where no set says that it is the main one, the first is."""
    if not audio or any(track.rendition.is_default for track in audio):
        return tuple(audio)
    return (replace(audio[0], rendition=replace(audio[0].rendition, is_default=True)), *audio[1:])


@contextmanager
def _reading(uri: str) -> Iterator[None]:
    """Whatever a conversion trips over becomes one line."""
    try:
        yield
    except ManifestError:
        raise
    except (ArithmeticError, LookupError, ValueError) as error:
        raise ManifestError(f"{uri}: not a manifest as ISO/IEC 23009-1 has it: {error}") from None


def _parse(text: str, uri: str) -> etree._Element:
    """No document type, so no entities; nothing is fetched."""
    if "<!DOCTYPE" in text or not text.strip():
        raise ManifestError(f"{uri}: not a DASH manifest: it begins with {first_line(text)}")
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        mpd = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise ManifestError(f"{uri}: not a DASH manifest: {error.msg}") from None
    if etree.QName(mpd).localname != "MPD":
        raise ManifestError(
            f"{uri}: not a DASH manifest: its root is {etree.QName(mpd).localname!r}, not 'MPD'"
        )
    return mpd


def _period_s(mpd: etree._Element, period: etree._Element) -> Fraction | None:
    if duration := period.get("duration"):
        return _seconds(duration)
    if duration := mpd.get("mediaPresentationDuration"):
        return _seconds(duration) - _seconds(period.get("start", "PT0S"))
    return None


def _seconds(text: str) -> Fraction:
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a duration in days, hours, minutes and seconds")
    days, hours, minutes, seconds = (Fraction(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
