from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from encoder.encryption.key_file import read_key_file, write_key_file
from encoder.encryption.settings import EncryptionError, EncryptionSettings
from encoder.ffmpeg import find_ffmpeg
from encoder.job import EncodeJob, Published
from encoder.package import encode
from media.presentation import Track
from media.protection import Scheme
from media.rendition import Rendition
from tests.encoder.sources import FAST, PICTURE, SOUND, draw
from tests.encoder.titles import FASTEST

pytestmark = pytest.mark.system

LADDER = "[[rungs]]\nshort_side_px = 90\nmax_bps = 100_000\n"
KEY_URL = "https://keys.example/{kid}"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(
        tmp_path_factory.mktemp("clip") / "film.mp4", *PICTURE, *SOUND, "-t", "9", *FAST, "-c:a", "aac"
    )


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "keys.toml"
    write_key_file(path, 2)
    return path


@pytest.fixture
def job(clip: Path, tmp_path: Path) -> EncodeJob:
    (tmp_path / "ladder.toml").write_text(LADDER)
    library = tmp_path / "library"
    return EncodeJob(input=clip, library=library, ladder=str(tmp_path / "ladder.toml"), settings=FASTEST)


def locked(job: EncodeJob, keys: Path, scheme: Scheme) -> EncodeJob:
    key_url = KEY_URL if scheme == "aes-128" else None
    return replace(job, encryption=EncryptionSettings(scheme=scheme, key_file=keys, key_url=key_url))


def hashes(path: Path, *before: str) -> list[str]:
    """Of each frame, decoded by ffmpeg."""
    command = [
        find_ffmpeg().program,
        "-v",
        "error",
        *before,
        "-i",
        str(path),
        "-map",
        "0",
        "-f",
        "framemd5",
        "-",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return [line.split(",")[-1].strip() for line in done.stdout.splitlines() if not line.startswith("#")]


def whole(published: Published, track: Track[Rendition], folder: Path) -> Path:
    assert track.init is not None
    uris = [track.init.uri, *(segment.uri for segment in track.timeline.segments)]
    path = folder / f"{track.rendition.name}.mp4"
    path.write_bytes(b"".join((Path(published.folder) / uri).read_bytes() for uri in uris))
    return path


def pairs(one: Published, other: Published) -> Iterator[tuple[Track[Rendition], Track[Rendition]]]:
    yield from zip(one.title.presentation.tracks, other.title.presentation.tracks, strict=True)


@pytest.mark.parametrize("scheme", ["cenc", "cbcs"])
def test_an_encrypted_title_is_the_same_title_to_who_has_the_keys(
    job: EncodeJob, keys: Path, scheme: Scheme, tmp_path: Path
) -> None:
    clear, sealed = encode(job), encode(replace(locked(job, keys, scheme), title="sealed"))
    by_id = {key.key_id: key.key.hex() for found in read_key_file(keys).values() for key in found}
    for before, after in pairs(clear, sealed):
        assert after.protection is not None
        assert after.rendition.name != before.rendition.name
        key = by_id[after.protection.keys[0].key_id]
        path = whole(sealed, after, tmp_path)
        assert hashes(path, "-decryption_key", key) == hashes(whole(clear, before, tmp_path))
        assert path.read_bytes() != whole(clear, before, tmp_path).read_bytes()


@pytest.mark.parametrize("scheme", get_args(Scheme))
def test_the_library_holds_no_key_and_no_clear_segment(job: EncodeJob, keys: Path, scheme: Scheme) -> None:
    clear = encode(job)
    segments = {
        (Path(clear.folder) / file.path).read_bytes() for file in clear.title.files if "m4s" in file.path
    }
    sealed = encode(replace(locked(job, keys, scheme), title="sealed"))
    everything = [path for path in Path(sealed.folder).rglob("*") if path.is_file()]
    secrets = [key.key for found in read_key_file(keys).values() for key in found]
    for path in everything:
        data = path.read_bytes()
        assert data not in segments, path
        assert not any(key in data or key.hex().encode() in data.lower() for key in secrets), path
    assert not (Path(str(job.library)) / ".staging").exists()


def test_aes_128_has_no_dash_and_takes_that_of_the_version_before_away(job: EncodeJob, keys: Path) -> None:
    folder = Path(encode(job).folder)
    assert (folder / "manifest.mpd").exists()
    sealed = encode(locked(job, keys, "aes-128"))
    assert not (folder / "manifest.mpd").exists()
    assert "iframes" not in (folder / "master.m3u8").read_text()
    (track,) = sealed.title.presentation.video
    assert "#EXT-X-KEY:METHOD=AES-128" in (folder / track.rendition.name / "index.m3u8").read_text()


def test_the_same_keys_make_the_same_bytes_and_other_keys_another_title(
    job: EncodeJob, keys: Path, tmp_path: Path
) -> None:
    first = encode(locked(job, keys, "cbcs"))
    again = encode(locked(job, keys, "cbcs"))
    assert (again.is_new, again.title) == (False, first.title)
    elsewhere = encode(locked(replace(job, library=tmp_path / "elsewhere"), keys, "cbcs"))
    assert elsewhere.title == first.title
    write_key_file(tmp_path / "others.toml")
    assert encode(locked(job, tmp_path / "others.toml", "cbcs")).title.version != first.title.version


def test_without_its_keys_nothing_is_encoded(job: EncodeJob, tmp_path: Path) -> None:
    with pytest.raises(EncryptionError, match="No such file"):
        encode(locked(job, tmp_path / "nowhere.toml", "cenc"))
    assert not Path(str(job.library)).exists()
