from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import accumulate

import pytest

from encoder.audio.check import fault_of
from media.cmaf import FragmentFacts, InitFacts
from tests.encoder.audio.sounding import SEGMENT_S, STEREO, planned

(PLAN,) = planned(STEREO, duration=Fraction(10))  # 469 frames
INIT = InitFacts(timescale=48_000, kind="audio", codecs="mp4a.40.2", sample_rate_hz=48_000, channels=2)


def segments(*frames: int, start: int = 0) -> list[FragmentFacts]:
    starts = accumulate(frames, initial=start)
    return [
        FragmentFacts(
            start_ticks=1024 * at, duration_ticks=1024 * count, sample_count=count, starts_with_sync=True
        )
        for at, count in zip(starts, frames, strict=False)
    ]


def told(found: list[FragmentFacts], init: InitFacts = INIT) -> str | None:
    return fault_of(PLAN, init, found, SEGMENT_S)


def test_what_is_as_planned_has_no_faults() -> None:
    assert told(segments(188, 188, 93)) is None
    assert told(segments(188, 281)) is None  # a short tail may be joined to the segment before it


FAULTS = [
    pytest.param(segments(188, 188, 92), "468 of 469 frames, 0.02 s are missing", id="cut-short"),
    pytest.param(segments(188, 188, 94), "470 frames, not 469", id="too-long"),
    pytest.param([], "0 of 469 frames, 10.01 s are missing", id="nothing"),
    pytest.param(segments(188, 188, 93, start=1), "segment 1 starts at sample 1024, not 0", id="late"),
    pytest.param([*segments(188), *segments(188, 92, start=189)], "segment 2 starts at", id="a-hole"),
    pytest.param(segments(188, 190, 91), "segment 3 starts +2688 samples from the picture's", id="adrift"),
    pytest.param(segments(186, 188, 95), "segment 2 starts -1728 samples from the picture's", id="early"),
]


@pytest.mark.parametrize(("found", "message"), FAULTS)
def test_what_is_not_as_planned_is_told(found: list[FragmentFacts], message: str) -> None:
    fault = told(found)
    assert fault
    assert fault.startswith("audio-und: ")
    assert message in fault


OTHERS = [
    pytest.param(replace(INIT, codecs="mp4a.40.5"), id="codec"),
    pytest.param(replace(INIT, channels=1), id="channels"),
    pytest.param(replace(INIT, channels=None), id="channels-in-an-order-of-its-own"),
    pytest.param(replace(INIT, sample_rate_hz=44_100, timescale=44_100), id="rate"),
    pytest.param(replace(INIT, timescale=90_000), id="timescale"),
]


@pytest.mark.parametrize("init", OTHERS)
def test_a_header_that_was_not_asked_for_is_told(init: InitFacts) -> None:
    fault = told(segments(188, 188, 93), init)
    assert fault
    assert "were not asked for" in fault
