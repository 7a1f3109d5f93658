"""Key files: what is read, what is refused, and that no message holds a key."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from encoder.encryption.key_file import read_key_file, write_key_file
from encoder.encryption.settings import EncryptionError

KID, KEY = "00112233445566778899aabbccddeeff", "d59fab7cc84fef9df4c1e39ca9be395c"
OTHER = "ff" * 16


def table(kid: str = KID, key: str = KEY, label: str | None = None) -> str:
    label_line = f'label = "{label}"\n' if label is not None else ""
    return f'[[keys]]\n{label_line}kid = "{kid}"\nkey = "{key}"\n'


def key_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "keys.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_keys_are_read_by_label_in_their_order(tmp_path: Path) -> None:
    text = table(label="video") + table("01" * 16, "02" * 16, "audio") + table("03" * 16, "04" * 16, "video")
    found = read_key_file(key_file(tmp_path, text))
    assert [key.key_id for key in found["video"]] == [KID, "03" * 16]
    assert [key.key.hex() for key in found["audio"]] == ["02" * 16]


def test_a_key_id_may_be_written_as_a_uuid(tmp_path: Path) -> None:
    path = key_file(tmp_path, table("00112233-4455-6677-8899-AABBCCDDEEFF"))
    assert [key.key_id for key in read_key_file(path)[""]] == [KID]


BAD = [
    pytest.param("keys = [", "not TOML", id="no-toml"),
    pytest.param(f'[[keys]]\nkid = "{KID}"\nkey = {KEY}\n', "not TOML", id="key-without-quotes"),
    pytest.param(f'a = "{KEY}"\n{table()}', "nothing else", id="other-tables"),
    pytest.param("", "nothing else", id="empty"),
    pytest.param(f'keys = "{KEY}"', "nothing else", id="no-tables"),
    pytest.param(f'[[keys]]\nkey = "{KEY}"\n', "key 1: needs kid and key", id="no-kid"),
    pytest.param(f'{table()}secret = "{KEY}"\n', "key 1: needs kid and key", id="unknown-field"),
    pytest.param(table(kid=KID[:-1]), "key 1: kid is not 32 hex digits", id="short-kid"),
    pytest.param(table(key=KEY[:-1]), "key 1: key is not 32 hex digits", id="short-key"),
    pytest.param(table(key=KEY + "0"), "key 1: key is not 32 hex digits", id="long-key"),
    pytest.param(table(label=KEY), "its label is none of video, audio, sd", id="unknown-label"),
    pytest.param(table() + table(key=OTHER), "stands there twice", id="kid-twice"),
    pytest.param(table() + table(kid=OTHER), "stands there twice", id="key-twice"),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_what_is_wrong_is_one_line_without_a_key(text: str, message: str, tmp_path: Path) -> None:
    path = key_file(tmp_path, text)
    with pytest.raises(EncryptionError, match=message) as caught:
        read_key_file(path)
    line = str(caught.value)
    assert line.startswith(str(path))
    assert "\n" not in line
    assert KEY[:-1] not in line
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602])
def test_a_file_that_everybody_may_read_is_refused(mode: int, tmp_path: Path) -> None:
    with pytest.raises(EncryptionError, match="chmod 600"):
        read_key_file(key_file(tmp_path, table(), mode))


def test_a_group_may_read_it_as_secrets_are_mounted(tmp_path: Path) -> None:
    assert read_key_file(key_file(tmp_path, table(), 0o440))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(EncryptionError, match="No such file"):
        read_key_file(tmp_path / "none.toml")


def test_new_keys_are_for_their_owner_alone_and_differ(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        write_key_file(tmp_path / "keys.toml", count=3)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "keys.toml").stat().st_mode) == 0o600
    found = read_key_file(tmp_path / "keys.toml")
    assert {label: len(keys) for label, keys in found.items()} == {"video": 3, "audio": 3}
    assert len({key.key for keys in found.values() for key in keys}) == 6


def test_keys_are_never_written_over(tmp_path: Path) -> None:
    path = key_file(tmp_path, table())
    with pytest.raises(EncryptionError, match="not written over"):
        write_key_file(path)
    assert path.read_text() == table()
