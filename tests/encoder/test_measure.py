from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from encoder.ladder import auto
from encoder.measure import Encoded, Measured, MeasureError, has_short_tail, presentation
from encoder.plan import Plan, Settings, make_plan
from media.cmaf import FragmentFacts, InitFacts
from tests.encoder.sources import STEREO, sized, whole

FRAME_TICKS = 512
PLAN = make_plan(whole(sized(720, 480), STEREO), auto, Settings())  # 10 s at 30 frames per second, 3 rungs
NAMES = {rung.label: rung.label for rung in PLAN.rungs} | {"audio-und": "audio-und"}


def encoded(frames: list[int], width_px: int, height_px: int, size_bytes: int = 100_000) -> Encoded:
    init = InitFacts(
        timescale=15360, kind="video", codecs="avc1.64001e", width_px=width_px, height_px=height_px
    )
    starts = [sum(frames[:index]) for index in range(len(frames))]
    return Encoded(
        init,
        800,
        tuple(
            Measured(FragmentFacts(
                start_ticks=start * FRAME_TICKS,
                duration_ticks=count * FRAME_TICKS,
                sample_count=count,
                starts_with_sync=True,
            ), size_bytes)
            for start, count in zip(starts, frames, strict=True)
        ),
    )  # fmt: skip


def all_encoded(frames: list[int]) -> dict[str, Encoded]:
    sound = InitFacts(timescale=48000, kind="audio", codecs="mp4a.40.2", sample_rate_hz=48000, channels=2)
    facts = FragmentFacts(start_ticks=0, duration_ticks=480_256, sample_count=469, starts_with_sync=True)
    rungs = {r.label: encoded(frames, r.rung.width_px, r.rung.height_px) for r in PLAN.rungs}
    return rungs | {"audio-und": Encoded(sound, 700, (Measured(facts, 160_000),))}


def with_top(top: Encoded) -> dict[str, Encoded]:
    return all_encoded([120, 120, 60]) | {"480p": top}


def test_whole_renditions_make_a_presentation_with_measured_rates() -> None:
    made = presentation(PLAN, NAMES, all_encoded([120, 120, 60]))
    assert [track.rendition.height_px for track in made.video] == [232, 360, 480]
    assert made.video[0].rendition.peak_bps == 400_000  # the last segment: 100 000 bytes in 2 s
    assert made.video[0].rendition.average_bps == 240_000
    assert made.audio[0].timeline.duration == Fraction(480_256, 48_000)


def cut_short() -> Encoded:
    return encoded([120, 120, 30], 720, 480)


def off_the_grid() -> Encoded:
    return encoded([119, 121, 60], 720, 480)


def without_key_frame() -> Encoded:
    good = encoded([120, 120, 60], 720, 480)
    first, second, last = good.segments
    broken = replace(second, facts=replace(second.facts, starts_with_sync=False))
    return replace(good, segments=(first, broken, last))


def with_a_gap() -> Encoded:
    good = encoded([120, 120, 60], 720, 480)
    first, second, last = good.segments
    moved = replace(last, facts=replace(last.facts, start_ticks=last.facts.start_ticks + 1))
    return replace(good, segments=(first, second, moved))


def late() -> Encoded:
    good = encoded([120, 120, 60], 720, 480)
    return replace(
        good,
        segments=tuple(
            replace(m, facts=replace(m.facts, start_ticks=m.facts.start_ticks + 1024)) for m in good.segments
        ),
    )


BROKEN = [  # id, the top rung, what the error says
    pytest.param(cut_short(), "480p: 270 of 300 frames", id="cut-short"),
    pytest.param(off_the_grid(), "480p: segment 1 does not last 4.0 s", id="off-the-grid"),
    pytest.param(without_key_frame(), "480p: segment 2 does not start with a key frame", id="no-key-frame"),
    pytest.param(with_a_gap(), "480p: segment 3 starts at tick", id="gap"),
    pytest.param(late(), "480p: does not start at 0", id="late"),
    pytest.param(encoded([120, 120, 60], 640, 480), "480p: 640x480 was not asked for", id="wrong-size"),
    pytest.param(encoded([120, 120, 59], 720, 480), "do not switch at the same frames", id="one-frame-less"),
]


@pytest.mark.parametrize(("top", "message"), BROKEN)
def test_a_rendition_that_is_not_as_planned_is_refused(top: Encoded, message: str) -> None:
    with pytest.raises(MeasureError, match=message):
        presentation(PLAN, NAMES, with_top(top))


@pytest.mark.parametrize(
    ("frames", "is_short"), [([120, 120, 60], False), ([120, 120, 59], True), ([59], False)]
)
def test_a_last_segment_below_half_the_usual_length_is_short(frames: list[int], is_short: bool) -> None:
    assert has_short_tail(PLAN, encoded(frames, 720, 480)) is is_short


def test_the_plan_of_these_tests_has_three_rungs() -> None:
    assert isinstance(PLAN, Plan)
    assert [rung.label for rung in PLAN.rungs] == ["232p", "360p", "480p"]
