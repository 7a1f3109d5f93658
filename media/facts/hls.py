"""Gathering an HLS stream: the multivariant playlist, every media playlist it names, what each lists.

RFC 8216; its second edition for what is newer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from urllib.parse import urljoin

from media.facts.hls_text import Playlist, Tag, read_playlist
from media.facts.model import Address, Entry, Gathering, Hls, Listed, MediaPlaylist, Role, Track, Want
from media.facts.segments import Gathered, Wish
from media.manifest import ManifestError, split_codecs
from media.timeline import ByteRange

MOST_MANIFEST_BYTES = 16 * 2**20
_DECIMAL = re.compile(r"\d{1,9}(?:\.\d{1,18})?", re.ASCII)
_BYTE_RANGE = re.compile(r"(\d{1,18})(?:@(\d{1,18}))?", re.ASCII)
_ROLES: dict[str, Role] = {"AUDIO": "audio", "SUBTITLES": "subtitles"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """An HLS stream before its segments are looked at."""

    where: str
    multivariant: Playlist | None
    named: tuple[tuple[Tag, str, Role], ...]  # tag, address ("": none), role
    media: Mapping[str, tuple[Playlist, Role, tuple[Listed, ...]]]
    unreadable: tuple[tuple[str, str], ...] = ()
    missing: tuple[tuple[str, str], ...] = ()

    def wishes(self) -> Iterator[Wish]:
        for _, role, listed in self.media.values():
            kind = {"subtitles": "text", "images": "image"}.get(role, "media")
            yield from (Wish(each, kind, is_iframe=role == "iframes") for each in listed)


def gather_hls(entry: Playlist, where: Callable[[str], str]) -> Gathering[Listing]:
    """`where` shortens an address for messages."""
    if not entry.is_multivariant:
        alone: Role = "variant"
        media = {entry.uri: (entry, alone, tuple(listed_segments(entry)))}
        return Listing(where=where(entry.uri), multivariant=None, named=(), media=media)
    named = tuple(_named(entry))
    roles: dict[str, Role] = {}
    for _, uri, role in named:
        if uri:
            roles.setdefault(uri, role)
    answers = yield [Want(uri, 0, MOST_MANIFEST_BYTES) for uri in roles]
    found: dict[str, tuple[Playlist, Role, tuple[Listed, ...]]] = {}
    unreadable, missing = [], []
    for (uri, role), answer in zip(roles.items(), answers, strict=True):
        if answer.problem:
            missing.append((where(uri), answer.problem))
            continue
        try:
            playlist = read_playlist(answer.data.decode("utf-8", "replace"), uri, entry.variables)
            found[uri] = (playlist, role, tuple(listed_segments(playlist)))
        except ManifestError as error:
            unreadable.append((where(uri), str(error).removeprefix(f"{uri}: ")))
    return Listing(
        where=where(entry.uri),
        multivariant=entry,
        named=named,
        media=found,
        unreadable=tuple(unreadable),
        missing=tuple(missing),
    )


def joined_hls(listing: Listing, gathered: Gathered, where: Callable[[str], str]) -> Hls:
    """The listing with what its segments are."""
    tags = {uri: tag for tag, uri, _ in reversed(listing.named)}
    media = {
        uri: _media(uri, playlist, role, _named_kind(tags.get(uri), role), listed, gathered, where)
        for uri, (playlist, role, listed) in listing.media.items()
    }
    entries = [
        (Entry(tag=tag, where=where(uri) or _label(tag), media=media.get(uri)), role)
        for tag, uri, role in listing.named
    ]
    return Hls(
        where=listing.where,
        multivariant=listing.multivariant,
        variants=tuple(entry for entry, _ in entries if entry.tag.name == "EXT-X-STREAM-INF"),
        renditions=tuple(entry for entry, _ in entries if entry.tag.name == "EXT-X-MEDIA"),
        iframes=tuple(entry for entry, role in entries if role == "iframes"),
        media=tuple(media.values()),
        unreadable=listing.unreadable,
    )


def _media(
    uri: str,
    playlist: Playlist,
    role: Role,
    kind: str,
    listed: tuple[Listed, ...],
    gathered: Gathered,
    where: Callable[[str], str],
) -> MediaPlaylist:
    segments = tuple(gathered.seen(each) for each in listed)
    headers = (seen.header for seen in segments if seen.header)
    kind = next((header.init.kind for header in headers), kind)
    addresses = dict.fromkeys(each.init for each in listed if each.init and not each.is_encrypted)
    problems = tuple(
        (where(address[0]), gathered.init_problems[address][0])
        for address in addresses
        if address in gathered.init_problems and not gathered.init_problems[address][1] and kind != "text"
    )
    track = Track(where=where(uri), kind=kind, segments=segments, init_problems=problems)
    return MediaPlaylist(uri=uri, where=where(uri), role=role, playlist=playlist, track=track)


def _named_kind(tag: Tag | None, role: Role) -> str:
    """What a playlist holds as far as its name tells; a playlist that nobody names is taken for a variant."""
    if role != "variant":
        return {"subtitles": "text", "audio": "audio", "images": "image"}.get(role, "")
    codecs = tag.attributes.get("CODECS", "") if tag else ""
    is_sound = (
        bool(codecs) and not split_codecs(codecs)[0] and "RESOLUTION" not in (tag.attributes if tag else ())
    )
    return "audio" if is_sound else "video"


def _label(tag: Tag) -> str:
    return f"{tag.name} {tag.attributes.get('NAME', '')}".strip()


def _named(entry: Playlist) -> Iterator[tuple[Tag, str, Role]]:
    """Every playlist that the multivariant playlist names; a variant's address is the next line."""
    for number, tag in enumerate(entry.tags):
        uri = tag.attributes.get("URI", "")
        if tag.name == "EXT-X-STREAM-INF":
            after = entry.tags[number + 1] if number + 1 < len(entry.tags) else None
            uri = after.value if after and not after.name else ""
            yield tag, _absolute(entry.uri, uri), "variant"
        elif tag.name == "EXT-X-MEDIA":
            yield tag, _absolute(entry.uri, uri), _ROLES.get(tag.attributes.get("TYPE", ""), "other")
        elif tag.name == "EXT-X-I-FRAME-STREAM-INF":
            yield tag, _absolute(entry.uri, uri), "iframes"
        elif tag.name == "EXT-X-IMAGE-STREAM-INF":
            yield tag, _absolute(entry.uri, uri), "images"


def _absolute(base: str, uri: str) -> str:
    try:
        return urljoin(base, uri) if uri else ""
    except ValueError:
        return uri  # what is no address is then not found


def seconds(text: str) -> Fraction | None:
    """Of an EXTINF's value, without its title."""
    number = text.partition(",")[0].strip()
    return Fraction(number) if _DECIMAL.fullmatch(number) else None


@dataclass(slots=True)
class _State:
    """What the tags before a segment have said."""

    init: Address | None = None
    is_encrypted: bool = False
    duration: Fraction = Fraction(0)
    byte_range: str = ""
    stretch: int = 0
    at: Fraction = Fraction(0)
    ends: dict[str, int] = field(default_factory=dict)  # of the byte ranges, by address


def listed_segments(playlist: Playlist) -> Iterator[Listed]:
    """Raises ManifestError where a range has nothing to go on from."""
    state = _State()
    number = playlist.number("EXT-X-MEDIA-SEQUENCE") or 0
    if playlist.is_multivariant:
        raise ManifestError(f"{playlist.uri}: a multivariant playlist stands where a media playlist is due")
    for tag in playlist.tags:
        match tag.name:
            case "EXTINF":
                state.duration = seconds(tag.value) or Fraction(0)
            case "EXT-X-BYTERANGE":
                state.byte_range = tag.value
            case "EXT-X-DISCONTINUITY":
                state.stretch += 1
            case "EXT-X-KEY":
                # With SAMPLE-AES in fMP4 the boxes stay in clear.
                state.is_encrypted = tag.attributes.get("METHOD") == "AES-128"
            case "EXT-X-MAP":
                uri = _absolute(playlist.uri, tag.attributes.get("URI", ""))
                within = tag.attributes.get("BYTERANGE", "")
                state.init = uri, _range(within, None, playlist.uri) if within else None
            case "":
                yield _listed(playlist.uri, tag.value, number, state)
                number += 1


def _listed(base: str, value: str, number: int, state: _State) -> Listed:
    uri = _absolute(base, value)
    byte_range = _range(state.byte_range, state.ends.get(uri), base) if state.byte_range else None
    if byte_range:
        state.ends[uri] = byte_range[1] + 1
    listed = Listed(
        number=number,
        uri=uri,
        byte_range=byte_range,
        start=state.at,
        duration=state.duration,
        init=state.init,
        is_encrypted=state.is_encrypted,
        stretch=state.stretch,
    )
    state.at += state.duration
    state.duration, state.byte_range = Fraction(0), ""
    return listed


def _range(text: str, follows: int | None, uri: str) -> ByteRange:
    """Without an offset a range goes on where the one before ended (4.3.2.2); an init segment starts at 0."""
    match = _BYTE_RANGE.fullmatch(text.strip())
    if match is None:
        raise ManifestError(f"{uri}: EXT-X-BYTERANGE:{text} is not a length and an offset")
    first = int(match[2]) if match[2] else (follows or 0)
    return first, first + int(match[1]) - 1
