"""Tracks of a source, with real containers: what ffmpeg and PyAV make of them."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import pytest

from encoder.ffmpeg import FfmpegError, find_ffmpeg
from encoder.probe import probe
from encoder.source import TextSource
from encoder.subtitles.cues import fitted
from encoder.subtitles.errors import SubtitleError
from encoder.subtitles.tracks import extract, extraction, readable
from encoder.subtitles.writing import written
from tests.encoder.sources import FAST, PICTURE, draw
from tests.media.presentations import video

PGS = TextSource(index=1, codec="hdmv_pgs_subtitle", is_text=False, language="de")
SRT = "1\n00:00:00,500 --> 00:00:01,234\n<i>Hello</i> bye\n\n"
SRT += "2\n00:00:02,000 --> 00:00:09,000\n{\\an8}Up\n"


def silent(message: str) -> None:
    raise AssertionError(message)


def test_pictures_of_text_are_left_out_with_one_line() -> None:
    said: list[str] = []
    text = TextSource(index=0, codec="subrip", is_text=True)
    assert readable([text, PGS], said.append) == (text,)
    assert len(said) == 1
    assert "subtitle track 1 (hdmv_pgs_subtitle, de)" in said[0]
    assert "--subtitles" in said[0]


def test_pictures_of_text_cannot_be_taken_out() -> None:
    with pytest.raises(SubtitleError, match=r"film\.mkv: subtitle track 1 is hdmv_pgs_subtitle, pictures"):
        extract(find_ffmpeg(), Path("film.mkv"), [PGS], silent)


def test_all_tracks_are_taken_out_in_one_pass() -> None:
    tracks = [
        TextSource(index=0, codec="subrip", is_text=True),
        TextSource(index=2, codec="mov_text", is_text=True),
        TextSource(index=3, codec="ass", is_text=True),
    ]
    command = extraction("in.mkv", tracks)
    assert command.count("-i") == 1
    assert [command[at + 1] for at, word in enumerate(command) if word == "-map"] == [
        "0:s:0",
        "0:s:2",
        "0:s:3",
    ]
    assert [command[at + 1] for at, word in enumerate(command) if word == "-c:s"] == ["copy", "srt", "copy"]


def source(path: Path, codec: str, *more: str, words: str = SRT) -> Path:
    """Three seconds of picture, and a track of these words."""
    words_path = path.with_suffix(".words.srt")
    words_path.write_text(words)
    return draw(path, *PICTURE, "-i", str(words_path), "-t", "3", *FAST, "-c:s", codec, *more)


@pytest.mark.system
@pytest.mark.parametrize(
    ("codec", "suffix"), [("srt", "mkv"), ("ass", "mkv"), ("webvtt", "mkv"), ("mov_text", "mp4")]
)
def test_text_comes_out_of_every_container(tmp_path: Path, codec: str, suffix: str) -> None:
    path = source(tmp_path / f"film.{suffix}", codec)
    tracks = probe(path).text
    assert [track.is_text for track in tracks] == [True]
    cues = fitted(extract(find_ffmpeg(), path, tracks, silent)[0], Fraction(3)).cues
    end_ms = 1230 if codec == "ass" else 1234  # hundredths of a second
    assert (cues[0].start_ms, cues[0].end_ms) == (500, end_ms)
    assert cues[0].payload == "<i>Hello</i> bye"
    assert (cues[1].start_ms, cues[1].end_ms, cues[1].payload) == (2000, 3000, "Up")


@pytest.mark.system
def test_the_place_on_the_screen_survives(tmp_path: Path) -> None:
    path = source(tmp_path / "film.mkv", "srt")
    assert extract(find_ffmpeg(), path, probe(path).text, silent)[0].cues[1].settings == "line:0"


@pytest.mark.system
def test_what_a_track_is_stands_in_the_container(tmp_path: Path) -> None:
    path = source(
        tmp_path / "film.mkv", "srt", "-map", "0", "-map", "1", "-map", "1",
        "-metadata:s:s:0", "language=ger", "-metadata:s:s:0", "title=Schilder",
        "-disposition:s:0", "default+forced", "-metadata:s:s:1", "language=eng",
        "-disposition:s:1", "hearing_impaired",
    )  # fmt: skip
    forced, sdh = probe(path).text
    assert (forced.language, forced.label, forced.is_default, forced.is_forced, forced.is_sdh) == (
        "de", "Schilder", True, True, False,
    )  # fmt: skip
    assert (sdh.index, sdh.language, sdh.is_default, sdh.is_forced, sdh.is_sdh) == (
        1, "en", False, False, True,
    )  # fmt: skip


@pytest.mark.system
def test_times_are_those_of_the_container(tmp_path: Path) -> None:
    path = source(tmp_path / "late.mkv", "srt", "-output_ts_offset", "0.5")
    found = probe(path)
    assert found.video.start == Fraction(1, 2)
    cues = fitted(extract(find_ffmpeg(), path, found.text, silent)[0], Fraction(3), found.video.start).cues
    assert [(cue.start_ms, cue.end_ms) for cue in cues] == [(500, 1234), (2000, 3000)]


@pytest.mark.system
def test_pictures_of_text_are_known_by_their_codec(tmp_path: Path) -> None:
    screen = bytes([0, 16, 0, 9, 0x10, 0, 1, 0x80, 0, 0, 0])  # 16x9, no objects
    pgs = b"".join(
        b"PG" + struct.pack(">IIBH", 90_000, 0, kind, len(data)) + data
        for kind, data in ((0x16, screen), (0x80, b""))
    )
    (tmp_path / "words.sup").write_bytes(pgs)
    path = draw(
        tmp_path / "film.mkv", *PICTURE, "-f", "sup", "-i", str(tmp_path / "words.sup"), "-t", "2", *FAST,
        "-map", "0", "-map", "1", "-c:s", "copy",
    )  # fmt: skip
    (track,) = probe(path).text
    assert (track.codec, track.is_text) == ("pgssub", False)


@pytest.mark.system
def test_a_track_without_words_is_left_out_with_one_line(tmp_path: Path) -> None:
    path = source(tmp_path / "film.mkv", "srt", words="1\n00:00:01,000 --> 00:00:01,000\n \n")
    said: list[str] = []
    assert extract(find_ffmpeg(), path, probe(path).text, said.append) == {}
    assert len(said) == 1
    assert "subtitle track 0" in said[0]


@pytest.mark.system
def test_a_source_that_has_no_such_track_is_one_clear_line(tmp_path: Path) -> None:
    path = source(tmp_path / "film.mkv", "srt")
    track = TextSource(index=7, codec="subrip", is_text=True)
    with pytest.raises(FfmpegError, match="ffmpeg: ") as caught:
        extract(find_ffmpeg(), path, [track], silent)
    assert "\n" not in str(caught.value)


@pytest.mark.system
def test_other_readers_find_the_same_cues_in_what_is_published(tmp_path: Path) -> None:
    path = source(tmp_path / "film.mkv", "srt")
    text = fitted(extract(find_ffmpeg(), path, probe(path).text, silent)[0], Fraction(3))
    made = written("subtitles/en", text, video(720, [24000, 24000, 24000]).timeline)
    whole = tmp_path / "whole.vtt"
    whole.write_bytes(made.files["subtitles/en.vtt"])
    assert read_by_ffmpeg(whole) == [(c.start_ms, c.end_ms - c.start_ms) for c in text.cues]
    for segment, expected in zip(made.track.timeline.segments, ([0], [0], [1]), strict=True):
        part = tmp_path / "part.vtt"
        part.write_bytes(made.files[segment.uri])
        assert read_by_ffmpeg(part) == [
            (text.cues[n].start_ms, text.cues[n].end_ms - text.cues[n].start_ms) for n in expected
        ]


def read_by_ffmpeg(path: Path) -> list[tuple[int, int]]:
    """Start and duration of each cue, in milliseconds."""
    with av.open(str(path)) as container:
        (stream,) = container.streams.subtitles
        assert stream.codec_context.name == "webvtt"
        return [
            (packet.pts, packet.duration or 0) for packet in container.demux(stream) if packet.pts is not None
        ]
