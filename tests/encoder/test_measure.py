from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from encoder.measure import Encoded, MeasureError, presentation
from encoder.plan import Plan
from encoder.records import SegmentRecord, StepRecord
from media.cmaf import InitFacts
from media.iframes import KeyFrame
from tests.encoder.sources import STEREO, planned, sized, whole

FRAME_TICKS = 512
PLAN = planned(whole(sized(720, 480), STEREO))  # 10 s at 30 frames per second, 3 rungs
NAMES = {rung.label: f"{rung.label}-0a1b2c3d" for rung in PLAN.rungs} | {"audio-und": "audio-und-0a1b2c3d"}
SOUND = InitFacts(timescale=48000, kind="audio", codecs="mp4a.40.2", sample_rate_hz=48000, channels=2)


def rung_init(width_px: int, height_px: int) -> InitFacts:
    return InitFacts(
        timescale=15360, kind="video", codecs="avc1.64001e", width_px=width_px, height_px=height_px
    )


def picture(number: int, start: int, frames: int, size_bytes: int) -> SegmentRecord:
    """With a key frame every 60 frames."""
    ticks = [(start + at) * FRAME_TICKS for at in range(0, frames, 60)]
    return SegmentRecord(
        number=number,
        start_ticks=start * FRAME_TICKS,
        duration_ticks=frames * FRAME_TICKS,
        samples=frames,
        size_bytes=size_bytes,
        sha256="",
        key_frames=tuple(
            KeyFrame(start_ticks=at, byte_range=(1000 * n, 1000 * n + 499)) for n, at in enumerate(ticks)
        ),
    )


def step(timescale: int, *segments: SegmentRecord, header: str = "aa") -> StepRecord:
    return StepRecord(timescale=timescale, init_size_bytes=800, init_sha256=header, segments=segments)


def encoded(frames: list[int], width_px: int, height_px: int, size_bytes: int = 100_000) -> Encoded:
    """A rung in two chunks: the second has the last segment."""
    starts = [sum(frames[:index]) for index in range(len(frames))]
    segments = [
        picture(number, start, count, size_bytes)
        for number, (start, count) in enumerate(zip(starts, frames, strict=True), 1)
    ]
    chunks = [step(15360, *segments[:-1]), step(15360, segments[-1])]
    return Encoded(rung_init(width_px, height_px), chunks)


def all_encoded(frames: list[int]) -> dict[str, Encoded]:
    sound = SegmentRecord(
        number=1, start_ticks=0, duration_ticks=480_256, samples=469, size_bytes=160_000, sha256=""
    )
    rungs = {r.label: encoded(frames, r.rung.width_px, r.rung.height_px) for r in PLAN.rungs}
    return rungs | {"audio-und": Encoded(SOUND, [step(48000, sound)])}


def with_top(top: Encoded) -> dict[str, Encoded]:
    return all_encoded([120, 120, 60]) | {"480p": top}


def test_whole_renditions_make_a_presentation_with_measured_rates() -> None:
    made = presentation(PLAN, NAMES, all_encoded([120, 120, 60]))
    assert [track.rendition.height_px for track in made.video] == [232, 360, 480]
    assert made.video[0].rendition.peak_bps == 400_000  # the last segment: 100 000 bytes in 2 s
    assert made.video[0].rendition.average_bps == 240_000
    assert made.audio[0].timeline.duration == Fraction(480_256, 48_000)


def test_the_chunks_of_a_rung_make_one_track() -> None:
    track = presentation(PLAN, NAMES, all_encoded([120, 120, 60])).video[-1]
    assert track.init is not None
    assert track.init.uri == "480p-0a1b2c3d/init.mp4"
    assert [segment.uri for segment in track.timeline.segments] == [
        "480p-0a1b2c3d/1.m4s", "480p-0a1b2c3d/2.m4s", "480p-0a1b2c3d/3.m4s",
    ]  # fmt: skip
    assert track.timeline.duration == 10


def test_every_rung_has_its_key_frames_as_a_track() -> None:
    made = presentation(PLAN, NAMES, all_encoded([120, 120, 60]))
    assert len(made.iframes) == len(made.video)
    for track in made.iframes:
        starts = [segment.start_ticks / track.timeline.timescale for segment in track.timeline.segments]
        assert starts == [0, 2, 4, 6, 8]


def with_a_gap() -> Encoded:
    good = encoded([120, 120, 60], 720, 480)
    first, last = good.steps
    (segment,) = last.segments
    moved = replace(last, segments=(replace(segment, start_ticks=segment.start_ticks + 1),))
    return replace(good, steps=(first, moved))


def late() -> Encoded:
    good = encoded([120, 120, 60], 720, 480)
    first, last = good.steps
    moved = [replace(segment, start_ticks=segment.start_ticks + 1024) for segment in first.segments]
    return replace(good, steps=(replace(first, segments=tuple(moved)), last))


def with_two_headers() -> Encoded:
    good = encoded([120, 120, 60], 720, 480)
    first, last = good.steps
    return replace(good, steps=(first, replace(last, init_sha256="bb")))


def without_segments() -> Encoded:
    return Encoded(rung_init(720, 480), [step(15360)])


BROKEN = [  # id, the top rung, what the error says
    pytest.param(with_a_gap(), "480p-0a1b2c3d: segment 3 starts at tick", id="gap"),
    pytest.param(late(), "480p-0a1b2c3d: does not start at 0", id="late"),
    pytest.param(with_two_headers(), "480p-0a1b2c3d: its chunks need different headers", id="two-headers"),
    pytest.param(without_segments(), "480p-0a1b2c3d: does not start at 0", id="empty"),
    pytest.param(encoded([120, 120, 59], 720, 480), "do not switch at the same frames", id="one-frame-less"),
    pytest.param(encoded([119, 121, 60], 720, 480), "do not switch at the same frames", id="off-the-grid"),
]


@pytest.mark.parametrize(("top", "message"), BROKEN)
def test_a_rendition_that_is_not_as_planned_is_refused(top: Encoded, message: str) -> None:
    with pytest.raises(MeasureError, match=message):
        presentation(PLAN, NAMES, with_top(top))


def test_the_plan_of_these_tests_has_three_rungs() -> None:
    assert isinstance(PLAN, Plan)
    assert [rung.label for rung in PLAN.rungs] == ["232p", "360p", "480p"]
