"""Key files: TOML with a table `[[keys]]` for each key, read and made (docs/encryption.md has the format)."""

from __future__ import annotations

import os
import re
import secrets
import stat
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from encoder.encryption.settings import LABELS, EncryptionError, Label
from media.encryption.keys import ContentKey

_HEX = re.compile(r"[0-9a-fA-F]{32}")
_PLACE = re.compile(r"\(at [^()]*\)$")
_KNOWN = {"kid", "key", "label"}
_MOST_BYTES = 2**20


def read_key_file(path: Path) -> dict[Label, list[ContentKey]]:
    """The keys by label, in the order of the file. Raises EncryptionError, which never holds a key."""
    with _reported(path):
        with path.open("rb") as file:
            _refuse_public(path, os.fstat(file.fileno()).st_mode)
            data = file.read(_MOST_BYTES)
        try:
            values = tomllib.loads(data.decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            place = _PLACE.search(str(error))  # the rest of the message may quote a key
            raise EncryptionError(f"{path}: not TOML {place[0] if place else ''}".rstrip()) from None
    tables = values.get("keys")
    if set(values) != {"keys"} or not isinstance(tables, list) or not tables:
        raise EncryptionError(f"{path}: a key file holds tables [[keys]] and nothing else")
    found: dict[Label, list[ContentKey]] = {}
    for number, table in enumerate(tables, 1):
        label, key = _key(f"{path}, key {number}", table)
        found.setdefault(label, []).append(key)
    _refuse_twice(path, found)
    return found


def write_key_file(path: Path, count: int = 1) -> None:
    """New random keys, `count` for the picture and as many for the sound, in a file for its owner alone.

    A file that is there already is never written over: what it has encrypted would be lost.
    """
    tables = [_table(label) for label in ("video", "audio") for _ in range(count)]
    with _reported(path):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("# Keep this file safe: who has it can play what it encrypts, and nobody else.\n")
            file.writelines(tables)
            file.flush()
            os.fsync(file.fileno())


def _table(label: str) -> str:
    return f'\n[[keys]]\nlabel = "{label}"\nkid = "{uuid4().hex}"\nkey = "{secrets.token_hex(16)}"\n'


def _key(where: str, table: Any) -> tuple[Label, ContentKey]:
    if not isinstance(table, dict) or not {"kid", "key"} <= table.keys() <= _KNOWN:
        raise EncryptionError(f"{where}: needs kid and key, and may have a label; nothing else")
    label = table.get("label", "")
    if label not in LABELS:
        known = ", ".join(filter(None, LABELS))
        raise EncryptionError(f"{where}: its label is none of {known}")
    key_id = table["kid"].replace("-", "") if isinstance(table["kid"], str) else ""
    if not _HEX.fullmatch(key_id):
        raise EncryptionError(f"{where}: kid is not 32 hex digits")
    if not isinstance(table["key"], str) or not _HEX.fullmatch(table["key"]):
        raise EncryptionError(f"{where}: key is not 32 hex digits")
    return label, ContentKey(key_id.lower(), bytes.fromhex(table["key"]))


def _refuse_public(path: Path, mode: int) -> None:
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        raise EncryptionError(f"{path}: everybody on this machine may read these keys; chmod 600 it")


def _refuse_twice(path: Path, found: dict[Label, list[ContentKey]]) -> None:
    """One id is one key; and a key that stands there twice would repeat initialization vectors."""
    every = [key for keys in found.values() for key in keys]
    for what in ({key.key_id for key in every}, {key.key for key in every}):
        if len(what) < len(every):
            raise EncryptionError(f"{path}: a kid or a key stands there twice; each is used once")


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise EncryptionError(
            f"{path}: is there already, and keys are not written over; name another"
        ) from None
    except OSError as error:
        raise EncryptionError(f"{path}: {error.strerror}; name a readable key file") from None
