"""The picture of a ladder: what is in it, and that its words can be read."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from lab.ladder import TitleLadders, ladders_of
from lab.ladder_plot import apart, ladder_figure, ladder_plot
from media.presentation import Track
from media.rendition import VideoRendition
from tests.encoder.sources import HD
from tests.lab.ladders import analysis, measured, presentation

MANY = (180, 234, 360, 540, 720, 1080)


def title(*rungs: Track[VideoRendition], is_probed: bool = True) -> TitleLadders:
    analyses = [analysis("h264", MANY), analysis("av1", MANY)] if is_probed else []
    found = ladders_of(presentation(*rungs), analyses, HD)
    assert found is not None
    return found


def h264(*scores: float) -> list[Track[VideoRendition]]:
    return [measured(MANY[number], 150_000 * 2**number, vmaf) for number, vmaf in enumerate(scores)]


def labels(axes: Axes) -> list[Bbox]:
    """Where they stand, of a figure that was laid out."""
    return [child.get_window_extent() for child in axes.get_children() if isinstance(child, Annotation)]


def test_each_codec_has_its_row() -> None:
    text = ladder_plot(title(*h264(70, 82, 93), measured(360, 400_000, 90, "av01.0.04M.08")))
    assert text.startswith("<svg")
    assert text.count(">by segment<") == 2
    assert ">H.264<" in text
    assert ">AV1<" in text


def test_only_what_is_there_is_in_the_legend() -> None:
    probed, plain = (
        ladder_plot(title(*h264(70, 82, 93))),
        ladder_plot(title(*h264(70, 82, 93), is_probed=False)),
    )
    for name in ("hull", "probed", "fixed ladder"):
        assert name in probed
        assert name not in plain
    assert "rung as encoded" in probed
    assert "rung as encoded" in plain


def test_equal_titles_give_equal_pictures() -> None:
    assert ladder_plot(title(*h264(70, 82))) == ladder_plot(title(*h264(70, 82)))


@pytest.mark.parametrize(
    "scores", [(70, 82, 93), (30, 70, 90, 95, 96, 96.5), (95, 95.1, 95.2, 95.3, 95.4, 95.5)], ids=str
)
def test_no_label_lies_on_another(scores: tuple[float, ...]) -> None:
    figure = ladder_figure(title(*h264(*scores)))
    figure.draw_without_rendering()
    for axes in figure.axes:
        boxes = labels(axes)
        assert len(boxes) >= len(scores) - 3
        for one, other in combinations(boxes, 2):
            is_apart = one.x1 <= other.x0 or other.x1 <= one.x0 or abs(one.y0 - other.y0) >= 0.8 * one.height
            assert is_apart


def test_no_saving_lies_on_the_bar_of_a_rung() -> None:
    found = title(*h264(82, 88, 92, 96))
    figure = ladder_figure(found)
    figure.draw_without_rendering()
    rates, boxes = figure.axes[0], labels(figure.axes[0])
    assert len(boxes) > 3
    for rung in found.ladders[0].rungs:
        x, top = rates.transData.transform((rung.bps / 1000, rung.vmaf))
        _, foot = rates.transData.transform((rung.bps / 1000, rung.p5))
        assert not [box for box in boxes if box.x0 < x < box.x1 and box.y0 < top and box.y1 > foot]


@given(st.lists(st.floats(0, 100), max_size=12).map(sorted), st.floats(0.5, 10))
def test_places_are_set_apart_without_leaving_where_they_were_more_than_needed(
    places: list[float], gap: float
) -> None:
    found = apart(places, gap)
    assert len(found) == len(places)
    assert all(high - low >= gap - 1e-6 for low, high in pairwise(found))
    assert sum(found) == pytest.approx(sum(places))
    if all(high - low >= gap for low, high in pairwise(places)):
        assert found == pytest.approx(places)
