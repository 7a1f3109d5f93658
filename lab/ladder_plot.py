"""The picture of a title's ladder as SVG text: quality over rate on the left, and over time on the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lab.ladder import CodecLadder, MeasuredRung, TitleLadders, change
from lab.plots import INK, STYLE, as_svg

Colours = Mapping[int, tuple[float, float, float, float]]  # by the short side in pixels

_HULL, _FIXED = "#cdd5de", "#c8503f"
_NAMES = {"h264": "H.264", "hevc": "HEVC", "av1": "AV1", "vp9": "VP9"}
_LINE_PT = 10.0  # from one line of small text to the next
_LABEL_PT = 42.0  # from a point to the end of its saving
_HALO = [patheffects.withStroke(linewidth=2.5, foreground="white")]


def ladder_plot(found: TitleLadders) -> str:
    """A row for each codec, on common scales."""
    with mpl.rc_context(dict(STYLE)):  # type: ignore[arg-type]
        return as_svg(ladder_figure(found))


def ladder_figure(found: TitleLadders) -> Figure:
    figure = Figure(figsize=(10, 0.7 + 3.6 * len(found.ladders)), layout="constrained")
    grid = figure.subplots(
        len(found.ladders), 2, sharex="col", sharey=True, width_ratios=(3, 2), squeeze=False
    )
    colours = _colours(found)
    for (rates, times), ladder in zip(grid, found.ladders, strict=True):
        _draw_rates(rates, ladder, colours)
        _draw_times(times, ladder.rungs, found.boundaries_s, colours)
    grid[-1][0].set_xlabel("average kbit/s")
    grid[-1][1].set_xlabel("time, s")
    _set_limits(grid[0][0], found)
    marks, sizes = _marks(found), _sizes(colours)
    figure.legend(handles=marks, loc="outside upper center", ncols=len(marks), frameon=False, fontsize=8)
    figure.legend(handles=sizes, loc="outside lower center", ncols=len(sizes), frameon=False, fontsize=8)
    figure.draw_without_rendering()  # labels are laid out where the points have come to stand
    for (rates, times), ladder in zip(grid, found.ladders, strict=True):
        _label_savings(rates, ladder)
        _label_rungs(times, ladder.rungs, colours)
    return figure


def apart(places: Sequence[float], gap: float) -> list[float]:
    """Rising places, moved to lie `gap` from one another: those too close spread about their middle."""
    groups: list[list[float]] = []  # each: the sum of where its members would begin it, and their number
    for place in places:
        groups.append([place, 1])
        while len(groups) > 1 and _start(groups[-2]) + groups[-2][1] * gap > _start(groups[-1]):
            total, count = groups.pop()
            groups[-1][0] += total - count * groups[-1][1] * gap
            groups[-1][1] += count
    return [_start(group) + number * gap for group in groups for number in range(int(group[1]))]


def _start(group: Sequence[float]) -> float:
    return group[0] / group[1]


def _draw_rates(axes: Axes, ladder: CodecLadder, colours: Colours) -> None:
    axes.set_title(_name(ladder), loc="left", fontweight="bold", fontsize=10)
    axes.set_ylabel("VMAF")
    axes.set_xscale("log")
    hull = ladder.hull
    axes.plot([p.bps / 1000 for p in hull], [p.vmaf for p in hull], color=_HULL, linewidth=7, zorder=1)
    for size in ladder.sizes:
        colour = colours[min(size.width_px, size.height_px)]
        axes.plot(
            [p.bps / 1000 for p in size.curve], [p.vmaf for p in size.curve], color=colour, linewidth=0.9
        )
        probed = [p.bps / 1000 for p in size.probed], [p.vmaf for p in size.probed]
        axes.scatter(*probed, s=22, marker="x", color=colour, linewidth=1.1, zorder=2.5)
    fixed = [rung.bps / 1000 for rung in ladder.fixed], [rung.vmaf for rung in ladder.fixed]
    axes.plot(
        *fixed, color=_FIXED, linewidth=0.9, linestyle="--", marker="D", markersize=5, markerfacecolor="white"
    )
    for rung in ladder.rungs:
        axes.vlines(rung.bps / 1000, rung.p5, rung.vmaf, color=INK, linewidth=1.1, zorder=3)
        colour = colours[_short(rung)]
        axes.scatter(rung.bps / 1000, rung.p5, s=40, marker="_", color=INK, linewidth=1.1, zorder=3)
        axes.scatter(rung.bps / 1000, rung.vmaf, s=46, color=[colour], edgecolor=INK, linewidth=1.0, zorder=4)


def _draw_times(
    axes: Axes, rungs: Sequence[MeasuredRung], boundaries_s: Sequence[float], colours: Colours
) -> None:
    axes.set_title("by segment", loc="left", fontsize=9)
    for rung in rungs:
        steps = [*rung.segments, *rung.segments[-1:]]
        axes.step(
            boundaries_s[: len(steps)],
            steps[: len(boundaries_s)],
            where="post",
            color=colours[_short(rung)],
            linewidth=1.4,
        )
    axes.set_xlim(0, boundaries_s[-1])


def _set_limits(axes: Axes, found: TitleLadders) -> None:
    """All that was measured and what it is compared with; curves and hull may go on beyond."""
    places: list[tuple[float, float]] = []  # rate, VMAF
    for ladder in found.ladders:
        places += [(rung.bps, vmaf) for rung in ladder.rungs for vmaf in (rung.vmaf, rung.p5)]
        places += [(rung.bps, rung.vmaf) for rung in ladder.fixed]
        places += [(point.bps, point.vmaf) for size in ladder.sizes for point in size.probed]
    rates, scores = ([place[side] for place in places] for side in (0, 1))
    axes.set_xlim(min(rates) / 1250, max(rates) / 770)
    axes.set_ylim(max(0.0, min(scores) - 6), 101)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _label_savings(axes: Axes, ladder: CodecLadder) -> None:
    """To the lower right of each point; below what stands there, a bar or the next point's label."""
    bars = [(_place(axes, rung.bps, rung.vmaf), _place(axes, rung.bps, rung.p5)) for rung in ladder.rungs]
    taken: list[tuple[float, float, float]] = [(top[0], top[1], foot[1]) for top, foot in bars]
    for rung in reversed(ladder.fixed):
        if rung.hull_saving is None:
            continue
        x_pt, y_pt = _place(axes, rung.bps, rung.vmaf)
        label_pt = y_pt - _LINE_PT
        for at_pt, top_pt, foot_pt in sorted(taken, key=lambda place: -place[1]):
            is_beside = x_pt < at_pt < x_pt + _LABEL_PT
            if is_beside and foot_pt - _LINE_PT < label_pt < top_pt + _LINE_PT:
                label_pt = foot_pt - _LINE_PT
        axes.annotate(
            change(rung.hull_saving),
            (rung.bps / 1000, rung.vmaf),
            xytext=(5, label_pt - y_pt),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=_FIXED,
            path_effects=_HALO,
            zorder=5,
        )
        taken.append((x_pt, label_pt, label_pt))


def _place(axes: Axes, bps: float, vmaf: float) -> tuple[float, float]:
    """Where it stands in the figure, in points."""
    x, y = axes.transData.transform((bps / 1000, vmaf)) * 72 / axes.figure.dpi
    return float(x), float(y)


def _label_rungs(axes: Axes, rungs: Sequence[MeasuredRung], colours: Colours) -> None:
    """At the right end of each line, above one another."""
    low, high = axes.get_ylim()
    height_pt = axes.get_window_extent().height * 72 / axes.figure.dpi
    ends = sorted(rungs, key=lambda rung: rung.segments[-1:])
    places = apart([rung.segments[-1] for rung in ends], _LINE_PT * (high - low) / height_pt)
    for rung, place in zip(ends, places, strict=True):
        axes.annotate(
            f"{_short(rung)}p, {_rate(rung.bps)}",
            (1, place),
            xycoords=("axes fraction", "data"),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=colours[_short(rung)],
            annotation_clip=False,
        )


def _sizes(colours: Colours) -> list[Line2D]:
    return [
        Line2D([], [], color=colour, linewidth=2, label=f"{side_px}p") for side_px, colour in colours.items()
    ]


def _marks(found: TitleLadders) -> list[Line2D]:
    """Only what is in the picture."""
    marks: list[Line2D] = []
    if any(ladder.rungs for ladder in found.ladders):
        label = "rung as encoded, down to its p5"
        marks.append(Line2D([], [], color=INK, marker="o", markerfacecolor=_HULL, linestyle="", label=label))
    if any(ladder.sizes for ladder in found.ladders):
        marks.append(Line2D([], [], color=INK, marker="x", linewidth=0.9, markersize=5, label="probed"))
        marks.append(Line2D([], [], color=_HULL, linewidth=7, solid_capstyle="butt", label="hull"))
    if any(ladder.fixed for ladder in found.ladders):
        label = "Apple’s fixed ladder, estimated; bits of the hull at its VMAF"
        marks.append(
            Line2D(
                [],
                [],
                color=_FIXED,
                linestyle="--",
                marker="D",
                markersize=5,
                markerfacecolor="white",
                label=label,
            )
        )
    return marks


def _colours(found: TitleLadders) -> Colours:
    """From dark to light as sizes grow."""
    sides = {_short(rung) for ladder in found.ladders for rung in ladder.rungs}
    sides |= {min(size.width_px, size.height_px) for ladder in found.ladders for size in ladder.sizes}
    ramp = mpl.colormaps["viridis"]
    return {
        side_px: ramp(0.75 * number / max(1, len(sides) - 1)) for number, side_px in enumerate(sorted(sides))
    }


def _short(rung: MeasuredRung) -> int:
    return min(rung.width_px, rung.height_px)


def _name(ladder: CodecLadder) -> str:
    name = _NAMES.get(ladder.codec, ladder.codec)
    return name if ladder.video_range == "SDR" else f"{name}, {ladder.video_range}"


def _rate(bps: float) -> str:
    return f"{bps / 1e6:.3g} Mbit/s" if bps >= 1e6 else f"{bps / 1000:.0f} kbit/s"
