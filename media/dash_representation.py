"""One representation of a DASH manifest among the elements that it inherits from (ISO/IEC 23009-1, 5.3.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from urllib.parse import urljoin

from lxml import etree

from media.codec_strings import CHANNELS
from media.dash_addressing import Addressing
from media.dash_writer import (
    ACCESSIBILITY_SCHEME,
    COMMENTARY,
    FORCED,
    HARD_OF_HEARING,
    ROLE_SCHEME,
    TILES_SCHEME,
    TRANSFER_SCHEME,
    TRANSFERS,
    VISUALLY_IMPAIRED,
)
from media.manifest import ManifestError, frame_rate_of, split_codecs
from media.rendition import AudioRendition, ImageRendition, TextRendition, VideoRendition

_CHANNEL_SCHEMES = (
    "urn:mpeg:dash:23003:3:audio_channel_configuration:2011",
    "urn:mpeg:mpegB:cicp:ChannelConfiguration",
)


@dataclass(frozen=True, slots=True)
class Representation:
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
        roles = all_described(self.levels[2], "Role", ROLE_SCHEME)
        seen = all_described(self.levels[2], "Accessibility", ACCESSIBILITY_SCHEME)
        return AudioRendition(
            name=self.name,
            codecs=self.says("codecs"),
            average_bps=peak_bps,
            peak_bps=peak_bps,
            sample_rate_hz=int(self.says("audioSamplingRate", "0").split()[-1]),
            channels=self._channels(),
            language=self.says("lang", "und"),
            label=self._label(),
            is_default="main" in roles,
            is_commentary=COMMENTARY in roles,
            is_descriptive="description" in roles or VISUALLY_IMPAIRED in seen,
        )

    def text(self) -> TextRendition:
        peak_bps = int(self.says("bandwidth", "0"))
        roles = all_described(self.levels[2], "Role", ROLE_SCHEME)
        heard = all_described(self.levels[2], "Accessibility", ACCESSIBILITY_SCHEME)
        return TextRendition(
            name=self.name,
            average_bps=peak_bps,
            peak_bps=peak_bps,
            language=self.says("lang", "und"),
            label=self._label(),
            is_default="main" in roles,
            is_forced=bool({FORCED, "forced_subtitle"} & set(roles)),
            is_sdh="caption" in roles or HARD_OF_HEARING in heard,
        )

    def image(self, sheet: Fraction) -> ImageRendition:
        """`sheet` is how long one lasts, in seconds; the size that stands there is that of a sheet."""
        peak_bps = int(self.says("bandwidth", "0"))
        columns, _, rows = self._tiles().partition("x")
        return ImageRendition(
            name=self.name,
            average_bps=peak_bps,
            peak_bps=peak_bps,
            width_px=int(self.says("width", "0")) // int(columns),
            height_px=int(self.says("height", "0")) // int(rows),
            columns=int(columns),
            rows=int(rows),
            interval=sheet / int(columns) / int(rows),
        )

    def file(self) -> str | None:
        """The address, if the representation is one file."""
        named = [element for level in self.levels[2:] for element in children(level, "BaseURL")]
        return self._base_uri() if named else None

    @property
    def has_addressing(self) -> bool:
        kinds = ("SegmentTemplate", "SegmentList")
        return any(children(level, kind) for level in self.levels[1:] for kind in kinds)

    def _label(self) -> str:
        labels = [label.text or "" for level in self.levels[2:] for label in children(level, "Label")]
        return labels[0] if labels else ""

    def _tiles(self) -> str:
        """Columns and rows; one thumbnail for each address if nothing is said."""
        kinds = ("EssentialProperty", "SupplementalProperty")
        found = (described(level, kind, TILES_SCHEME) for level in self.levels[2:] for kind in kinds)
        return next((value for value in found if value), "1x1").lower()

    def addressing(self) -> Addressing:
        for kind in ("SegmentTemplate", "SegmentList"):
            if found := [element for level in self.levels[1:] for element in children(level, kind)]:
                return self._inherited(found)
        raise ManifestError(
            f"{self.uri}: representation {self.name} is one file with an index of its own; "
            "only SegmentTemplate and SegmentList are read"
        )

    def _inherited(self, found: Sequence[etree._Element]) -> Addressing:
        """The inner element adds to the outer one and comes before it."""
        attributes: dict[str, str] = {}
        for element in found:
            attributes |= attributes_of(element)
        timelines = [each for element in found for each in children(element, "SegmentTimeline")]
        listed = [attributes_of(each) for element in found for each in children(element, "SegmentURL")]
        inits = [attributes_of(each) for element in found for each in children(element, "Initialization")]
        return Addressing(
            attributes=attributes,
            base_uri=self._base_uri(),
            representation_id=self.name,
            bandwidth=self.says("bandwidth"),
            period=self.period_s,
            runs=[attributes_of(run) for run in children(timelines[-1], "S")] if timelines else (),
            listed=listed,
            initialization=inits[-1] if inits else None,
        )

    def _base_uri(self) -> str:
        base = self.uri
        for level in self.levels:
            for element in children(level, "BaseURL")[:1]:
                base = urljoin(base, (element.text or "").strip())
        return base

    def _video_range(self) -> str:
        transfers = {value: name for name, value in TRANSFERS.items()}
        for level in self.levels[2:]:
            for kind in ("EssentialProperty", "SupplementalProperty"):
                value = described(level, kind, TRANSFER_SCHEME)
                if value in transfers:
                    return transfers[value]
        return "SDR"

    def _channels(self) -> int:
        for level in reversed(self.levels[2:]):
            for scheme in _CHANNEL_SCHEMES:
                if value := described(level, "AudioChannelConfiguration", scheme):
                    return CHANNELS.get(int(value), 0)
        return 0


def children(element: etree._Element, name: str) -> list[etree._Element]:
    """By local name: some write an older namespace, or none."""
    return [child for child in element if etree.QName(child).localname == name]


def attributes_of(element: etree._Element) -> dict[str, str]:
    return {str(name): str(value) for name, value in element.attrib.items()}


def described(element: etree._Element, kind: str, scheme: str) -> str | None:
    """The value of the first descriptor of that kind and scheme (5.8.2)."""
    return next(iter(all_described(element, kind, scheme)), None)


def all_described(element: etree._Element, kind: str, scheme: str) -> list[str]:
    return [d.get("value", "") for d in children(element, kind) if d.get("schemeIdUri") == scheme]
