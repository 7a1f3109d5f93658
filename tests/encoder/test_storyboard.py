from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from encoder.storyboard import Storyboard, image_track, moment_of, plan_storyboard
from media.rendition import VideoRendition
from media.webvtt import read, write_thumbnail_index
from tests.media.presentations import video

HD = replace(video(720).rendition, width_px=1280)
FILM = Fraction(2002, 1000)


def planned(duration: Fraction | int, gop: Fraction | int = 2, rung: VideoRendition = HD) -> Storyboard:
    return plan_storyboard(rung, Fraction(duration), Fraction(gop))


INTERVALS = [  # duration, key frames every, thumbnails every (all in seconds), how many
    pytest.param(1, 2, 2, 1, id="shorter-than-one"),
    pytest.param(45, 2, 2, 23, id="a-clip"),
    pytest.param(600, 2, 6, 100, id="ten-minutes"),
    pytest.param(7200, 2, 10, 720, id="a-film-ten-seconds-at-most"),
    pytest.param(7200, FILM, 4 * FILM, 900, id="whole-key-frames-below-ten-seconds"),
    pytest.param(20, Fraction(1, 4), 1, 20, id="one-second-at-least"),
    pytest.param(60, 12, 12, 5, id="key-frames-further-apart"),
]


@pytest.mark.parametrize(("duration", "gop", "interval", "count"), INTERVALS)
def test_thumbnails_are_one_to_ten_seconds_apart(
    duration: int, gop: Fraction | int, interval: Fraction | int, count: int
) -> None:
    plan = planned(duration, gop)
    assert (plan.interval, plan.thumbnails) == (interval, count)
    assert plan.every * Fraction(gop) == plan.interval


GRIDS = [(1, 1, 1), (2, 2, 1), (5, 3, 2), (7, 3, 3), (12, 4, 3), (25, 5, 5), (26, 5, 5)]


@pytest.mark.parametrize(("thumbnails", "columns", "rows"), GRIDS)
def test_a_sheet_is_no_larger_than_its_thumbnails_need(thumbnails: int, columns: int, rows: int) -> None:
    plan = planned(2 * thumbnails)
    assert (plan.thumbnails, plan.columns, plan.rows) == (thumbnails, columns, rows)
    assert plan.sheets == (2 if thumbnails > 25 else 1)


SIZES = [  # of the rung, of a thumbnail
    pytest.param((1920, 1080), (320, 180), id="landscape"),
    pytest.param((1080, 1920), (180, 320), id="portrait"),
    pytest.param((416, 234), (320, 180), id="small"),
    pytest.param((256, 144), (256, 144), id="never-above-the-rung"),
    pytest.param((1920, 800), (320, 134), id="wide-with-even-sides"),
]


@pytest.mark.parametrize(("rung", "thumbnail"), SIZES)
def test_a_thumbnail_has_the_aspect_of_the_rung(rung: tuple[int, int], thumbnail: tuple[int, int]) -> None:
    plan = planned(10, rung=replace(HD, width_px=rung[0], height_px=rung[1]))
    assert (plan.width_px, plan.height_px) == thumbnail


def test_the_last_sheet_ends_with_the_title() -> None:
    duration = 27 * FILM - Fraction(1001, 24000)
    track = image_track(planned(duration, FILM), "thumbnails", duration, [40_000, 9000])
    first, last = track.timeline.segments
    assert track.timeline.seconds(first.duration_ticks) == 25 * FILM
    assert duration - track.timeline.duration < Fraction(1, track.timeline.timescale)
    assert last.uri == "thumbnails/2.jpg"
    assert len(read(write_thumbnail_index(track)).cues) == 27


def candidate(ticks: int, luma: float, entropy: float) -> str:
    """A frame as ffmpeg's metadata filter prints it."""
    return (
        f"frame:0    pts:{ticks}  pts_time:{ticks / 90_000}\n"
        f"lavfi.signalstats.YAVG={luma}\nlavfi.entropy.entropy.normal.Y={entropy}\n"
    )


MOMENTS = [  # candidates, seconds
    pytest.param([(0, 16, 0), (180_180, 90, 5.5), (360_360, 90, 4)], Fraction(2002, 1000), id="the-richest"),
    pytest.param([(0, 30, 7), (90_000, 60, 3)], 1, id="rich-but-dark"),
    pytest.param([(0, 16, 0), (90_000, 20, 1)], 1, id="all-are-dark"),
    pytest.param([(90_000, 90, 5), (180_000, 90, 5)], 1, id="the-earlier-of-two-alike"),
    pytest.param([], 0, id="none"),
]


@pytest.mark.parametrize(("candidates", "moment_s"), MOMENTS)
def test_the_poster_is_the_richest_picture_that_is_not_dark(
    candidates: list[tuple[int, float, float]], moment_s: Fraction | int
) -> None:
    assert moment_of("".join(candidate(*each) for each in candidates)) == moment_s
