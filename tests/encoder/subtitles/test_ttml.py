from __future__ import annotations

import pytest

from encoder.subtitles.ttml import read

HEAD = """<tt xmlns="http://www.w3.org/ns/ttml" xmlns:tts="http://www.w3.org/ns/ttml#styling"
 xmlns:ttp="http://www.w3.org/ns/ttml#parameter" xml:lang="en" ttp:frameRate="25">"""
REGIONS = """<head><layout>
<region xml:id="low" tts:origin="10% 80%" tts:extent="80% 15%" tts:displayAlign="after"
 tts:textAlign="center"/>
<region xml:id="high" tts:origin="10% 5%" tts:extent="80% 15%" tts:displayAlign="before"
 tts:textAlign="start"/>
<region xml:id="mid" tts:origin="10% 40%" tts:extent="80% 20%" tts:displayAlign="center"
 tts:textAlign="end"/>
</layout></head>"""


def cues(paragraphs: str, head: str = REGIONS) -> list[tuple[int, int, str, str]]:
    document = f"{HEAD}{head}<body><div>{paragraphs}</div></body></tt>"
    return [(cue.start_ms, cue.end_ms, cue.payload, cue.settings) for cue in read(document.encode())]


PARAGRAPHS = [  # paragraphs, cues
    pytest.param(
        '<p region="low" begin="1s" end="2.5s">One<br/>two</p>', [(1000, 2500, "One\ntwo", "")], id="bottom"
    ),
    pytest.param(
        '<p region="high" begin="00:00:01.040" dur="1s">up</p>',
        [(1040, 2040, "up", "align:left line:0")],
        id="top",
    ),
    pytest.param(
        '<p region="mid" begin="25f" end="50f">mid</p>',
        [(1000, 2000, "mid", "align:right line:50%")],
        id="middle",
    ),
    pytest.param(
        '<p region="low" begin="1s" end="2s"><span tts:fontStyle="italic">a</span> &amp; &lt;b&gt;</p>',
        [(1000, 2000, "<i>a</i> &amp; &lt;b&gt;", "")],
        id="italics-and-entities",
    ),
    pytest.param(
        '<p region="low" begin="1s" end="2s">'
        '<span tts:fontWeight="bold" tts:textDecoration="underline">a</span></p>',
        [(1000, 2000, "<b><u>a</u></b>", "")],
        id="bold-underline",
    ),
    pytest.param(
        '<p region="low" begin="1s" end="2s"><span tts:color="yellow">a</span>'
        '<span tts:color="#123456">b</span></p>',
        [(1000, 2000, "<c.yellow>a</c>b", "")],
        id="only-named-colours",
    ),
    pytest.param(
        '<p region="low" begin="1s" end="2s">a</p><p region="low" begin="3s" end="3s">b</p><p region="low"/>',
        [(1000, 2000, "a", "")],
        id="never-shown",
    ),
]


@pytest.mark.parametrize(("paragraphs", "expected"), PARAGRAPHS)
def test_a_paragraph(paragraphs: str, expected: list[tuple[int, int, str, str]]) -> None:
    assert cues(paragraphs) == expected


def test_without_regions_words_stand_at_the_bottom_as_everywhere() -> None:
    assert cues('<p begin="1s" end="2s">a</p>', head="") == [(1000, 2000, "a", "")]


def test_a_document_says_its_own_encoding() -> None:
    words = '<body><div><p begin="0s" end="1s">Ołów</p></div></body></tt>'
    text = f'<?xml version="1.0" encoding="iso-8859-2"?>{HEAD}{words}'
    assert [cue.payload for cue in read(text.encode("iso-8859-2"))] == ["Ołów"]


def test_a_document_without_words_has_no_cues() -> None:
    assert read(f"{HEAD}</tt>".encode()) == []


BROKEN = [  # document, what the message says
    pytest.param(HEAD, "not well-formed XML", id="cut-short"),
    pytest.param('<!DOCTYPE a [<!ENTITY b "c">]><tt/>', "no place in TTML", id="entities"),
]


@pytest.mark.parametrize(("text", "reason"), BROKEN)
def test_a_broken_document_is_one_clear_line(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        read(text.encode())
    assert "\n" not in str(caught.value)


def test_another_kind_of_xml_has_no_cues() -> None:
    assert read(b"<html/>") == []


def test_what_ttconv_passes_by_is_not_told_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    cues('<p region="nowhere" begin="1s" end="2s" tts:colour="x">a</p>')
    assert capfd.readouterr().err == ""
