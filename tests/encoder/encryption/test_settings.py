"""Which key each rendition gets, and which settings cannot be."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from encoder.encryption.key_file import write_key_file
from encoder.encryption.resolving import resolve
from encoder.encryption.settings import (
    EncryptionError,
    EncryptionSettings,
    Label,
    key_ids,
    labels_of,
    protectors,
)
from media.encryption.keys import ContentKey
from media.rendition import AudioRendition, VideoRendition

SOUND = AudioRendition(
    name="audio", codecs="mp4a.40.2", average_bps=1, peak_bps=1, sample_rate_hz=48000, channels=2
)
FILE = EncryptionSettings(scheme="cbcs", key_file=Path("keys.toml"))


def rung(width_px: int, height_px: int) -> VideoRendition:
    return VideoRendition(
        name=f"{height_px}p",
        codecs="avc1.64001f",
        average_bps=1,
        peak_bps=1,
        width_px=width_px,
        height_px=height_px,
        frame_rate=Fraction(25),
    )


LADDER: list[VideoRendition | AudioRendition] = [rung(640, 360), rung(1280, 720), rung(3840, 2160), SOUND]


def key(number: int) -> ContentKey:
    return ContentKey(f"{number:02x}" * 16, bytes([number]) * 16)


def given(keys: dict[Label, list[ContentKey]], **changes: Any) -> dict[str, list[int]]:
    made = protectors(replace(FILE, **changes), "clip", LADDER, keys)
    return {name: [each.key[0] for each in by.keys] for name, by in made.items()}


def test_picture_and_sound_have_keys_of_their_own() -> None:
    keys: dict[Label, list[ContentKey]] = {"video": [key(1)], "audio": [key(2)]}
    assert given(keys) == {"360p": [1], "720p": [1], "2160p": [1], "audio": [2]}


def test_a_size_may_have_its_own_key() -> None:
    keys: dict[Label, list[ContentKey]] = {"video": [key(1)], "": [key(2)], "uhd1": [key(3)], "hd": [key(4)]}
    assert given(keys) == {"360p": [1], "720p": [4], "2160p": [3], "audio": [2]}


@pytest.mark.parametrize(
    ("size_px", "label"),
    [
        ((768, 576), "sd"),
        ((1280, 720), "hd"),
        ((1080, 1920), "hd"),
        ((4096, 2160), "uhd1"),
        ((7680, 4320), "uhd2"),
    ],
)
def test_sizes_are_drawn_where_shaka_packager_draws_them(size_px: tuple[int, int], label: str) -> None:
    assert labels_of(rung(*size_px)) == (label, "video", "")


def test_keys_take_turns_only_under_rotation() -> None:
    keys: dict[Label, list[ContentKey]] = {"": [key(1), key(2), key(3)]}
    assert given(keys)["720p"] == [1]
    assert given(keys, rotate_every_segments=5)["720p"] == [1, 2, 3]


def test_a_rendition_without_a_key_is_told() -> None:
    with pytest.raises(EncryptionError, match="audio: no key with one of the labels"):
        given({"video": [key(1)]})


def test_rotation_with_one_key_is_told() -> None:
    with pytest.raises(EncryptionError, match="rotation needs two keys"):
        given({"": [key(1)]}, rotate_every_segments=5)


def test_ids_for_a_key_server_are_the_same_whenever_and_differ_by_title() -> None:
    assert key_ids("clip", 3) == key_ids("clip", 3)
    every = [kid for title in ("clip", "other") for ids in key_ids(title, 3).values() for kid in ids]
    assert len(set(every)) == 12
    assert all(kid[12] == "8" and kid[16] in "89ab" for kid in every)  # UUIDs of version 8


def test_new_keys_are_enough_for_a_title(tmp_path: Path) -> None:
    write_key_file(tmp_path / "keys.toml", count=2)
    settings = EncryptionSettings(scheme="cenc", key_file=tmp_path / "keys.toml", rotate_every_segments=2)
    made = resolve(settings, "clip", LADDER)
    assert {name: len(by.keys) for name, by in made.items()} == {
        "360p": 2,
        "720p": 2,
        "2160p": 2,
        "audio": 2,
    }


BAD = [
    pytest.param({"scheme": "cens"}, "choose one of aes-128, cenc, cbcs", id="scheme"),
    pytest.param({"key_file": None}, "one of them", id="no-source"),
    pytest.param({"key_server": "https://keys.example"}, "one of them", id="two-sources"),
    pytest.param({"rotate_every_segments": 0}, "at least 1", id="rotation"),
    pytest.param({"keys_per_label": 0}, "at least 1", id="keys"),
    pytest.param({"scheme": "aes-128"}, "--key-url", id="aes-128-without-address"),
    pytest.param({"key_url": "https://keys.example/"}, "holds no {kid}", id="address-without-id"),
    pytest.param({"key_url": "keys/{kid}"}, "not an http", id="no-address"),
    pytest.param({"license_url": 'https://keys.example/"'}, "not an http", id="quote-in-address"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_what_cannot_be_is_told(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(EncryptionError, match=message):
        replace(FILE, **changes)


def test_settings_do_not_show_the_key_servers_address() -> None:
    settings = EncryptionSettings(scheme="cenc", key_server="https://me:secret@keys.example/?token=secret")
    assert "secret" not in repr(settings)


def test_a_bad_address_is_shown_without_its_secrets() -> None:
    with pytest.raises(EncryptionError) as caught:
        replace(FILE, key_url="https://me:secret@keys.example/k?token=secret")
    assert "secret" not in str(caught.value)


def test_aes_128_is_for_hls_alone() -> None:
    settings = replace(FILE, scheme="aes-128", key_url="https://keys.example/{kid}")
    assert not settings.allows_dash
    assert not settings.allows_iframes
    assert FILE.allows_dash
    assert FILE.allows_iframes
