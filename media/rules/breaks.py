"""Rules of breaks and dates in media playlists: RFC 8216, 4.3.2; Apple's HLS Authoring Specification, 8."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from fractions import Fraction

from media.facts.hls import seconds
from media.facts.model import MediaPlaylist, Stream
from media.rules.base import Found, Rule, must, should
from media.rules.playlists import media_playlists, timed

_SAME_MOMENT_S = Fraction(1, 2)
_DATE_SLACK_S = 0.1
_HOUR_ONLY = re.compile(r"([+-]\d\d)$")


def discontinuities_agree(stream: Stream) -> Found:
    moments = {media.where: _discontinuities(media) for media in timed(stream) if media.is_finished}
    usual = next(iter(moments.values()), [])
    for where, found in moments.items():
        pairs = zip(found, usual, strict=False)
        if len(found) != len(usual) or any(abs(a - b) > _SAME_MOMENT_S for a, b in pairs):
            at = ", ".join(f"{float(moment):.3f}" for moment in found) or "nowhere"
            yield where, f"discontinuities at {at}, not where {next(iter(moments))} has them"


def _discontinuities(media: MediaPlaylist) -> list[Fraction]:
    runs = list(media.track.stretches())
    return [run[0].listed.start for run in runs if run[0].listed.stretch]


def init_change_is_marked(stream: Stream) -> Found:
    for media in timed(stream):
        for run in media.track.stretches():
            entries = {(s.header.init.codecs, s.header.init.timescale) for s in run if s.header}
            if len(entries) > 1:
                yield media.where, "codec or timescale changes without EXT-X-DISCONTINUITY"


def sequence_in_live(stream: Stream) -> Found:
    for media in timed(stream):
        text = media.playlist
        may_slide = not media.is_finished and text.value("EXT-X-PLAYLIST-TYPE") != "EVENT"
        if may_slide and text.has("EXT-X-DISCONTINUITY") and not text.has("EXT-X-DISCONTINUITY-SEQUENCE"):
            yield media.where, "EXT-X-DISCONTINUITY in a live playlist without EXT-X-DISCONTINUITY-SEQUENCE"


def live_has_dates(stream: Stream) -> Found:
    for media in timed(stream):
        if not media.is_finished and not media.playlist.has("EXT-X-PROGRAM-DATE-TIME"):
            yield media.where, "a live playlist without EXT-X-PROGRAM-DATE-TIME"


def dates_are_dates(stream: Stream) -> Found:
    for media in media_playlists(stream):
        for tag in media.playlist.all("EXT-X-PROGRAM-DATE-TIME"):
            date = _date(tag.value)
            if date is None or date.tzinfo is None:
                yield media.where, f"{tag.value!r} is no date and time with a time zone"


def dates_run_with_the_media(stream: Stream) -> Found:
    for media in timed(stream):
        expected: datetime | None = None
        date: datetime | None = None
        duration = 0.0
        for tag in media.playlist.tags:
            if tag.name == "EXTINF":
                duration = float(seconds(tag.value) or 0)
            elif tag.name == "EXT-X-DISCONTINUITY":
                expected = None
            elif tag.name == "EXT-X-PROGRAM-DATE-TIME":
                date = _date(tag.value)
                if date and expected and (date.tzinfo is None) == (expected.tzinfo is None):
                    jump_s = (date - expected).total_seconds()
                    if abs(jump_s) > _DATE_SLACK_S:
                        yield (
                            media.where,
                            f"the date {tag.value} is {jump_s:+.3f} s off the segments before it",
                        )
                expected = date or expected
            elif not tag.name and expected:
                expected = _later(expected, duration)


def _later(date: datetime, duration_s: float) -> datetime | None:
    try:
        return date + timedelta(seconds=duration_s)
    except OverflowError:
        return None


def vod_has_no_dates(stream: Stream) -> Found:
    for media in timed(stream):
        is_vod = media.is_finished and media.playlist.value("EXT-X-PLAYLIST-TYPE") != "EVENT"
        if is_vod and media.playlist.has("EXT-X-PROGRAM-DATE-TIME"):
            yield media.where, "EXT-X-PROGRAM-DATE-TIME in a VOD playlist: it says when it was packaged"


def _date(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(_HOUR_ONLY.sub(r"\1:00", text.strip()))
    except ValueError:
        return None


RULES: tuple[Rule, ...] = (
    must(
        "hls-authoring-8.15",
        "HLS Authoring Specification, 8.15",
        "All playlists have their discontinuities at the same moments.",
        discontinuities_agree,
    ),
    must(
        "hls-authoring-8.13",
        "HLS Authoring Specification, 8.13; RFC 8216, 4.3.2.3",
        "A change of codec or timescale is marked by EXT-X-DISCONTINUITY.",
        init_change_is_marked,
    ),
    must(
        "hls-authoring-8.17",
        "HLS Authoring Specification, 8.17",
        "A live playlist with discontinuities has EXT-X-DISCONTINUITY-SEQUENCE.",
        sequence_in_live,
    ),
    must(
        "hls-authoring-8.4",
        "HLS Authoring Specification, 8.4",
        "A live playlist has EXT-X-PROGRAM-DATE-TIME.",
        live_has_dates,
    ),
    must(
        "rfc8216-4.3.2.6",
        "RFC 8216, 4.3.2.6",
        "EXT-X-PROGRAM-DATE-TIME is an ISO 8601 date with a time zone.",
        dates_are_dates,
    ),
    should(
        "rfc8216-4.3.2.6-steady",
        "RFC 8216, 4.3.2.6",
        "Dates run on as the segments last.",
        dates_run_with_the_media,
    ),
    should(
        "penstock-vod-dates",
        "Penstock: ffmpeg writes the hour of packaging",
        "A VOD playlist has no EXT-X-PROGRAM-DATE-TIME.",
        vod_has_no_dates,
    ),
)
