from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.webvtt import Cue, WebVtt, WebVttError, escape, read, segments, write, write_thumbnail_index
from tests.media.presentations import images, timeline

FIRST = Cue(start_ms=0, end_ms=1500, payload="One\n<i>two</i>")
LATE = Cue(start_ms=3_600_000, end_ms=3_601_001, payload="Three", settings="line:0 align:left")


def test_a_file_is_cues_between_empty_lines() -> None:
    assert write(WebVtt(cues=(FIRST, LATE), blocks=("STYLE\n::cue { color: lime }",))) == (
        "WEBVTT\n\n"
        "STYLE\n::cue { color: lime }\n\n"
        "00:00:00.000 --> 00:00:01.500\nOne\n<i>two</i>\n\n"
        "01:00:00.000 --> 01:00:01.001 line:0 align:left\nThree\n\n"
    )


def test_words_are_spelt_so_that_they_are_no_markup() -> None:
    assert escape("a <b> & --> c") == "a &lt;b&gt; &amp; --&gt; c"


payloads = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp", "Cf")), min_size=1, max_size=20
)
cues = st.builds(
    lambda start, length, lines, settings: Cue(
        start_ms=start, end_ms=start + length, payload="\n".join(map(escape, lines)), settings=settings
    ),
    st.integers(0, 10**8),
    st.integers(1, 10**5),
    st.lists(payloads, min_size=1, max_size=3),
    st.sampled_from(["", "line:0", "align:left line:50%"]),
)


@given(st.lists(cues, max_size=10), st.sampled_from([(), ("STYLE\n::cue {}", "REGION\nid:a")]))
def test_what_was_written_reads_back_equal(found: list[Cue], blocks: tuple[str, ...]) -> None:
    whole = WebVtt(cues=tuple(found), blocks=blocks)
    assert read(write(whole)) == whole


def test_a_cue_that_spans_segments_stands_in_each_and_an_empty_segment_is_a_file() -> None:
    cut = timeline("subtitles/en", [48048, 48048, 48048, 12012], 24000)  # 2.002 s each
    long = Cue(start_ms=1000, end_ms=5000, payload="long")
    touching = Cue(start_ms=2000, end_ms=2002, payload="ends where the second begins")
    written = segments(WebVtt(cues=(long, touching)), cut)
    head = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n"
    assert written == (
        f"{head}\n00:00:01.000 --> 00:00:05.000\nlong\n"
        "\n00:00:02.000 --> 00:00:02.002\nends where the second begins\n\n",
        f"{head}\n00:00:01.000 --> 00:00:05.000\nlong\n\n",
        f"{head}\n00:00:01.000 --> 00:00:05.000\nlong\n\n",
        f"{head}\n",
    )
    assert read(head).cues == ()


@given(
    st.lists(cues, max_size=15),
    st.lists(st.integers(1, 10**7), min_size=1, max_size=20),
    st.sampled_from([1000, 24000, 44100, 90000]),
)
def test_a_segment_holds_what_is_shown_in_it_and_nothing_else(
    found: list[Cue], durations: list[int], timescale: int
) -> None:
    cut = timeline("subtitles/en", durations, timescale)
    for segment, text in zip(cut.segments, segments(WebVtt(cues=tuple(found)), cut), strict=True):
        start, end = cut.seconds(segment.start_ticks), cut.seconds(segment.end_ticks)
        shown = [c for c in found if Fraction(c.start_ms, 1000) < end and Fraction(c.end_ms, 1000) > start]
        assert list(read(text).cues) == shown


def test_the_clock_of_the_media_may_begin_elsewhere() -> None:
    (written,) = segments(WebVtt(), timeline("t", [1], 1), mpegts=126_000)
    assert "X-TIMESTAMP-MAP=MPEGTS:126000,LOCAL:00:00:00.000" in written


ODD = [  # text, (start, end, payload, settings) of the cues: section 6.1
    pytest.param("WEBVTT\n\n00:01.000 --> 00:02.000\na", [(1000, 2000, "a", "")], id="no-hours"),
    pytest.param(
        "WEBVTT - title\r\n\r\n100:00:00.000-->100:00:01.000\r\na",
        [(360_000_000, 360_001_000, "a", "")],
        id="crlf-and-many-hours",
    ),
    pytest.param(
        "\ufeffWEBVTT\nX: y\n\n1\n00:01.000 --> 00:02.000 line:0  align:end\na\nb\n",
        [(1000, 2000, "a\nb", "line:0 align:end")],
        id="mark-header-identifier",
    ),
    pytest.param("WEBVTT\n\nNOTE a\n00:x\n\n00:01.000 --> 00:02.000\na", [(1000, 2000, "a", "")], id="note"),
    pytest.param(
        "WEBVTT\n\n00:02.000 --> 00:01.000\na\n\n00:1.000 --> 00:02.000\nb", [], id="senseless-times"
    ),
    pytest.param("WEBVTT\n\n00:01.000 --> 00:02.000\n\na", [], id="no-text"),
    pytest.param(
        "WEBVTT\n\n00:01.000 --> 00:02.000\na\n00:02.000 --> 00:03.000\nb",
        [(1000, 2000, "a", ""), (2000, 3000, "b", "")],
        id="no-empty-line-between",
    ),
    pytest.param(
        "WEBVTT\n00:01.000 --> 00:02.000\na", [(1000, 2000, "a", "")], id="no-empty-line-after-the-header"
    ),
    pytest.param("WEBVTT\n\n00:01.000 --> 00:02.000\n\0", [(1000, 2000, "\ufffd", "")], id="nul"),
    pytest.param("WEBVTT", [], id="empty"),
]


@pytest.mark.parametrize(("text", "expected"), ODD)
def test_odd_files_read_as_in_a_browser(text: str, expected: list[tuple[int, int, str, str]]) -> None:
    assert [(c.start_ms, c.end_ms, c.payload, c.settings) for c in read(text).cues] == expected


@pytest.mark.parametrize("text", ["", "1\n00:01,000 --> 00:02,000\na", "WEBVTTX\n", "<tt/>"])
def test_what_does_not_begin_as_it_must_is_refused(text: str) -> None:
    with pytest.raises(WebVttError, match="not with 'WEBVTT'"):
        read(text)


@pytest.mark.parametrize(
    "change",
    [
        {"start_ms": -1}, {"end_ms": 0}, {"payload": ""}, {"payload": "a\n\nb"}, {"payload": "a --> b"},
        {"settings": "a\nb"},
    ],
)  # fmt: skip
def test_a_cue_that_would_break_the_file_cannot_be_made(change: dict[str, str | int]) -> None:
    with pytest.raises(ValueError, match="cue"):
        replace(FIRST, **change)  # type: ignore[arg-type]  # any of its fields


def test_the_index_says_where_each_thumbnail_lies() -> None:
    found = read(write_thumbnail_index(images(end_ms=85_500, columns=5, rows=3))).cues
    assert len(found) == 18
    assert (found[0].start_ms, found[0].end_ms, found[0].payload) == (0, 5000, "1.jpg#xywh=0,0,320,180")
    assert (found[6].start_ms, found[6].payload) == (30_000, "1.jpg#xywh=320,180,320,180")
    assert (found[15].start_ms, found[15].payload) == (75_000, "2.jpg#xywh=0,0,320,180")
    assert (found[17].start_ms, found[17].end_ms) == (85_000, 85_500)


@given(st.integers(1, 10**6), st.integers(1, 10), st.integers(1, 6), st.integers(1, 6))
def test_thumbnails_cover_the_title_without_a_gap(
    end_ms: int, interval: int, columns: int, rows: int
) -> None:
    found = read(write_thumbnail_index(images(end_ms, Fraction(interval), columns, rows))).cues
    assert [c.start_ms for c in found[1:]] == [c.end_ms for c in found[:-1]]
    assert (found[0].start_ms, found[-1].end_ms) == (0, end_ms)
