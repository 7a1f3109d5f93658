from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.hls import write_iframes, write_media, write_multivariant, write_playlists
from media.presentation import InitSegment, Presentation
from media.timeline import Segment, Timeline
from tests.media.presentations import audio, iframes, images, text, video


def test_a_ladder_with_sound_is_announced_whole() -> None:
    written = write_multivariant(Presentation(video=(video(360), video(720)), audio=(audio("de"),)))
    assert written == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:6\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="de",LANGUAGE="de",DEFAULT=YES,AUTOSELECT=YES,'
        'CHANNELS="2",URI="audio-de-5e6f7a8b/index.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=1211000,AVERAGE-BANDWIDTH=848000,CODECS="avc1.64001f,mp4a.40.2",'
        'RESOLUTION=720x360,FRAME-RATE=23.976,VIDEO-RANGE=SDR,CLOSED-CAPTIONS=NONE,AUDIO="audio"\n'
        "360p-1f3a9b2c/index.m3u8\n"
        '#EXT-X-STREAM-INF:BANDWIDTH=2291000,AVERAGE-BANDWIDTH=1568000,CODECS="avc1.64001f,mp4a.40.2",'
        'RESOLUTION=1440x720,FRAME-RATE=23.976,VIDEO-RANGE=SDR,CLOSED-CAPTIONS=NONE,AUDIO="audio"\n'
        "720p-1f3a9b2c/index.m3u8\n"
    )


def test_a_media_playlist_is_relative_to_its_folder() -> None:
    assert write_media(video(720)) == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:6\n"
        "#EXT-X-TARGETDURATION:2\n"
        "#EXT-X-MEDIA-SEQUENCE:1\n"
        "#EXT-X-PLAYLIST-TYPE:VOD\n"
        '#EXT-X-MAP:URI="init.mp4"\n'
        "#EXTINF:2.002000,\n"
        "1.m4s\n"
        "#EXTINF:2.002000,\n"
        "2.m4s\n"
        "#EXTINF:0.500500,\n"
        "3.m4s\n"
        "#EXT-X-ENDLIST\n"
    )


def test_a_title_without_audio_has_no_audio_group() -> None:
    written = write_multivariant(Presentation(video=(video(720),)))
    assert "EXT-X-MEDIA" not in written
    assert "AUDIO=" not in written
    assert 'BANDWIDTH=2160000,AVERAGE-BANDWIDTH=1440000,CODECS="avc1.64001f",' in written


def test_a_title_without_video_has_a_variant_for_its_sound() -> None:
    written = write_multivariant(Presentation(audio=(audio(),)))
    assert written.splitlines()[3:] == [
        '#EXT-X-STREAM-INF:BANDWIDTH=131000,AVERAGE-BANDWIDTH=128000,CODECS="mp4a.40.2"',
        "audio-und-5e6f7a8b/index.m3u8",
    ]


def test_the_costliest_audio_counts_and_each_codec_is_named_once() -> None:
    surround = audio("en")
    loud = replace(surround.rendition, codecs="ac-3", average_bps=384_000, peak_bps=390_000)
    tracks = (audio("de"), audio("fr", is_default=False), replace(surround, rendition=loud))
    written = write_multivariant(Presentation(video=(video(100),), audio=tracks))
    assert "BANDWIDTH=690000,AVERAGE-BANDWIDTH=584000," in written
    assert 'CODECS="avc1.64001f,mp4a.40.2,ac-3"' in written


def test_of_several_defaults_one_is_announced() -> None:
    written = write_multivariant(Presentation(video=(video(720),), audio=(audio("de"), audio("en"))))
    assert written.count("DEFAULT=YES") == 1
    assert written.count("AUTOSELECT=YES") == 2


def test_two_tracks_of_one_language_get_two_names_and_one_is_chosen_unasked() -> None:
    second = audio("de", is_default=False)
    second = replace(second, rendition=replace(second.rendition, name="audio-de-2"))
    written = write_multivariant(Presentation(video=(video(720),), audio=(audio("de"), second)))
    assert 'NAME="de (audio-de-5e6f7a8b)",LANGUAGE="de",DEFAULT=YES,AUTOSELECT=YES' in written
    assert 'NAME="de (audio-de-2)",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=NO' in written


def test_a_label_cannot_break_out_of_its_quotes() -> None:
    track = audio("de", label='Regie "laut"\n#EXT-X-ENDLIST')
    written = write_multivariant(Presentation(video=(video(720),), audio=(track,)))
    assert "NAME=\"Regie 'laut' #EXT-X-ENDLIST\",LANGUAGE" in written


def test_byte_ranges_are_written_with_their_offsets() -> None:
    segment = Segment(number=1, start_ticks=0, duration_ticks=4, uri="all/media.mp4", byte_range=(800, 999))
    track = replace(
        video(720),
        init=InitSegment(uri="all/media.mp4", byte_range=(0, 799)),
        timeline=Timeline(timescale=1, segments=(segment,)),
    )
    lines = write_media(track).splitlines()
    assert '#EXT-X-MAP:URI="../all/media.mp4",BYTERANGE="800@0"' in lines
    assert lines[-4:-1] == ["#EXTINF:4.000000,", "#EXT-X-BYTERANGE:200@800", "../all/media.mp4"]


def test_subtitles_are_a_group_that_every_rung_names() -> None:
    tracks = (
        text("en", is_default=True),
        text("en", is_forced=True, label="English (forced)"),
        text("en", is_sdh=True, label="English (SDH)"),
    )
    written = write_multivariant(Presentation(video=(video(360), video(720)), text=tracks))
    assert [line for line in written.splitlines() if "TYPE=SUBTITLES" in line] == [
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="en",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,'
        'FORCED=NO,URI="subtitles/en-7c8d9e0f/index.m3u8"',
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="English (forced)",LANGUAGE="en",DEFAULT=NO,'
        'AUTOSELECT=YES,FORCED=YES,URI="subtitles/en-forced-7c8d9e0f/index.m3u8"',
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="English (SDH)",LANGUAGE="en",DEFAULT=NO,'
        'AUTOSELECT=YES,FORCED=NO,CHARACTERISTICS="public.accessibility.transcribes-spoken-dialog,'
        'public.accessibility.describes-music-and-sound",URI="subtitles/en-sdh-7c8d9e0f/index.m3u8"',
    ]
    assert written.count(',SUBTITLES="subtitles"') == 2


def test_sound_alone_may_have_subtitles_too() -> None:
    written = write_multivariant(Presentation(audio=(audio(),), text=(text("de"),)))
    assert 'CODECS="mp4a.40.2",SUBTITLES="subtitles"\naudio-und-5e6f7a8b/index.m3u8\n' in written


def test_of_two_subtitles_of_one_kind_one_is_chosen_unasked() -> None:
    second = text("de", label="Deutsch 2")
    second = replace(second, rendition=replace(second.rendition, name="subtitles/de-2"))
    written = write_multivariant(Presentation(video=(video(720),), text=(text("de"), second)))
    assert 'NAME="de",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=YES' in written
    assert 'NAME="Deutsch 2",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=NO' in written


def test_the_playlist_of_subtitles_has_the_target_duration_of_the_picture() -> None:
    lines = write_media(text("en")).splitlines()
    assert "#EXT-X-TARGETDURATION:2" in lines
    assert lines[5:7] == ["#EXTINF:2.002000,", "1.vtt"]


def test_a_folder_in_a_folder_is_two_steps_below_what_all_share() -> None:
    track = replace(text("en"), init=InitSegment(uri="shared.vtt"))
    assert '#EXT-X-MAP:URI="../../shared.vtt"' in write_media(track)


def test_key_frames_are_byte_ranges_of_the_segments() -> None:
    rung = iframes(video(720))
    assert write_iframes(rung) == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:6\n"
        "#EXT-X-TARGETDURATION:2\n"
        "#EXT-X-MEDIA-SEQUENCE:1\n"
        "#EXT-X-PLAYLIST-TYPE:VOD\n"
        "#EXT-X-I-FRAMES-ONLY\n"
        '#EXT-X-MAP:URI="init.mp4"\n'
        "#EXTINF:2.002000,\n"
        "#EXT-X-BYTERANGE:476@24\n"
        "1.m4s\n"
        "#EXTINF:2.002000,\n"
        "#EXT-X-BYTERANGE:477@24\n"
        "2.m4s\n"
        "#EXTINF:0.500500,\n"
        "#EXT-X-BYTERANGE:478@24\n"
        "3.m4s\n"
        "#EXT-X-ENDLIST\n"
    )
    written = write_multivariant(Presentation(video=(video(720),), audio=(audio(),), iframes=(rung,)))
    assert written.splitlines()[-1] == (
        '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=7641,AVERAGE-BANDWIDTH=2542,CODECS="avc1.64001f",'
        'RESOLUTION=1440x720,VIDEO-RANGE=SDR,URI="720p-1f3a9b2c/iframes.m3u8"'
    )


def test_thumbnails_are_sheets_of_tiles() -> None:
    sheets = images(end_ms=100_000)
    assert write_media(sheets).splitlines()[5:-1] == [
        "#EXT-X-IMAGES-ONLY",
        "#EXTINF:75.000000,",
        "#EXT-X-TILES:RESOLUTION=320x180,LAYOUT=5x3,DURATION=5.000000",
        "1.jpg",
        "#EXTINF:25.000000,",
        "#EXT-X-TILES:RESOLUTION=320x180,LAYOUT=5x3,DURATION=5.000000",
        "2.jpg",
    ]
    written = write_multivariant(Presentation(video=(video(720),), images=(sheets,)))
    assert written.splitlines()[-1] == (
        '#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=12000,AVERAGE-BANDWIDTH=9000,CODECS="jpeg",RESOLUTION=320x180,'
        'URI="thumbnails/index.m3u8"'
    )


def test_every_playlist_of_a_title_has_its_path() -> None:
    presentation = Presentation(
        video=(video(720),),
        audio=(audio(),),
        text=(text(),),
        iframes=(iframes(video(720)),),
        images=(images(),),
    )
    assert sorted(write_playlists(presentation)) == [
        "720p-1f3a9b2c/iframes.m3u8",
        "720p-1f3a9b2c/index.m3u8",
        "audio-und-5e6f7a8b/index.m3u8",
        "subtitles/en-7c8d9e0f/index.m3u8",
        "thumbnails/index.m3u8",
    ]


TARGETS = [  # durations in milliseconds, target in seconds: RFC 8216, 4.3.3.1
    pytest.param([4000, 3900], 4, id="whole"),
    pytest.param([4499], 4, id="rounds-down"),
    pytest.param([4500], 5, id="half-rounds-up"),
    pytest.param([2500], 3, id="half-of-an-even-number-rounds-up"),
    pytest.param([100], 1, id="at-least-one"),
]


@pytest.mark.parametrize(("durations", "target_s"), TARGETS)
def test_the_target_duration_bounds_the_rounded_durations(durations: list[int], target_s: int) -> None:
    assert f"#EXT-X-TARGETDURATION:{target_s}\n" in write_media(video(720, durations, 1000))


@given(
    durations=st.lists(st.integers(1, 10**6), min_size=1, max_size=300),
    timescale=st.sampled_from([24000, 44100, 12288, 90000, 30000, 7]),
)
def test_durations_never_drift(durations: list[int], timescale: int) -> None:
    track = video(720, durations, timescale)
    summed = Fraction(0)
    written = [line[8:-1] for line in write_media(track).splitlines() if line.startswith("#EXTINF:")]
    for duration, segment in zip(written, track.timeline.segments, strict=True):
        summed += Fraction(duration)
        assert abs(summed - track.timeline.seconds(segment.end_ticks)) <= Fraction(1, 2 * 10**6)
