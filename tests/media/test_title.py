from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.presentation import InitSegment, Presentation
from media.timeline import Segment, Timeline
from media.title import Title, TitleError, TitleFile, content_version, is_title_name, read_title, write_title
from tests.media.presentations import NTSC_FILM, audio, iframes, images, text, video


def file(path: str, content: bytes = b"") -> TitleFile:
    return TitleFile(path=path, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def title(durations: list[int], timescale: int = 24000, frame_rate: Fraction = NTSC_FILM) -> Title:
    track = video(720, durations, timescale, frame_rate)
    uris = ["720p-1f3a9b2c/init.mp4", *(segment.uri for segment in track.timeline.segments)]
    files = tuple(file(uri, uri.encode()) for uri in sorted(uris))
    return Title(
        name="bunny",
        version=content_version(files),
        presentation=Presentation(video=(track,)),
        files=files,
        plan_key="5f" * 32,
    )


@given(
    durations=st.lists(st.integers(1, 2**40), max_size=5),
    timescale=st.integers(1, 2**32),
    frame_rate=st.fractions(min_value=1, max_value=240),
)
def test_a_title_that_was_written_reads_back_equal(
    durations: list[int], timescale: int, frame_rate: Fraction
) -> None:
    written = title(durations, timescale, frame_rate)
    assert read_title(write_title(written)) == written


def test_audio_and_byte_ranges_survive_the_round_trip() -> None:
    whole = file("audio/all.mp4", b"sound")
    segment = Segment(number=1, start_ticks=0, duration_ticks=1024, uri=whole.path, byte_range=(2, 4))
    track = replace(
        audio("de", label="Deutsch – Ton"),
        init=InitSegment(uri=whole.path, byte_range=(0, 1)),
        timeline=Timeline(timescale=44100, segments=(segment,)),
    )
    written = Title(
        name="song",
        version=content_version([whole]),
        presentation=Presentation(audio=(track,)),
        files=(whole,),
        plan_key="",
    )
    assert read_title(write_title(written)) == written


def with_all(*left_out: str) -> Title:
    """A title with subtitles, I-frames, thumbnails and a poster, but for the files left out."""
    rung = video(720)
    presentation = Presentation(
        video=(rung,), text=(text("de"),), iframes=(iframes(rung),), images=(images(),), poster="poster.jpg"
    )
    uris = {segment.uri for track in presentation.all_tracks for segment in track.timeline.segments}
    uris |= {"720p-1f3a9b2c/init.mp4", "subtitles/de-7c8d9e0f.vtt", "poster.jpg"}
    files = tuple(file(uri, uri.encode()) for uri in sorted(uris - {*left_out}))
    version = content_version(files)
    return Title(name="bunny", version=version, presentation=presentation, files=files, plan_key="")


def test_what_goes_beside_survives_the_round_trip() -> None:
    assert read_title(write_title(with_all())) == with_all()


@pytest.mark.parametrize(
    "path", ["subtitles/de-7c8d9e0f/2.vtt", "subtitles/de-7c8d9e0f.vtt", "thumbnails/1.jpg", "poster.jpg"]
)
def test_what_goes_beside_must_be_among_the_files(path: str) -> None:
    with pytest.raises(ValueError, match=f"{path} is played but not among the files"):
        with_all(path)


def test_a_title_from_before_subtitles_and_thumbnails_reads() -> None:
    values = json.loads(write_title(title([48048])))
    for newer in ("text", "iframes", "images", "poster"):
        del values["presentation"][newer]
    assert read_title(json.dumps(values)) == title([48048])


def test_the_order_in_which_files_were_found_changes_no_byte() -> None:
    one = title([48048, 48048])
    other = replace(one, files=one.files[::-1])
    assert write_title(one) == write_title(other)


def test_fractions_are_text_and_media_time_is_whole_ticks() -> None:
    values = json.loads(write_title(title([48048])))
    track = values["presentation"]["video"][0]
    assert track["rendition"]["frame_rate"] == "24000/1001"
    assert track["timeline"]["segments"][0]["duration_ticks"] == 48048


def test_the_version_follows_paths_and_contents_but_not_their_order() -> None:
    files = [file("a", b"1"), file("b", b"2")]
    version = content_version(files)
    assert len(version) == 12
    assert content_version(reversed(files)) == version
    assert content_version([file("a", b"1"), file("b", b"3")]) != version
    assert content_version([file("a", b"1"), file("c", b"2")]) != version


@pytest.mark.parametrize("name", ["bunny", "a", "Big_Buck-Bunny.2008", "_x", "-", "a" * 128])
def test_letters_digits_and_three_marks_name_a_title(name: str) -> None:
    assert is_title_name(name)


@pytest.mark.parametrize("name", ["", ".", "..", ".x", "a/b", "a b", "ä", "a\n", "a\0", "a%2f", "a" * 129])
def test_what_a_folder_or_a_url_would_misread_names_no_title(name: str) -> None:
    assert not is_title_name(name)


@pytest.mark.parametrize("path", ["", "/etc/passwd", "a//b", "../b", "a/../b", "a/.", "a/", "a\0b", "a\nb"])
def test_a_path_that_leaves_the_title_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="must stay below the title's folder"):
        file(path)


def with_value(keys: list[Any], value: Any) -> str:
    """A good title.json with one value replaced."""
    values = json.loads(write_title(title([48048, 48048])))
    place = values
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return json.dumps(values)


SEGMENTS = ["presentation", "video", 0, "timeline", "segments"]
BROKEN = [  # id, text, what the message says
    pytest.param("", "EOF while parsing", id="empty"),
    pytest.param("<html>", "expected value", id="html"),
    pytest.param("[]", "should be an object", id="a-list"),
    pytest.param(write_title(title([48048]))[:-20], "EOF while parsing", id="cut-short"),
    pytest.param(with_value(["schema_version"], 2), "schema_version: Input should be 1", id="newer-schema"),
    pytest.param(with_value(["name"], "../x"), "name '../x'", id="name-with-a-slash"),
    pytest.param(with_value(["version"], "0" * 12), "is not that of the files", id="wrong-version"),
    pytest.param(with_value(["files", 0, "path"], "../x"), "files.0: path", id="path-outside"),
    pytest.param(
        with_value(["files", 0, "sha256"], "AB"), "files.0: 720p-1f3a9b2c/1.m4s: sha256", id="bad-sum"
    ),
    pytest.param(with_value(["files", 0, "size_bytes"], -1), "is negative", id="negative-size"),
    pytest.param(with_value([*SEGMENTS, 1, "start_ticks"], 5), "segment 2 starts at tick 5", id="gap"),
    pytest.param(with_value([*SEGMENTS, 1, "uri"], "x.m4s"), "x.m4s is played but not", id="unlisted"),
    pytest.param(with_value(["presentation", "video"], []), "at least one video", id="nothing-to-play"),
]


@pytest.mark.parametrize(("text", "reason"), BROKEN)
def test_a_broken_title_is_one_clear_line(text: str, reason: str) -> None:
    with pytest.raises(TitleError) as caught:
        read_title(text)
    message = str(caught.value)
    assert message.startswith("title.json: ")
    assert reason in message
    assert "\n" not in message
