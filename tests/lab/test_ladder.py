"""What the picture of a ladder is drawn from: measured rungs, probed curves, and the fixed ladder on them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from encoder.analysis.hull import rate_at
from lab.ladder import CodecLadder, change, ladder_values, ladders_of, vmaf_at
from tests.encoder.analysis.titles import point
from tests.encoder.sources import sized
from tests.lab.ladders import SIDES, analysis, measured, presentation, probed
from tests.media.presentations import of_kind, video

RUNGS = measured(180, 150_000, 74), measured(360, 700_000, 90), measured(720, 2_300_000, 96)
SOURCE = sized(1440, 720)


def only(*arguments: object) -> CodecLadder:
    found = ladders_of(*arguments)  # type: ignore[arg-type]
    assert found is not None
    (ladder,) = found.ladders
    return ladder


def test_the_rungs_are_as_measured_from_low_to_high() -> None:
    ladder = only(presentation(*reversed(RUNGS)))
    assert [(rung.bps, rung.vmaf, rung.p5, rung.segments) for rung in ladder.rungs] == [
        (150_000, 74, 68, (73, 74, 75)),
        (700_000, 90, 84, (89, 90, 91)),
        (2_300_000, 96, 90, (95, 96, 97)),
    ]
    assert not ladder.hull
    assert not ladder.sizes
    assert not ladder.fixed


def test_the_segments_are_at_their_times() -> None:
    found = ladders_of(presentation(*RUNGS))
    assert found is not None
    assert found.boundaries_s == (0, 2.002, 4.004, 4.5045)


def test_each_curve_goes_through_what_was_probed_of_its_size() -> None:
    ladder = only(presentation(*RUNGS), [analysis()])
    assert [size.height_px for size in ladder.sizes] == list(SIDES)
    for size in ladder.sizes:
        assert set(size.probed) == set(probed(size.height_px))
        for each in size.probed:
            assert vmaf_at(size.curve, each.bps) == pytest.approx(each.vmaf, abs=0.05)


def test_a_fixed_rung_stands_at_its_own_rate_on_the_curve_of_the_nearest_size() -> None:
    ladder = only(presentation(*RUNGS), [analysis()], SOURCE)
    curves = {size.height_px: size.curve for size in ladder.sizes}
    nearest = {234: 180, 360: 360, 432: 360, 540: 720, 720: 720}
    assert len(ladder.fixed) > 3
    for rung in ladder.fixed:
        side_px = min(nearest, key=lambda side: abs(side - rung.height_px))
        assert rung.vmaf == pytest.approx(vmaf_at(curves[nearest[side_px]], rung.bps), abs=0.01)


def test_a_fixed_rung_that_no_curve_reaches_is_left_out() -> None:
    ladder = only(presentation(*RUNGS), [analysis()], SOURCE)
    top = max(size.curve[-1].bps for size in ladder.sizes)
    assert top < 4_500_000  # the ladder's 720p
    assert all(rung.bps <= top for rung in ladder.fixed)


def test_what_a_fixed_rung_gives_costs_less_on_the_hull_and_what_it_costs_between_the_rungs() -> None:
    ladder = only(presentation(*RUNGS), [analysis()], SOURCE)
    rung = next(rung for rung in ladder.fixed if rung.bps == 730_000)
    assert rung.hull_bps == pytest.approx(rate_at(ladder.hull, rung.vmaf), rel=1e-3)
    assert rung.hull_saving == pytest.approx(1 - (rung.hull_bps or 0) / 730_000)
    line = [point(360, 150, 74), point(360, 700, 90), point(720, 2300, 96)]
    assert rung.rungs_bps == pytest.approx(rate_at(line, rung.vmaf), rel=1e-3)
    assert rung.saving == pytest.approx(1 - (rung.rungs_bps or 0) / 730_000)


def test_beyond_the_top_rung_nothing_can_be_saved() -> None:
    ladder = only(presentation(RUNGS[0]), [analysis()], SOURCE)
    assert {rung.saving for rung in ladder.fixed} == {None}
    assert any(rung.hull_saving for rung in ladder.fixed)


def test_a_rung_that_gives_less_than_a_cheaper_one_is_not_on_the_line() -> None:
    worse = measured(720, 900_000, 80)
    without, beside = (
        only(presentation(*rungs), [analysis()], SOURCE).fixed for rungs in (RUNGS, (*RUNGS, worse))
    )
    assert [rung.rungs_bps for rung in beside] == [rung.rungs_bps for rung in without]


def test_the_fixed_ladder_stands_beside_h264_alone() -> None:
    av1 = measured(360, 300_000, 90, "av01.0.04M.08")
    found = ladders_of(presentation(*RUNGS, av1), [analysis(), analysis("av1")], SOURCE)
    assert found is not None
    assert [(ladder.codec, bool(ladder.fixed), bool(ladder.hull)) for ladder in found.ladders] == [
        ("h264", True, True),
        ("av1", False, True),
    ]


def test_hdr_rungs_have_no_curves_since_probes_are_sdr() -> None:
    hdr = measured(360, 300_000, 90, "hvc1.2.4.L90.B0")
    pq = replace(hdr, rendition=replace(hdr.rendition, video_range="PQ"))
    ladder = only(presentation(pq), [analysis("hevc")], SOURCE)
    assert (ladder.codec, ladder.video_range, ladder.hull, ladder.sizes) == ("hevc", "PQ", (), ())
    assert len(ladder.rungs) == 1


def test_a_title_of_which_nothing_was_measured_has_no_picture() -> None:
    too_small = replace(analysis(), hull=(), probed=())
    assert ladders_of(presentation(video(360))) is None
    assert ladders_of(presentation(video(360)), [too_small], SOURCE) is None


def test_a_codec_of_which_nothing_was_measured_is_left_out() -> None:
    found = ladders_of(presentation(*RUNGS, of_kind(video(360), "av01.0.04M.08")))
    assert found is not None
    assert [ladder.codec for ladder in found.ladders] == ["h264"]


def test_the_figures_are_json_with_the_savings() -> None:
    found = ladders_of(presentation(*RUNGS), [analysis()], SOURCE)
    assert found is not None
    values = json.loads(json.dumps(ladder_values(found)))
    (ladder,) = values["ladders"]
    fixed = found.ladders[0].fixed
    assert [rung["saving"] for rung in ladder["fixed"]] == [rung.saving for rung in fixed]
    assert [rung["hull_saving"] for rung in ladder["fixed"]] == [rung.hull_saving for rung in fixed]
    assert ladder["rungs"][0]["segments"] == [73, 74, 75]


@pytest.mark.parametrize(
    ("saving", "said"), [(0.187, "−19 %"), (-0.08, "+8 %"), (0.001, "0 %"), (-0.001, "0 %"), (None, "–")]
)
def test_a_saving_is_said_as_the_change_of_the_bits(saving: float | None, said: str) -> None:
    assert change(saving) == said
