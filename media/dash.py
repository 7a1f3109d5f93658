"""Read DASH manifests, our own and other people's (ISO/IEC 23009-1): with its writer, the door to lxml.

One period is read, addressed by templates or lists. What a manifest does not say of a rendition is 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar
from urllib.parse import urljoin

from lxml import etree

from media.codec_strings import CHANNELS
from media.dash_addressing import Addressing
from media.dash_writer import ROLE_SCHEME, TRANSFER_SCHEME, TRANSFERS, write_mpd
from media.manifest import ManifestError, first_line, frame_rate_of, split_codecs
from media.presentation import Presentation, Track
from media.rendition import AudioRendition, Rendition, VideoRendition

__all__ = ["ManifestError", "read_mpd", "write_mpd"]

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_TRICK_MODE = "http://dashif.org/guidelines/trickmode"
_CHANNEL_SCHEMES = (
    "urn:mpeg:dash:23003:3:audio_channel_configuration:2011",
    "urn:mpeg:mpegB:cicp:ChannelConfiguration",
)
Kind = TypeVar("Kind", bound=Rendition)


def read_mpd(text: str, uri: str) -> Presentation:
    """Read what `uri` answered; addresses come out absolute. Raises ManifestError."""
    mpd = _parse(text, uri)
    with _reading(uri):
        periods = _children(mpd, "Period")
        if len(periods) != 1:
            raise ManifestError(f"{uri}: the manifest has {len(periods)} periods, one is read")
        period_s = _period_s(mpd, periods[0])
        found = [
            _Representation((mpd, periods[0], adaptation_set, element), uri, period_s)
            for adaptation_set in _children(periods[0], "AdaptationSet")
            for element in _children(adaptation_set, "Representation")
            if _described(adaptation_set, "EssentialProperty", _TRICK_MODE) is None
        ]
        video = [_track(each, each.rung()) for each in found if each.kind == "video"]
        audio = [_track(each, each.sound()) for each in found if each.kind == "audio"]
        if not video and not audio:
            raise ManifestError(f"{uri}: the manifest has neither video nor audio")
        video.sort(key=lambda track: (track.rendition.peak_bps, track.rendition.height_px))
        is_live = mpd.get("type") == "dynamic"
        return Presentation(video=tuple(video), audio=_with_default(audio), is_live=is_live)


@dataclass(frozen=True, slots=True)
class _Representation:
    """A representation among the elements that it inherits from: MPD, period, adaptation set, itself."""

    levels: tuple[etree._Element, ...]
    uri: str
    period_s: Fraction | None

    def says(self, attribute: str, default: str = "") -> str:
        """The attribute where it stands nearest."""
        values = (level.get(attribute) for level in reversed(self.levels[2:]))
        return next((value for value in values if value is not None), default)

    @property
    def name(self) -> str:
        return self.says("id")

    @property
    def kind(self) -> str:
        """ "video", "audio", or what else the manifest holds."""
        video, audio = split_codecs(self.says("codecs"))
        by_codecs = "video" if video else "audio" if audio else ""
        return self.says("contentType") or self.says("mimeType").partition("/")[0] or by_codecs

    def rung(self) -> VideoRendition:
        peak_bps = int(self.says("bandwidth", "0"))
        return VideoRendition(
            name=self.name,
            codecs=self.says("codecs"),
            average_bps=peak_bps,
            peak_bps=peak_bps,
            width_px=int(self.says("width", "0")),
            height_px=int(self.says("height", "0")),
            frame_rate=frame_rate_of(self.says("frameRate", "0")),
            video_range=self._video_range(),
        )

    def sound(self) -> AudioRendition:
        peak_bps = int(self.says("bandwidth", "0"))
        labels = [label.text or "" for level in self.levels[2:] for label in _children(level, "Label")]
        return AudioRendition(
            name=self.name,
            codecs=self.says("codecs"),
            average_bps=peak_bps,
            peak_bps=peak_bps,
            sample_rate_hz=int(self.says("audioSamplingRate", "0").split()[-1]),
            channels=self._channels(),
            language=self.says("lang", "und"),
            label=labels[0] if labels else "",
            is_default=_described(self.levels[2], "Role", ROLE_SCHEME) == "main",
        )

    def addressing(self) -> Addressing:
        for kind in ("SegmentTemplate", "SegmentList"):
            if found := [element for level in self.levels[1:] for element in _children(level, kind)]:
                return self._inherited(found)
        raise ManifestError(
            f"{self.uri}: representation {self.name} is one file with an index of its own; "
            "only SegmentTemplate and SegmentList are read"
        )

    def _inherited(self, found: Sequence[etree._Element]) -> Addressing:
        """The inner element adds to the outer one and comes before it."""
        attributes: dict[str, str] = {}
        for element in found:
            attributes |= _attributes(element)
        timelines = [each for element in found for each in _children(element, "SegmentTimeline")]
        listed = [_attributes(each) for element in found for each in _children(element, "SegmentURL")]
        inits = [_attributes(each) for element in found for each in _children(element, "Initialization")]
        return Addressing(
            attributes=attributes,
            base_uri=self._base_uri(),
            representation_id=self.name,
            bandwidth=self.says("bandwidth"),
            period=self.period_s,
            runs=[_attributes(run) for run in _children(timelines[-1], "S")] if timelines else (),
            listed=listed,
            initialization=inits[-1] if inits else None,
        )

    def _base_uri(self) -> str:
        base = self.uri
        for level in self.levels:
            for element in _children(level, "BaseURL")[:1]:
                base = urljoin(base, (element.text or "").strip())
        return base

    def _video_range(self) -> str:
        transfers = {value: name for name, value in TRANSFERS.items()}
        for level in self.levels[2:]:
            for kind in ("EssentialProperty", "SupplementalProperty"):
                value = _described(level, kind, TRANSFER_SCHEME)
                if value in transfers:
                    return transfers[value]
        return "SDR"

    def _channels(self) -> int:
        for level in reversed(self.levels[2:]):
            for scheme in _CHANNEL_SCHEMES:
                if value := _described(level, "AudioChannelConfiguration", scheme):
                    return CHANNELS.get(int(value), 0)
        return 0


def _track(representation: _Representation, rendition: Kind) -> Track[Kind]:
    addressing = representation.addressing()
    try:
        return Track(rendition=rendition, init=addressing.init(), timeline=addressing.timeline())
    except KeyError as error:
        raise ValueError(f"representation {rendition.name} has no {error.args[0]!r}") from None
    except (ArithmeticError, ValueError) as error:
        raise ValueError(f"representation {rendition.name}: {error}") from None


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


def _children(element: etree._Element, name: str) -> list[etree._Element]:
    """By local name: some write an older namespace, or none."""
    return [child for child in element if etree.QName(child).localname == name]


def _attributes(element: etree._Element) -> dict[str, str]:
    return {str(name): str(value) for name, value in element.attrib.items()}


def _described(element: etree._Element, kind: str, scheme: str) -> str | None:
    """The value of the first descriptor of that kind and scheme (5.8.2)."""
    values = (d.get("value", "") for d in _children(element, kind) if d.get("schemeIdUri") == scheme)
    return next(values, None)


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
