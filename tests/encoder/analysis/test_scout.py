from __future__ import annotations

import pytest

from encoder.analysis.scout import AnalysisError, Bytes, Scout, packet_sizes, scene_starts
from tests.encoder.analysis.titles import scout

FRAMECRC = """#software: Lavf62.12.100
#tb 0: 1/24
#codec_id 0: h264
#extradata 0:       47, 0x0f2c0b11
0,         -2,          0,        1,     4310, 0x5c2f9d1a
0,         -1,          4,        1,      812, 0x1b3d6a80, F=0x0
0,          0,          2,        1,      101, 0x7a2f3311, F=0x0, S=1,        8, 0x00000000
0,          1,         48,        1,     3999, 0x22222222, S=1,        8, 0x00000000
"""
SCENES = """frame:12   pts:12      pts_time:0.5
lavfi.scd.time=0.5
frame:13   pts:13      pts_time:0.541667
frame:61   pts:61      pts_time:2.54167
lavfi.scd.time=2.541667
"""


def test_packets_are_read_with_their_size_and_whether_a_decoder_may_start_there() -> None:
    assert list(packet_sizes(FRAMECRC)) == [(4310, True), (812, False), (101, False), (3999, True)]


def test_scene_changes_are_read_by_frame() -> None:
    assert scene_starts(SCENES) == (12, 61)
    assert scene_starts("") == ()


def test_key_frames_are_counted_apart_wherever_a_window_begins() -> None:
    title = scout([100, 200], gop_frames=4)
    assert title.frame_bytes == (1000, 100, 100, 100, 2000, 200, 200, 200)
    assert title.bytes_of(0, 8) == Bytes(key=3000, inter=900)
    assert title.bytes_of(1, 4) == Bytes(key=0, inter=300)
    assert title.bytes_of(3, 5) == Bytes(key=2000, inter=100)
    assert title.bytes_of(6, 99) == Bytes(key=0, inter=400)


def test_groups_know_their_scene_and_the_last_may_be_shorter() -> None:
    title = Scout(gop_frames=4, frame_bytes=(40, 4, 4, 4, 40, 4), scene_starts=(3,))
    assert [(group.start, group.frames, group.scene) for group in title.groups()] == [(0, 4, 0), (4, 2, 1)]
    assert [group.mean_bytes for group in title.groups()] == [13, 22]


def test_a_source_without_one_frame_is_refused() -> None:
    with pytest.raises(AnalysisError, match="not one frame of the source decodes"):
        Scout(gop_frames=48, frame_bytes=())
