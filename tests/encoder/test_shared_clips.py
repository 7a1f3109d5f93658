"""The development clips: real footage, some of it odd on purpose."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.encoder.sources import draw
from tests.encoder.titles import check, encode_fast, frames, joined, ladder_of
from tests.needs import shared

pytestmark = pytest.mark.system

NTSC = Fraction(30000, 1001)
CLIPS = [  # id and file, size of the top rung, frame rate, frames, sample rate
    pytest.param("bbb_opening_720p24", "640x360", Fraction(24), 1090, 48_000, id="first-frame-not-at-0"),
    pytest.param("bbb_butterfly_1080p60_51", "1920x1080", Fraction(60), 122, 48_000, id="60-fps-and-5.1"),
    pytest.param("handheld_crystal_480p30", "720x480", Fraction(30), 359, 44_100, id="3:2-and-44.1-khz"),
    pytest.param("odd_vfr_360p", "640x360", Fraction(30), 512, 48_000, id="variable-rate"),
    pytest.param("odd_hlg_hevc_editlist_1080p30", "1080x1920", NTSC, 77, 44_100, id="hlg-turned-edit-list"),
    pytest.param("odd_pcm_1080p50", "1920x1080", Fraction(50), 100, 48_000, id="pcm-in-mov"),
]
CUT = {"bbb_butterfly_1080p60_51": ["-t", "2", "-c", "copy"]}  # long enough to tell, too dear to encode whole


@pytest.mark.parametrize(("name", "size", "frame_rate", "count", "sample_rate_hz"), CLIPS)
def test_a_real_clip_gives_a_title_that_plays(
    tmp_path: Path, name: str, size: str, frame_rate: Fraction, count: int, sample_rate_hz: int
) -> None:
    clip = shared(f"clips/{name}.{'mov' if name == 'odd_pcm_1080p50' else 'mp4'}")
    if name in CUT:
        clip = draw(tmp_path / "cut.mp4", "-i", str(clip), *CUT[name])
    side_px = min(map(int, size.split("x")))
    ladder = ladder_of(tmp_path, p144=150_000, **{f"p{side_px}": 2_000_000})
    published = encode_fast(clip, tmp_path / "library", ladder)
    check(published)
    made = published.title.presentation
    top = made.video[-1]
    assert f"{top.rendition.width_px}x{top.rendition.height_px}" == size
    assert [track.rendition.frame_rate for track in made.video] == [frame_rate] * 2
    assert [track.rendition.sample_rate_hz for track in made.audio] == [sample_rate_hz]
    assert top.timeline.duration == count / frame_rate
    assert sum(1 for _ in frames(joined(published, made.video[0]))) == count
