from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from urllib.parse import urljoin

import pytest
from hypothesis import given

from media.hls import (
    ManifestError,
    Multivariant,
    presentation_of,
    read_media,
    read_multivariant,
    write_iframes,
    write_media,
    write_multivariant,
    write_playlists,
)
from media.ladders import in_ladders
from media.presentation import InitSegment, Presentation, Track, boundaries
from media.rendition import AnyRendition, AudioRendition, VideoRendition
from tests.media.presentations import URI, absolute, audio, iframes, images, presentations, text, video

MEDIA_URI = "http://edge.example/v/bunny/1f3a/720p/index.m3u8"


def read_back(presentation: Presentation) -> Presentation:
    """Through text and back, each track read on its own timescale."""
    multivariant = read_multivariant(write_multivariant(presentation), URI)
    playlists = {}
    ordinary: list[Track[AnyRendition]] = [*presentation.tracks, *presentation.text, *presentation.images]
    for track in ordinary:
        uri = urljoin(URI, f"{track.rendition.name}/index.m3u8")
        playlists[uri] = read_media(write_media(track), uri, timescale=track.timeline.timescale)
    for rung in presentation.iframes:
        uri = urljoin(URI, f"{rung.rendition.name}/iframes.m3u8")
        playlists[uri] = read_media(write_iframes(rung), uri, timescale=rung.timeline.timescale)
    assert {*multivariant.playlist_uris, *multivariant.extra_uris} == set(playlists)
    assert {urljoin(URI, path) for path in write_playlists(presentation)} == set(playlists)
    return presentation_of(multivariant, playlists)


def as_hls_carries(presentation: Presentation) -> Presentation:
    """Bandwidth is that of what is played together; sample rates, and languages of sound alone, are lost."""
    peak_bps = max((track.rendition.peak_bps for track in presentation.audio), default=0)
    average_bps = max((track.rendition.average_bps for track in presentation.audio), default=0)

    def rung(track: Track[VideoRendition]) -> VideoRendition:
        own = track.rendition
        return replace(own, peak_bps=own.peak_bps + peak_bps, average_bps=own.average_bps + average_bps)

    def sound(track: Track[AudioRendition]) -> AudioRendition:
        if presentation.video:
            return replace(track.rendition, peak_bps=0, average_bps=0, sample_rate_hz=0)
        return replace(track.rendition, sample_rate_hz=0, channels=0, language="und", is_default=True)

    return Presentation(
        video=tuple(absolute(t, rung(t)) for t in presentation.video),
        audio=tuple(absolute(t, sound(t)) for t in presentation.audio),
        text=tuple(absolute(t, replace(t.rendition, peak_bps=0, average_bps=0)) for t in presentation.text),
        iframes=tuple(
            absolute(t, replace(t.rendition, frame_rate=Fraction(0)))
            for t in in_ladders(sorted(presentation.iframes, key=lambda track: track.rendition.peak_bps))
        ),
        images=tuple(absolute(t, t.rendition) for t in presentation.images),
    )


@given(presentations())
def test_what_was_written_reads_back_equal(presentation: Presentation) -> None:
    assert read_back(presentation) == as_hls_carries(presentation)


def test_labels_and_channels_come_back() -> None:
    tracks = (audio("de", label="Deutsch"), audio("en", is_default=False, channels=6))
    read = read_back(Presentation(video=(video(720),), audio=tracks))
    assert [(t.rendition.label, t.rendition.channels) for t in read.audio] == [("Deutsch", 2), ("", 6)]


def test_rungs_come_from_low_to_high_whatever_the_order_of_the_list() -> None:
    read = read_back(Presentation(video=(video(720), video(360), video(1080))))
    assert [track.rendition.height_px for track in read.video] == [360, 720, 1080]


def test_flags_and_labels_of_subtitles_come_back() -> None:
    tracks = (text("en", is_forced=True), text("de", is_sdh=True, label="Deutsch (SDH)", is_default=True))
    read = read_back(Presentation(video=(video(720),), text=tracks))
    forced, sdh = (track.rendition for track in read.text)
    assert (forced.name, forced.is_forced, forced.is_sdh, forced.label) == (
        "subtitles/en-forced-7c8d9e0f", True, False, "",
    )  # fmt: skip
    assert (sdh.language, sdh.is_forced, sdh.is_sdh, sdh.is_default) == ("de", False, True, True)


def test_what_goes_beside_is_left_out_if_its_playlists_are_not_fetched() -> None:
    whole = Presentation(
        video=(video(720),), text=(text(),), iframes=(iframes(video(720)),), images=(images(),)
    )
    multivariant = read_multivariant(write_multivariant(whole), URI)
    assert len(multivariant.extra_uris) == 3
    read = joined(multivariant)
    assert len(read.video) == 1
    assert (read.text, read.iframes, read.images) == ((), (), ())


def test_thumbnails_as_others_write_them() -> None:
    tiles = '#EXT-X-TILES:RESOLUTION="284x160",LAYOUT="5x7",DURATION=0.970'
    playlist = read_media(f"#EXTM3U\n#EXT-X-IMAGES-ONLY\n#EXTINF:30.073,\n{tiles}\ns.jpg\n", MEDIA_URI)
    assert playlist.tiles is not None
    assert (playlist.tiles.columns, playlist.tiles.rows) == (5, 7)
    assert playlist.tiles.interval == Fraction(97, 100)


SAMPLES = Path(__file__).parent / "samples"
GROUPS = (SAMPLES / "several_audio_groups.m3u8").read_text()
SEGMENTS = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n1.ts\n#EXT-X-ENDLIST\n"


def joined(multivariant: Multivariant) -> Presentation:
    playlists = {uri: read_media(SEGMENTS, uri) for uri in multivariant.playlist_uris}
    return presentation_of(multivariant, playlists)


def test_a_ladder_offered_with_several_audio_groups_counts_each_picture_once() -> None:
    multivariant = read_multivariant(GROUPS, URI)
    assert [variant.audio_group for variant in multivariant.variants] == ["stereo", "stereo", "atmos"]
    assert multivariant.audio[2].rendition.channels == 16
    assert multivariant.audio[2].rendition.codecs == "ec-3"
    read = joined(multivariant)
    assert [(t.rendition.height_px, t.rendition.peak_bps) for t in read.video] == [
        (540, 2_100_000),
        (1080, 7_600_000),
    ]
    assert [t.rendition.frame_rate for t in read.video] == [Fraction(60000, 1001), Fraction(60)]
    assert [t.rendition.codecs for t in read.video] == ["avc1.640020", "avc1.64002a"]
    assert [(t.rendition.language, t.rendition.is_default, t.rendition.channels) for t in read.audio] == [
        ("en", True, 2),
        ("fr", False, 2),
        ("en", True, 16),
    ]


def test_sound_in_the_picture_s_segments_is_no_track_of_its_own() -> None:
    text = """#EXTM3U
#EXT-X-VERSION:3
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="stereo",NAME="English",DEFAULT=YES
#EXT-X-STREAM-INF:BANDWIDTH=1340000,RESOLUTION=1280x720,CODECS="avc1.4d401f,mp4a.40.2",AUDIO="stereo"
hi/stream.m3u8?token=a%2Fb
#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS="mp4a.40.5"
sound/stream.m3u8
"""
    multivariant = read_multivariant(text, URI)
    assert multivariant.variants[0].uri == urljoin(URI, "hi/stream.m3u8?token=a%2Fb")
    read = joined(multivariant)
    assert [t.rendition.codecs for t in read.video] == ["avc1.4d401f,mp4a.40.2"]
    assert [t.rendition.name for t in read.video] == ["hi/stream"]
    assert read.audio == ()


def test_what_a_list_does_not_say_is_zero() -> None:
    read = joined(read_multivariant("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=500000\nlow.m3u8\n", URI))
    rung = read.video[0].rendition
    assert (rung.peak_bps, rung.average_bps) == (500_000, 500_000)
    assert (rung.width_px, rung.height_px, rung.frame_rate, rung.codecs) == (0, 0, Fraction(0), "")


def test_a_media_playlist_alone_is_a_ladder_of_one_rung() -> None:
    multivariant = read_multivariant(SEGMENTS, MEDIA_URI)
    assert multivariant.playlist_uris == (MEDIA_URI,)
    assert len(joined(multivariant).video) == 1


def test_a_rung_without_its_playlist_is_left_out() -> None:
    multivariant = read_multivariant(GROUPS, URI)
    only = urljoin(URI, "1080/prog.m3u8")
    read = presentation_of(multivariant, {only: read_media(SEGMENTS, only)})
    assert [t.rendition.height_px for t in read.video] == [1080]
    assert read.audio == ()
    with pytest.raises(ManifestError, match="none of its media playlists"):
        presentation_of(multivariant, {})


def test_a_playlist_as_ffmpeg_writes_it() -> None:
    text = (SAMPLES / "ffmpeg.m3u8").read_text()
    playlist = read_media(text, MEDIA_URI)
    assert playlist.init == InitSegment(uri=urljoin(MEDIA_URI, "init_0.mp4"))
    assert [s.number for s in playlist.timeline.segments] == [0, 1, 2]
    assert [s.start_ticks for s in playlist.timeline.segments] == [0, 360360, 720720]
    assert playlist.timeline.duration == Fraction("9.343")
    assert (playlist.is_live, playlist.target_duration_s, playlist.is_encrypted) == (False, 4, False)


def test_thousands_of_rounded_durations_do_not_drift() -> None:
    segments = "#EXTINF:2.002,\na.ts\n#EXTINF:2.00199,\nb.ts\n#EXTINF:2.00201,\nc.ts\n" * 1000
    timeline = read_media(f"#EXTM3U\n{segments}", MEDIA_URI).timeline
    assert timeline.duration == Fraction(6006)
    assert boundaries(timeline)[1500] == Fraction(3003)


def test_byte_ranges_with_and_without_offset_as_shaka_and_apple_write_them() -> None:
    text = (SAMPLES / "byte_ranges.m3u8").read_text()
    playlist = read_media(text, MEDIA_URI)
    assert playlist.init == InitSegment(
        uri=urljoin(MEDIA_URI, "video.mp4"), byte_range=(0, 822), size_bytes=823
    )
    ranges = [(s.byte_range, s.size_bytes) for s in playlist.timeline.segments]
    assert ranges == [((891, 990), 100), ((991, 1040), 50), ((2000, 2006), 7)]


def test_a_live_list_keeps_its_numbers_and_may_grow() -> None:
    text = (SAMPLES / "low_latency.m3u8").read_text()
    playlist = read_media(text, MEDIA_URI)
    assert playlist.is_live
    assert [s.number for s in playlist.timeline.segments] == [4711, 4712]
    assert [s.uri.rpartition("/")[2] for s in playlist.timeline.segments] == [
        "4711.m4s",
        "4712.m4s",
    ]


def test_encryption_is_noted() -> None:
    key = '#EXT-X-KEY:METHOD=AES-128,URI="key.bin",IV=0x00000000000000000000000000000001'
    assert read_media(SEGMENTS.replace("#EXTINF", f"{key}\n#EXTINF"), MEDIA_URI).is_encrypted
    assert not read_media(
        SEGMENTS.replace("#EXTINF", "#EXT-X-KEY:METHOD=NONE\n#EXTINF"), MEDIA_URI
    ).is_encrypted


def test_variables_are_filled_in_wherever_they_come_from() -> None:
    master = """#EXTM3U
#EXT-X-DEFINE:NAME="host",VALUE="https://media.example"
#EXT-X-DEFINE:QUERYPARAM="session"
#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"
{$host}/720.m3u8?s={$session}
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",URI="{$host}/a.m3u8"
"""
    multivariant = read_multivariant(master, f"{URI}?session=x7")
    assert multivariant.playlist_uris == (
        "https://media.example/720.m3u8?s=x7",
        "https://media.example/a.m3u8",
    )
    media = '#EXTM3U\n#EXT-X-DEFINE:IMPORT="host"\n#EXTINF:4,\n{$host}/1.ts\n'
    playlist = read_media(media, MEDIA_URI, variables=multivariant.variables)
    assert playlist.timeline.segments[0].uri == "https://media.example/1.ts"


def test_what_looks_like_a_reference_without_definitions_is_left_alone() -> None:
    uri = read_media("#EXTM3U\n#EXTINF:4,\n{$x}.ts\n", MEDIA_URI).timeline.segments[0].uri
    assert uri.endswith("/{$x}.ts")


BROKEN = [  # text, what the message says
    pytest.param("", "begins with ''", id="empty"),
    pytest.param("<!DOCTYPE html>\n<html>", "begins with '<!DOCTYPE html>'", id="html"),
    pytest.param("#EXTM3U\n#EXT-X-ENDLIST\n", "no segments", id="no-segments"),
    pytest.param("#EXTM3U\n#EXTINF:abc,\n1.ts\n", "could not convert", id="a-word-for-a-duration"),
    pytest.param("#EXTM3U\n#EXTINF:inf,\n1.ts\n", "not a playlist as RFC 8216", id="endless-duration"),
    pytest.param("#EXTM3U\n#EXT-X-BYTERANGE:5@0\n1.ts\n", "duration", id="no-duration"),
    pytest.param("#EXTM3U\n#EXTINF:4,\n#EXT-X-BYTERANGE:5\n1.ts\n", "no offset", id="range-from-nowhere"),
    pytest.param("#EXTM3U\n#EXT-X-TARGETDURATION\n#EXTINF:4,\n1.ts\n", "not a playlist as", id="no-value"),
    pytest.param("#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"x\"\n", "needs the variable 'x'", id="import-from-nowhere"),
    pytest.param("#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM=\"x\"\n", "needs the variable 'x'", id="no-parameter"),
    pytest.param("#EXTM3U\n#EXT-X-DEFINE:VALUE=\"x\"\n", "defines nothing", id="definition-without-name"),
    pytest.param(GROUPS, "lists variants, not segments", id="multivariant"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), BROKEN)
def test_a_broken_media_playlist_is_one_clear_line(text: str, reason: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read_media(text, MEDIA_URI)
    message = str(caught.value)
    assert message.startswith(f"{MEDIA_URI}: ")
    assert reason in message
    assert "\n" not in message


BROKEN_LADDERS = [
    pytest.param("not found", "begins with 'not found'", id="not-a-playlist"),
    pytest.param("#EXTM3U\n", "neither variants nor segments", id="nothing"),
    pytest.param("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=x\na.m3u8\n", "not a playlist as", id="bandwidth"),
    pytest.param("#EXTM3U\n#EXT-X-STREAM-INF:RESOLUTION=big\na.m3u8\n", "not a playlist as", id="resolution"),
    pytest.param('#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,URI="a"\n#EXT-X-STREAM-INF:\nb\n', "group_id", id="group"),
]


@pytest.mark.parametrize(("text", "reason"), BROKEN_LADDERS)
def test_a_broken_multivariant_playlist_is_one_clear_line(text: str, reason: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read_multivariant(text, URI)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
