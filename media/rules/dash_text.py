"""Rules of a DASH manifest's text: ISO/IEC 23009-1, and the DASH-IF Interoperability Points (IOP)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from media.dash_tree import Element, seconds_of
from media.facts.model import Representation, Stream
from media.rules.base import Found, Rule, must, should

_NAMESPACE = "urn:mpeg:dash:schema:mpd:2011"
_LONGEST_BUFFER_S = 60
_MIME = {"video": ("video/mp4", "video/webm"), "audio": ("audio/mp4", "audio/webm")}


def pictures_and_sound(stream: Stream) -> Iterator[Representation]:
    """Those of picture and sound."""
    if stream.dash:
        yield from (each for each in stream.dash.representations if each.kind in ("video", "audio"))


def _mpd(stream: Stream) -> Iterator[tuple[str, Element]]:
    if stream.dash:
        yield stream.dash.where, stream.dash.mpd


def profiles_are_given(stream: Stream) -> Found:
    for where, mpd in _mpd(stream):
        if not mpd.get("profiles").strip():
            yield where, "@profiles is missing"
        if mpd.namespace != _NAMESPACE:
            yield where, f"the namespace is {mpd.namespace!r}, not {_NAMESPACE!r}"


def buffer_time_is_given(stream: Stream) -> Found:
    for where, mpd in _mpd(stream):
        if seconds_of(mpd.get("minBufferTime")) is None:
            yield where, f"@minBufferTime is {mpd.get('minBufferTime')!r}, no duration"


def buffer_time_is_plausible(stream: Stream) -> Found:
    for where, mpd in _mpd(stream):
        time_s = seconds_of(mpd.get("minBufferTime"))
        if time_s is not None and not 0 < time_s <= _LONGEST_BUFFER_S:
            yield where, f"@minBufferTime is {float(time_s):g} s"


def duration_is_given(stream: Stream) -> Found:
    for where, mpd in _mpd(stream):
        periods = mpd.all("Period")
        if not periods:
            yield where, "no Period"
        if mpd.get("type", "static") == "static" and periods:
            known = [seconds_of(p.get("duration")) for p in periods]
            if seconds_of(mpd.get("mediaPresentationDuration")) is None and None in known:
                yield where, "@mediaPresentationDuration is missing"
        if mpd.get("type") == "dynamic" and not mpd.get("availabilityStartTime"):
            yield where, "@availabilityStartTime is missing in a dynamic manifest"


def segments_are_listed(stream: Stream) -> Found:
    for each in stream.dash.representations if stream.dash else ():
        if each.problem and each.kind in ("video", "audio", "text"):
            yield each.where, each.problem


def identifiers_are_unique(stream: Stream) -> Found:
    for where, mpd in _mpd(stream):
        for period in mpd.all("Period"):
            ids = [r.get("id") for s in period.all("AdaptationSet") for r in s.all("Representation")]
            for name, count in Counter(ids).items():
                if not name:
                    yield where, f"{count} representations have no @id"
                elif count > 1:
                    yield where, f"{count} representations have the @id {name!r}"


def bandwidth_is_given(stream: Stream) -> Found:
    for each in stream.dash.representations if stream.dash else ():
        if not bandwidth_of(each):
            yield each.where, "@bandwidth is missing, or no positive integer"


def bandwidth_of(each: Representation) -> int:
    text = each.levels[3].get("bandwidth")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def codecs_are_given(stream: Stream) -> Found:
    yield from (
        (each.where, "@codecs is missing") for each in pictures_and_sound(stream) if not each.says("codecs")
    )


def alignment_is_said(stream: Stream) -> Found:
    for group in stream.dash.sets() if stream.dash else ():
        aligned = group[0].adaptation_set.get("segmentAlignment") or group[0].adaptation_set.get(
            "subsegmentAlignment"
        )
        if len(group) > 1 and group[0].kind == "video" and aligned in ("", "false"):
            yield group[0].where, "its set does not say @segmentAlignment: players may not switch"


def languages_are_given(stream: Stream) -> Found:
    for group in stream.dash.sets() if stream.dash else ():
        if group[0].kind in ("audio", "text") and not group[0].says("lang"):
            yield group[0].where, "its set has no @lang"


def mime_types_fit(stream: Stream) -> Found:
    for each in pictures_and_sound(stream):
        mime = each.says("mimeType")
        if mime not in _MIME[each.kind]:
            yield each.where, f"@mimeType is {mime!r}" if mime else "@mimeType is missing"


_ISO, _IOP = "ISO/IEC 23009-1", "DASH-IF IOP"
RULES: tuple[Rule, ...] = (
    must(
        "dash-5.3.1.2-profiles",
        f"{_ISO}, 5.3.1.2",
        "The MPD has its namespace and @profiles.",
        profiles_are_given,
    ),
    must("dash-5.3.1.2-buffer", f"{_ISO}, 5.3.1.2", "The MPD has @minBufferTime.", buffer_time_is_given),
    should(
        "dash-buffer-plausible",
        f"{_ISO}, 5.3.1.2",
        "@minBufferTime is above 0 and at most a minute.",
        buffer_time_is_plausible,
    ),
    must(
        "dash-5.3.1.2-duration",
        f"{_ISO}, 5.3.1.2",
        "The MPD has periods, and says how long it lasts or when it began.",
        duration_is_given,
    ),
    must(
        "dash-5.3.9",
        f"{_ISO}, 5.3.9",
        "Every representation says where its segments are.",
        segments_are_listed,
    ),
    must(
        "dash-5.3.5.2-id",
        f"{_ISO}, 5.3.5.2",
        "@id of representations is unique in a period.",
        identifiers_are_unique,
    ),
    must(
        "dash-5.3.5.2-bandwidth",
        f"{_ISO}, 5.3.5.2",
        "Every representation has @bandwidth.",
        bandwidth_is_given,
    ),
    must(
        "dash-iop-codecs", f"{_ISO}, 5.3.7.2; {_IOP}", "Every representation has @codecs.", codecs_are_given
    ),
    should(
        "dash-iop-aligned",
        _IOP,
        "Video sets of several representations say @segmentAlignment.",
        alignment_is_said,
    ),
    should(
        "dash-iop-lang", f"{_ISO}, 5.3.3.2; {_IOP}", "Sets of sound and text have @lang.", languages_are_given
    ),
    must("dash-5.3.7.2-mime", f"{_ISO}, 5.3.7.2", "@mimeType is there and fits the media.", mime_types_fit),
)
