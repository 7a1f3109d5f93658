"""What we encrypt, ffmpeg decrypts: frame by frame as in the clear track, for every codec and scheme."""

from __future__ import annotations

import pickle
import random
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from media.encryption.fragments import boxes_of
from media.encryption.keys import ContentKey
from media.encryption.protector import ProtectionError, Protector
from media.hls import write_media
from media.presentation import InitSegment, Track
from media.protection import Scheme
from media.rendition import VideoRendition
from media.timeline import Segment, Timeline
from tests.encoder.encryption.clips import SOUND, VIDEO, Clip, clip, decoded

KEYS = tuple(ContentKey(f"{n:02x}" * 16, bytes(range(n, n + 16))) for n in (1, 2, 3))
CODECS = [*VIDEO, *SOUND]
SCHEMES: list[Scheme] = ["cenc", "cbcs"]


def protector(scheme: Scheme, *keys: ContentKey, rotate: int | None = None) -> Protector:
    return Protector(
        scheme=scheme,
        title="clip",
        name="240p-1f3a9b2c",
        keys=keys or KEYS[:1],
        rotate_every_segments=rotate,
        key_url="{kid}.key",
    )


def encrypted(made: Clip, by: Protector) -> Clip:
    segments = tuple(by.segment(data, number, made.init) for number, data in enumerate(made.segments, 1))
    return Clip(by.init(made.init), segments)


def written(folder: Path, name: str, data: bytes) -> Path:
    (folder / name).write_bytes(data)
    return folder / name


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("codec", CODECS)
def test_ffmpeg_decrypts_every_frame(codec: str, scheme: Scheme, tmp_path: Path) -> None:
    made, by = clip(codec), protector(scheme)
    path = written(tmp_path, "protected.mp4", encrypted(made, by).data)
    clear = decoded(written(tmp_path, "clear.mp4", made.data))
    assert decoded(path, "-decryption_key", KEYS[0].key.hex()) == clear
    assert decoded(path, "-decryption_key", KEYS[1].key.hex(), must=False) != clear


@pytest.mark.parametrize("scheme", ["aes-128", *SCHEMES])
@pytest.mark.parametrize("codec", CODECS)
def test_our_own_decryption_gives_the_clear_bytes_back(codec: str, scheme: Scheme) -> None:
    made, by = clip(codec), protector(scheme, *KEYS, rotate=1)
    protected = encrypted(made, by)
    assert by.clear_init(protected.init) == made.init
    for number, (clear, data) in enumerate(zip(made.segments, protected.segments, strict=True), 1):
        assert by.clear(data, number, made.init) == clear
        assert data != clear


@pytest.mark.parametrize("scheme", ["aes-128", *SCHEMES])
def test_equal_input_gives_equal_bytes_in_any_order_and_process(scheme: Scheme) -> None:
    made, by = clip("avc"), protector(scheme, *KEYS, rotate=1)
    elsewhere: Protector = pickle.loads(pickle.dumps(by))
    backwards = [
        elsewhere.segment(made.segments[n - 1], n, made.init) for n in range(len(made.segments), 0, -1)
    ]
    assert tuple(reversed(backwards)) == encrypted(made, by).segments
    assert elsewhere.fingerprint == by.fingerprint


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("codec", ["avc", "aac"])
def test_each_run_of_segments_has_the_key_that_its_group_names(
    codec: str, scheme: Scheme, tmp_path: Path
) -> None:
    made, by = clip(codec), protector(scheme, *KEYS, rotate=1)
    protected = encrypted(made, by)
    for number, data in enumerate(protected.segments, 1):
        key = KEYS[(number - 1) % 3]
        assert (b"seig" in data) == (key is not KEYS[0])
        assert (bytes.fromhex(key.key_id) in data) == (key is not KEYS[0])
        # ffmpeg does not follow groups: it is given an init segment of this key alone
        alone = protector(scheme, key).init(made.init)
        path = written(tmp_path, "protected.mp4", alone + data)
        clear = written(tmp_path, "clear.mp4", made.init + made.segments[number - 1])
        assert decoded(path, "-decryption_key", key.key.hex()) == decoded(clear)


def test_the_init_segment_names_all_keys_of_the_rendition() -> None:
    init = protector("cenc", *KEYS, rotate=2).init(clip("avc").init)
    assert init.count(bytes.fromhex("1077efecc0b24d02ace33c1e52e2fb4b")) == 1
    assert all(bytes.fromhex(key.key_id) in init for key in KEYS)
    assert all(key.key not in init for key in KEYS)


@pytest.mark.parametrize("rotate", [None, 1, 2])
def test_ffmpeg_plays_aes_128_from_our_playlist(rotate: int | None, tmp_path: Path) -> None:
    made = clip("avc")
    keys = KEYS if rotate else KEYS[:1]
    by = protector("aes-128", *keys, rotate=rotate)
    folder = tmp_path / by.name
    folder.mkdir()
    protected = encrypted(made, by)
    assert protected.init == made.init
    written(folder, "init.mp4", protected.init)
    for number, data in enumerate(protected.segments, 1):
        written(folder, f"{number}.m4s", data)
    for key in keys:
        written(folder, f"{key.key_id}.key", key.key)
    (folder / "index.m3u8").write_text(write_media(track(by, len(made.segments))))
    clear = decoded(written(tmp_path, "clear.mp4", made.data))
    played = decoded(folder / "index.m3u8", "-allowed_extensions", "ALL")
    assert [line.rpartition(",")[2] for line in played.splitlines() if line[0] != "#"] == [
        line.rpartition(",")[2] for line in clear.splitlines() if line[0] != "#"
    ]


def track(by: Protector, count: int) -> Track[VideoRendition]:
    rendition = VideoRendition(
        name=by.name,
        codecs="avc1.64000d",
        average_bps=1,
        peak_bps=1,
        width_px=320,
        height_px=180,
        frame_rate=Fraction(24),
    )
    segments = tuple(
        Segment(number=n, start_ticks=n - 1, duration_ticks=1, uri=f"{by.name}/{n}.m4s")
        for n in range(1, count + 1)
    )
    return Track(
        rendition=rendition,
        init=InitSegment(uri=f"{by.name}/init.mp4"),
        timeline=Timeline(timescale=1, segments=segments),
        protection=by.protection,
    )


def test_no_initialization_vector_comes_twice_under_a_key() -> None:
    """Of all samples of two rungs; the vectors are read where they are published."""
    made, found = clip("avc"), list[bytes]()
    for name in ("240p-1f3a9b2c", "360p-1f3a9b2c"):
        by = replace(protector("cenc"), name=name)
        for data in encrypted(made, by).segments:
            moof = next(box for box in boxes_of(data) if box.kind == "moof")
            senc = moof.child("traf", "senc")
            at = 8
            for _ in range(senc.unpack("I", 4)[0]):
                found.append(bytes(senc.payload[at : at + 8]))
                at += 10 + 6 * senc.unpack("H", at + 8)[0]
    assert len(found) == 144
    assert len(set(found)) == 144


def test_protected_runs_of_cenc_are_whole_blocks() -> None:
    data = protector("cenc").segment(clip("avc").segments[0], 1, clip("avc").init)
    senc = next(box for box in boxes_of(data) if box.kind == "moof").child("traf", "senc")
    parts = senc.unpack("H", 16)[0]
    numbers = senc.unpack("HI" * parts, 18)
    assert parts
    assert all(protected % 16 == 0 for protected in numbers[1::2])


def test_a_segment_that_is_encrypted_already_is_refused() -> None:
    made, by = clip("avc"), protector("cbcs")
    protected = encrypted(made, by)
    with pytest.raises(ProtectionError, match="segment 1: it is encrypted already"):
        by.segment(protected.segments[0], 1, made.init)
    with pytest.raises(ProtectionError, match="init segment is encrypted already"):
        by.init(protected.init)


def test_a_broken_segment_is_told_by_name_and_number() -> None:
    made, by = clip("avc"), protector("cenc")
    with pytest.raises(ProtectionError, match="240p-1f3a9b2c, segment 7"):
        by.segment(made.segments[0][:-100], 7, made.init)


def test_aes_128_with_another_key_is_told() -> None:
    made = clip("aac")
    data = protector("aes-128").segment(made.segments[0], 1, made.init)
    with pytest.raises(ProtectionError, match="padding"):
        protector("aes-128", KEYS[1]).clear(data[:32], 1, made.init)


def test_nothing_that_is_shown_or_published_holds_a_key() -> None:
    by = protector("cbcs", *KEYS, rotate=2)
    shown = f"{by!r} {by} {by.protection!r} {KEYS!r} {by.fingerprint}"
    for key in KEYS:
        assert key.key_id in shown
        assert key.key.hex() not in shown
        assert repr(key.key) not in shown
        assert str(list(key.key)) not in shown


def test_the_fingerprint_changes_with_any_key_or_setting() -> None:
    by = protector("cbcs", *KEYS, rotate=2)
    others = [
        replace(by, scheme="cenc"),
        replace(by, rotate_every_segments=3),
        replace(by, keys=KEYS[:2]),
        replace(by, keys=(ContentKey(KEYS[0].key_id, bytes(16)), *KEYS[1:])),
        replace(by, license_url="https://keys.example/license"),
    ]
    assert len({by.fingerprint, *(other.fingerprint for other in others)}) == 6


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("seed", [20251121])
def test_broken_bytes_are_encrypted_or_told_and_nothing_else(codec: str, scheme: Scheme, seed: int) -> None:
    chance, made, by = random.Random(seed), clip(codec), protector(scheme)
    outcomes = set()
    for _ in range(200):
        init, data = bytearray(made.init), bytearray(made.segments[0])
        broken = init if chance.random() < 0.3 else data
        for _ in range(chance.randint(1, 4)):
            broken[chance.randrange(len(broken) if chance.random() < 0.5 else 600)] = chance.randrange(256)
        try:
            protected = by.segment(bytes(data[: chance.choice([None, -1, 300])]), 1, bytes(init))
            outcomes.add(bool(protected))
        except ProtectionError as error:
            outcomes.add("\n" in str(error))
    assert outcomes == {True, False}
