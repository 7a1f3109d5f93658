from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from urllib.parse import urljoin

import pytest

from media.hls import presentation_of, read_media, read_multivariant, write_media, write_multivariant
from media.hls_sound import audio_groups, media_of
from media.presentation import Presentation, Track
from media.rendition import AudioRendition
from tests.media.presentations import URI, audio, renamed, video


def sound(
    language: str,
    codec: str = "aac",
    channels: int = 2,
    *,
    label: str = "",
    is_default: bool = False,
    is_commentary: bool = False,
    is_descriptive: bool = False,
) -> Track[AudioRendition]:
    bps = {"aac": 64_000, "opus": 48_000}[codec] * channels
    track = audio(language, label=label, channels=channels, is_default=is_default)
    rendition = replace(
        track.rendition,
        codecs={"aac": "mp4a.40.2", "opus": "opus"}[codec],
        average_bps=bps,
        peak_bps=bps + 1000,
        is_commentary=is_commentary,
        is_descriptive=is_descriptive,
    )
    kind = "".join(["c" * is_commentary, "d" * is_descriptive])
    return renamed(replace(track, rendition=rendition), f"audio-{language}{kind}{label}-{codec}-{channels}")


ENGLISH, GERMAN = sound("en", is_default=True), sound("de")
SURROUND = sound("en", channels=6, is_default=True)
OPUS = (sound("en", "opus", is_default=True), sound("de", "opus"))


def renditions(*tracks: Track[AudioRendition]) -> list[AudioRendition]:
    return [track.rendition for track in tracks]


def test_each_codec_and_number_of_channels_is_a_group() -> None:
    tracks = (ENGLISH, GERMAN, *OPUS, SURROUND, sound("de", channels=6))
    groups = audio_groups(renditions(*tracks))
    assert [(group.name, [r.name for r in group.renditions]) for group in groups] == [
        ("aac-stereo", ["audio-en-aac-2", "audio-de-aac-2"]),
        ("opus-stereo", ["audio-en-opus-2", "audio-de-opus-2"]),
        ("aac-51", ["audio-en-aac-6", "audio-de-aac-6"]),
    ]


def test_who_is_not_there_in_5_1_is_there_in_stereo() -> None:
    _, surround = audio_groups(renditions(ENGLISH, GERMAN, SURROUND))
    assert [r.name for r in surround.renditions] == ["audio-en-aac-6", "audio-de-aac-2"]
    assert [attributes["CHANNELS"] for attributes in media_of(surround)] == ['"6"', '"2"']


def test_the_stand_in_has_the_same_codec_if_there_is_one() -> None:
    tracks = (ENGLISH, GERMAN, *OPUS, sound("en", "opus", 6, is_default=True))
    *_, surround = audio_groups(renditions(*tracks))
    assert [r.name for r in surround.renditions] == ["audio-en-opus-6", "audio-de-opus-2"]


def test_groups_that_would_be_the_same_are_one() -> None:
    (group,) = audio_groups(renditions(ENGLISH, sound("de", "opus")))
    assert group.name == "audio"
    assert [r.name for r in group.renditions] == ["audio-en-aac-2", "audio-de-opus-2"]


def test_all_groups_offer_the_same_under_the_same_names() -> None:
    twice = (sound("en", label="A", is_default=True), sound("en", label="B"))
    tracks = (*twice, GERMAN, *OPUS, SURROUND)
    for order in permutations(tracks, len(tracks)):
        groups = audio_groups(renditions(*order))
        offered = [[(each["NAME"], each["LANGUAGE"]) for each in media_of(group)] for group in groups]
        assert all(each == offered[0] for each in offered)
        assert len({name for name, _ in offered[0]}) == len(offered[0])


def test_every_variant_is_listed_with_every_group_stereo_aac_first() -> None:
    tracks = (ENGLISH, GERMAN, *OPUS, SURROUND)
    written = write_multivariant(Presentation(video=(video(360), video(720)), audio=tracks))
    lines = [line for line in written.splitlines() if line.startswith("#EXT-X-STREAM-INF")]
    assert [line.partition("AUDIO=")[2] for line in lines] == [
        '"aac-stereo"',
        '"aac-stereo"',
        '"opus-stereo"',
        '"opus-stereo"',
        '"aac-51"',
        '"aac-51"',
    ]
    for line, peak_bps, codecs in zip(
        lines[::2],
        (1_080_000 + 129_000, 1_080_000 + 97_000, 1_080_000 + 385_000),
        ("avc1.64001f,mp4a.40.2", "avc1.64001f,opus", "avc1.64001f,mp4a.40.2"),
        strict=True,
    ):
        assert line.startswith(f"#EXT-X-STREAM-INF:BANDWIDTH={peak_bps},")
        assert f'CODECS="{codecs}"' in line
    assert written.count("DEFAULT=YES") == 3  # one in each group


def test_commentary_is_never_chosen_unasked_and_a_description_by_who_needs_it() -> None:
    described = sound("en", label="Described", is_descriptive=True)
    commentary = sound("en", label="Commentary", is_commentary=True)
    (group,) = audio_groups(renditions(ENGLISH, described, commentary, sound("en", label="Other")))
    found = [
        (each["NAME"], each["DEFAULT"], each["AUTOSELECT"], each.get("CHARACTERISTICS", ""))
        for each in media_of(group)
    ]
    assert found == [
        ('"en"', "YES", "YES", ""),
        ('"Described"', "NO", "YES", '"public.accessibility.describes-video"'),
        ('"Commentary"', "NO", "NO", '"public.auxiliary-content"'),
        ('"Other"', "NO", "NO", ""),
    ]


@pytest.mark.parametrize("is_surround", [False, True])
def test_all_groups_read_back(is_surround: bool) -> None:
    both = [
        (
            *(sound("en", codec, is_default=True), sound("de", codec)),
            sound("en", codec, label="Described", is_descriptive=True),
            sound("en", codec, label="Commentary", is_commentary=True),
        )
        for codec in ("aac", "opus")
    ]
    tracks = (*both[0], *both[1], *((SURROUND,) if is_surround else ()))
    multivariant = read_multivariant(
        write_multivariant(Presentation(video=(video(360), video(720)), audio=tracks)), URI
    )
    playlists = {
        (uri := urljoin(URI, f"{track.rendition.name}/index.m3u8")): read_media(write_media(track), uri)
        for track in (video(360), video(720), *tracks)
    }
    assert set(multivariant.playlist_uris) == set(playlists)
    read = presentation_of(multivariant, playlists)
    assert [track.rendition.height_px for track in read.video] == [360, 720]
    assert read.video[0].rendition.peak_bps == video(360).rendition.peak_bps + 129_000
    expected = [replace(t.rendition, average_bps=0, peak_bps=0, sample_rate_hz=0) for t in tracks]
    assert [track.rendition for track in read.audio] == expected
