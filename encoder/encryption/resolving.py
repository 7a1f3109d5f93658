"""From settings to the protectors of a title's renditions: the one call that reads keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from encoder.encryption.key_file import read_key_file
from encoder.encryption.key_server import fetch_keys
from encoder.encryption.settings import EncryptionSettings, Label, Rendition, key_ids, protectors
from media.encryption.keys import ContentKey
from media.encryption.protector import Protector


def resolve(
    settings: EncryptionSettings, title: str, renditions: Iterable[Rendition], token: str | None = None
) -> dict[str, Protector]:
    """A protector for each rendition, by its name. `token` is for the key server. Raises EncryptionError."""
    return protectors(settings, title, renditions, title_keys(settings, title, token))


def title_keys(
    settings: EncryptionSettings, title: str, token: str | None = None
) -> Mapping[Label, Sequence[ContentKey]]:
    """Raises EncryptionError."""
    if settings.key_file is not None:
        return read_key_file(settings.key_file)
    wanted = key_ids(title, settings.key_count)
    every = [key_id for ids in wanted.values() for key_id in ids]
    found = fetch_keys(settings.key_server or "", every, token)
    return {label: [found[key_id] for key_id in ids] for label, ids in wanted.items()}
