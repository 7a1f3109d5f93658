"""The development clips: real footage, some of it odd on purpose."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.encoder.sources import draw
from tests.encoder.titles import check, encode_fast, frames, joined
from tests.needs import shared

pytestmark = pytest.mark.system

NTSC = Fraction(30000, 1001)
CLIPS = [  # id and file, size of the top rung, frame rate, frames, rungs, sample rate
    pytest.param("bbb_opening_720p24", "640x360", Fraction(24), 1090, 2, 48_000, id="first-frame-not-at-0"),
    pytest.param("bbb_butterfly_1080p60_51", "1920x1080", Fraction(60), 122, 6, 48_000, id="60-fps-and-5.1"),
    pytest.param("handheld_crystal_480p30", "720x480", Fraction(30), 359, 3, 44_100, id="3:2-and-44.1-khz"),
    pytest.param("odd_vfr_360p", "640x360", Fraction(30), 512, 2, 48_000, id="variable-rate"),
    pytest.param(
        "odd_hlg_hevc_editlist_1080p30", "1080x1920", NTSC, 77, 6, 44_100, id="hlg-turned-edit-list"
    ),
    pytest.param("odd_pcm_1080p50", "1920x1080", Fraction(50), 100, 6, 48_000, id="pcm-in-mov"),
]
CUT = {"bbb_butterfly_1080p60_51": ["-t", "2", "-c", "copy"]}  # long enough to tell, too dear to encode whole
LOW = {"bbb_opening_720p24"}  # whole, because its count of frames is the point, but not in all its sizes
TWO_RUNGS = """
[[rungs]]
short_side_px = 234
max_bps = 200_000
[[rungs]]
short_side_px = 360
max_bps = 400_000
"""


@pytest.mark.parametrize(("name", "size", "frame_rate", "count", "rungs", "sample_rate_hz"), CLIPS)
def test_a_real_clip_gives_a_title_that_plays(
    tmp_path: Path, name: str, size: str, frame_rate: Fraction, count: int, rungs: int, sample_rate_hz: int
) -> None:
    clip = shared(f"clips/{name}.{'mov' if name == 'odd_pcm_1080p50' else 'mp4'}")
    if name in CUT:
        clip = draw(tmp_path / "cut.mp4", "-i", str(clip), *CUT[name])
    ladder = tmp_path / "two.toml"
    ladder.write_text(TWO_RUNGS)
    published = encode_fast(clip, tmp_path / "library", str(ladder) if name in LOW else "auto")
    check(published)
    made = published.title.presentation
    top = made.video[-1]
    assert f"{top.rendition.width_px}x{top.rendition.height_px}" == size
    assert [track.rendition.frame_rate for track in made.video] == [frame_rate] * rungs
    assert [track.rendition.sample_rate_hz for track in made.audio] == [sample_rate_hz]
    assert top.timeline.duration == count / frame_rate
    assert sum(1 for _ in frames(joined(published, made.video[0]))) == count
