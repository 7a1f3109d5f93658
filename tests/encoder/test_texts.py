from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from encoder.ffmpeg import find_ffmpeg
from encoder.probe import probe
from encoder.source import TextSource
from encoder.subtitles.errors import SubtitleError
from encoder.subtitles.files import SubtitleFile
from encoder.texts import TextPlan, plan_texts
from tests.encoder.sources import FAST, PICTURE, draw, whole

SRT = "1\n00:00:01,000 --> 00:00:02,000\nHello\n\n2\n00:00:03,000 --> 00:00:04,000\nBye\n"
PGS = TextSource(index=0, codec="hdmv_pgs_subtitle", is_text=False, language="de")


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "hello.srt"
    path.write_text(SRT)
    return path


@pytest.fixture(scope="module")
def film(hello: Path) -> Path:
    """A picture that starts half a second in, with a default track in English and a forced one in German."""
    tracks = ["-i", str(hello), "-i", str(hello), "-map", "0", "-map", "1", "-map", "2"]
    words = ["-metadata:s:s:0", "language=eng", "-metadata:s:s:0", "title=All", "-disposition:s:0", "default"]
    words += ["-metadata:s:s:1", "language=ger", "-disposition:s:1", "forced"]
    late = ["-itsoffset", "0.5", *PICTURE]
    return draw(hello.parent / "film.mkv", *late, *tracks, *words, "-t", "5", *FAST)


def silent(message: str) -> None:
    raise AssertionError(message)


def beside(files: list[SubtitleFile]) -> tuple[TextPlan, ...]:
    """The plan of a source without subtitles, and these files."""
    return plan_texts(whole(), Path("film.mp4"), files, find_ffmpeg(), silent)


def of(film: Path, *files: SubtitleFile, warn: Callable[[str], None] = silent) -> tuple[TextPlan, ...]:
    return plan_texts(probe(film), film, files, find_ffmpeg(), warn)


def starts_ms(text: TextPlan) -> list[int]:
    return [cue.start_ms for cue in text.cues.cues]


def test_a_file_is_a_track_as_it_was_named(hello: Path) -> None:
    (text,) = beside([SubtitleFile(path=hello, language="en", is_default=True, is_sdh=True)])
    assert (text.label, text.language, text.is_default, text.is_forced, text.is_sdh) == (
        "en-sdh", "en", True, False, True,
    )  # fmt: skip
    assert starts_ms(text) == [1000, 3000]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(["en", "de", "no", "und", "pt-BR"]), st.booleans(), st.booleans()),
        max_size=8,
    )
)
def test_no_two_tracks_share_a_label(hello: Path, named: list[tuple[str, bool, bool]]) -> None:
    files = [
        SubtitleFile(path=hello, language=language, is_forced=is_forced, is_sdh=is_sdh)
        for language, is_forced, is_sdh in named
    ]
    labels = [text.label for text in beside(files)]
    assert len(set(labels)) == len(labels) == len(named)
    assert all(label.startswith(language) for label, (language, _, _) in zip(labels, named, strict=True))


def test_text_ends_with_the_picture_and_what_comes_after_it_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "long.srt").write_text("1\n00:00:09,000 --> 00:00:12,000\nTo the end\n")
    (tmp_path / "late.srt").write_text("1\n00:00:11,000 --> 00:00:12,000\nToo late\n")
    (text,) = beside([SubtitleFile(path=tmp_path / "long.srt")])
    assert [(cue.start_ms, cue.end_ms) for cue in text.cues.cues] == [(9000, 10_000)]  # of ten seconds
    said: list[str] = []
    late = [SubtitleFile(path=tmp_path / "late.srt", language="en")]
    assert plan_texts(whole(), Path("film.mp4"), late, find_ffmpeg(), said.append) == ()
    assert said == ["subtitles en: none is shown while the picture lasts; left out"]


def test_a_file_that_cannot_be_read_is_told_in_one_line() -> None:
    with pytest.raises(
        SubtitleError, match=r"^nowhere\.srt: No such file or directory; name a subtitle file$"
    ):
        beside([SubtitleFile(path=Path("nowhere.srt"))])


def test_pictures_of_text_are_left_out_and_that_is_said() -> None:
    said: list[str] = []
    source = replace(whole(), text=(PGS,))
    assert plan_texts(source, Path("film.mkv"), [], find_ffmpeg(), said.append) == ()
    assert len(said) == 1
    assert "subtitle track 0" in said[0]


@pytest.mark.system
def test_the_tracks_of_a_source_are_taken_with_what_it_says_of_them(film: Path) -> None:
    english, german = of(film)
    assert (english.label, english.language, english.title, english.is_default) == ("en", "en", "All", True)
    assert (german.label, german.is_forced, german.is_default) == ("de-forced", True, False)


@pytest.mark.system
def test_the_tracks_of_a_source_are_moved_to_where_its_picture_starts(film: Path) -> None:
    assert probe(film).video.start == Fraction(1, 2)
    for text in of(film):
        assert starts_ms(text) == [500, 2500]


@pytest.mark.system
def test_files_come_first_keep_their_times_and_leave_the_default_to_who_gave_them(
    film: Path, hello: Path
) -> None:
    given, english, german = of(film, SubtitleFile(path=hello, language="en"))
    assert starts_ms(given) == [1000, 3000]
    assert [text.label for text in (given, english, german)] == ["en", "en-no2", "de-forced"]
    assert not any(text.is_default for text in (given, english, german))
