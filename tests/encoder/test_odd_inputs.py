"""Sources that break a naive pipeline: each gives a title that plays, upright, in sync and from 0."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from encoder.job import Published
from tests.encoder.sources import FAST, PICTURE, SOUND, draw
from tests.encoder.titles import check, encode_fast, frames, joined, own_size

pytestmark = pytest.mark.system


def lavfi(source: str) -> list[str]:
    return ["-f", "lavfi", "-i", source]


def size(pixels: str) -> list[str]:
    return lavfi(f"testsrc2=s={pixels}:r=30")


def hdr(transfer: str) -> list[str]:
    tags = f"color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc"
    return ["-vf", f"format=yuv420p10le,setparams={tags}"]


FFV1, MJPEG, AAC = ["-c:v", "ffv1"], ["-c:v", "mjpeg"], ["-c:a", "aac"]
PCM = ["-c:a", "pcm_s16le"]
MPEG2 = ["-c:v", "mpeg2video", "-c:a", "mp2"]
DROPPED = ["-vf", "select='mod(n,5)'", "-fps_mode", "vfr"]
INTERLACED = [*lavfi("testsrc2=s=720x576:r=50"), "-vf", "interlace,setsar=16/15"]
INTERLACED += ["-c:v", "mpeg2video", "-flags", "+ildct+ilme"]
EIGHT_TRACKS = [*SOUND, "-map", "0", *["-map", "1"] * 8]
SURROUND = ["-af", "pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0"]
TEN_CHANNELS = lavfi("aevalsrc=" + "|".join(["0.1"] * 10))
TWO_LANGUAGES = [*SOUND, "-map", "0", "-map", "1", "-map", "1"]
TWO_LANGUAGES += ["-metadata:s:a:0", "language=ger", "-metadata:s:a:1", "language=fra"]
LONG_SOUND = ["-vf", "trim=duration=1", "-t", "3"]
SHORT_SOUND = ["-af", "atrim=duration=1", "-t", "3"]
CASES = [  # id, file, how it is drawn, size, frame rate, frames, channels of the audio tracks
    pytest.param(
        "a.mp4", [*size("321x181"), "-pix_fmt", "yuv444p"], "320x180", 30, 30, [], id="odd-size-4:4:4"
    ),
    pytest.param("a.mkv", [*PICTURE, "-pix_fmt", "yuv422p10le"], "320x180", 30, 30, [], id="10-bit-4:2:2"),
    pytest.param("a.mkv", [*PICTURE, "-c:v", "libx264rgb"], "320x180", 30, 30, [], id="rgb"),
    pytest.param("a.mkv", [*PICTURE, "-pix_fmt", "gray10le", *FFV1], "320x180", 30, 30, [], id="gray"),
    pytest.param("a.mkv", [*PICTURE, "-pix_fmt", "yuvj420p", *MJPEG], "320x180", 30, 30, [], id="full-range"),
    pytest.param("a.mkv", [*PICTURE, *hdr("smpte2084"), *FFV1], "320x180", 30, 30, [], id="pq"),
    pytest.param("a.mkv", [*PICTURE, *hdr("arib-std-b67"), *FFV1], "320x180", 30, 30, [], id="hlg"),
    pytest.param("a.mp4", size("180x320"), "180x320", 30, 30, [], id="portrait"),
    pytest.param("a.mp4", size("34x18"), "34x18", 30, 30, [], id="tiny"),
    pytest.param("a.mp4", [*PICTURE, "-frames:v", "1"], "320x180", 30, 1, [], id="single-frame"),
    pytest.param("a.gif", lavfi("testsrc2=s=100x76:r=10"), "100x76", 10, 10, [], id="gif"),
    pytest.param("a.mp4", lavfi("testsrc2=s=320x180:r=120"), "320x180", 60, 60, [], id="120-fps"),
    pytest.param(
        "a.mp4", [*lavfi("testsrc2=s=320x180:r=1/4"), "-t", "12"], "320x180", 5, 60, [], id="slides"
    ),
    pytest.param("a.mkv", [*PICTURE, *DROPPED], "320x180", 30, 29, [], id="variable-rate"),
    pytest.param("a.ts", INTERLACED, "768x576", 25, 25, [], id="interlaced-with-oblong-pixels"),
    pytest.param("a.mov", [*PICTURE, *EIGHT_TRACKS, *PCM], "320x180", 30, 30, [2], id="8-mono-tracks-of-pcm"),
    pytest.param("a.mkv", [*PICTURE, *SOUND, *SURROUND], "320x180", 30, 30, [2], id="5.1"),
    pytest.param(
        "a.mov", [*PICTURE, *TEN_CHANNELS, *PCM], "320x180", 30, 30, [2], id="10-channels-no-layout"
    ),
    pytest.param("a.mov", [*PICTURE, *lavfi("sine=r=96000"), *PCM], "320x180", 30, 30, [2], id="96-khz"),
    pytest.param("a.mkv", [*PICTURE, *TWO_LANGUAGES], "320x180", 30, 30, [2, 2], id="two-languages"),
    pytest.param(
        "a.mp4", [*PICTURE, *SOUND, *LONG_SOUND], "320x180", 30, 90, [2], id="sound-outlasts-picture"
    ),
    pytest.param(
        "a.mp4", [*PICTURE, *SOUND, *SHORT_SOUND], "320x180", 30, 90, [2], id="picture-outlasts-sound"
    ),
    pytest.param("a.flv", [*PICTURE, *lavfi("sine=r=44100"), *AAC], "320x180", 30, 30, [2], id="flv"),
    pytest.param(
        "a.mpg", [*PICTURE, *SOUND, *MPEG2], "320x180", 30, 30, [2], id="mpeg-that-starts-at-half-a-second"
    ),
]


@pytest.mark.parametrize(("file", "drawn", "size", "frame_rate", "count", "channels"), CASES)
def test_an_odd_source_gives_a_title_that_plays(
    tmp_path: Path, file: str, drawn: list[str], size: str, frame_rate: int, count: int, channels: list[int]
) -> None:
    usual = {"-t": "1", "-c:v": "libx264", "-preset": "ultrafast", "-pix_fmt": "yuv420p"}
    if "-c:v" in drawn or file == "a.gif":
        usual = {"-t": "1"}
    rest = [word for option in usual if option not in drawn for word in (option, usual[option])]
    source = draw(tmp_path / file, *drawn, *rest)
    published = encode_fast(source, tmp_path / "library", own_size(source, tmp_path))
    check(published)
    made = published.title.presentation
    top = made.video[-1]
    assert f"{top.rendition.width_px}x{top.rendition.height_px}" == size
    assert top.rendition.frame_rate == frame_rate
    assert top.timeline.duration == Fraction(count, frame_rate)
    assert [track.rendition.channels for track in made.audio] == channels
    for frame in frames(joined(published, top)):
        assert (frame.format.name, frame.color_trc, frame.colorspace) == ("yuv420p", 1, 1)


@pytest.mark.parametrize("delay_s", [0, 0.5])
@pytest.mark.parametrize("kind", ["mp4", "ts", "mkv"])
def test_picture_and_sound_stay_together_wherever_they_start(
    tmp_path: Path, delay_s: float, kind: str
) -> None:
    """A flash and a beep at the same moment, in a container whose picture starts later than its sound."""
    flash = [*lavfi("color=black:s=320x180:r=30"), *lavfi("aevalsrc='0.8*sin(2000*PI*t)*between(t,1.5,1.6)'")]
    shown = f"drawbox=color=white:t=fill:enable='between(t,1.49,1.6)',trim=start={delay_s}"
    clip = draw(tmp_path / f"a.{kind}", *flash, "-vf", shown, "-t", "3", *FAST, "-c:a", "aac")
    published = encode_fast(clip, tmp_path / "library")
    made = published.title.presentation
    apart_s = flash_s(joined(published, made.video[0])) - beep_s(joined(published, made.audio[0]))
    assert abs(apart_s) < 1 / 30


def flash_s(path: Path) -> float:
    return next(
        float(frame.time or 0) for frame in frames(path) if frame.to_ndarray(format="gray").mean() > 128
    )


def beep_s(path: Path) -> float:
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            loud = np.flatnonzero(np.abs(frame.to_ndarray()[0]) > 0.05)
            if loud.size:
                return float(frame.time or 0) + int(loud[0]) / frame.sample_rate
    raise AssertionError("no beep")


def test_a_turned_source_is_shown_upright(tmp_path: Path) -> None:
    halves = [*lavfi("color=red:s=160x180:r=25"), *lavfi("color=blue:s=160x180:r=25")]
    flat = draw(tmp_path / "flat.mp4", *halves, "-filter_complex", "hstack", "-t", "1", *FAST)
    turned = draw(tmp_path / "a.mp4", "-display_rotation", "90", "-i", str(flat), "-c", "copy")
    published = encode_fast(turned, tmp_path / "library")
    frame = next(frames(joined(published, published.title.presentation.video[-1])))
    assert (frame.width, frame.height, frame.rotation) == (180, 320, 0)
    pixels = frame.to_ndarray(format="rgb24").astype(int)
    assert pixels[40, 90, 2] > 200 > pixels[40, 90, 0]  # blue was right, is now on top
    assert pixels[280, 90, 0] > 200 > pixels[280, 90, 2]


def test_colours_of_standard_definition_stay_what_they_are(tmp_path: Path) -> None:
    """Unlabelled 480p is BT.601; taken for BT.709, its green would turn."""
    plain = "color=0x40c080:s=640x480:r=25"
    clip = draw(tmp_path / "a.mp4", *lavfi(plain), "-vf", "scale=out_color_matrix=bt601", "-t", "1", *FAST)
    published: Published = encode_fast(clip, tmp_path / "library")
    frame = next(frames(joined(published, published.title.presentation.video[-1])))
    shown = frame.reformat(format="rgb24", src_colorspace="ITU709", dst_colorspace="ITU709").to_ndarray()
    assert np.abs(shown[240, 320].astype(int) - [0x40, 0xC0, 0x80]).max() <= 4


def test_cover_art_that_comes_first_is_not_the_picture(tmp_path: Path) -> None:
    cover = draw(tmp_path / "cover.png", *size("64x64"), "-frames:v", "1")
    both = ["-i", str(cover), *PICTURE, "-map", "0", "-map", "1", "-disposition:v:0", "attached_pic"]
    clip = draw(tmp_path / "a.mp4", *both, "-t", "1", "-c:v:0", "copy", "-c:v:1", "libx264")
    (top,) = encode_fast(clip, tmp_path / "library").title.presentation.video
    assert top.rendition.width_px == 320
    assert top.timeline.duration == 1
