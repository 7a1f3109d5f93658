"""Rules for a title that is told twice: HLS and DASH tell the same story."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from media.facts.model import Entry, Representation, Stream, Track
from media.manifest import split_codecs
from media.rules.base import Found, Rule, must, should
from media.rules.codecs import canonical

_SAME_DURATION_S = Fraction(1, 2)
_SAME_RATE = Fraction(1, 10)


def durations_agree(stream: Stream) -> Found:
    hls = [m.track.listed_duration for m in (stream.hls.media if stream.hls else ()) if m.is_timed]
    periods: dict[int, Fraction] = {}
    for each in stream.dash.representations if stream.dash else ():
        if each.track and each.kind in ("video", "audio"):
            longest = periods.get(each.period, Fraction(0))
            periods[each.period] = max(longest, each.track.listed_duration)
    if stream.dash and hls and periods:
        difference = sum(periods.values(), Fraction(0)) - max(hls)
        if abs(difference) > _SAME_DURATION_S:
            yield stream.dash.where, f"lasts {float(difference):+.3f} s against HLS ({float(max(hls)):.3f} s)"


def codecs_agree(stream: Stream) -> Found:
    for entry, each in _pairs(stream):
        said, named = each.says("codecs"), _codecs(stream, entry)
        if said and named and canonical(said) not in {canonical(codec) for codec in named}:
            yield each.where, f"@codecs says {said}, {entry.where} in HLS {','.join(named)}"


def _codecs(stream: Stream, entry: Entry) -> list[str]:
    """A rendition's stand at the variants that name its group."""
    users = [entry]
    if entry.tag.name == "EXT-X-MEDIA" and stream.hls:
        users = [v for v in stream.hls.variants if v.get(entry.get("TYPE")) == entry.get("GROUP-ID")]
    each = [codecs for user in users for codecs in split_codecs(user.get("CODECS"))]
    return list(dict.fromkeys(codec for codecs in each for codec in codecs.split(",") if codec))


def rates_agree(stream: Stream) -> Found:
    """HLS counts the costliest sound with the picture, DASH each by itself."""
    sounds = {
        id(track): _bandwidth(each)
        for each in (stream.dash.representations if stream.dash else ())
        if each.kind == "audio" and (track := _known(stream, each.track))
    }
    for entry, each in _pairs(stream):
        group = stream.hls.group("AUDIO", entry.get("AUDIO")) if stream.hls else []
        added = [sounds.get(id(_known(stream, e.track)), 0) for e in group if e.track]
        said, expected = entry.get("BANDWIDTH"), _bandwidth(each) + max(added, default=0)
        if entry.tag.name != "EXT-X-STREAM-INF" or not said.isdigit() or not expected or 0 in added:
            continue
        if abs(int(said[:18]) / expected - 1) > _SAME_RATE:
            yield each.where, f"{expected} b/s with its sound, {entry.where} in HLS {said}"


def tracks_agree(stream: Stream) -> Found:
    """Every rendition that one of them offers, by what its segments are."""
    if not stream.hls or not stream.dash or not stream.hls.multivariant:
        return
    hls = {_key(m.track): m.where for m in stream.hls.media if m.is_timed and m.track.segments}
    dash = {
        _key(each.track): each.where
        for each in stream.dash.representations
        if each.track and each.kind in ("video", "audio")
    }
    if not hls.keys() & dash.keys():
        return  # each has segments of its own
    for key in hls.keys() - dash.keys():
        yield hls[key], "DASH does not offer it, or with other segments"
    for key in dash.keys() - hls.keys():
        yield dash[key], "HLS does not offer it, or with other segments"


def _pairs(stream: Stream) -> Iterator[tuple[Entry, Representation]]:
    """Variants and representations that are the same segments."""
    if not stream.hls or not stream.dash:
        return
    entries = {_key(e.track): e for e in reversed((*stream.hls.variants, *stream.hls.renditions)) if e.track}
    for each in stream.dash.representations:
        if each.track and each.kind in ("video", "audio"):
            entry = entries.get(_key(each.track))
            if entry:
                yield entry, each


def _key(track: Track) -> tuple[object, ...]:
    return tuple(seen.listed.address for seen in track.segments)


def _known(stream: Stream, track: Track | None) -> Track | None:
    """The one track that stands for all of the same segments."""
    if track is None:
        return None
    return next((each for each in stream.tracks if _key(each) == _key(track)), None)


def _bandwidth(each: Representation) -> int:
    text = each.says("bandwidth")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


RULES: tuple[Rule, ...] = (
    must("both-duration", "Penstock", "HLS and DASH last as long as one another.", durations_agree),
    must("both-codecs", "Penstock", "HLS and DASH name the same codecs for the same segments.", codecs_agree),
    should("both-rates", "Penstock", "HLS and DASH announce the same bit rates, within 10 %.", rates_agree),
    should("both-tracks", "Penstock", "HLS and DASH offer the same renditions.", tracks_agree),
)
