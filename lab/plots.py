"""Plots of a run as SVG text, and the style of every plot. What is drawn is computed elsewhere."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from lab.measure import Tier

INK, FAINT = "#1d2733", "#d9dfe6"
OUTCOME_COLOURS = {
    "hit": "#2a9d74",
    "collapsed": "#7cc6a4",
    "revalidated": "#4c83c3",
    "stale": "#e0a030",
    "miss": "#c8503f",
    "pass": "#8d99a6",
    "refused": "#5b3a5e",
}
STYLE: Mapping[str, object] = {
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "penstock",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLines:
    """One session's course: what was fetched, how full the buffer was, and what the link gave, over time."""

    requested_s: Sequence[float]
    bitrate_bps: Sequence[float]
    outcomes: Sequence[str]  # of the cache nearest to the player
    buffer_at_s: Sequence[float]
    buffer_s: Sequence[float]
    link_at_s: Sequence[float]
    link_bps: Sequence[float]
    stalls: Sequence[tuple[float, float]]  # start and end
    ladder_bps: Sequence[float]


def session_plot(lines: SessionLines) -> str:
    """Bit rate above, buffer below, on one time axis."""
    with mpl.rc_context(dict(STYLE)):  # type: ignore[arg-type]
        figure = Figure(figsize=(6.2, 3.3), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        _draw_bitrate(above, lines)
        _draw_buffer(below, lines)
        return as_svg(figure)


def _draw_bitrate(axes: Axes, lines: SessionLines) -> None:
    top_bps = max(lines.ladder_bps) * 1.25
    axes.step(
        lines.link_at_s,
        [min(rate, top_bps) / 1e6 for rate in lines.link_bps],
        where="post",
        color="#9aa7b5",
        linewidth=1.0,
        label="link",
    )
    rates = [rate / 1e6 for rate in lines.bitrate_bps]
    axes.step(lines.requested_s, rates, where="post", color=INK, linewidth=1.1)
    for outcome, colour in OUTCOME_COLOURS.items():
        marks = [
            (at_s, rate)
            for at_s, rate, what in zip(lines.requested_s, rates, lines.outcomes, strict=True)
            if what == outcome
        ]
        if marks:
            axes.scatter(
                [at_s for at_s, _ in marks],
                [rate for _, rate in marks],
                s=22,
                color=colour,
                zorder=3,
                label=outcome,
            )
    axes.set_ylabel("Mbit/s")
    axes.set_ylim(0, top_bps / 1e6)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.24), ncols=7, frameon=False, fontsize=8)


def _draw_buffer(axes: Axes, lines: SessionLines) -> None:
    axes.fill_between(lines.buffer_at_s, lines.buffer_s, color="#4c83c3", alpha=0.25, linewidth=0)
    axes.plot(lines.buffer_at_s, lines.buffer_s, color="#4c83c3", linewidth=1.1)
    for start_s, end_s in lines.stalls:
        axes.axvspan(start_s, end_s, color="#c8503f", alpha=0.35, linewidth=0)
    axes.set_ylabel("buffer, s")
    axes.set_xlabel("time, s")
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))


def tiers_plot(tiers: Sequence[Tier]) -> str:
    """Each cache's requests by outcome, as shares of one."""
    with mpl.rc_context(dict(STYLE)):  # type: ignore[arg-type]
        figure = Figure(figsize=(6.2, 0.55 * len(tiers) + 1.1), layout="constrained")
        axes = figure.subplots()
        names = [tier.name for tier in tiers]
        left = [0.0] * len(tiers)
        for outcome, colour in OUTCOME_COLOURS.items():
            shares = [tier.by_outcome.get(outcome, 0) / max(1, tier.requests) for tier in tiers]
            if any(shares):
                axes.barh(names, shares, left=left, color=colour, label=outcome, height=0.62)
            left = [start + share for start, share in zip(left, shares, strict=True)]
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_xlim(0, 1)
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.3), ncols=7, frameon=False, fontsize=8)
        return as_svg(figure)


def bytes_plot(stages: Sequence[tuple[str, int]]) -> str:
    """How many bytes crossed each stage of the path."""
    with mpl.rc_context(dict(STYLE)):  # type: ignore[arg-type]
        figure = Figure(figsize=(6.2, 0.55 * len(stages) + 0.8), layout="constrained")
        axes = figure.subplots()
        sizes = [size_bytes / 2**20 for _, size_bytes in stages]
        bars = axes.barh([name for name, _ in stages], sizes, color="#4c83c3", height=0.62)
        axes.bar_label(bars, fmt="%.1f MiB", padding=4)
        axes.margins(x=0.16)
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("MiB")
        return as_svg(figure)


def as_svg(figure: Figure) -> str:
    """The picture as an element to stand in a page: no XML head, no date."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]
