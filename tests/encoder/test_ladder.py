from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from encoder.ladder import LADDERS, LadderError, LadderFile, Rung, Step, apple, auto, candidates, own
from service.config import ConfigError, load
from tests.encoder.sources import HD, sized

SIZES = [
    (8, 6), (34, 18), (100, 75), (176, 144), (234, 416), (320, 180), (426, 240), (640, 361), (641, 361),
    (720, 480), (768, 576), (853, 480), (1080, 1920), (1280, 720), (1280, 534), (1920, 804), (1920, 1080),
    (2048, 858), (2560, 1440), (3440, 1440), (3840, 2160), (4096, 2160), (7680, 4320), (640, 64),
]  # fmt: skip
CASES = [  # id, width, height, sizes of the rungs
    pytest.param(1280, 720, "416x234 640x360 768x432 960x540 1280x720", id="a-source-on-the-ladder"),
    pytest.param(1920, 1080, "416x234 640x360 768x432 960x540 1280x720 1920x1080", id="hd"),
    pytest.param(720, 480, "348x232 540x360 720x480", id="3:2-keeps-its-aspect-and-tops-with-itself"),
    pytest.param(1080, 1920, "234x416 360x640 432x768 540x960 720x1280 1080x1920", id="portrait"),
    pytest.param(641, 361, "416x234 640x360", id="odd-sizes-become-even"),
    pytest.param(320, 180, "320x180", id="below-every-step-there-is-one-rung"),
    pytest.param(34, 18, "34x18", id="tiny"),
    pytest.param(
        7680,
        4320,
        "416x234 640x360 768x432 960x540 1280x720 1920x1080 2560x1440 3840x2160",
        id="8k-ends-at-4k",
    ),
]


def shown(rungs: tuple[Rung, ...]) -> str:
    return " ".join(f"{rung.width_px}x{rung.height_px}" for rung in rungs)


@pytest.mark.parametrize(("width_px", "height_px", "sizes"), CASES)
def test_auto_suits_the_source(width_px: int, height_px: int, sizes: str) -> None:
    assert shown(auto(sized(width_px, height_px), Fraction(30))) == sizes


@pytest.mark.parametrize("name", LADDERS)
@pytest.mark.parametrize(("width_px", "height_px"), SIZES)
def test_every_ladder_stays_within_the_source_in_even_sizes_of_its_aspect(
    name: str, width_px: int, height_px: int
) -> None:
    rungs = LADDERS[name](sized(width_px, height_px), Fraction(30))
    assert rungs
    for rung in rungs:
        assert rung.width_px <= width_px
        assert rung.height_px <= height_px
        assert not rung.width_px % 2
        assert not rung.height_px % 2
        exact_px = rung.height_px * width_px / height_px
        assert abs(rung.width_px - exact_px) <= max(2, 2 * width_px / height_px)


@pytest.mark.parametrize(("width_px", "height_px"), SIZES)
def test_auto_climbs_in_steps_that_a_player_can_take(width_px: int, height_px: int) -> None:
    rates = [rung.max_bps for rung in auto(sized(width_px, height_px), Fraction(30))]
    assert all(1.2 < high / low < 2.5 for low, high in pairwise(rates))


def test_auto_gives_more_bits_to_more_frames_but_not_twice_as_many_to_twice() -> None:
    at_30, at_60 = (auto(HD, Fraction(rate))[-1].max_bps for rate in (30, 60))
    assert at_30 == 4_800_000
    assert 1.3 * at_30 < at_60 < 1.5 * at_30


def test_an_analysis_tries_few_sizes_and_always_the_sources_own() -> None:
    assert shown(candidates(HD, Fraction(30))) == "416x234 640x360 960x540 1280x720 1920x1080"
    assert shown(candidates(sized(720, 480), Fraction(30))) == "348x232 540x360 720x480"
    assert shown(candidates(sized(768, 432), Fraction(30))) == "416x234 640x360 768x432"
    assert shown(candidates(sized(64, 36), Fraction(30))) == "64x36"


def test_what_an_analysis_may_spend_is_above_what_is_usual() -> None:
    tried, usual = (ladder(HD, Fraction(30))[-1].max_bps for ladder in (candidates, auto))
    assert usual < tried < 3 * usual


def test_the_apple_ladder_is_as_printed_and_cut_at_the_source() -> None:
    rungs = apple(sized(1280, 720), Fraction(30))
    assert [(rung.short_side_px, rung.max_bps // 1000) for rung in rungs] == [
        (234, 145), (360, 365), (432, 730), (432, 1100), (540, 2000), (720, 3000), (720, 4500),
    ]  # fmt: skip


def test_a_ladder_of_ones_own_is_taken_as_it_is_from_low_to_high() -> None:
    steps = (Step(720, 3_000_000), Step(360, 500_000), Step(1440, 9_000_000))
    assert shown(own(steps, "my.toml")(HD, Fraction(60))) == "640x360 1280x720"


def test_a_ladder_wholly_above_the_source_is_refused() -> None:
    small = replace(HD, width_px=320, height_px=180)
    with pytest.raises(LadderError, match=r"^my.toml: every rung is above the source's 180 pixels"):
        own((Step(720, 3_000_000),), "my.toml")(small, Fraction(30))


FILES = [  # id, text, what the error says
    pytest.param(
        "[[rungs]]\nshort_side_px = 720\nmax_bps = 100_000\nbits = 1",
        r"rungs.0.bits = 1: Unexpected",
        id="unknown-key",
    ),
    pytest.param("[[rungs]]\nshort_side_px = 720", r"rungs.0.max_bps is missing", id="missing-key"),
    pytest.param(
        "[[rungs]]\nshort_side_px = 720\nmax_bps = 2500", r"bits per second, such as", id="kilobits"
    ),
    pytest.param("rungs = []", r"no rungs; write a \[\[rungs\]\] table", id="empty"),
    pytest.param("[[steps]]\nx = 1", r"unknown key 'steps'; did you mean 'rungs'", id="unknown-table"),
]


@pytest.mark.parametrize(("text", "message"), FILES)
def test_a_bad_ladder_file_is_told_by_key(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "my.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load(LadderFile, path)


def test_a_good_ladder_file_gives_its_steps(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text("[[rungs]]\nshort_side_px = 720\nmax_bps = 2_500_000\n")
    assert load(LadderFile, path).rungs == (Step(720, 2_500_000),)
