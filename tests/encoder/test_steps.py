from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoder.plan import Plan, Settings
from encoder.steps import Batch, PictureBatch, SoundBatch, Step, all_steps, batches, left_of
from tests.encoder.sources import HD, STEREO, planned, whole

MINUTE = replace(HD, end=Fraction(60))
KEY_FRAMES = tuple(map(Fraction, range(60)))
FRENCH = replace(STEREO, index=1, language="fr")


def plan_of(*codecs: str) -> Plan:
    """Three chunks or more, six rungs of each codec, sound in two languages."""
    source = replace(whole(MINUTE, STEREO, FRENCH), key_frames=KEY_FRAMES)
    return planned(source, Settings(codecs=codecs))


PLAN, TWO_CODECS = plan_of("h264"), plan_of("h264", "hevc")


def pictures(found: list[Batch]) -> list[PictureBatch]:
    return [batch for batch in found if isinstance(batch, PictureBatch)]


def pixels(batch: PictureBatch) -> int:
    return sum(rung.rung.width_px * rung.rung.height_px for rung in batch.rungs)


def test_a_title_has_a_step_for_each_chunk_of_each_rung_and_one_for_each_sound() -> None:
    steps = all_steps(PLAN)
    assert len(PLAN.chunks) >= 3
    assert len(steps) == len(set(steps)) == len(PLAN.audio) + len(PLAN.chunks) * len(PLAN.rungs)
    assert len({step.name for step in steps}) == len(steps)


def test_sound_and_the_first_chunk_come_first_in_the_order_of_steps() -> None:
    sound, first = len(PLAN.audio), len(PLAN.rungs)
    assert {step.chunk for step in all_steps(PLAN)[:sound]} == {None}
    assert {step.chunk for step in all_steps(PLAN)[sound : sound + first]} == {1}


@settings(deadline=None)
@given(
    plan=st.sampled_from([PLAN, TWO_CODECS]),
    done=st.sets(st.sampled_from(all_steps(TWO_CODECS))),
    jobs=st.integers(1, 64),
)
def test_batches_do_what_is_not_done_and_each_of_it_once(plan: Plan, done: set[Step], jobs: int) -> None:
    found = batches(plan, done, jobs)
    steps = Counter(step for batch in found for step in batch.steps)
    assert steps == Counter(step for step in all_steps(plan) if step not in done)
    assert all(batch.steps for batch in found)


@pytest.mark.parametrize("jobs", [1, 2, 8])
def test_the_costly_come_first(jobs: int) -> None:
    costs = [batch.cost for batch in batches(TWO_CODECS, (), jobs)]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] > 0


def test_one_process_after_another_decodes_each_chunk_once_for_a_codec() -> None:
    found = pictures(batches(TWO_CODECS, (), 1))
    assert len(found) == 2 * len(TWO_CODECS.chunks)
    for batch in found:
        assert len({rung.codec for rung in batch.rungs}) == 1


@pytest.mark.parametrize("jobs", [2, 3, 16])
def test_side_by_side_each_process_holds_about_as_much_as_the_largest_rung(jobs: int) -> None:
    largest = max(rung.rung.width_px * rung.rung.height_px for rung in PLAN.rungs)
    found = pictures(batches(PLAN, (), jobs))
    assert all(pixels(batch) <= 1.1 * largest for batch in found)
    assert len(found) < len(PLAN.chunks) * len(PLAN.rungs)  # small ones share a decoder


def test_a_dearer_codec_costs_more() -> None:
    plain, both = batches(PLAN, (), 1), batches(TWO_CODECS, (), 1)
    assert sum(batch.cost for batch in both) > 2 * sum(batch.cost for batch in pictures(plain))


def test_a_chunk_that_is_half_done_is_decoded_for_the_rest() -> None:
    low, *others = PLAN.rungs
    done = [Step(low.label, chunk.number) for chunk in PLAN.chunks]
    for batch in pictures(batches(PLAN, done, 1)):
        assert list(batch.rungs) == others


def test_when_all_is_done_nothing_is_left_to_do() -> None:
    assert batches(PLAN, all_steps(PLAN), 4) == []


def test_sound_is_a_batch_of_its_own() -> None:
    sounds = [batch for batch in batches(PLAN, (), 2) if isinstance(batch, SoundBatch)]
    assert {step.name for batch in sounds for step in batch.steps} == {track.label for track in PLAN.audio}
    assert {batch.duration for batch in sounds} == {60}


@pytest.mark.parametrize("batch", batches(TWO_CODECS, (), 1), ids=lambda batch: batch.steps[0].name)
def test_of_a_batch_that_was_cut_off_what_is_not_done_is_left(batch: Batch) -> None:
    first, *others = batch.steps
    rest = left_of(batch, [first])
    assert (rest.steps if rest else []) == others
    assert left_of(batch, []) == batch
    assert left_of(batch, batch.steps) is None
