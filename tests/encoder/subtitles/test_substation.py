from __future__ import annotations

import pytest

from encoder.subtitles.substation import Format, read

ASS = """[Script Info]
ScriptType: v4.00+
PlayResY: 720

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, \
Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, \
MarginR, MarginV, Encoding
Style: Default,Arial,20,&H00FFFFFF,&H0,&H0,&H0,0,0,0,0,100,100,0,0,1,2,2,2,10,10,10,1
Style: Sign,Arial,20,&H00FFFFFF,&H0,&H0,&H0,0,-1,0,0,100,100,0,0,1,2,2,7,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def ass(text: str, style: str = "Default", kind: str = "Dialogue") -> list[tuple[str, str]]:
    """Payload and settings of one line."""
    line = f"{kind}: 0,0:00:01.00,0:00:02.50,{style},,0,0,0,,{text}\n"
    return [(cue.payload, cue.settings) for cue in read(ASS + line, "ass")]


def srt(text: str) -> list[tuple[int, int, str, str]]:
    return [(cue.start_ms, cue.end_ms, cue.payload, cue.settings) for cue in read(text, "srt")]


LINES = [  # text of a Dialogue line, payload, settings
    pytest.param("a\\Nb", "a\nb", "", id="line-break"),
    pytest.param("a\\nb\\hc", "a b\u00a0c", "", id="soft-break-and-hard-space"),
    pytest.param("{\\i1}a{\\i0} b", "<i>a</i> b", "", id="italics"),
    pytest.param("{\\b1\\i1}a{\\r} b", "<b><i>a</i></b> b", "", id="bold-italics-reset"),
    pytest.param("{\\b700}a{\\b400}b{\\u1}c", "<b>a</b>b<u>c</u>", "", id="weights-and-underline"),
    pytest.param("{\\i1}a\\N{\\i0}b", "<i>a</i>\nb", "", id="tag-up-to-a-break"),
    pytest.param("{\\i1}{\\i0}\\N\\Na", "a", "", id="empty-lines"),
    pytest.param("{\\k20}ka{\\k30}ra", "kara", "", id="karaoke"),
    pytest.param("{\\an8}up", "up", "line:0", id="top"),
    pytest.param("{\\an7\\i1}up", "<i>up</i>", "line:0 align:left", id="top-left"),
    pytest.param("{\\an6}mid", "mid", "line:50% align:right", id="middle-right"),
    pytest.param("{\\a6}up", "up", "line:0", id="top-as-ssa-says"),
    pytest.param("{\\a11}mid", "mid", "line:50% align:right", id="middle-as-ssa-says"),
    pytest.param("{\\a2}x", "x", "", id="bottom-as-ssa-says"),
    pytest.param("{\\alpha&H80&}x", "x", "", id="alpha-is-no-alignment"),
    pytest.param("{\\pos(640,60)}sign", "sign", "line:0", id="placed-high"),
    pytest.param("{\\an8\\pos(640,700)}sign", "sign", "", id="placed-low"),
    pytest.param("{\\move(1,360,2,3)}sign", "sign", "line:50%", id="moving"),
    pytest.param("AT&T <3 {note}-->", "AT&amp;T &lt;3 --&gt;", "", id="markup"),
]


@pytest.mark.parametrize(("text", "payload", "settings"), LINES)
def test_a_line_of_ass(text: str, payload: str, settings: str) -> None:
    assert ass(text) == [(payload, settings)]


def test_a_style_says_what_the_line_does_not() -> None:
    assert ass("Exit", "Sign") == [("<i>Exit</i>", "line:0 align:left")]


@pytest.mark.parametrize("text", ["{\\p1}m 0 0 l 100 0 100 100{\\p0}", "", "{\\an8}", "\\N \\N"])
def test_a_drawing_or_nothing_is_no_cue(text: str) -> None:
    assert ass(text) == []


def test_a_comment_is_no_cue() -> None:
    assert ass("hidden", kind="Comment") == []


def test_times_of_ass_are_hundredths() -> None:
    (cue,) = read(f"{ASS}Dialogue: 0,1:00:01.07,1:00:02.50,Default,,0,0,0,,a, b\n", "ass")
    assert (cue.start_ms, cue.end_ms, cue.payload) == (3_601_070, 3_602_500, "a, b")


def test_ssa_counts_alignment_in_its_own_way() -> None:
    text = ASS.replace("V4+ Styles", "V4 Styles").replace("v4.00+", "v4.00")
    style = "Style: Old,Arial,20,1,2,3,4,0,0,1,2,2,6,10,10,10,0,1\n"  # 6: top, middle column
    text = text.replace("\n[Events]", f"{style}\n[Events]")
    (cue,) = read(f"{text}Dialogue: Marked=0,0:00:01.00,0:00:02.00,Old,,0,0,0,,a\n", "ssa")
    assert (cue.payload, cue.settings) == ("a", "line:0")


BLOCKS = [  # SRT, cues
    pytest.param("1\n00:00:01,5 --> 00:00:02,123\na", [(1500, 2123, "a", "")], id="short-fraction"),
    pytest.param(
        "1\n00:00:01.000 --> 00:00:02.000 X1:1 X2:2\na\nb\n\n2\n00:00:03,000 --> 00:00:04,000\nc",
        [(1000, 2000, "a\nb", ""), (3000, 4000, "c", "")],
        id="dots-and-coordinates",
    ),
    pytest.param(
        "1\n00:00:01,000 --> 00:00:02,000\n<i>a</i> <font color='red'>b</font> {\\an8}&amp; &lt;c",
        [(1000, 2000, "<i>a</i> b &amp; &lt;c", "line:0")],
        id="tags-and-entities",
    ),
    pytest.param("1\n00:00:01,000 --> 00:00:02,000\nRoom\n42\n", [(1000, 2000, "Room\n42", "")], id="number"),
    pytest.param(
        "1\n00:00:01,000 --> 00:00:02,000\n\n2\n00:00:03,000 --> 00:00:04,000\nb",
        [(3000, 4000, "b", "")],
        id="no-words",
    ),
    pytest.param("1\n-00:00:01,000 --> 00:00:02,000\na", [(0, 2000, "a", "")], id="before-time-0"),
    pytest.param("1\n00:00:02,000 --> 00:00:01,000\na", [], id="backwards"),
    pytest.param("1\n00:00:02,000 --> 00:00:02,000\na", [], id="no-time-at-all"),
    pytest.param("1\n99:59:59,999 --> 99:59:59,999\na", [], id="at-the-end-of-time"),
]


@pytest.mark.parametrize(("text", "expected"), BLOCKS)
def test_a_block_of_srt(text: str, expected: list[tuple[int, int, str, str]]) -> None:
    assert srt(text) == expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"{ASS}Dialogue: 0,soon,later,Default,,0,0,0,,a\n", "ass"),
        (
            ASS.replace(",100,100,", ",wide,100,") + "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,a\n",
            "ass",
        ),
        (ASS.replace("&H00FFFFFF", "white"), "ass"),
    ],
)
def test_a_damaged_script_is_a_value_error(text: str, kind: Format) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        list(read(text, kind))
