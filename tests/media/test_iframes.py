from __future__ import annotations

import pytest

from media.boxes import BoxError
from media.cmaf import InitFacts
from media.iframes import KeyFrame, iframe_track, key_frames
from tests.media.presentations import video
from tests.media.test_cmaf import NON_SYNC, SYNC, box, full

INIT = InitFacts(timescale=24000, kind="video", codecs="avc1.64001f", default_sample_flags=NON_SYNC)
STYP = box("styp", b"msdh", bytes(4))
MEDIA = bytes(range(200))


def fragment(start_ticks: int, trun: bytes, tfhd: bytes | None = None, media: bytes = MEDIA) -> bytes:
    tfhd = tfhd or full("tfhd", 0, 0x20000, "I", 1)
    moof = box("moof", box("traf", tfhd, full("tfdt", 1, 0, "Q", start_ticks), trun))
    return moof + box("mdat", media)


def opening(flags: int = SYNC, size_bytes: int = 50, layout: int = 0x1 | 0x4 | 0x200) -> bytes:
    """A run of three samples whose first is of that size and has those flags; its data offset is right."""
    head = len(fragment(0, full("trun", 0, layout, "IiIIII", 3, 0, flags, size_bytes, 7, 7), media=b""))
    return full("trun", 0, layout, "IiIIII", 3, head, flags, size_bytes, 7, 7)


def test_a_key_frame_runs_from_the_moof_to_the_end_of_its_sample() -> None:
    data = STYP + fragment(48048, opening())
    (found,) = key_frames(data, INIT)
    first, last = found.byte_range
    assert found.start_ticks == 48048
    assert data[first + 4 : first + 8] == b"moof"
    assert data[: last + 1].endswith(MEDIA[:50])
    assert not data[: last + 1].endswith(MEDIA[:51])


def test_each_fragment_of_a_segment_may_open_with_one() -> None:
    one = fragment(0, opening())
    data = STYP + one + fragment(24024, opening(NON_SYNC)) + fragment(48048, opening())
    assert [(f.start_ticks, f.byte_range[0]) for f in key_frames(data, INIT)] == [
        (0, len(STYP)),
        (48048, len(STYP) + 2 * len(one)),
    ]


DEFAULTS = [  # tfhd, first trun word of the samples, is there a key frame: 8.8.7, 8.8.8
    pytest.param(full("tfhd", 0, 0x20030, "III", 1, 50, SYNC), True, id="size-and-flags-of-the-fragment"),
    pytest.param(full("tfhd", 0, 0x2003A, "IIIII", 1, 9, 9, 50, SYNC), True, id="behind-other-defaults"),
    pytest.param(full("tfhd", 0, 0x20010, "II", 1, 50), False, id="flags-of-the-init-segment"),
]


@pytest.mark.parametrize(("tfhd", "is_key_frame"), DEFAULTS)
def test_what_a_sample_does_not_say_the_fragment_says(tfhd: bytes, is_key_frame: bool) -> None:
    head = len(fragment(0, full("trun", 0, 0x1, "Ii", 3, 0), tfhd, b""))
    found = key_frames(fragment(0, full("trun", 0, 0x1, "Ii", 3, head), tfhd), INIT)
    assert [frame.byte_range for frame in found] == ([(0, head + 49)] if is_key_frame else [])


def test_a_run_may_carry_the_flags_of_each_sample() -> None:
    words = (1001, 50, SYNC, 0)
    layout = 0x1 | 0x100 | 0x200 | 0x400 | 0x800
    head = len(fragment(0, full("trun", 0, layout, "IiIIII", 1, 0, *words), media=b""))
    (found,) = key_frames(fragment(0, full("trun", 0, layout, "IiIIII", 1, head, *words)), INIT)
    assert found.byte_range == (0, head + 49)


BROKEN = [  # segment, what the message says
    pytest.param(fragment(0, full("trun", 0, 0x1, "Ii", 1, 90)), "does not say where", id="no-size"),
    pytest.param(fragment(0, full("trun", 0, 0x204, "III", 1, SYNC, 9)), "does not say", id="no-offset"),
    pytest.param(fragment(0, opening(size_bytes=201)), "ends behind the segment", id="too-long"),
    pytest.param(
        fragment(0, opening(), full("tfhd", 0, 0x1, "IQ", 1, 0)), "counts from elsewhere", id="base"
    ),
    pytest.param(fragment(0, full("trun", 0, 0x205, "I", 1)), "ends after", id="cut-short"),
    pytest.param(box("moof", box("mfhd")), "holds no 'traf'", id="no-track"),
]


@pytest.mark.parametrize(("data", "reason"), BROKEN)
def test_a_broken_segment_is_one_clear_line(data: bytes, reason: str) -> None:
    with pytest.raises(BoxError, match=reason):
        key_frames(data, INIT)


def test_a_track_of_key_frames_lasts_as_long_as_its_rung() -> None:
    rung = video(720)  # segments of 48048, 48048 and 12012 ticks
    found = [
        [
            KeyFrame(start_ticks=0, byte_range=(24, 1023)),
            KeyFrame(start_ticks=24024, byte_range=(3000, 3099)),
        ],
        [KeyFrame(start_ticks=48048, byte_range=(24, 523))],
        [],
    ]
    track = iframe_track(rung, found)
    assert [(s.uri, s.start_ticks, s.duration_ticks, s.size_bytes) for s in track.timeline.segments] == [
        ("720p-1f3a9b2c/1.m4s", 0, 24024, 1000),
        ("720p-1f3a9b2c/1.m4s", 24024, 24024, 100),
        ("720p-1f3a9b2c/2.m4s", 48048, 60060, 500),
    ]
    assert track.timeline.duration == rung.timeline.duration
    assert track.rendition.peak_bps == 7993  # 8000 bits in 1.001 s, rounded up
    assert track.init == rung.init


@pytest.mark.parametrize("found", [[[], [], []], [[], [KeyFrame(start_ticks=48048, byte_range=(0, 9))], []]])
def test_a_rung_that_does_not_start_with_a_key_frame_has_no_such_track(found: list[list[KeyFrame]]) -> None:
    with pytest.raises(ValueError, match="720p-1f3a9b2c: does not start with a key frame"):
        iframe_track(video(720), found)
