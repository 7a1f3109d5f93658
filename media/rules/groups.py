"""Rules of renditions and their groups: RFC 8216, 4.3.4.1; Apple's HLS Authoring Specification, 2, 5, 8."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from media.facts.model import Entry, Stream
from media.facts.webvtt import read_vtt
from media.manifest import split_codecs
from media.rules.base import Found, Rule, must, should

_TYPES = ("AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS")
_STEREO_AAC = ("mp4a.40.2", "mp4a.40.5", "mp4a.40.29", "mp4a.40.02", "mp4a.40.05")
_COVERED_S = 1


def _renditions(stream: Stream) -> tuple[Entry, ...]:
    return stream.hls.renditions if stream.hls else ()


def _label(entry: Entry) -> str:
    name = f"{entry.get('TYPE')} {entry.get('NAME')!r} of group {entry.get('GROUP-ID')!r}"
    return f"{entry.where}, {name}" if entry.media else name


def _groups(stream: Stream) -> Iterator[tuple[str, str, list[Entry]]]:
    keys = dict.fromkeys((entry.get("TYPE"), entry.get("GROUP-ID")) for entry in _renditions(stream))
    for kind, name in keys:
        yield (
            kind,
            name,
            [e for e in _renditions(stream) if (e.get("TYPE"), e.get("GROUP-ID")) == (kind, name)],
        )


def required_attributes(stream: Stream) -> Found:
    for entry in _renditions(stream):
        lacking = [name for name in ("TYPE", "GROUP-ID", "NAME") if not entry.get(name)]
        if lacking:
            yield _label(entry), f"{', '.join(lacking)} missing"
        elif entry.get("TYPE") not in _TYPES:
            yield _label(entry), f"TYPE is none of {', '.join(_TYPES)}"


def addresses(stream: Stream) -> Found:
    for entry in _renditions(stream):
        if entry.get("TYPE") == "SUBTITLES" and not entry.get("URI"):
            yield _label(entry), "subtitles without a URI"
        if entry.get("TYPE") == "CLOSED-CAPTIONS" and entry.get("URI"):
            yield _label(entry), "closed captions with a URI: they are in the video"
        if entry.get("TYPE") == "CLOSED-CAPTIONS" and not entry.get("INSTREAM-ID"):
            yield _label(entry), "closed captions without INSTREAM-ID"


def default_is_autoselect(stream: Stream) -> Found:
    for entry in _renditions(stream):
        if entry.get("DEFAULT") == "YES" and entry.get("AUTOSELECT", "YES") != "YES":
            yield _label(entry), "DEFAULT=YES with AUTOSELECT=NO"


def references_exist(stream: Stream) -> Found:
    for entry in stream.hls.variants if stream.hls else ():
        for kind in _TYPES:
            name = entry.get(kind)
            is_named = bool(name) and (kind != "CLOSED-CAPTIONS" or kind in entry.tag.quoted)  # not NONE
            if is_named and stream.hls and not stream.hls.group(kind, name):
                yield entry.where, f"{kind}={name!r}: there is no such group"


def groups_are_used(stream: Stream) -> Found:
    for kind, name, _ in _groups(stream):
        users = [e for e in (stream.hls.variants if stream.hls else ()) if e.get(kind) == name]
        if kind in _TYPES and not users:
            yield f"group {name!r}", f"no variant has {kind}={name!r}"


def names_are_unique(stream: Stream) -> Found:
    for _, name, entries in _groups(stream):
        for label, count in Counter(entry.get("NAME") for entry in entries).items():
            if count > 1:
                yield f"group {name!r}", f"{count} renditions are called {label!r}"


def one_default(stream: Stream) -> Found:
    for _, name, entries in _groups(stream):
        defaults = [entry.get("NAME") for entry in entries if entry.get("DEFAULT") == "YES"]
        if len(defaults) > 1:
            yield f"group {name!r}", f"{len(defaults)} defaults: {', '.join(defaults)}"


def has_default(stream: Stream) -> Found:
    for kind, name, entries in _groups(stream):
        if kind == "AUDIO" and not any(entry.get("DEFAULT") == "YES" for entry in entries):
            yield f"group {name!r}", "no audio rendition is DEFAULT=YES"


def groups_are_alike(stream: Stream) -> Found:
    for kind in ("AUDIO", "SUBTITLES"):
        sets = {name: {_identity(e) for e in each} for k, name, each in _groups(stream) if k == kind}
        usual = next(iter(sets.values()), set())
        for name, found in sets.items():
            for language, label in sorted(usual ^ found):
                yield f"group {name!r}", f"not every {kind} group has {label!r} ({language or 'no language'})"


def _identity(entry: Entry) -> tuple[str, str]:
    return entry.get("LANGUAGE"), entry.get("NAME")


def languages_are_given(stream: Stream) -> Found:
    for entry in _renditions(stream):
        if entry.get("TYPE") != "VIDEO" and not entry.get("LANGUAGE"):
            yield _label(entry), "LANGUAGE is missing"


def channels_are_given(stream: Stream) -> Found:
    for entry in _renditions(stream):
        if entry.get("TYPE") == "AUDIO" and not entry.get("CHANNELS"):
            yield _label(entry), "CHANNELS is missing"


def channels_are_true(stream: Stream) -> Found:
    for entry in _renditions(stream):
        said, _, more = entry.get("CHANNELS").partition("/")
        header = entry.track.header if entry.track else None
        channels = header.init.channels if header and entry.get("TYPE") == "AUDIO" else None
        if said and channels and not more and said != str(channels):
            yield _label(entry), f"CHANNELS says {said}, the bitstream has {channels}"


def stereo_aac_is_offered(stream: Stream) -> Found:
    hls = stream.hls
    if hls is None or hls.multivariant is None:
        return
    audio = [e for e in hls.renditions if e.get("TYPE") == "AUDIO"]
    offered = [_sound(e) for e in audio if e.media]
    muxed = {codec for e in hls.variants for codec in split_codecs(e.get("CODECS"))[1].split(",") if codec}
    has_sound = bool(audio or muxed)
    # One channel where the source has one: there is no stereo to give.
    by_track = any(codec.startswith("mp4a.40") and channels <= 2 for codec, channels in offered if codec)
    by_word = not offered and any(codec in _STEREO_AAC for codec in muxed)
    unknown = any(not codec for codec, _ in offered) and any(codec in _STEREO_AAC for codec in muxed)
    if has_sound and not (by_track or by_word or unknown):
        yield hls.where, "no AAC in stereo"


def _sound(entry: Entry) -> tuple[str, int]:
    """Codec and channels, or "" if the bytes do not say."""
    header = entry.track.header if entry.track else None
    return (header.init.codecs, header.init.channels or 0) if header else ("", 0)


def subtitle_targets(stream: Stream) -> Found:
    hls = stream.hls
    targets = {m.target_s for m in (hls.media if hls else ()) if m.role == "variant" and m.target_s}
    for media in hls.media if hls else ():
        if media.role == "subtitles" and media.target_s and targets and media.target_s not in targets:
            yield media.where, f"target duration {media.target_s}, the video has {max(targets)}"


def subtitles_cover_the_title(stream: Stream) -> Found:
    hls = stream.hls
    finished = [m for m in (hls.media if hls else ()) if m.is_finished]
    longest = max((m.track.listed_duration for m in finished if m.role == "variant"), default=None)
    for media in finished:
        if media.role == "subtitles" and longest and media.track.listed_duration < longest - _COVERED_S:
            yield (
                media.where,
                f"lasts {float(media.track.listed_duration):.3f} s, the video {float(longest):.3f} s",
            )


def _vtt(stream: Stream) -> Iterator[tuple[str, str]]:
    for media in stream.hls.media if stream.hls else ():
        for seen in media.track.segments:
            if seen.container == "webvtt":
                yield f"{media.where}, segment {seen.listed.number}", seen.text


def webvtt_parses(stream: Stream) -> Found:
    yield from ((where, facts.problem) for where, text in _vtt(stream) if (facts := read_vtt(text)).problem)


def webvtt_has_a_map(stream: Stream) -> Found:
    for where, text in _vtt(stream):
        facts = read_vtt(text)
        if not facts.has_timestamp_map and not facts.problem:
            yield where, "no X-TIMESTAMP-MAP with MPEGTS and LOCAL"


_SPEC = "HLS Authoring Specification"
RULES: tuple[Rule, ...] = (
    must(
        "rfc8216-4.3.4.1",
        "RFC 8216, 4.3.4.1",
        "EXT-X-MEDIA has TYPE, GROUP-ID and NAME.",
        required_attributes,
    ),
    must(
        "rfc8216-4.3.4.1-uri",
        "RFC 8216, 4.3.4.1",
        "Subtitles have a URI; closed captions have INSTREAM-ID instead.",
        addresses,
    ),
    must(
        "rfc8216-4.3.4.1-autoselect",
        "RFC 8216, 4.3.4.1",
        "A default rendition may be chosen unasked.",
        default_is_autoselect,
    ),
    must(
        "rfc8216-4.3.4.2.1", "RFC 8216, 4.3.4.2", "The groups that a variant names exist.", references_exist
    ),
    should("penstock-unused-group", "Penstock", "Every group is named by a variant.", groups_are_used),
    must(
        "rfc8216-4.3.4.1.1-names", "RFC 8216, 4.3.4.1.1", "In a group every NAME is unique.", names_are_unique
    ),
    must("rfc8216-4.3.4.1.1-default", "RFC 8216, 4.3.4.1.1", "A group has at most one default.", one_default),
    should("penstock-audio-default", "Penstock", "Each audio group has a default.", has_default),
    must(
        "rfc8216-4.3.4.1.1-alike",
        "RFC 8216, 4.3.4.1.1 and 4.3.4.2.1",
        "Groups of one type have the same renditions.",
        groups_are_alike,
    ),
    must(
        "hls-authoring-8.10",
        f"{_SPEC}, 8.10",
        "Audio, subtitles and captions have LANGUAGE.",
        languages_are_given,
    ),
    should(
        "rfc8216-4.3.4.1-channels", "RFC 8216, 4.3.4.1", "Audio renditions have CHANNELS.", channels_are_given
    ),
    must(
        "rfc8216-4.3.4.1-channels-true",
        "RFC 8216, 4.3.4.1",
        "CHANNELS is the bitstream's number.",
        channels_are_true,
    ),
    must("hls-authoring-2.3", f"{_SPEC}, 2.3", "Sound is offered as AAC in stereo.", stereo_aac_is_offered),
    should(
        "hls-authoring-5.6",
        f"{_SPEC}, 5.6 and 5.7",
        "Subtitles have the video's target duration.",
        subtitle_targets,
    ),
    must(
        "hls-authoring-5.5",
        f"{_SPEC}, 5.5",
        "Subtitle playlists last as long as the video.",
        subtitles_cover_the_title,
    ),
    must("webvtt-4", "W3C WebVTT, 4; RFC 8216, 3.5", "WebVTT segments are WebVTT.", webvtt_parses),
    must(
        "hls-authoring-5.3",
        f"{_SPEC}, 5.3; RFC 8216, 3.5",
        "WebVTT segments have X-TIMESTAMP-MAP.",
        webvtt_has_a_map,
    ),
)
