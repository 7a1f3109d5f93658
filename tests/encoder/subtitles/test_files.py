from __future__ import annotations

from pathlib import Path

import pytest

from encoder.subtitles.errors import SubtitleError
from encoder.subtitles.files import SubtitleFile, load, named, parse

SRT = b"1\n00:00:01,000 --> 00:00:02,000\nHello\n"
VTT = b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n"
ASS = (
    b"[Script Info]\nScriptType: v4.00+\n[V4+ Styles]\n[Events]\n"
    b"Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,Hello\n"
)
TTML = (
    b'<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml" xml:lang=""><body><div>'
    b'<p begin="1s" end="2s">Hello</p></div></body></tt>'
)


@pytest.mark.parametrize("data", [SRT, VTT, ASS, TTML, VTT.decode().encode("utf-16"), b"\n\n" + SRT])
def test_a_format_is_known_by_its_content(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes(data)
    (cue,) = load(path).cues
    assert (cue.start_ms, cue.end_ms, cue.payload) == (1000, 2000, "Hello")


NAMES = [  # argument, what it names
    pytest.param("a.srt", SubtitleFile(path=Path("a.srt")), id="no-language"),
    pytest.param("a.srt:deu", SubtitleFile(path=Path("a.srt"), language="de"), id="language"),
    pytest.param(
        "a.srt:pt-br:forced", SubtitleFile(path=Path("a.srt"), language="pt-BR", is_forced=True), id="forced"
    ),
    pytest.param(
        "a.srt:en:sdh:default",
        SubtitleFile(path=Path("a.srt"), language="en", is_sdh=True, is_default=True),
        id="two-flags",
    ),
    pytest.param("a.srt::sdh", SubtitleFile(path=Path("a.srt"), is_sdh=True), id="flag-alone"),
    pytest.param("a.srt:und", SubtitleFile(path=Path("a.srt")), id="undetermined"),
    pytest.param(
        "x/film.web.2024.pt-BR.forced.srt",
        SubtitleFile(path=Path("x/film.web.2024.pt-BR.forced.srt"), language="pt-BR", is_forced=True),
        id="all-in-the-name",
    ),
    pytest.param("the.web.srt", SubtitleFile(path=Path("the.web.srt")), id="words-that-are-no-language"),
]


@pytest.mark.parametrize(("argument", "expected"), NAMES)
def test_an_argument_names_a_file_and_what_it_is(argument: str, expected: SubtitleFile) -> None:
    assert named(argument) == expected


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        (":en", "write FILE:LANGUAGE:FLAG"),
        ("a.srt:en:loud", "FLAG one of default, forced, sdh"),
        ("a.srt:english", "'english' is no language; write one such as en or pt-BR"),
        ("a.srt:forced", "'forced' is no language"),
    ],
)
def test_an_argument_that_makes_no_sense_is_one_clear_line(argument: str, reason: str) -> None:
    with pytest.raises(SubtitleError, match=reason):
        named(argument)


BROKEN = [  # bytes, what the message says
    pytest.param(b"", "empty", id="empty"),
    pytest.param(b" \n", "empty", id="white"),
    pytest.param(b"Once upon a time", "neither SRT, ASS, WebVTT nor TTML", id="prose"),
    pytest.param(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "neither SRT", id="a-picture"),
    pytest.param(b"PG\0\0\0\0", "pictures of text, which are not read", id="pgs"),
    pytest.param(b"# VobSub index file, v7", "pictures of text, which are not read", id="vobsub-index"),
    pytest.param(b"\0\0\x01\xba", "pictures of text", id="vobsub"),
    pytest.param(b"WEBVTT\n", "no text that is ever shown", id="no-cues"),
    pytest.param(b"WEBVTTX\n", "not with 'WEBVTT'", id="nearly-webvtt"),
    pytest.param(b"-->\n", "no text that is ever shown", id="an-arrow"),
    pytest.param(TTML[:-9], "damaged: not well-formed XML", id="ttml-cut-short"),
    pytest.param(ASS.replace(b"0:00:01.00", b"soon"), "damaged: Failed to parse timestamp", id="ass-time"),
    pytest.param(b"\xff\xfea\0b", "its letters cannot be read; save it as UTF-8", id="half-a-letter"),
]


@pytest.mark.parametrize(("data", "reason"), BROKEN)
def test_a_file_that_cannot_be_used_is_one_clear_line(data: bytes, reason: str) -> None:
    with pytest.raises(SubtitleError) as caught:
        parse(data, "words.srt")
    message = str(caught.value)
    assert message.startswith("words.srt: ")
    assert reason in message
    assert "\n" not in message


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(SubtitleError, match=r"none\.srt: No such file or directory; name a subtitle file"):
        load(tmp_path / "none.srt")
