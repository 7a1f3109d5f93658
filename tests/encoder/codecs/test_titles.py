"""A title in every codec and in HDR, real bytes and both manifests: it reads back, and the rules are kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from encoder.codecs import CODECS, Target
from encoder.codecs.headers import completed
from media.cmaf import read_fragment, read_init
from media.dash import read_mpd, write_mpd
from media.facts.model import Got, Want
from media.hls import presentation_of, read_media, read_multivariant, write_multivariant, write_playlists
from media.ladders import ladders
from media.presentation import InitSegment, Presentation, Track
from media.rendition import VideoRendition
from media.timeline import Segment, Timeline
from media.validation import validate
from tests.encoder.codecs.drawing import BT709, HDR_TARGET, TARGET, encoded, files_of, header_of
from tests.encoder.codecs.test_codecs import METADATA, hdr_filters

BASE = "http://streams.example/title/"
GOPS = replace(TARGET, gop_frames=48, preset="superfast", max_bps=300_000)
HDR_GOPS = replace(HDR_TARGET, gop_frames=48, preset="superfast", max_bps=300_000, hdr=METADATA)
RUNGS = [  # codec, target
    *((name, replace(GOPS, width_px=w, height_px=h)) for name in CODECS for w, h in ((128, 72), (192, 108))),
    ("hevc", HDR_GOPS),
    ("av1", replace(HDR_GOPS, video_range="HLG", hdr=None)),
]  # fmt: skip
# What a title of four tiny seconds without sound cannot have: sound, I-frame playlists, larger rungs. VP9 is
# for others than Apple's devices, and each codec has but two rates here.
NOT_HERE = {"hls-authoring-1.1", "hls-authoring-6.1", "penstock-ladder-step", "hls-authoring-1.30"}


class Written:
    """The files of a title by path, and what it was made of."""

    def __init__(self, folder: Path) -> None:
        self.files: dict[str, bytes] = {}
        video = tuple(self._rung(folder, name, target) for name, target in RUNGS)
        self.presentation = Presentation(video=video)
        texts = write_playlists(self.presentation)
        texts |= {
            "master.m3u8": write_multivariant(self.presentation),
            "manifest.mpd": write_mpd(self.presentation),
        }
        self.files |= {path: text.encode() for path, text in texts.items()}

    def _rung(self, folder: Path, codec: str, target: Target) -> Track[VideoRendition]:
        name = f"{target.height_px}p-{codec}-{target.video_range.lower()}"
        source = f"testsrc2=s={target.width_px}x{target.height_px}:r=24"
        filters = hdr_filters({"PQ": 16, "HLG": 18}[target.video_range]) if target.is_hdr else BT709
        made = encoded(CODECS[codec], folder / name, source, target=target, frames=96, filters=filters)
        header = completed(header_of(made), target)
        init = read_init(header)
        self.files[f"{name}/init.mp4"] = header
        segments = []
        for number, data in enumerate(files_of(made), 1):
            facts = read_fragment(data, init)
            uri = f"{name}/{number}.m4s"
            self.files[uri] = data
            segments.append(
                Segment(
                    number=number,
                    start_ticks=facts.start_ticks,
                    duration_ticks=facts.duration_ticks,
                    uri=uri,
                    size_bytes=len(data),
                )
            )
        timeline = Timeline(timescale=init.timescale, segments=tuple(segments))
        rendition = VideoRendition(
            name=name,
            codecs=init.codecs,
            average_bps=timeline.average_bps,
            peak_bps=timeline.peak_bps,
            width_px=target.width_px,
            height_px=target.height_px,
            frame_rate=target.frame_rate,
            video_range=target.video_range,
        )
        return Track(
            rendition=rendition,
            init=InitSegment(uri=f"{name}/init.mp4", size_bytes=len(header)),
            timeline=timeline,
        )

    def read(self, want: Want) -> Got:
        data = self.files[want.uri.removeprefix(BASE)]
        end = None if want.length is None else want.first + want.length
        return Got(data[want.first : end], len(data))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return Written(tmp_path_factory.mktemp("title"))


@pytest.mark.parametrize("manifests", [["master.m3u8"], ["manifest.mpd"], ["master.m3u8", "manifest.mpd"]])
def test_the_rules_are_kept(written: Written, manifests: list[str]) -> None:
    found = validate([BASE + name for name in manifests], written.read)
    assert [finding for finding in found if finding.rule not in NOT_HERE] == []


def test_both_manifests_read_back_in_ladders(written: Written) -> None:
    multivariant = read_multivariant(written.files["master.m3u8"].decode(), BASE + "master.m3u8")
    playlists = {
        uri: read_media(written.files[uri.removeprefix(BASE)].decode(), uri)
        for uri in multivariant.playlist_uris
    }
    from_hls = presentation_of(multivariant, playlists)
    from_dash = read_mpd(written.files["manifest.mpd"].decode(), BASE + "manifest.mpd")
    expected = [
        (rung.rendition.name, rung.rendition.codecs, rung.rendition.video_range)
        for ladder in ladders(written.presentation.video)
        for rung in sorted(ladder, key=lambda rung: rung.rendition.peak_bps)
    ]
    for read in (from_hls, from_dash):
        assert [
            (r.rendition.name, r.rendition.codecs, r.rendition.video_range) for r in read.video
        ] == expected
    assert [name.partition("p-")[2] for name, _, _ in expected] == [
        *["h264-sdr"] * 2, *["hevc-sdr"] * 2, *["av1-sdr"] * 2, *["vp9-sdr"] * 2, "av1-hlg", "hevc-pq",
    ]  # fmt: skip


def test_all_rungs_of_all_codecs_are_cut_at_the_same_moments(written: Written) -> None:
    cuts = {
        tuple(track.timeline.seconds(segment.start_ticks) for segment in track.timeline.segments)
        for track in written.presentation.video
    }
    assert len(cuts) == 1
