"""Segments are decoded by themselves, and what is cut short or damaged says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from encoder.decoding import decode_segment
from media.cmaf import read_fragment, read_init
from media.facts.model import Decoded
from tests.encoder.sources import FAST, PICTURE, SOUND, draw

pytestmark = pytest.mark.system
HLS = ["-t", "4", "-g", "30", "-keyint_min", "30", "-sc_threshold", "0", "-f", "hls", "-hls_time", "2"]
FMP4 = ["-hls_segment_type", "fmp4", "-hls_segment_filename"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two renditions of two segments."""
    folder = tmp_path_factory.mktemp("segments")
    draw(folder / "v.m3u8", *PICTURE, *FAST, "-bf", "2", *HLS, *FMP4, str(folder / "v%d.m4s"))
    (folder / "init.mp4").rename(folder / "v.mp4")
    draw(folder / "a.m3u8", *SOUND, "-c:a", "aac", *HLS, *FMP4, str(folder / "a%d.m4s"))
    return folder


@pytest.mark.parametrize(("init", "name"), [("v.mp4", "v"), ("init.mp4", "a")])
def test_every_frame_of_a_segment_is_counted(folder: Path, init: str, name: str) -> None:
    header = (folder / init).read_bytes()
    for number in (0, 1):
        data = (folder / f"{name}{number}.m4s").read_bytes()
        samples = read_fragment(data, read_init(header)).sample_count
        assert decode_segment(header, data) == Decoded(frames=samples, starts_with_key_frame=True)


def test_a_transport_stream_needs_no_init_segment(tmp_path: Path) -> None:
    path = draw(tmp_path / "segment.ts", *PICTURE, *FAST, "-t", "1")
    assert decode_segment(b"", path.read_bytes()) == Decoded(frames=30, starts_with_key_frame=True)


def test_what_does_not_decode_says_why(folder: Path) -> None:
    header, data = (folder / "v.mp4").read_bytes(), (folder / "v1.m4s").read_bytes()
    assert decode_segment(b"", b"").problem
    assert decode_segment(b"", b"<html>").problem
    assert decode_segment(header, b"").problem == "no frame of it decodes"
    media_at = data.index(b"mdat") + 4
    noise = data[:media_at] + bytes(len(data) - media_at)
    assert decode_segment(header, noise).problem
    assert decode_segment(header, data[: len(data) // 2]).frames < 60
