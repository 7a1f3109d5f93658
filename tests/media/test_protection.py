"""How manifests tell of encryption, and what is read back from them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from media.dash import read_mpd, write_mpd
from media.hls import read_media, write_iframes, write_media
from media.iframes import KeyFrame, iframe_track
from media.manifest import ManifestError
from media.presentation import Presentation, Track
from media.protection import KeyFacts, Protection
from media.rendition import VideoRendition
from media.title import Title, TitleFile, content_version, read_title, write_title
from tests.media.presentations import URI, video

IDS = [f"{n:02x}" * 16 for n in (1, 2, 3)]
IV = "0f" * 16
PLAIN = "https://keys.example/{}"


def protected(protection: Protection, height_px: int = 360, segments: int = 5) -> Track[VideoRendition]:
    return replace(video(height_px, durations=[48048] * segments), protection=protection)


def whole(count: int = 1, rotate: int | None = None) -> Protection:
    keys = tuple(KeyFacts(key_id=each, uri=PLAIN.format(each)) for each in IDS[:count])
    return Protection(scheme="aes-128", keys=keys, rotate_every_segments=rotate, iv_prefix="ab" * 8)


def samples(scheme: str = "cbcs", count: int = 1, rotate: int | None = None) -> Protection:
    iv = IV if scheme == "cbcs" else None
    return Protection(
        scheme="cbcs" if scheme == "cbcs" else "cenc",
        keys=tuple(KeyFacts(key_id=each, iv=iv) for each in IDS[:count]),
        rotate_every_segments=rotate,
        license_url="https://keys.example/license",
    )


def keys_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("#EXT-X-KEY")]


def test_aes_128_names_a_key_and_an_iv_for_each_segment_after_the_map() -> None:
    text = write_media(protected(whole()))
    assert keys_of(text) == [
        f'#EXT-X-KEY:METHOD=AES-128,URI="https://keys.example/{IDS[0]}",IV=0xabababababababab{n:016x}'
        for n in range(1, 6)
    ]
    assert text.index("#EXT-X-MAP") < text.index("#EXT-X-KEY")
    assert "#EXT-X-VERSION:6\n" in text


def test_keys_take_turns_and_come_again() -> None:
    text = write_media(protected(whole(2, rotate=2), segments=5))
    assert [line.partition("example/")[2][:2] for line in keys_of(text)] == ["01", "01", "02", "02", "01"]


def test_a_key_for_samples_is_named_once_until_it_changes() -> None:
    text = write_media(protected(samples(count=3, rotate=2), segments=8))
    lines = text.splitlines()
    at = [lines.index(line) for line in keys_of(text)]
    assert [lines[index + 2] for index in at[:3]] == ["1.m4s", "3.m4s", "5.m4s"]
    assert [line.partition("KEYID=0x")[2][:2] for line in keys_of(text)] == ["01", "02", "03", "01"]


@pytest.mark.parametrize(
    ("scheme", "line"),
    [
        ("cbcs", f"METHOD=SAMPLE-AES,URI=*,IV=0x{IV},KEYID=0x{IDS[0]},{{}}"),
        ("cenc", f"METHOD=SAMPLE-AES-CTR,URI=*,KEYID=0x{IDS[0]},{{}}"),
    ],
)
def test_players_that_ask_a_licence_server_find_the_key_id(scheme: str, line: str) -> None:
    (found,) = keys_of(write_media(protected(samples(scheme))))
    uri = '"data:text/plain;base64,AQEBAQEBAQEBAQEBAQEBAQ=="'
    ending = 'KEYFORMAT="org.w3.clearkey",KEYFORMATVERSIONS="1"'
    assert found == "#EXT-X-KEY:" + line.replace("*", uri).format(ending)


def test_a_key_with_an_address_is_named_to_those_who_fetch_it_too() -> None:
    key = KeyFacts(key_id=IDS[0], uri=PLAIN.format(IDS[0]))
    plain, clearkey = keys_of(write_media(protected(replace(samples("cenc"), keys=(key,)))))
    assert f'URI="https://keys.example/{IDS[0]}",KEYFORMAT="identity"' in plain
    assert 'KEYFORMAT="org.w3.clearkey"' in clearkey


def test_an_i_frame_has_the_key_of_the_segment_that_it_is_cut_from() -> None:
    track = protected(samples(count=2, rotate=1), segments=3)
    frames = [
        [
            KeyFrame(start_ticks=n * 48048, byte_range=(0, 99)),
            KeyFrame(start_ticks=n * 48048 + 24024, byte_range=(100, 199)),
        ]
        for n in range(3)
    ]
    text = write_iframes(iframe_track(track, frames))
    lines = text.splitlines()
    assert [lines[lines.index(line) + 3] for line in keys_of(text)[:2]] == ["1.m4s", "2.m4s"]
    assert [line.partition("KEYID=0x")[2][:2] for line in keys_of(text)] == ["01", "02", "01"]


def test_segments_that_are_encrypted_whole_have_no_i_frames() -> None:
    with pytest.raises(ValueError, match="encrypted whole"):
        iframe_track(protected(whole()), [[]] * 5)


def test_a_clear_track_names_no_key() -> None:
    assert keys_of(write_media(video(360))) == []


@pytest.mark.parametrize("scheme", ["cbcs", "cenc"])
@pytest.mark.parametrize(("count", "rotate"), [(1, None), (3, 2)])
def test_a_playlists_keys_are_read_back(scheme: str, count: int, rotate: int | None) -> None:
    told = samples(scheme, count, rotate)
    read = read_media(write_media(protected(told, segments=7)), URI)
    assert read.is_encrypted
    assert read.protection == replace(told, license_url=None)


def test_both_tags_of_a_key_are_read_as_one() -> None:
    keys = tuple(KeyFacts(key_id=each, uri=PLAIN.format(each)) for each in IDS)
    told = replace(samples("cenc", 3, 1), keys=keys, license_url=None)
    assert read_media(write_media(protected(told)), URI).protection == told


def test_addresses_of_aes_128_are_read_back() -> None:
    read = read_media(write_media(protected(whole(2, rotate=2))), URI).protection
    assert read is not None
    assert read.scheme == "aes-128"
    assert [key.uri for key in read.keys] == [PLAIN.format(each) for each in IDS[:2]]
    assert read.rotate_every_segments == 2


def test_dash_tells_scheme_key_and_licence_server_at_the_set() -> None:
    told = samples("cbcs", 2, rotate=4)
    text = write_mpd(Presentation(video=(protected(told, 360), protected(told, 720))))
    assert text.count("urn:mpeg:dash:mp4protection:2011") == 1
    assert 'value="cbcs" cenc:default_KID="01010101-0101-0101-0101-010101010101"' in text
    assert ">https://keys.example/license</dashif:Laurl>" in text
    (read, _) = read_mpd(text, URI).video
    assert read.protection == replace(
        told, keys=(KeyFacts(key_id=IDS[0]),), rotate_every_segments=None
    )  # fmt: skip


def test_dash_tells_it_at_each_representation_where_keys_differ() -> None:
    other = replace(samples("cbcs"), keys=(KeyFacts(key_id=IDS[1], iv=IV),))
    text = write_mpd(Presentation(video=(protected(samples("cbcs"), 360), protected(other, 720))))
    assert text.count("urn:mpeg:dash:mp4protection:2011") == 2
    found = [track.protection.keys[0].key_id for track in read_mpd(text, URI).video if track.protection]
    assert found == IDS[:2]


def test_dash_has_no_segments_that_are_encrypted_whole() -> None:
    presentation = Presentation(video=(protected(whole()),))
    assert not presentation.allows_dash
    with pytest.raises(ManifestError, match="DASH knows no aes-128; use cbcs or cenc"):
        write_mpd(presentation)


@pytest.mark.parametrize("told", [whole(2, rotate=3), samples("cbcs", 3, rotate=1), samples("cenc")])
def test_title_json_carries_what_may_be_known(told: Protection) -> None:
    presentation = Presentation(video=(protected(told),))
    track = presentation.video[0]
    paths = [f"{track.rendition.name}/init.mp4", *(segment.uri for segment in track.timeline.segments)]
    files = tuple(TitleFile(path=path, size_bytes=1, sha256="0" * 64) for path in paths)
    version = content_version(files)
    title = Title(name="clip", version=version, presentation=presentation, files=files, plan_key="0")
    assert read_title(write_title(title)).presentation == presentation


BAD = [
    pytest.param({"keys": ()}, "no key", id="no-key"),
    pytest.param({"rotate_every_segments": 0}, "at least 1", id="rotation"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_what_cannot_be_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(samples(), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("key", [{"key_id": "01"}, {"key_id": "FF" * 16}, {"key_id": IDS[0], "iv": "1"}])
def test_ids_and_ivs_are_32_lower_case_hex_digits(key: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="32 lower-case hex digits"):
        KeyFacts(**key)
