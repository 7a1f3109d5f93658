"""The report: one page that needs nothing else, and the same facts as JSON."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

from lab.lines import session_lines
from lab.report import html, write_report
from tests.lab.runs import HIT, MISS, MOVIE, run_of, session


class _Counter(HTMLParser):
    """Counts elements, and notes whatever would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: dict[str, int] = {}
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] = self.elements.get(tag, 0) + 1
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]


def test_the_page_fetches_nothing() -> None:
    page = _Counter()
    page.feed(html(run_of(session("cable", 5e6, MISS, HIT))))
    assert [url for url in page.fetched if not url.startswith("#")] == []
    assert page.elements["svg"] == 3  # outcomes, bytes, one session


def test_every_session_has_its_plot_and_its_row() -> None:
    text = html(run_of(session("cable", 5e6, MISS, HIT), session("3G", 8e5, HIT)))
    assert text.count("<figure>") == 2 + 2
    assert len(re.findall(r"<tr><td>(?:cable|3G)</td>", text)) == 2


def test_what_came_from_outside_is_escaped() -> None:
    text = html(run_of(session("cable", 5e6, HIT), title="<script>alert(1)</script>"))
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_the_page_and_its_facts_are_written_together(tmp_path: Path) -> None:
    page = write_report(run_of(session("cable", 5e6, HIT)), tmp_path / "report")
    assert page.read_text().startswith("<!doctype html>")
    assert json.loads((tmp_path / "report" / "report.json").read_text())["title"] == "bunny"
    assert sorted(path.name for path in page.parent.iterdir()) == ["index.html", "report.json"]


def test_the_lines_of_a_plot_cover_the_whole_session() -> None:
    played = session("cable", 5e6, MISS, HIT)
    lines = session_lines(MOVIE, played)
    assert len(lines.requested_s) == 10
    assert lines.outcomes == ["miss"] + ["hit"] * 9
    assert lines.link_at_s[-1] == played.result.end_s
    assert set(lines.link_bps) == {5e6}
    assert lines.buffer_at_s == sorted(lines.buffer_at_s)
