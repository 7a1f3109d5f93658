"""Rules of encryption: RFC 8216, 4.3.2.4; ISO/IEC 23001-7; ISO/IEC 23009-1, 5.8.4.1."""

from __future__ import annotations

import re

from media.dash_tree import Element
from media.facts.model import Stream
from media.rules.base import Found, Rule, must
from media.rules.playlists import media_playlists

_IV = re.compile(r"0[xX][0-9a-fA-F]{1,32}")
_METHODS = {"cbcs": {"SAMPLE-AES"}, "cenc": {"SAMPLE-AES-CTR", "SAMPLE-AES-CENC"}}
_SAMPLES = {method for methods in _METHODS.values() for method in methods}
_PROTECTION = "urn:mpeg:dash:mp4protection:2011"


def header_is_whole(stream: Stream) -> Found:
    for track in stream.tracks:
        for header in track.headers:
            if header.is_protected and header.protection is None:
                yield track.where, "the init segment is encrypted, without 'schm' or 'tenc'"


def samples_have_aux(stream: Stream) -> Found:
    for track in stream.tracks:
        for seen in track.segments:
            if seen.aux_problem:
                yield f"{track.where}, segment {seen.listed.number}", seen.aux_problem


def keys_are_whole(stream: Stream) -> Found:
    for media in media_playlists(stream):
        for tag in media.playlist.all("EXT-X-KEY"):
            method = tag.attributes.get("METHOD", "")
            if not method:
                yield media.where, "EXT-X-KEY without METHOD"
            elif method != "NONE" and not tag.attributes.get("URI"):
                yield media.where, f"EXT-X-KEY:METHOD={method} without URI"
            elif (iv := tag.attributes.get("IV")) is not None and not _IV.fullmatch(iv):
                yield media.where, f"the IV {iv} is not 0x and at most 32 hex digits"


def methods_are_true(stream: Stream) -> Found:
    for media in media_playlists(stream):
        said = {tag.attributes.get("METHOD", "") for tag in media.playlist.all("EXT-X-KEY")} & _SAMPLES
        for header in media.track.headers:
            scheme = header.protection.scheme if header.protection else ""
            if header.is_protected and scheme in _METHODS and not said & _METHODS[scheme]:
                named = " or ".join(sorted(said)) or "no METHOD for samples"
                yield media.where, f"the init segment says {scheme}, EXT-X-KEY {named}"
            elif not header.is_protected and said:
                yield media.where, f"EXT-X-KEY says {sorted(said)[0]}, the init segment is not encrypted"


def maps_have_iv(stream: Stream) -> Found:
    for media in media_playlists(stream):
        is_bare = False
        for tag in media.playlist.tags:
            if tag.name == "EXT-X-KEY":
                is_bare = tag.attributes.get("METHOD") == "AES-128" and "IV" not in tag.attributes
            elif tag.name == "EXT-X-MAP" and is_bare:
                yield media.where, "EXT-X-MAP behind an AES-128 key that has no IV"


def no_key_is_published(stream: Stream) -> Found:
    for media in media_playlists(stream):
        for tag in media.playlist.all("EXT-X-KEY"):
            is_plain = tag.attributes.get("KEYFORMAT", "identity") == "identity"
            if is_plain and tag.attributes.get("URI", "").startswith("data:"):
                yield media.where, "EXT-X-KEY holds the key itself (a data: address)"


def protection_is_told(stream: Stream) -> Found:
    for each in stream.dash.representations if stream.dash else ():
        for header in each.track.headers if each.track else ():
            if header.protection is None:
                continue
            told = [e for level in each.levels[2:] for e in level.all("ContentProtection") if _is_mp4(e)]
            schemes = {element.get("value") for element in told}
            if header.protection.scheme not in schemes:
                named = ", ".join(sorted(schemes)) or "nothing"
                yield each.where, f"encrypted by {header.protection.scheme}, ContentProtection says {named}"
                continue
            key_ids = {key_id for element in told for key_id in _key_ids(element)}
            if key_ids and header.protection.key_id not in key_ids:
                yield (
                    each.where,
                    f"cenc:default_KID is not {header.protection.key_id}, as the init segment has it",
                )


def _is_mp4(element: Element) -> bool:
    return element.get("schemeIdUri").lower() == _PROTECTION


def _key_ids(element: Element) -> list[str]:
    return [key_id.replace("-", "").lower() for key_id in element.get("default_KID").split()]


RULES: tuple[Rule, ...] = (
    must(
        "cenc-8.2",
        "ISO/IEC 14496-12, 8.12; ISO/IEC 23001-7, 8.2",
        "Encrypted init segments say by which scheme and with which key.",
        header_is_whole,
    ),
    must(
        "cenc-7.1",
        "ISO/IEC 23001-7, 7.1 and 7.2",
        "Encrypted samples have their IVs and clear parts where saiz and saio say.",
        samples_have_aux,
    ),
    must(
        "rfc8216-4.3.2.4",
        "RFC 8216, 4.3.2.4",
        "EXT-X-KEY has a METHOD, a URI unless that is NONE, and at most 128 bits of IV.",
        keys_are_whole,
    ),
    must(
        "rfc8216bis-4.4.4.4",
        "RFC 8216bis, 4.4.4.4",
        "The METHOD is the segments' own: SAMPLE-AES for cbcs, SAMPLE-AES-CTR for cenc.",
        methods_are_true,
    ),
    must(
        "rfc8216bis-4.4.4.5",
        "RFC 8216bis, 4.4.4.5",
        "An EXT-X-MAP behind an AES-128 key has an IV.",
        maps_have_iv,
    ),
    must(
        "penstock-published-key",
        "Penstock",
        "No playlist holds a key itself.",
        no_key_is_published,
    ),
    must(
        "dash-5.8.4.1",
        "ISO/IEC 23009-1, 5.8.4.1; ISO/IEC 23001-7, 11.2",
        "Encrypted representations have ContentProtection, with scheme and key id as in the init segment.",
        protection_is_told,
    ),
)
