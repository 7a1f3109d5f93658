from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from encoder.probe import ProbeError, probe
from tests.encoder.sources import FAST, PICTURE, SOUND, draw

pytestmark = pytest.mark.system


def test_the_facts_of_a_plain_clip(tmp_path: Path) -> None:
    clip = draw(
        tmp_path / "a.mp4", *PICTURE, *SOUND, "-t", "2", *FAST, "-metadata:s:a", "language=eng"
    )  # fmt: skip
    source = probe(clip)
    video, (audio,) = source.video, source.audio
    assert (video.width_px, video.height_px, video.bit_depth) == (320, 180, 8)
    assert (video.frame_rate, video.is_constant_rate) == (Fraction(30), True)
    assert video.duration == 2
    assert video.colour.video_range == "SDR"
    assert (audio.sample_rate_hz, audio.channels, audio.language) == (48_000, 1, "en")


def test_pixels_that_are_not_square_are_counted_as_shown(tmp_path: Path) -> None:
    pal = ["-f", "lavfi", "-i", "testsrc2=s=720x576:r=50", "-vf", "interlace,setsar=16/15", "-t", "1"]
    clip = draw(tmp_path / "a.ts", *pal, "-c:v", "mpeg2video", "-flags", "+ildct+ilme")
    video = probe(clip).video
    assert (video.coded_width_px, video.width_px, video.height_px) == (720, 768, 576)
    assert video.is_interlaced


def test_a_turned_picture_is_measured_as_shown(tmp_path: Path) -> None:
    flat = draw(tmp_path / "a.mp4", *PICTURE, "-t", "1", *FAST)
    turned = draw(tmp_path / "b.mp4", "-display_rotation", "90", "-i", str(flat), "-c", "copy")
    video = probe(turned).video
    assert (video.coded_width_px, video.coded_height_px) == (320, 180)
    assert (video.width_px, video.height_px) == (180, 320)


def test_ntsc_in_a_container_that_counts_milliseconds_is_exact_and_constant(tmp_path: Path) -> None:
    film = ["-f", "lavfi", "-i", "testsrc2=s=64x64:r=24000/1001", "-t", "4"]
    video = probe(draw(tmp_path / "a.mkv", *film, *FAST)).video
    assert (video.frame_rate, video.is_constant_rate) == (Fraction(24000, 1001), True)


def test_frames_that_come_when_they_like_are_a_variable_rate(tmp_path: Path) -> None:
    dropped = ["-vf", "select='mod(n,5)'", "-fps_mode", "vfr"]
    video = probe(draw(tmp_path / "a.mkv", *PICTURE, *dropped, "-t", "2", *FAST)).video
    assert (video.frame_rate, video.is_constant_rate) == (Fraction(30), False)


def test_hdr_is_told_by_its_transfer(tmp_path: Path) -> None:
    pq = "format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
    clip = draw(tmp_path / "a.mkv", *PICTURE, "-vf", pq, "-frames:v", "3", "-c:v", "ffv1")
    video = probe(clip).video
    assert (video.colour.video_range, video.bit_depth) == ("PQ", 10)


def test_cover_art_is_no_picture(tmp_path: Path) -> None:
    cover = draw(tmp_path / "cover.png", *PICTURE, "-frames:v", "1")
    song = draw(
        tmp_path / "a.m4a", *SOUND, "-i", str(cover), "-map", "0", "-map", "1", "-t", "1", "-c:v", "copy",
        "-disposition:v", "attached_pic",
    )  # fmt: skip
    with pytest.raises(ProbeError, match="holds no video"):
        probe(song)


def nothing(folder: Path) -> Path:
    return folder / "nowhere.mp4"


def a_folder(folder: Path) -> Path:
    return folder


def empty(folder: Path) -> Path:
    path = folder / "empty.mp4"
    path.touch()
    return path


def text(folder: Path) -> Path:
    path = folder / "notes.mp4"
    path.write_text("This is no video.\n" * 100)
    return path


def only_sound(folder: Path) -> Path:
    return draw(folder / "a.m4a", *SOUND, "-t", "1")


def bare_stream(folder: Path) -> Path:
    return draw(folder / "a.h264", *PICTURE, "-t", "1", *FAST)


def without_its_end(folder: Path) -> Path:
    return cut(draw(folder / "a.mp4", *PICTURE, "-t", "4", *FAST))


def without_its_end_but_with_its_header(folder: Path) -> Path:
    return cut(draw(folder / "a.mp4", *PICTURE, "-t", "4", *FAST, "-movflags", "+faststart"))


def matroska_without_its_end(folder: Path) -> Path:
    return cut(draw(folder / "a.mkv", *PICTURE, "-t", "4", *FAST))


def cut(path: Path) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (nothing, "no such file; name a video file"),
        (a_folder, "not a file; name a video file"),
        (empty, "the file is empty"),
        (text, "not a video file, or cut short"),
        (only_sound, "holds no video"),
        (bare_stream, "its frames carry no times; wrap it into MP4 or Matroska"),
        (without_its_end, "not a video file, or cut short"),
        (without_its_end_but_with_its_header, "cut short: it ends before its own header says"),
        (matroska_without_its_end, "cut short: it ends before its own header says"),
    ],
)
def test_what_cannot_be_encoded_is_refused_in_one_line(
    tmp_path: Path, make: Callable[[Path], Path], message: str
) -> None:
    path = make(tmp_path)
    with pytest.raises(ProbeError) as refused:
        probe(path)
    assert message in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
