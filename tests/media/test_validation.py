"""Gathering: nothing is asked for twice, anything may come back, and other people's manifests are read."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.facts.model import Got, Stream, Want
from media.facts.webvtt import read_vtt
from media.manifest import ManifestError
from media.validation import gather, judge, validate
from tests.media.bitstreams import box, fragment, full
from tests.media.validated import BASE, DASH, HLS, LIVE, TITLE_PATHS, Files, build, findings

SAMPLES = sorted((Path(__file__).parent / "samples").iterdir())
SMALL = build()


def gathered(files: Files, *manifests: str) -> tuple[Stream, list[Want]]:
    """The facts, and all that was asked for."""
    asked: list[Want] = []
    gathering = gather([BASE + name for name in manifests])
    wants = next(gathering)
    while True:
        asked += wants
        answers = [_answer(files, want) for want in wants]
        try:
            wants = gathering.send(answers)
        except StopIteration as end:
            return end.value, asked


def _answer(files: Files, want: Want) -> Got:
    data = files.get(want.uri.removeprefix(BASE))
    if data is None:
        return Got(problem="404 Not Found")
    end = None if want.length is None else want.first + want.length
    return Got(data[want.first : end], len(data))


def test_hls_and_dash_share_what_is_read() -> None:
    stream, asked = gathered(SMALL, HLS, DASH)
    assert len(asked) == len(set(asked))
    assert len(stream.tracks) == 5
    assert all(track.is_measured and track.is_sized for track in stream.tracks)
    most = max(want.length or 0 for want in asked if want.uri.endswith(".m4s"))
    assert most <= 16 * 1024


def test_a_segment_of_two_fragments_is_read_on() -> None:
    flags, sizes = [0x02000000] * 94, [170] * 94
    two = [fragment(94 * 1024 * n, 1024, flags, sizes) for n in (2, 3)]
    files = build() | {"de/2.m4s": b"".join(two)}
    stream, asked = gathered(files, HLS)
    assert sum(want.uri.endswith("de/2.m4s") for want in asked) == 2
    assert findings(files, HLS) == []
    assert all(track.is_measured for track in stream.tracks)


def _one_file(files: Files, name: str) -> tuple[bytes, int, int]:
    """The rendition as one file with an index, and the index's first and last byte."""
    init = files[f"{name}/init.mp4"]
    segments = [files[f"{name}/{number}.m4s"] for number in (1, 2, 3)]
    references = b"".join(struct.pack(">III", len(segment), 100, 0x90000000) for segment in segments)
    head = full("sidx", 0, 0, "IIIIHH", 1, 25, 0, 0, 0, 3)[8:]
    index = box("sidx", head, references)
    return init + index + b"".join(segments), len(init), len(init) + len(index) - 1


def test_an_indexed_file_is_read_by_its_index() -> None:
    files = build()
    data, first, last = _one_file(files, "540p")
    text = files[DASH].decode()
    at = text.index("<SegmentTemplate", text.index('id="540p"'))
    end = text.index("</SegmentTemplate>", at) + len("</SegmentTemplate>")
    base = f'<BaseURL>all.mp4</BaseURL><SegmentBase indexRange="{first}-{last}"/>'
    files |= {DASH: (text[:at] + base + text[end:]).encode(), "all.mp4": data}
    stream, _ = gathered(files, DASH)
    assert findings(files, DASH) == []
    assert [len(track.segments) for track in stream.tracks] == [3] * 5
    broken = files | {"all.mp4": data.replace(b"sidx", b"free")}
    assert {finding.rule for finding in findings(broken, DASH)} == {"dash-5.3.9"}


def test_byte_ranges_of_one_file_are_read_and_those_beyond_its_end_are_missing() -> None:
    files = build()
    lengths = [len(files[f"de/{number}.m4s"]) for number in (1, 2, 3)]
    text = files["de/index.m3u8"].decode()
    for number, length in enumerate(lengths, 1):
        offset = "" if number > 1 else "@0"
        text = text.replace(f"\n{number}.m4s", f"\n#EXT-X-BYTERANGE:{length}{offset}\nall.m4s")
    whole = b"".join(files[f"de/{number}.m4s"] for number in (1, 2, 3))
    files |= {"de/index.m3u8": text.encode(), "de/all.m4s": whole}
    assert findings(files, HLS) == []
    short = files | {"de/all.m4s": whole[:-1]}
    assert [finding.rule for finding in findings(short, HLS)] == ["http-available"]


def test_what_is_encrypted_whole_is_noted_and_not_judged() -> None:
    files = build()
    key = b'#EXT-X-KEY:METHOD=AES-128,URI="key",IV=0x1\n#EXT-X-MAP'
    files["de/index.m3u8"] = files["de/index.m3u8"].replace(b"#EXT-X-MAP", key)
    for number in (1, 2, 3):
        files[f"de/{number}.m4s"] = bytes(reversed(files[f"de/{number}.m4s"]))
    files["de/init.mp4"] = bytes(reversed(files["de/init.mp4"]))
    stream, _ = gathered(files, HLS)
    assert stream.notes == ("de/index.m3u8: encrypted whole; its segments were counted and sized, not read",)
    assert judge(stream) == []


@pytest.mark.parametrize("path", SAMPLES, ids=[path.name for path in SAMPLES])
def test_other_peoples_manifests_are_judged(path: Path) -> None:
    found = findings({path.name: path.read_bytes()}, path.name)
    assert "http-available" in {finding.rule for finding in found}  # their segments are not here


NO_MANIFESTS = [
    pytest.param(b"", "neither an HLS playlist nor a DASH manifest: it begins with ''", id="empty"),
    pytest.param(b"hello", "neither an HLS playlist nor a DASH manifest", id="text"),
    pytest.param(b"<html></html>", "its root is 'html', not 'MPD'", id="html"),
    pytest.param(b"<MPD>", "not a DASH manifest: ", id="unclosed"),
    pytest.param(b"<!DOCTYPE x><MPD/>", "not a DASH manifest", id="document-type"),
]


@pytest.mark.parametrize(("data", "reason"), NO_MANIFESTS)
def test_what_is_no_manifest_is_one_clear_line(data: bytes, reason: str) -> None:
    with pytest.raises(ManifestError) as caught:
        findings({"x": data}, "x")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_address_that_does_not_answer_is_one_clear_line() -> None:
    with pytest.raises(ManifestError, match=r"^http://a\.example/x: 404 Not Found$"):
        validate(["http://a.example/x"], lambda _: Got(problem="404 Not Found"))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(TITLE_PATHS), st.data())
def test_damage_to_any_file_gives_findings_or_one_error(path: str, data: st.DataObject) -> None:
    whole = SMALL[path][: 4 * 1024]
    at = data.draw(st.integers(0, len(whole) - 1))
    junk = data.draw(st.binary(max_size=12) | st.sampled_from([b'"', b"\n#EXT-X-", b"@", b"-1", b"9" * 30]))
    cut = data.draw(st.integers(0, 20))
    damaged = SMALL[path][:at] + junk + SMALL[path][at + cut :]
    with suppress(ManifestError):  # and no other exception
        findings(SMALL | {path: damaged}, HLS, DASH)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(TITLE_PATHS), st.binary(max_size=200))
def test_random_bytes_for_any_file_give_findings_or_one_error(path: str, noise: bytes) -> None:
    with suppress(ManifestError):  # and no other exception
        assert findings(SMALL | {path: noise}, HLS, DASH) or path == LIVE  # which neither names


VTT = [
    pytest.param("WEBVTT\n\n00:01.000 --> 00:02.000\nHi", 1, False, "", id="hours-are-optional"),
    pytest.param("\ufeffWEBVTT - a title\n\n", 0, False, "", id="no-cues"),
    pytest.param(
        "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000\n\n", 0, True, "", id="map-either-way"
    ),
    pytest.param("WEBVTT\nX-TIMESTAMP-MAP=LOCAL:0\n\n", 0, False, "", id="map-without-mpegts"),
    pytest.param("WEBVTT\n\n00:02.000 --> 00:01.000\nHi", 1, False, "ends before it starts", id="backwards"),
    pytest.param("1\n00:00:01,000 --> 00:00:02,000\nHi", 0, False, "it begins with '1'", id="srt"),
    pytest.param("", 0, False, "it is empty", id="empty"),
]


@pytest.mark.parametrize(("text", "cues", "is_mapped", "problem"), VTT)
def test_webvtt_is_read(text: str, cues: int, is_mapped: bool, problem: str) -> None:
    found = read_vtt(text)
    assert (len(found.cues), found.has_timestamp_map) == (cues, is_mapped)
    assert problem in found.problem
    assert bool(problem) == bool(found.problem)
