"""The DASH manifest of a finished presentation (ISO/IEC 23009-1), over the segments that HLS uses too.

It says what the library's layout is: `<name>/init.mp4` and `<name>/<number>.m4s`, durations exact in ticks;
subtitles are one WebVTT file each, thumbnails are sheets of tiles (DASH-IF IOP 4.3, 6.2.6).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import groupby

from lxml import etree

from media.codec_strings import CHANNELS
from media.dash_protection import protect_alone, protect_set
from media.ladders import ladders, preferences
from media.manifest import ManifestError, printable
from media.presentation import Presentation, Track, boundaries
from media.rendition import (
    AnyRendition,
    AudioRendition,
    ImageRendition,
    Rendition,
    TextRendition,
    VideoRendition,
)
from media.timeline import Timeline

NAMESPACE = "urn:mpeg:dash:schema:mpd:2011"
TRANSFER_SCHEME = "urn:mpeg:mpegB:cicp:TransferCharacteristics"
TRANSFERS = {"PQ": "16", "HLG": "18"}  # ISO/IEC 23091-2, table 3
PRIMARIES_SCHEME, MATRIX_SCHEME = (
    "urn:mpeg:mpegB:cicp:ColourPrimaries",
    "urn:mpeg:mpegB:cicp:MatrixCoefficients",
)
_BT2020 = "9"  # in both tables
COLOURS = {  # what HDR is made of (ETSI TS 103 285, 5.2.6)
    video_range: {PRIMARIES_SCHEME: _BT2020, MATRIX_SCHEME: _BT2020, TRANSFER_SCHEME: transfer}
    for video_range, transfer in TRANSFERS.items()
}
CHANNELS_SCHEME = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"
ROLE_SCHEME = "urn:mpeg:dash:role:2011"
TEXT_TYPE = "text/vtt"
TILES_SCHEME = "http://dashif.org/guidelines/thumbnail_tile"
ACCESSIBILITY_SCHEME = "urn:tva:metadata:cs:AudioPurposeCS:2007"
VISUALLY_IMPAIRED, HARD_OF_HEARING = "1", "2"  # of that scheme (ETSI TS 102 822-3-1, A.13)
FORCED, COMMENTARY = "forced-subtitle", "commentary"
_PROFILES = "urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019"
_CONFIGURATIONS = {channels: index for index, channels in reversed(CHANNELS.items())}


def write_mpd(presentation: Presentation, base_url: str = "") -> str:
    """One adaptation set for the picture, one for each audio track in each codec and number of channels,
    for each subtitle and size of thumbnails.

    I-frame tracks are left out: DASH has no way to ask for the front of a segment. Raises ManifestError.

    `base_url` is where the title's folder is; empty: where the manifest is.
    """
    for track in presentation.tracks:
        _refuse_other_layouts(track, "m4s")
        if track.protection and not track.protection.allows_dash:
            scheme = track.protection.scheme
            raise ManifestError(f"{track.rendition.name}: DASH knows no {scheme}; use cbcs or cenc")
    for images in presentation.images:
        _refuse_other_layouts(images, "jpg")
    longest = max(t.timeline.seconds(t.timeline.longest_ticks) for t in presentation.tracks)
    end = max(t.timeline.seconds(_end_ticks(t.timeline)) for t in presentation.tracks)
    mpd = etree.Element(
        "MPD",
        {
            "profiles": _PROFILES,
            "type": "static",
            "mediaPresentationDuration": _duration(end),
            "maxSegmentDuration": _duration(longest),
            "minBufferTime": _duration(longest),
        },
        nsmap={None: NAMESPACE},  # type: ignore[dict-item]  # the stub knows no default namespace
    )
    if base_url:
        etree.SubElement(mpd, "BaseURL").text = base_url
    period = etree.SubElement(mpd, "Period", id="0", start="PT0S")
    pictures = ladders(presentation.video)
    for ladder, rank in zip(pictures, preferences(pictures), strict=True):
        _add_video(period, ladder, priority=rank if len(pictures) > 1 else None)
    priorities = _priorities(presentation.audio)
    for tracks in _by_audience(presentation.audio):
        _add_audio(period, tracks, priorities.get(_kind(tracks[0].rendition)))
    for text in presentation.text:
        _add_text(period, text.rendition)
    for images in presentation.images:
        _add_images(period, images)
    return etree.tostring(mpd, pretty_print=True, xml_declaration=True, encoding="UTF-8").decode()


def _add_video(period: etree._Element, tracks: Sequence[Track[VideoRendition]], priority: int | None) -> None:
    """`priority`: of several sets with the same pictures, how much this one is to be preferred (5.3.3.2)."""
    adaptation_set = _add_set(period, "video", tracks)
    adaptation_set.set("maxWidth", str(max(track.rendition.width_px for track in tracks)))
    adaptation_set.set("maxHeight", str(max(track.rendition.height_px for track in tracks)))
    if colour := COLOURS.get(tracks[0].rendition.video_range):
        # Essential: who cannot show it must not play it, for it would look washed out.
        for scheme, value in colour.items():
            _describe(adaptation_set, "EssentialProperty", scheme, value)
    if priority:
        adaptation_set.set("selectionPriority", str(priority))
        _describe(adaptation_set, "Role", ROLE_SCHEME, "main")
    for track in tracks:
        rung = track.rendition
        representation = _add_representation(adaptation_set, rung)
        representation.set("width", str(rung.width_px))
        representation.set("height", str(rung.height_px))
        if rung.frame_rate:
            representation.set("frameRate", str(rung.frame_rate))
        _add_template(representation, track)


def _add_audio(period: etree._Element, tracks: Sequence[Track[AudioRendition]], priority: int | None) -> None:
    """`priority`: of several sets with the same sound, how much this one is to be preferred (5.3.3.2)."""
    first = tracks[0].rendition
    adaptation_set = _add_set(period, "audio", tracks)
    if priority:
        adaptation_set.set("selectionPriority", str(priority))
    adaptation_set.set("lang", printable(first.language))
    if label := printable(first.label):
        etree.SubElement(adaptation_set, "Label").text = label
    if first.is_descriptive:
        _describe(adaptation_set, "Accessibility", ACCESSIBILITY_SCHEME, VISUALLY_IMPAIRED)
    for role in _roles(first):
        _describe(adaptation_set, "Role", ROLE_SCHEME, role)
    for track in tracks:
        sound = track.rendition
        representation = _add_representation(adaptation_set, sound)
        if sound.sample_rate_hz:
            representation.set("audioSamplingRate", str(sound.sample_rate_hz))
        if configuration := _CONFIGURATIONS.get(sound.channels):
            _describe(representation, "AudioChannelConfiguration", CHANNELS_SCHEME, str(configuration))
        _add_template(representation, track)


def _priorities(audio: Sequence[Track[AudioRendition]]) -> dict[tuple[str, int], int]:
    """As HLS has it, what is listed first is what everything plays, and not what has the most bits."""
    kinds = list(dict.fromkeys(_kind(track.rendition) for track in audio))
    return {kind: len(kinds) - number for number, kind in enumerate(kinds)} if len(kinds) > 1 else {}


def _kind(sound: AudioRendition) -> tuple[str, int]:
    return sound.codecs, sound.channels


def _roles(sound: AudioRendition) -> list[str]:
    own = [COMMENTARY] if sound.is_commentary else []
    return own + (["main"] if sound.is_default else [] if own else ["alternate"])


def _add_text(period: etree._Element, text: TextRendition) -> None:
    """One file: every player of DASH reads it, few read WebVTT in segments."""
    attributes = {"id": str(len(period)), "contentType": "text", "mimeType": TEXT_TYPE}
    adaptation_set = etree.SubElement(period, "AdaptationSet", attributes, lang=printable(text.language))
    if label := printable(text.label):
        etree.SubElement(adaptation_set, "Label").text = label
    if text.is_sdh:
        _describe(adaptation_set, "Accessibility", ACCESSIBILITY_SCHEME, HARD_OF_HEARING)
    kind = FORCED if text.is_forced else "caption" if text.is_sdh else "subtitle"
    _describe(adaptation_set, "Role", ROLE_SCHEME, kind)
    if text.is_default:
        _describe(adaptation_set, "Role", ROLE_SCHEME, "main")
    representation = _add_representation(adaptation_set, text)
    etree.SubElement(representation, "BaseURL").text = text.whole_uri


def _add_images(period: etree._Element, track: Track[ImageRendition]) -> None:
    """A sheet lasts as long as all its tiles, also the last one, which may not be full (IOP, 6.2.6)."""
    images = track.rendition
    attributes = {"id": str(len(period)), "contentType": "image", "mimeType": "image/jpeg"}
    adaptation_set = etree.SubElement(period, "AdaptationSet", attributes)
    sheet = images.interval * images.columns * images.rows
    timescale = 1000 * images.interval.denominator
    attributes = {
        "timescale": str(timescale),
        "duration": str(int(sheet * timescale)),
        "media": "$RepresentationID$/$Number$.jpg",
    }
    if segments := track.timeline.segments:
        attributes |= {"startNumber": str(segments[0].number), "endNumber": str(segments[-1].number)}
    etree.SubElement(adaptation_set, "SegmentTemplate", attributes)
    representation = _add_representation(adaptation_set, images)
    representation.set("width", str(images.width_px * images.columns))
    representation.set("height", str(images.height_px * images.rows))
    _describe(representation, "EssentialProperty", TILES_SCHEME, f"{images.columns}x{images.rows}")


def _by_audience(tracks: Iterable[Track[AudioRendition]]) -> list[list[Track[AudioRendition]]]:
    """A player switches freely within a set, so what differs to a listener stands in another."""
    sets: dict[tuple[object, ...], list[Track[AudioRendition]]] = {}
    for track in tracks:
        sound = track.rendition
        purpose = (sound.is_default, sound.is_commentary, sound.is_descriptive)
        audience = (sound.language, sound.label, *purpose, *_kind(sound))
        sets.setdefault(audience, []).append(track)
    return list(sets.values())


def _add_set(period: etree._Element, kind: str, tracks: Sequence[Track[Rendition]]) -> etree._Element:
    is_aligned = len({boundaries(track.timeline) for track in tracks}) == 1
    attributes = {
        "id": str(len(period)),
        "contentType": kind,
        "mimeType": f"{kind}/mp4",
        "segmentAlignment": "true" if is_aligned else "false",
        "startWithSAP": "1",
    }
    adaptation_set = etree.SubElement(period, "AdaptationSet", attributes)
    protect_set(adaptation_set, [track.protection for track in tracks])
    return adaptation_set


def _add_representation(adaptation_set: etree._Element, rendition: AnyRendition) -> etree._Element:
    attributes = {"id": rendition.name, "bandwidth": str(rendition.peak_bps)}
    if not isinstance(rendition, TextRendition | ImageRendition):
        attributes["codecs"] = rendition.codecs
    return etree.SubElement(adaptation_set, "Representation", attributes)


def _describe(parent: etree._Element, kind: str, scheme: str, value: str) -> None:
    etree.SubElement(parent, kind, schemeIdUri=scheme, value=value)


def _add_template(representation: etree._Element, track: Track[Rendition]) -> None:
    protect_alone(representation, track.protection)
    timeline = track.timeline
    attributes = {"timescale": str(timeline.timescale), "media": "$RepresentationID$/$Number$.m4s"}
    if track.init:
        attributes["initialization"] = "$RepresentationID$/init.mp4"
    if timeline.segments:
        attributes["startNumber"] = str(timeline.segments[0].number)
    template = etree.SubElement(representation, "SegmentTemplate", attributes)
    runs = etree.SubElement(template, "SegmentTimeline")
    for duration_ticks, alike in groupby(segment.duration_ticks for segment in timeline.segments):
        run = etree.SubElement(runs, "S", d=str(duration_ticks))
        if repeats := len(list(alike)) - 1:
            run.set("r", str(repeats))
    if len(runs):
        runs[0].set("t", str(timeline.start_ticks))


def _refuse_other_layouts(track: Track[AnyRendition], suffix: str) -> None:
    folder = track.rendition.name
    segments = track.timeline.segments
    first = segments[0].number if segments else 1
    as_written = [(f"{folder}/{number}.{suffix}", None) for number in range(first, first + len(segments))]
    has_own_init = track.init and (track.init.uri, track.init.byte_range) != (f"{folder}/init.mp4", None)
    if has_own_init or [(segment.uri, segment.byte_range) for segment in segments] != as_written:
        files = (
            f"{folder}/init.mp4 and {folder}/<number>.m4s" if suffix == "m4s" else f"{folder}/<number>.jpg"
        )
        raise ManifestError(f"{folder}: DASH is written for {files} only")


def _end_ticks(timeline: Timeline) -> int:
    return timeline.start_ticks + timeline.duration_ticks


def _duration(seconds: Fraction) -> str:
    """An xs:duration, rounded up to the microsecond: no player cuts off the last frame."""
    microseconds = math.ceil(seconds * 10**6)
    return f"PT{microseconds // 10**6}.{microseconds % 10**6:06d}S"
