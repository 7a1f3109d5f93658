"""The report of a run: one self-contained HTML page, and the same facts as JSON beside it."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from lab.lines import session_lines
from lab.outcome import Run, run_values
from lab.plots import OUTCOME_COLOURS, bytes_plot, session_plot, tiers_plot
from service.units import format_size


def write_report(run: Run, folder: Path) -> Path:
    """Write index.html and report.json into `folder`; returns the page."""
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / "report.json", json.dumps(run_values(run), indent=1) + "\n")
    page = folder / "index.html"
    _replace(page, html(run))
    return page


def html(run: Run) -> str:
    """The page; the template escapes whatever is not a plot."""
    environment = Environment(
        loader=PackageLoader("lab", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": _percent, "size": format_size, "kbps": lambda bps: f"{bps / 1000:.0f}"}
    stages = [("viewers ← edges", run.viewers_bytes), ("shield ← origin", run.origin_bytes)]
    return environment.get_template("report.html.j2").render(
        run=run,
        style=Markup(files("lab").joinpath("report.css").read_text(encoding="utf-8")),
        outcomes=[name for name in OUTCOME_COLOURS if any(tier.by_outcome.get(name) for tier in run.tiers)],
        tiers_plot=Markup(tiers_plot(run.tiers)),
        bytes_plot=Markup(bytes_plot(stages)),
        plots=[_plot(run, number) for number in range(len(run.sessions))],
    )


def _plot(run: Run, number: int) -> Markup | None:
    """The plot of one session; None if it fetched nothing."""
    session = run.sessions[number]
    return Markup(session_plot(session_lines(run.presentation, session))) if session.result.video else None


def _percent(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.1%}"


def _replace(path: Path, text: str) -> None:
    """A reader sees the old file or the new one, never half of one."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
