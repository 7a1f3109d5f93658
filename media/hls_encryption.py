"""How HLS tells of encryption: EXT-X-KEY, written and read (RFC 8216, 4.3.2.4 and 5; RFC 8216bis, 4.4.4.4).

`cenc` and `cbcs` have up to two tags for a key: where the key has an address, one of "identity" for those who
fetch it; and one with KEYFORMAT "org.w3.clearkey" and the key id for those who ask a ClearKey licence server.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urljoin

from media.hls_tags import Attributes, quoted, tag
from media.manifest import ManifestError
from media.presentation import Track
from media.protection import KeyFacts, Protection, Scheme
from media.rendition import AnyRendition
from media.timeline import Segment

CLEARKEY = "org.w3.clearkey"
METHODS: dict[str, Scheme] = {
    "AES-128": "aes-128",
    "SAMPLE-AES": "cbcs",
    "SAMPLE-AES-CTR": "cenc",
    "SAMPLE-AES-CENC": "cenc",  # as some write it
}
_METHOD: dict[Scheme, str] = {"aes-128": "AES-128", "cbcs": "SAMPLE-AES", "cenc": "SAMPLE-AES-CTR"}


def key_tags(track: Track[AnyRendition]) -> Iterator[list[str]]:
    """Before each segment in turn, the tags that its key takes; none where the last ones hold."""
    before: list[str] = []
    for segment in track.timeline.segments:
        tags = _tags(track.protection, _number(segment)) if track.protection else []
        yield tags if tags != before else []
        before = tags


def _number(segment: Segment) -> int:
    """Of its file: an I-frame has the key of the segment that it is cut from."""
    stem = PurePosixPath(segment.uri).stem
    return int(stem) if stem.isascii() and stem.isdigit() else segment.number


def _tags(protection: Protection, number: int) -> list[str]:
    key = protection.key_of(number)
    method = {"METHOD": _METHOD[protection.scheme]}
    if protection.scheme == "aes-128":
        if not key.uri:
            raise ManifestError(f"key {key.key_id}: AES-128 needs an address that players fetch the key from")
        return [tag("EXT-X-KEY", method | {"URI": quoted(key.uri)} | _iv(protection.segment_iv(number)))]
    # The URI of a ClearKey tag names the key and holds none: its first 16 bytes are the key id.
    name = base64.b64encode(bytes.fromhex(key.key_id)).decode()
    attributes = method | {"URI": quoted(f"data:text/plain;base64,{name}")} | _iv(key.iv)
    attributes |= {"KEYID": f"0x{key.key_id}", **_format(CLEARKEY)}
    tags = [tag("EXT-X-KEY", attributes)]
    if key.uri:
        plain = method | {"URI": quoted(key.uri)} | _iv(key.iv) | _format("identity")
        tags.insert(0, tag("EXT-X-KEY", plain))
    return tags


def _iv(iv: str | None) -> Attributes:
    return {"IV": f"0x{iv}"} if iv else {}


def _format(name: str) -> Attributes:
    return {"KEYFORMAT": quoted(name), "KEYFORMATVERSIONS": quoted("1")}


def protection_of(
    segments: Sequence[Mapping[str, Any]], tags: Sequence[Mapping[str, str] | None], uri: str
) -> Protection | None:
    """The keys of a playlist in order, and after how many segments the second comes, as m3u8 read them.

    It keeps the last tag before a segment; where all tags are those of two formats, they are joined in order.

    A method that is not known here (AES-256, others' own) gives None, as a playlist without keys does.
    """
    found: dict[tuple[str, str], KeyFacts] = {}
    scheme: Scheme | None = None
    changes: list[int] = []
    for index, segment in enumerate(segments):
        key = segment.get("key") or {}
        method = METHODS.get(key.get("method", "NONE"))
        if method is None:
            continue
        scheme = scheme or method
        name = key.get("keyid", ""), key.get("uri", "")
        if name not in found:
            found[name] = _facts(key, uri, method)
            changes.append(index)
    if scheme is None:
        return None
    keys = list(found.values())
    plain = [each["uri"] for each in tags if each and each.get("keyformat", "identity") == "identity"]
    addresses = list(dict.fromkeys(plain))
    if len(addresses) == len(keys) and not any(key.uri for key in keys):
        keys = [replace(key, uri=urljoin(uri, each)) for key, each in zip(keys, addresses, strict=True)]
    rotation = changes[1] - changes[0] if len(changes) > 1 else None
    return Protection(scheme=scheme, keys=tuple(keys), rotate_every_segments=rotation)


def _facts(key: Mapping[str, str], uri: str, scheme: Scheme) -> KeyFacts:
    key_id = key.get("keyid", "").lower().removeprefix("0x").replace("-", "")
    iv = key.get("iv", "").lower().removeprefix("0x")
    address = key.get("uri", "")
    is_address = bool(address) and not address.startswith("data:")
    return KeyFacts(
        key_id=key_id if len(key_id) == 32 else "",
        uri=urljoin(uri, address) if is_address else None,
        iv=iv.zfill(32) if iv and scheme == "cbcs" else None,
    )
