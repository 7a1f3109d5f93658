"""Validation: gather the facts of a stream, judge them by the rules. No I/O: whoever runs it reads the bytes.

`gather` yields lists of `Want` and is sent lists of answers; `validate` drives it with a function that reads.
The encoder can judge its staging folder so before it publishes; `penstock validate` anybody's URL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from media.dash_tree import Element, read_tree
from media.facts import dash, hls
from media.facts.hls_text import Playlist, read_playlist
from media.facts.model import Address, Decoded, Gathering, Got, MediaPlaylist, Representation, Stream, Want
from media.facts.segments import Gathered, gather_segments
from media.manifest import ManifestError, first_line
from media.rules import RULES
from media.rules.base import Finding, Severity

__all__ = ["Finding", "Severity", "gather", "judge", "validate", "with_decoded"]


@dataclass(frozen=True, slots=True)
class _Manifests:
    hls: Playlist | None
    dash: tuple[Element, str] | None


def validate(uris: Sequence[str], read: Callable[[Want], Got]) -> list[Finding]:
    """Judge the stream whose manifests are at `uris`. Raises ManifestError if one is no manifest."""
    gathering = gather(uris)
    try:
        wants = next(gathering)
        while True:
            wants = gathering.send([read(want) for want in wants])
    except StopIteration as end:
        return judge(end.value)


def judge(stream: Stream) -> list[Finding]:
    """What the rules find, in their order."""
    return [finding for rule in RULES for finding in rule.findings(stream)]


def gather(uris: Sequence[str]) -> Gathering[Stream]:
    """The facts of one stream, told by one manifest or by an HLS and a DASH one. Raises ManifestError."""
    answers = yield [Want(uri, 0, hls.MOST_MANIFEST_BYTES) for uri in uris]
    manifests = _manifests(uris, answers)
    where = _shortener(uris)
    hls_listing = (yield from hls.gather_hls(manifests.hls, where)) if manifests.hls else None
    dash_listing = (yield from dash.gather_dash(*manifests.dash, where)) if manifests.dash else None
    wishes = [
        *(hls_listing.wishes() if hls_listing else ()),
        *(dash_listing.wishes() if dash_listing else ()),
    ]
    gathered = yield from gather_segments(wishes)
    missing = [*(hls_listing.missing if hls_listing else ()), *(dash_listing.missing if dash_listing else ())]
    stream = Stream(
        hls=hls.joined_hls(hls_listing, gathered, where) if hls_listing else None,
        dash=dash.joined_dash(dash_listing, gathered, where) if dash_listing else None,
        missing=(*missing, *_missing(gathered, where)),
    )
    return replace(stream, notes=tuple(_notes(stream)))


def with_decoded(stream: Stream, decoded: dict[Address, Decoded]) -> Stream:
    """The stream with what a decoder made of its segments."""

    def of(owner: MediaPlaylist | Representation) -> Any:
        if owner.track is None:
            return owner
        segments = tuple(
            replace(seen, decoded=decoded.get(seen.listed.address)) for seen in owner.track.segments
        )
        return replace(owner, track=replace(owner.track, segments=segments))

    hls_facts, dash_facts = stream.hls, stream.dash
    if hls_facts:
        hls_facts = replace(hls_facts, media=tuple(of(media) for media in hls_facts.media))
    if dash_facts:
        dash_facts = replace(
            dash_facts, representations=tuple(of(each) for each in dash_facts.representations)
        )
    return replace(stream, hls=hls_facts, dash=dash_facts)


def _manifests(uris: Sequence[str], answers: Sequence[Got]) -> _Manifests:
    found = _Manifests(None, None)
    for uri, answer in zip(uris, answers, strict=True):
        if answer.problem:
            raise ManifestError(f"{uri}: {answer.problem}")
        text = answer.data.decode("utf-8", "replace")
        if text.removeprefix("\ufeff").startswith("#EXTM3U"):
            found = replace(found, hls=read_playlist(text, uri))
        elif text.lstrip("\ufeff \t\r\n").startswith("<"):
            found = replace(found, dash=(read_tree(text, uri), uri))
        else:
            raise ManifestError(
                f"{uri}: neither an HLS playlist nor a DASH manifest: it begins with {first_line(text)}"
            )
    return found


def _shortener(uris: Sequence[str]) -> Callable[[str], str]:
    """Addresses as they stand below the folder of the manifest."""
    folder = uris[0].rpartition("/")[0] + "/"

    def short(uri: str) -> str:
        return uri.removeprefix(folder) if uri.startswith(folder) else uri

    return short


def _missing(gathered: Gathered, where: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    for address, (problem, is_missing) in gathered.init_problems.items():
        if is_missing:
            yield where(address[0]), problem
    for address, seen in gathered.segments.items():
        if seen.is_missing:
            yield where(address[0]), seen.problem


def _notes(stream: Stream) -> Iterator[str]:
    """What was not looked into, so that silence about it is no praise."""
    for media in stream.hls.media if stream.hls else ():
        if any(seen.listed.is_encrypted for seen in media.track.segments):
            yield f"{media.where}: encrypted whole; its segments were counted and sized, not read"
        elif media.is_timed and any(seen.container in ("mpegts", "other") for seen in media.track.segments):
            yield f"{media.where}: its segments are not fMP4; only --deep looks into them"
        elif any(header.is_protected for header in media.track.headers):
            yield f"{media.where}: its samples are encrypted; they were counted and sized, not decoded"
        if not media.is_finished and media.is_timed:
            yield f"{media.where}: live; judged as it was at this moment"
    for each in stream.dash.representations if stream.dash else ():
        if each.kind == "trick" or (each.kind == "image" and each.track is None):
            yield f"{each.where}: of kind {each.kind!r}, not looked into further"
    if stream.dash and stream.dash.mpd.get("type") == "dynamic":
        yield f"{stream.dash.where}: live; judged as it was at this moment"
