from __future__ import annotations

from pathlib import Path

import pytest

from encoder.clip import make_clip
from encoder.errors import EncodeError
from encoder.probe import probe

pytestmark = pytest.mark.system


def test_the_clip_has_picture_and_sound_and_comes_out_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        make_clip(tmp_path / name, duration_s=2)
    source = probe(tmp_path / "a.mp4")
    assert (source.video.width_px, source.video.height_px) == (1280, 720)
    assert source.video.frame_rate == 30
    assert source.video.duration == 2
    assert [track.channels for track in source.audio] == [2]
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_clip_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EncodeError, match="file"):
        make_clip(tmp_path / "file" / "clip.mp4", duration_s=1)
