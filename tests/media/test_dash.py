from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil
from pathlib import Path
from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.dash import ManifestError, read_mpd, write_mpd
from media.hls import read_media, write_media
from media.presentation import InitSegment, Presentation, Track, boundaries
from media.rendition import ImageRendition, TextRendition
from media.timeline import Segment, Timeline
from tests.media.presentations import URI, absolute, audio, images, presentations, text, video

SAMPLES = Path(__file__).parent / "samples"


def as_dash_carries(presentation: Presentation) -> Presentation:
    """The average bit rate is lost: @bandwidth is the peak."""
    rungs = [(t, replace(t.rendition, average_bps=t.rendition.peak_bps)) for t in presentation.video]
    sounds = [(t, replace(t.rendition, average_bps=t.rendition.peak_bps)) for t in presentation.audio]
    end = period_of(presentation)
    return Presentation(
        video=tuple(absolute(track, rung) for track, rung in rungs),
        audio=tuple(absolute(track, sound) for track, sound in sounds),
        text=tuple(as_one_file(track, end) for track in presentation.text),
        images=tuple(with_sheets_to_the_end(track, end) for track in presentation.images),
    )


def period_of(presentation: Presentation) -> Fraction:
    """The duration, rounded up to the microsecond."""
    end = max(t.timeline.seconds(t.timeline.segments[-1].end_ticks) for t in presentation.tracks)
    return Fraction(ceil(end * 10**6), 10**6)


def as_one_file(track: Track[TextRendition], end: Fraction) -> Track[TextRendition]:
    own = track.rendition
    uri = urljoin(URI, f"{own.name}.vtt")
    whole = Segment(number=1, start_ticks=0, duration_ticks=end.numerator, uri=uri)
    return Track(
        rendition=replace(own, average_bps=own.peak_bps),
        init=None,
        timeline=Timeline(timescale=end.denominator, segments=(whole,)),
    )


def with_sheets_to_the_end(track: Track[ImageRendition], end: Fraction) -> Track[ImageRendition]:
    """The last sheet goes on until it is full or the period over."""
    own, timeline = track.rendition, track.timeline
    *earlier, last = timeline.segments
    full = last.start_ticks + int(own.interval * own.columns * own.rows * timeline.timescale)
    until = min(full, round(end * timeline.timescale))
    segments = (*earlier, replace(last, duration_ticks=until - last.start_ticks))
    return absolute(
        replace(track, timeline=replace(timeline, segments=segments)),
        replace(own, average_bps=own.peak_bps),
    )


def test_what_a_sound_is_for_comes_back() -> None:
    main, other = audio("en"), audio("en", is_default=False)
    opus = replace(main, rendition=replace(main.rendition, codecs="opus"))
    described = replace(other, rendition=replace(other.rendition, is_descriptive=True, label="Described"))
    commentary = replace(other, rendition=replace(other.rendition, is_commentary=True))
    presentation = Presentation(video=(video(720),), audio=(main, described, commentary, opus))
    assert read_mpd(write_mpd(presentation), URI) == as_dash_carries(presentation)


@given(presentations())
def test_what_was_written_reads_back_equal(presentation: Presentation) -> None:
    assert read_mpd(write_mpd(presentation), URI) == as_dash_carries(presentation)


@given(presentations())
def test_hls_and_dash_of_one_presentation_have_the_same_boundaries(presentation: Presentation) -> None:
    read = read_mpd(write_mpd(presentation), URI)
    for track, from_dash in zip(presentation.tracks, read.tracks, strict=True):
        from_hls = read_media(write_media(track), URI, timescale=track.timeline.timescale)
        assert boundaries(from_hls.timeline) == boundaries(from_dash.timeline) == boundaries(track.timeline)


def test_a_track_may_start_late_and_labels_and_hdr_come_back() -> None:
    hdr = video(2160)
    presentation = Presentation(
        video=(replace(hdr, rendition=replace(hdr.rendition, video_range="HLG")),),
        audio=(audio("de", label="Regie", start_ticks=1024), audio("en", channels=8, is_default=False)),
    )
    assert read_mpd(write_mpd(presentation), URI) == as_dash_carries(presentation)


def mpd(body: str, attributes: str = 'type="static" mediaPresentationDuration="PT10S"') -> str:
    return f'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" {attributes}>{body}</MPD>'


def one(addressing: str, more: str = "") -> str:
    """A manifest of one rung with the addressing given."""
    return mpd(
        f'{more}<Period><AdaptationSet mimeType="video/mp4">'
        f'<Representation id="v1" bandwidth="800000" codecs="avc1.64001f">{addressing}</Representation>'
        "</AdaptationSet></Period>"
    )


def test_a_manifest_as_ffmpeg_writes_it() -> None:
    text = (SAMPLES / "ffmpeg.mpd").read_text()
    read = read_mpd(text, URI)
    rung, sound = read.video[0], read.audio[0]
    assert (rung.rendition.frame_rate, rung.rendition.peak_bps) == (Fraction(24000, 1001), 500_000)
    assert rung.init == InitSegment(uri=urljoin(URI, "init-stream0.m4s"))
    assert [s.uri for s in rung.timeline.segments][2] == urljoin(URI, "chunk-stream0-00003.m4s")
    assert [s.start_ticks for s in rung.timeline.segments] == [0, 48048, 96096]
    assert (sound.rendition.channels, sound.rendition.sample_rate_hz) == (1, 44100)
    assert sound.rendition.is_default
    assert sound.timeline.duration == 5


def test_a_manifest_as_a_packager_for_time_addresses_writes_it() -> None:
    text = (SAMPLES / "time_addressed.mpd").read_text()
    read = read_mpd(text, URI)
    low, high = read.video
    assert [track.rendition.name for track in read.video] == ["lo", "hi"]
    assert [track.rendition.frame_rate for track in read.video] == [Fraction(30000, 1001)] * 2
    assert high.timeline.segments[0].uri == urljoin(URI, "900/9000.m4s")
    assert [s.start_ticks for s in low.timeline.segments] == [0, 180000, 360000, 540000, 720000]
    assert [s.number for s in low.timeline.segments] == [5, 6, 7, 8, 9]
    assert read.audio == ()


NUMBERED = '<SegmentTemplate timescale="1000" duration="4000" media="$RepresentationID$_$Number%03d$.m4s"/>'


def test_segments_of_one_length_fill_the_period_and_the_last_is_as_short_as_it_ends() -> None:
    timeline = read_mpd(one(NUMBERED), URI).video[0].timeline
    assert [s.duration_ticks for s in timeline.segments] == [4000, 4000, 2000]
    assert [s.uri for s in timeline.segments] == [urljoin(URI, f"v1_00{n}.m4s") for n in (1, 2, 3)]


def test_a_template_may_say_its_last_number() -> None:
    timeline = read_mpd(one(NUMBERED.replace("timescale", 'endNumber="2" timescale')), URI).video[0].timeline
    assert [s.number for s in timeline.segments] == [1, 2]


def test_flags_of_subtitles_and_the_grid_of_thumbnails_come_back() -> None:
    presentation = Presentation(
        video=(video(720, [24000 * 60, 24000 * 40]),),
        text=(text("en", is_forced=True, label="Signs"), text("de", is_sdh=True, is_default=True)),
        images=(images(end_ms=100_000, interval=Fraction(2002, 1000)),),
    )
    assert read_mpd(write_mpd(presentation), URI) == as_dash_carries(presentation)


BESIDE = [  # an adaptation set that cannot be read
    pytest.param('contentType="text" mimeType="application/ttml+xml"', "<BaseURL>a.xml</BaseURL>", id="ttml"),
    pytest.param('contentType="text"', '<SegmentBase indexRange="0-9"/>', id="text-with-an-index"),
    pytest.param('contentType="text" mimeType="text/vtt"', "", id="text-without-an-address"),
    pytest.param('contentType="image"', "<BaseURL>a.jpg</BaseURL>", id="one-picture"),
    pytest.param('contentType="image"', '<SegmentTemplate duration="0" media="a"/>', id="endless-sheets"),
]


@pytest.mark.parametrize(("attributes", "addressing"), BESIDE)
def test_text_and_thumbnails_of_other_kinds_do_not_keep_the_picture_from_playing(
    attributes: str, addressing: str
) -> None:
    beside = (
        f'<AdaptationSet {attributes}><Representation id="x">{addressing}</Representation></AdaptationSet>'
    )
    read = read_mpd(one(NUMBERED).replace("</Period>", f"{beside}</Period>"), URI)
    assert (len(read.video), read.text, read.images) == (1, (), ())


def test_base_addresses_add_up_from_level_to_level() -> None:
    addressing = f"<BaseURL>hi/</BaseURL>{NUMBERED}"
    text = one(addressing, more="<BaseURL>https://cdn.example/a/b</BaseURL>").replace(
        "<AdaptationSet", "<BaseURL>/c/</BaseURL><AdaptationSet"
    )
    assert read_mpd(text, URI).video[0].timeline.segments[0].uri == "https://cdn.example/c/hi/v1_001.m4s"


def test_a_dollar_is_written_twice() -> None:
    text = one(NUMBERED.replace("$Rep", "$$$Rep"))
    assert read_mpd(text, URI).video[0].timeline.segments[0].uri == urljoin(URI, "$v1_001.m4s")


def test_a_list_of_ranges_in_one_file() -> None:
    text = one(
        '<BaseURL>all.mp4</BaseURL><SegmentList timescale="1000" duration="5500">'
        '<Initialization range="0-814"/>'
        '<SegmentURL mediaRange="815-900" indexRange="815-830"/><SegmentURL mediaRange="901-1000"/>'
        "</SegmentList>"
    )
    track = read_mpd(text, URI).video[0]
    assert track.init == InitSegment(uri=urljoin(URI, "all.mp4"), byte_range=(0, 814), size_bytes=815)
    ranges = [(s.byte_range, s.size_bytes) for s in track.timeline.segments]
    assert ranges == [((815, 900), 86), ((901, 1000), 100)]
    assert [s.duration_ticks for s in track.timeline.segments] == [5500, 4500]


def test_a_list_of_files_with_a_timeline() -> None:
    text = one(
        '<SegmentList timescale="10"><Initialization sourceURL="i.mp4"/>'
        '<SegmentTimeline><S d="40"/><S d="60"/></SegmentTimeline>'
        '<SegmentURL media="a.m4s"/><SegmentURL media="b.m4s"/></SegmentList>'
    )
    track = read_mpd(text, URI).video[0]
    assert track.init == InitSegment(uri=urljoin(URI, "i.mp4"))
    assert [(s.start_ticks, s.uri) for s in track.timeline.segments] == [
        (0, urljoin(URI, "a.m4s")),
        (40, urljoin(URI, "b.m4s")),
    ]


def runs_of(runs: str, period: str = "PT10S") -> str:
    """A manifest whose rung has a timeline of these S elements."""
    timeline = f"<SegmentTimeline>{runs}</SegmentTimeline>"
    template = f'<SegmentTemplate timescale="10" media="$Time$.m4s">{timeline}</SegmentTemplate>'
    return one(template).replace("PT10S", period)


RUNS = [  # S elements, (start, duration) of each segment: 5.3.9.6
    pytest.param('<S t="5" d="10"/>', [(5, 10)], id="starts-late"),
    pytest.param('<S d="10" r="2"/><S d="4"/>', [(0, 10), (10, 10), (20, 10), (30, 4)], id="repeats"),
    pytest.param(
        '<S d="10" r="-1"/><S t="30" d="4"/>', [(0, 10), (10, 10), (20, 10), (30, 4)], id="to-the-next"
    ),
    pytest.param('<S d="30" r="-1"/>', [(0, 30), (30, 30), (60, 30), (90, 30)], id="to-the-end"),
    pytest.param('<S d="10"/><S t="12" d="10"/>', [(0, 12), (12, 10)], id="a-gap-belongs-to-the-earlier"),
    pytest.param('<S d="10"/><S t="8" d="10"/>', [(0, 8), (8, 10)], id="an-overlap-to-the-later"),
]


@pytest.mark.parametrize(("runs", "expected"), RUNS)
def test_runs_of_a_timeline(runs: str, expected: list[tuple[int, int]]) -> None:
    segments = read_mpd(runs_of(runs), URI).video[0].timeline.segments
    assert [(s.start_ticks, s.duration_ticks) for s in segments] == expected


def test_a_live_manifest_may_grow() -> None:
    runs = '<SegmentTimeline><S t="700" d="20" r="2"/></SegmentTimeline>'
    template = f'<SegmentTemplate timescale="10" startNumber="36" media="$Number$">{runs}</SegmentTemplate>'
    representation = '<Representation id="a" bandwidth="64000" mimeType="audio/mp4"/>'
    adaptation_set = f'<AdaptationSet lang="fr">{template}{representation}</AdaptationSet>'
    text = mpd(f'<Period start="PT0S">{adaptation_set}</Period>', 'type="dynamic"')
    read = read_mpd(text, URI)
    assert read.is_live
    assert [s.number for s in read.audio[0].timeline.segments] == [36, 37, 38]
    assert read.audio[0].rendition.language == "fr"


@given(st.integers(0, 10**6), st.integers(0, 59), st.integers(0, 999))
def test_durations_are_exact(minutes: int, seconds: int, milliseconds: int) -> None:
    text = one('<SegmentTemplate timescale="1000" duration="1000000000000" media="x"/>').replace(
        "PT10S", f"P1DT1H{minutes}M{seconds}.{milliseconds:03d}S"
    )
    expected = Fraction((86400 + 3600 + 60 * minutes + seconds) * 1000 + milliseconds, 1000)
    assert read_mpd(text, URI).video[0].timeline.duration == expected


BROKEN = [  # text, what the message says
    pytest.param("", "begins with ''", id="empty"),
    pytest.param("<!DOCTYPE html><html>", "begins with '<!DOCTYPE html>", id="html-page"),
    pytest.param("<html/>", "its root is 'html'", id="html"),
    pytest.param("#EXTM3U\n", "Start tag expected", id="hls"),
    pytest.param(one(NUMBERED)[:-9], "not a DASH manifest: ", id="cut-short"),
    pytest.param('<!DOCTYPE x [<!ENTITY a "b">]><MPD>&a;</MPD>', "not a DASH manifest", id="entities"),
    pytest.param(mpd(""), "0 periods", id="no-period"),
    pytest.param(mpd("<Period/><Period/>"), "2 periods", id="several-periods"),
    pytest.param(mpd("<Period/>"), "neither video nor audio", id="nothing"),
    pytest.param(one("<SegmentBase indexRange='0-9'/>"), "v1 is one file with an index", id="indexed-file"),
    pytest.param(
        one("<SegmentTemplate duration='x' media='a'/>"), "v1: invalid literal", id="a-word-for-a-number"
    ),
    pytest.param(one("<SegmentTemplate duration='0' media='a'/>"), "v1: ", id="no-length"),
    pytest.param(one("<SegmentTemplate media='a'/>"), "v1 has no 'duration'", id="no-duration"),
    pytest.param(one("<SegmentTemplate duration='4'/>"), "v1 has no 'media'", id="no-media"),
    pytest.param(
        one("<SegmentTemplate duration='1' media='$Foo$'/>"), "$Foo$ in the template", id="identifier"
    ),
    pytest.param(one(NUMBERED).replace("PT10S", "P1M"), "'P1M' is not a duration", id="months"),
    pytest.param(one(NUMBERED).replace("PT10S", "PT0S"), "no segments", id="empty-period"),
    pytest.param(one(NUMBERED).replace("mediaPr", "noPr"), "length of the period", id="length-unknown"),
    pytest.param(
        runs_of("<S d='1' r='-1'/>").replace("mediaPr", "noPr"), "of unknown length", id="endless-run"
    ),
    pytest.param(runs_of("<S d='1' r='999999999999'/>"), "are more than", id="too-many"),
    pytest.param(runs_of("<S d='1' r='-1'/>", "P9999999D"), "are more than", id="too-many-to-the-end"),
    pytest.param(runs_of("<S d='-1'/>"), "ends before it starts", id="negative"),
    pytest.param(runs_of("<S t='9' d='1'/><S t='5' d='1'/>"), "ends before it starts", id="backwards"),
    pytest.param(
        one(
            "<SegmentList><SegmentTimeline><S d='1'/></SegmentTimeline><SegmentURL/><SegmentURL/>"
            "</SegmentList>"
        ),
        "2 addresses for 1 segments",
        id="list-and-timeline-differ",
    ),
]


@pytest.mark.parametrize(("text", "reason"), BROKEN)
def test_a_broken_manifest_is_one_clear_line(text: str, reason: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read_mpd(text, URI)
    message = str(caught.value)
    assert message.startswith(f"{URI}: ")
    assert reason in message
    assert "\n" not in message
