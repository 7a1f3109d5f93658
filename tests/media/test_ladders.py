"""Rungs of several codecs and dynamic ranges are told apart, and H.264 comes first."""

from __future__ import annotations

from itertools import permutations

from media.hls import write_multivariant
from media.ladders import in_ladders, ladders, preferences
from media.presentation import Presentation
from tests.media.presentations import KINDS, iframes, of_kind, video


def test_a_ladder_is_of_one_codec_and_one_range_and_keeps_its_order() -> None:
    rungs = [of_kind(video(height), *kind) for height in (234, 360, 720) for kind in reversed(KINDS)]
    found = ladders(rungs)
    assert [[rung.rendition.height_px for rung in ladder] for ladder in found] == [[234, 360, 720]] * len(
        KINDS
    )
    kinds = [{(rung.rendition.codecs, rung.rendition.video_range) for rung in ladder} for ladder in found]
    assert kinds == [{kind} for kind in KINDS]


def test_the_order_of_ladders_is_not_that_of_the_list() -> None:
    rungs = [of_kind(video(360), *kind) for kind in KINDS]
    assert all(in_ladders(shuffled) == rungs for shuffled in permutations(rungs))


def test_codecs_of_one_family_and_unknown_ones() -> None:
    names = ["avc1.64001f", "avc3.64001f", "hvc1.1.6.L93.90", "hev1.1.6.L93.90", "mp4v.20.9", "vvc1.1", ""]
    found = ladders(of_kind(video(360), name) for name in names)
    assert [[rung.rendition.codecs for rung in ladder] for ladder in found] == [
        ["avc1.64001f", "avc3.64001f"],
        ["hvc1.1.6.L93.90", "hev1.1.6.L93.90"],
        [""],
        ["mp4v.20.9"],
        ["vvc1.1"],
    ]


def test_a_picture_with_muxed_sound_is_known_by_its_picture() -> None:
    muxed = of_kind(video(360), "mp4a.40.2,avc1.64001f")
    assert ladders([muxed, video(720)]) == [[muxed, video(720)]]


def test_hls_lists_h264_in_sdr_first_and_hdr_last() -> None:
    rungs = tuple(of_kind(video(360), *kind) for kind in reversed(KINDS))
    written = write_multivariant(Presentation(video=rungs, iframes=tuple(map(iframes, rungs))))
    for name in ("EXT-X-STREAM-INF", "EXT-X-I-FRAME-STREAM-INF"):
        lines = [line for line in written.splitlines() if line.startswith(f"#{name}:")]
        assert len(lines) == len(KINDS)
        for line, (codecs, video_range) in zip(lines, KINDS, strict=True):
            assert f'CODECS="{codecs}"' in line
            assert f"VIDEO-RANGE={video_range}" in line


def test_fewer_bits_are_preferred_and_hdr_above_all() -> None:
    found = ladders(of_kind(video(360), *kind) for kind in KINDS)
    ranked = sorted(zip(preferences(found), KINDS, strict=True))
    assert [(codecs[:4], video_range) for _, (codecs, video_range) in ranked] == [
        ("avc1", "SDR"),
        ("vp09", "SDR"),
        ("hvc1", "SDR"),
        ("av01", "SDR"),
        ("hvc1", "PQ"),
        ("av01", "HLG"),
    ]
    assert preferences([]) == []
