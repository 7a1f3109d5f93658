from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from pydantic import TypeAdapter

from encoder.analysis.probes import Trial, plan_probes
from encoder.analysis.rungs import STEP_VMAF, TOP_VMAF, Analysis, choose_rungs, ladder_of
from encoder.analysis.scout import Scout
from encoder.codecs import CODECS
from encoder.ladder import candidates
from encoder.source import VideoSource
from tests.encoder.analysis.titles import RATE, Law, point, probed, scout, usual
from tests.encoder.sources import HD, sized

TITLE = scout([400, 900, 500, 800, 600, 300, 700, 620])


def chosen(source: VideoSource = HD, title: Scout = TITLE, law: Law = usual, codec: str = "h264") -> Analysis:
    sizes = candidates(source, RATE)
    probes = plan_probes(title, sizes, RATE, CODECS[codec], "medium")
    return choose_rungs(title, probed(title, probes, law), sizes, RATE, CODECS[codec], "medium")


def test_rungs_are_a_noticeable_step_apart_and_stop_where_nobody_sees_more() -> None:
    found = chosen()
    rungs = found.expected
    assert TOP_VMAF <= rungs[-1].vmaf < TOP_VMAF + 1
    for low, high in pairwise(rungs[1:]):  # the lowest is where links are slow, whatever it looks like
        assert 1.45 <= high.bps / low.bps <= 2.55
        assert high.vmaf - low.vmaf > STEP_VMAF - 1.2 or high.bps / low.bps > 2.3
        assert low.height_px <= high.height_px
    assert rungs[0].bps <= 125_000
    for rung, expected in zip(found.rungs, rungs, strict=True):
        assert (rung.height_px, rung.crf) == (expected.height_px, expected.crf)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "size", [(1920, 1080), (1280, 720), (720, 480), (1080, 1920), (64, 36), (3840, 2160), (641, 361)]
)
def test_no_rung_is_above_the_source_in_any_codec(size: tuple[int, int], codec: str) -> None:
    found = chosen(sized(*size), codec=codec)
    best, worst = CODECS[codec].crf_range
    assert found.rungs
    for rung in found.rungs:
        assert rung.width_px <= size[0]
        assert rung.height_px <= size[1]
        assert rung.crf is not None
        assert best <= rung.crf <= worst
        assert (rung.width_px < rung.height_px) == (size[0] < size[1])


@pytest.mark.parametrize("codec", ["av1", "vp9"])
def test_codecs_that_know_whole_numbers_get_whole_numbers(codec: str) -> None:
    assert all(rung.crf == int(rung.crf or 0) for rung in chosen(codec=codec).rungs)


def test_the_cap_leaves_room_and_keeps_segments_within_twice_the_average() -> None:
    found = chosen()
    for rung, expected in zip(found.rungs, found.expected, strict=True):
        assert 1.6 < rung.max_bps / expected.bps < 2


def test_black_has_one_rung_of_the_smallest_size() -> None:
    (only,) = chosen(title=Scout(gop_frames=48, frame_bytes=(1,) * 480), law=lambda _: (1.0, 100.0)).rungs
    assert only.short_side_px == 234


def test_grain_that_no_rate_satisfies_ends_at_the_ceiling() -> None:
    def grain(trial: Trial) -> tuple[float, float]:
        ratio, vmaf = usual(trial)
        return 20 * ratio, vmaf

    top = chosen(law=grain).expected[-1]
    assert top.vmaf < TOP_VMAF
    assert top.bps <= candidates(HD, RATE)[-1].max_bps


def test_an_easy_title_needs_less_than_a_hard_one() -> None:
    easy = chosen(title=scout([40, 90, 50, 80, 60, 30, 70, 62]))
    assert easy.expected[-1].bps < chosen().expected[-1].bps / 8
    assert len(easy.rungs) < len(chosen().rungs)


@pytest.mark.parametrize("frames", [1, 2, 3, 5, 24, 47])
def test_a_source_below_two_seconds_has_a_ladder(frames: int) -> None:
    title = Scout(gop_frames=48, frame_bytes=tuple([4000] + [400] * (frames - 1)))
    assert chosen(title=title).rungs


def test_a_gap_in_what_was_probed_ends_no_ladder() -> None:
    points = [point(234, 100, 30), point(720, 1000, 80), point(1080, 4000, 97)]
    assert [rung.bps for rung in ladder_of(points)] == [100_000, 1_000_000, 4_000_000]


def test_where_quality_falls_slowly_the_widest_step_in_rate_holds() -> None:
    points = [point(1080, 250 * 1.1**n, 80 + n / 2) for n in range(33)]
    rates = [rung.bps for rung in ladder_of(points)]
    steps = [high / low for low, high in pairwise(rates)]
    assert all(2.2 <= step <= 2.5 for step in steps[1:])
    assert 1.5 <= steps[0] <= 2.5


def test_sizes_do_not_grow_downwards_where_two_are_as_good() -> None:
    points = [point(720, 371, 79.5), point(540, 372, 79.4), point(540, 662, 86), point(720, 1365, 92)]
    assert [rung.height_px for rung in ladder_of(points)] == [540, 540, 720]


def test_a_smaller_size_that_gives_as_much_is_taken() -> None:
    points = [point(540, 1010, 96.2), point(1080, 1000, 96.1)]
    assert ladder_of(points)[-1].height_px == 540


def test_an_analysis_survives_being_written_down() -> None:
    adapter = TypeAdapter(Analysis)
    found = chosen()
    assert adapter.validate_json(adapter.dump_json(found)) == found


def test_a_source_too_small_for_vmaf_has_its_own_size_at_the_usual_quality() -> None:
    found = chosen(sized(24, 16))
    assert [(rung.width_px, rung.height_px, rung.crf) for rung in found.rungs] == [(24, 16, None)]
    assert found.expected == found.hull == found.probed == ()


def test_the_same_probes_give_the_same_ladder() -> None:
    assert chosen() == chosen()


def test_more_frames_in_a_second_have_higher_ceilings() -> None:
    at_24, at_60 = (candidates(HD, Fraction(rate))[-1].max_bps for rate in (24, 60))
    assert at_24 < at_60
