"""Encryption of a title: the settings, and the keys of each rendition.

As with Shaka Packager, picture and sound have keys of their own, so that a device that may not show the
picture can still be given the sound. A key file may go further: keys labelled `sd`, `hd`, `uhd1` and `uhd2`
are for the rungs of that size, before those labelled `video`; a key without a label is for what has no other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from encoder.errors import EncodeError
from media.encryption.keys import ContentKey
from media.encryption.protector import Protector, marks_differ
from media.protection import Scheme
from media.rendition import AudioRendition, VideoRendition

Label = Literal["", "video", "audio", "sd", "hd", "uhd1", "uhd2"]
LABELS: tuple[Label, ...] = get_args(Label)
_SIZES: tuple[tuple[int, Label], ...] = (  # most pixels of each, as Shaka Packager draws the lines
    (768 * 576, "sd"),
    (1920 * 1080, "hd"),
    (4096 * 2160, "uhd1"),
)


class EncryptionError(EncodeError):
    """The title cannot be encrypted as asked for; the message names what is in the way, and no key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptionSettings:
    """How a title is encrypted, and where the keys come from: one of `key_file` and `key_server`."""

    scheme: Scheme
    key_file: Path | None = None
    key_server: str | None = field(default=None, repr=False)  # may hold a token
    rotate_every_segments: int | None = None
    keys_per_label: int = 4  # of a key server's keys, how many take turns under rotation
    key_url: str | None = None  # where players fetch a key: an address with {kid}
    license_url: str | None = None  # a ClearKey licence server, for players

    def __post_init__(self) -> None:
        if self.scheme not in get_args(Scheme):
            raise EncryptionError(f"encryption {self.scheme!r}: choose one of {', '.join(get_args(Scheme))}")
        if (self.key_file is None) == (self.key_server is None):
            raise EncryptionError("encryption needs its keys from --key-file or --key-server, one of them")
        if self.rotate_every_segments is not None and self.rotate_every_segments < 1:
            raise EncryptionError(f"--rotate-keys {self.rotate_every_segments}: at least 1 segment")
        if self.keys_per_label < 1:
            raise EncryptionError(f"keys_per_label = {self.keys_per_label}: at least 1")
        if self.scheme == "aes-128" and not self.key_url:
            raise EncryptionError("aes-128: name the address that players fetch a key from with --key-url")
        if self.key_url and "{kid}" not in self.key_url:
            raise EncryptionError(
                f"--key-url {_shown(self.key_url)}: holds no {{kid}}; the key id goes there"
            )
        for option, url in (("--key-url", self.key_url), ("--license-url", self.license_url)):
            if url is not None and not _is_address(url):
                raise EncryptionError(f"{option} {_shown(url)}: not an http(s) address")

    @property
    def key_count(self) -> int:
        """Keys for each label that a key server is asked for."""
        return self.keys_per_label if self.rotate_every_segments else 1

    @property
    def allows_dash(self) -> bool:
        return self.scheme != "aes-128"

    @property
    def allows_iframes(self) -> bool:
        """I-frame playlists name parts of segments, which AES-128 does not let be decrypted alone."""
        return self.scheme != "aes-128"


Rendition = VideoRendition | AudioRendition


def labels_of(rendition: Rendition) -> tuple[Label, ...]:
    """The labels of the keys that it may have, the narrowest first."""
    if isinstance(rendition, AudioRendition):
        return "audio", ""
    pixels = rendition.width_px * rendition.height_px
    size: Label = next((label for most, label in _SIZES if pixels <= most), "uhd2")
    return size, "video", ""


def key_ids(title: str, count: int) -> dict[Label, list[str]]:
    """The ids that a key server is asked for: the same whenever the title is encoded (RFC 9562, 5.8)."""

    def key_id(label: Label, index: int) -> str:
        digest = bytearray(hashlib.sha256(f"penstock\0{title}\0{label}\0{index}".encode()).digest()[:16])
        digest[6], digest[8] = digest[6] & 0x0F | 0x80, digest[8] & 0x3F | 0x80
        return digest.hex()

    labels: tuple[Label, ...] = ("video", "audio")
    return {label: [key_id(label, index) for index in range(count)] for label in labels}


def protectors(
    settings: EncryptionSettings,
    title: str,
    renditions: Iterable[Rendition],
    keys: Mapping[Label, Sequence[ContentKey]],
) -> dict[str, Protector]:
    """One for each rendition, by its name. Raises EncryptionError where a rendition has no key."""
    made = {each.name: _protector(settings, title, each, keys) for each in renditions}
    used = tuple(sorted({key.key_id for by in made.values() for key in by.keys}))
    made = {name: replace(by, title_key_ids=used) for name, by in made.items()}
    if not marks_differ(made.values()):
        raise EncryptionError(f"{title}: two renditions would share initialization vectors; rename one")
    return made


def _protector(
    settings: EncryptionSettings,
    title: str,
    rendition: Rendition,
    keys: Mapping[Label, Sequence[ContentKey]],
) -> Protector:
    labels = labels_of(rendition)
    found = next((keys[label] for label in labels if keys.get(label)), None)
    if not found:
        known = ", ".join(repr(label) for label in labels)
        raise EncryptionError(f"{rendition.name}: no key with one of the labels {known}; add one")
    if settings.rotate_every_segments and len(found) < 2:
        raise EncryptionError(f"{rendition.name}: rotation needs two keys or more of its label; add some")
    return Protector(
        scheme=settings.scheme,
        title=title,
        name=rendition.name,
        keys=tuple(found) if settings.rotate_every_segments else tuple(found[:1]),
        rotate_every_segments=settings.rotate_every_segments,
        key_url=settings.key_url,
        license_url=settings.license_url,
    )


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    is_plain = url.isascii() and url.isprintable() and not set(url) & set(' "<>')
    return parts.scheme in ("http", "https") and bool(parts.netloc) and is_plain


def _shown(url: str) -> str:
    """Without what may be a secret: user, query, fragment."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname or ''}{parts.path}" if parts.scheme else repr(parts.path)
    except ValueError:
        return "(not shown)"
