from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree

from media.dash import ManifestError, write_mpd
from media.presentation import Presentation
from tests.media.presentations import audio, images, of_kind, text, video

MPD = "{urn:mpeg:dash:schema:mpd:2011}"


def parsed(presentation: Presentation) -> etree._Element:
    return etree.fromstring(write_mpd(presentation).encode())


def found(mpd: etree._Element, name: str) -> list[dict[str, str]]:
    return [{str(k): str(v) for k, v in element.attrib.items()} for element in mpd.iter(MPD + name)]


def test_a_static_manifest_of_the_live_profile_with_durations_rounded_up() -> None:
    mpd = parsed(Presentation(video=(video(720),), audio=(audio(),)))
    assert mpd.tag == MPD + "MPD"
    assert mpd.get("type") == "static"
    assert "urn:mpeg:dash:profile:isoff-live:2011" in str(mpd.get("profiles"))
    assert mpd.get("mediaPresentationDuration") == "PT4.504672S"  # 198656 / 44100, a little more
    assert mpd.get("maxSegmentDuration") == "PT2.002000S"


def test_a_rung_is_one_representation_with_its_peak() -> None:
    mpd = parsed(Presentation(video=(video(360), video(720))))
    assert found(mpd, "Representation")[1] == {
        "id": "720p-1f3a9b2c",
        "bandwidth": "2160000",
        "codecs": "avc1.64001f",
        "width": "1440",
        "height": "720",
        "frameRate": "24000/1001",
    }
    assert len(found(mpd, "AdaptationSet")) == 1
    assert found(mpd, "SegmentTemplate")[1] == {
        "timescale": "24000",
        "initialization": "$RepresentationID$/init.mp4",
        "media": "$RepresentationID$/$Number$.m4s",
        "startNumber": "1",
    }
    assert found(mpd, "S")[:2] == [{"t": "0", "d": "48048", "r": "1"}, {"d": "12012"}]


def test_each_language_has_an_adaptation_set_and_one_of_them_is_the_main_one() -> None:
    tracks = (audio("de", label="Ton <laut>"), audio("en", is_default=False, channels=6))
    mpd = parsed(Presentation(video=(video(720),), audio=tracks))
    assert [each.get("lang") for each in found(mpd, "AdaptationSet")] == [None, "de", "en"]
    assert [each["value"] for each in found(mpd, "Role")] == ["main", "alternate"]
    assert [each["value"] for each in found(mpd, "AudioChannelConfiguration")] == ["2", "6"]
    assert [label.text for label in mpd.iter(f"{MPD}Label")] == ["Ton <laut>"]


def test_each_codec_and_number_of_channels_has_an_adaptation_set() -> None:
    stereo, surround = audio("de"), audio("de", channels=6)
    opus = replace(stereo, rendition=replace(stereo.rendition, codecs="opus"))
    mpd = parsed(Presentation(audio=(stereo, opus, surround)))
    assert [each["codecs"] for each in found(mpd, "Representation")] == ["mp4a.40.2", "opus", "mp4a.40.2"]
    assert [len(list(each.iter(f"{MPD}Representation"))) for each in mpd.iter(f"{MPD}AdaptationSet")] == [
        1
    ] * 3
    assert [each["selectionPriority"] for each in found(mpd, "AdaptationSet")] == ["3", "2", "1"]
    assert [each["value"] for each in found(mpd, "Role")] == ["main"] * 3
    assert [each["value"] for each in found(mpd, "AudioChannelConfiguration")] == ["2", "2", "6"]


def test_commentary_has_its_role_and_a_description_its_purpose() -> None:
    main, other = audio("en"), audio("en", is_default=False)
    described = replace(other, rendition=replace(other.rendition, is_descriptive=True))
    commentary = replace(other, rendition=replace(other.rendition, is_commentary=True))
    alone = replace(main, rendition=replace(main.rendition, is_commentary=True))
    mpd = parsed(Presentation(audio=(main, described, commentary)))
    assert [each["value"] for each in found(mpd, "Role")] == ["main", "alternate", "commentary"]
    assert found(mpd, "Accessibility") == [
        {"schemeIdUri": "urn:tva:metadata:cs:AudioPurposeCS:2007", "value": "1"}
    ]
    assert [each["value"] for each in found(parsed(Presentation(audio=(alone,))), "Role")] == [
        "commentary",
        "main",
    ]


def test_two_bitrates_of_one_language_share_an_adaptation_set() -> None:
    second = audio("de")
    second = replace(second, rendition=replace(second.rendition, name="audio-de-5e6f7a8b", peak_bps=64_000))
    mpd = parsed(Presentation(audio=(audio("de"), audio("en", is_default=False), second)))
    assert [len(list(each)) for each in mpd.iter(f"{MPD}AdaptationSet")] == [3, 2]  # with a Role each


def test_rungs_that_do_not_cut_together_are_not_called_aligned() -> None:
    aligned = parsed(Presentation(video=(video(360), video(720))))
    ragged = parsed(Presentation(video=(video(360), video(720, [48048, 60060]))))
    assert [found(mpd, "AdaptationSet")[0]["segmentAlignment"] for mpd in (aligned, ragged)] == [
        "true",
        "false",
    ]


def test_the_transfer_of_high_dynamic_range_is_named() -> None:
    track = video(2160)
    mpd = parsed(Presentation(video=(replace(track, rendition=replace(track.rendition, video_range="PQ")),)))
    assert found(mpd, "EssentialProperty") == [
        {"schemeIdUri": f"urn:mpeg:mpegB:cicp:{name}", "value": value}
        for name, value in (
            ("ColourPrimaries", "9"),
            ("MatrixCoefficients", "9"),
            ("TransferCharacteristics", "16"),
        )
    ]


def test_each_codec_and_range_has_a_set_of_its_own_and_the_better_ones_are_preferred() -> None:
    rungs = [
        of_kind(video(height), codecs, video_range) for codecs, video_range in KINDS for height in (360, 720)
    ]
    mpd = parsed(Presentation(video=tuple(rungs)))
    sets = list(mpd.iter(f"{MPD}AdaptationSet"))
    assert [[r.get("codecs") for r in each.iter(f"{MPD}Representation")] for each in sets] == [
        [codecs] * 2 for codecs in ("avc1.64001f", "hvc1.1.6.L93.90", "av01.0.05M.08", "hvc1.2.4.L93.90")
    ]
    assert [each.get("selectionPriority") for each in sets] == ["1", "2", "3", "4"]  # H.264, HEVC, AV1, HDR
    assert [each.get("id") for each in sets] == ["0", "1", "2", "3"]
    essential = [[p.get("value") for p in each.iter(f"{MPD}EssentialProperty")] for each in sets]
    assert essential == [[], [], [], ["9", "9", "16"]]


KINDS = [  # as an encoder may list them
    ("hvc1.2.4.L93.90", "PQ"),
    ("av01.0.05M.08", "SDR"),
    ("avc1.64001f", "SDR"),
    ("hvc1.1.6.L93.90", "SDR"),
]


def test_subtitles_are_one_file_with_a_role() -> None:
    tracks = (
        text("en", is_default=True, label="English"),
        text("en", is_forced=True),
        text("de", is_sdh=True),
    )
    mpd = parsed(Presentation(video=(video(720),), text=tracks))
    sets = found(mpd, "AdaptationSet")[1:]
    assert [(each["contentType"], each["mimeType"], each["lang"]) for each in sets] == [
        ("text", "text/vtt", "en"),
        ("text", "text/vtt", "en"),
        ("text", "text/vtt", "de"),
    ]
    assert [each["value"] for each in found(mpd, "Role")] == [
        "subtitle",
        "main",
        "forced-subtitle",
        "caption",
    ]
    assert found(mpd, "Accessibility") == [
        {"schemeIdUri": "urn:tva:metadata:cs:AudioPurposeCS:2007", "value": "2"}
    ]
    assert next(url.text for url in mpd.iter(f"{MPD}BaseURL")) == "subtitles/en-7c8d9e0f.vtt"
    assert found(mpd, "Representation")[1] == {"id": "subtitles/en-7c8d9e0f", "bandwidth": "500"}


def test_thumbnails_are_sheets_of_one_length() -> None:
    mpd = parsed(Presentation(video=(video(720),), images=(images(end_ms=100_000),)))
    assert found(mpd, "AdaptationSet")[1]["mimeType"] == "image/jpeg"
    assert found(mpd, "SegmentTemplate")[1] == {
        "timescale": "1000",
        "duration": "75000",
        "media": "$RepresentationID$/$Number$.jpg",
        "startNumber": "1",
        "endNumber": "2",
    }
    assert found(mpd, "Representation")[1] == {
        "id": "thumbnails",
        "bandwidth": "12000",
        "width": "1600",
        "height": "540",
    }
    assert found(mpd, "EssentialProperty") == [
        {"schemeIdUri": "http://dashif.org/guidelines/thumbnail_tile", "value": "5x3"}
    ]


def test_sheets_in_another_place_are_refused() -> None:
    sheets = images()
    elsewhere = replace(sheets, rendition=replace(sheets.rendition, name="tiles"))
    with pytest.raises(ManifestError, match=r"tiles: DASH is written for tiles/<number>\.jpg only"):
        write_mpd(Presentation(video=(video(720),), images=(elsewhere,)))


def test_a_layout_that_the_template_cannot_name_is_refused() -> None:
    track = video(720)
    with pytest.raises(ManifestError, match=r"720p-other: DASH is written for 720p-other/init\.mp4 and"):
        write_mpd(
            Presentation(video=(replace(track, rendition=replace(track.rendition, name="720p-other")),))
        )


def test_a_manifest_may_name_the_folder_that_it_describes() -> None:
    presentation = Presentation(video=(video(720),))
    root = etree.fromstring(write_mpd(presentation, base_url="/v/bunny/1f3a/").encode())
    assert [child.tag for child in root] == [f"{MPD}BaseURL", f"{MPD}Period"]
    assert root[0].text == "/v/bunny/1f3a/"
