"""The report of a run, or of a title: one self-contained HTML page, and the same facts as JSON beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from lab.ladder import TitleLadders, change, ladder_values
from lab.ladder_plot import ladder_plot
from lab.lines import session_lines
from lab.outcome import Run, run_values
from lab.plots import OUTCOME_COLOURS, bytes_plot, session_plot, tiers_plot
from media.title import Title
from service.units import format_size


def write_report(run: Run, folder: Path) -> Path:
    """Write index.html and report.json into `folder`; returns the page."""
    return _write(html(run), run_values(run), folder)


def write_title_report(title: Title, ladders: TitleLadders, folder: Path) -> Path:
    """As `write_report`."""
    return _write(title_html(title, ladders), title_values(title, ladders), folder)


def html(run: Run) -> str:
    """The page; the template escapes whatever is not a plot."""
    stages = [("viewers ← edges", run.viewers_bytes), ("shield ← origin", run.origin_bytes)]
    return _page(
        "report.html.j2",
        run.ladders,
        run=run,
        presentation=run.presentation,
        outcomes=[name for name in OUTCOME_COLOURS if any(tier.by_outcome.get(name) for tier in run.tiers)],
        tiers_plot=Markup(tiers_plot(run.tiers)),
        bytes_plot=Markup(bytes_plot(stages)),
        plots=[_plot(run, number) for number in range(len(run.sessions))],
    )


def title_html(title: Title, ladders: TitleLadders) -> str:
    return _page("title.html.j2", ladders, title=title, presentation=title.presentation)


def title_values(title: Title, ladders: TitleLadders) -> dict[str, object]:
    return {"title": title.name, "version": title.version} | ladder_values(ladders)


def _page(template: str, ladders: TitleLadders | None, **values: object) -> str:
    environment = Environment(
        loader=PackageLoader("lab", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": _percent, "size": format_size, "kbps": _kbps, "change": change}
    return environment.get_template(template).render(
        style=Markup(files("lab").joinpath("report.css").read_text(encoding="utf-8")),
        ladders=ladders,
        ladder_plot=Markup(ladder_plot(ladders)) if ladders else None,
        **values,
    )


def _plot(run: Run, number: int) -> Markup | None:
    """The plot of one session; None if it fetched nothing."""
    session = run.sessions[number]
    return Markup(session_plot(session_lines(run.presentation, session))) if session.result.video else None


def _percent(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.1%}"


def _kbps(bps: float | None) -> str:
    return "–" if bps is None else f"{bps / 1000:.0f}"


def _write(page: str, values: Mapping[str, object], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / "report.json", json.dumps(values, indent=1) + "\n")
    _replace(folder / "index.html", page)
    return folder / "index.html"


def _replace(path: Path, text: str) -> None:
    """A reader sees the old file or the new one, never half of one."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
