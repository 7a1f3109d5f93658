from __future__ import annotations

from encoder.subtitles.writing import written
from media.webvtt import Cue, WebVtt, read
from tests.media.presentations import video

TEXT = WebVtt(
    cues=(Cue(start_ms=1000, end_ms=3000, payload="a"), Cue(start_ms=4100, end_ms=4200, payload="b"))
)
PICTURE = video(720).timeline  # 2.002, 2.002 and 0.5005 s


def test_text_is_cut_to_the_tick_where_the_picture_is() -> None:
    made = written("subtitles/en-1f", TEXT, PICTURE, language="en")
    spans = [(s.start_ticks, s.duration_ticks) for s in made.track.timeline.segments]
    assert spans == [(s.start_ticks, s.duration_ticks) for s in PICTURE.segments]
    assert made.track.timeline.timescale == PICTURE.timescale
    assert [s.uri for s in made.track.timeline.segments] == [f"subtitles/en-1f/{n}.vtt" for n in (1, 2, 3)]
    assert [
        [c.payload for c in read(made.files[s.uri].decode()).cues] for s in made.track.timeline.segments
    ] == [
        ["a"],
        ["a"],
        ["b"],
    ]


def test_all_cues_stand_in_one_file_too() -> None:
    made = written("subtitles/en-1f", TEXT, PICTURE)
    assert read(made.files["subtitles/en-1f.vtt"].decode()) == TEXT
    assert len(made.files) == 4


def test_sizes_and_rates_are_those_of_the_files() -> None:
    made = written("subtitles/en-1f", TEXT, PICTURE)
    segments = made.track.timeline.segments
    assert [s.size_bytes for s in segments] == [len(made.files[s.uri]) for s in segments]
    assert 0 < made.track.rendition.average_bps < made.track.rendition.peak_bps


def test_tracks_of_one_language_differ_in_the_menu() -> None:
    made = [
        written("subtitles/en", TEXT, PICTURE, language="en").track.rendition,
        written("subtitles/en", TEXT, PICTURE, language="en", is_forced=True).track.rendition,
        written("subtitles/en", TEXT, PICTURE, language="en", is_sdh=True).track.rendition,
    ]
    assert [each.label for each in made] == ["", "en (forced)", "en (SDH)"]
    assert (
        written("subtitles/en", TEXT, PICTURE, language="en", label="English").track.rendition.label
        == "English"
    )
