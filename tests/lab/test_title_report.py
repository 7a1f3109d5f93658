"""`penstock report`: the page and figures of a published title's ladder, or one line why there is none."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from encoder.findings import Findings, write_findings
from encoder.source import VideoSource
from lab.cli import main
from media.presentation import Presentation, Track
from media.rendition import VideoRendition
from media.title import Title, TitleFile, content_version, write_title
from tests.encoder.sources import HD
from tests.lab.ladders import analysis, measured
from tests.media.presentations import video


def publish(folder: Path, *rungs: Track[VideoRendition], is_probed: bool = True) -> Path:
    """What of a title a report reads: its two texts."""
    digest = hashlib.sha256(b"").hexdigest()
    uris = {segment.uri for track in rungs for segment in track.timeline.segments}
    uris |= {track.init.uri for track in rungs if track.init}
    files = tuple(TitleFile(path=uri, size_bytes=0, sha256=digest) for uri in sorted(uris))
    title = Title(
        name=folder.name,
        version=content_version(files),
        presentation=Presentation(video=rungs),
        files=files,
        plan_key="5f" * 32,
    )
    findings = Findings(request_key="a" * 64, analyses=(analysis(),) if is_probed else ())
    plan = {
        "findings": json.loads(write_findings(findings)),
        "plan": {"source": TypeAdapter(VideoSource).dump_python(HD, mode="json")},
    }
    folder.mkdir(parents=True)
    (folder / "title.json").write_text(write_title(title))
    (folder / "plan.json").write_text(json.dumps(plan))
    return folder


def report(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as end:
        main(["report", *map(str, arguments)])
    return end.value.code


RUNGS = measured(360, 300_000, 80), measured(720, 1_500_000, 94)


def test_a_title_gets_a_page_with_its_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = publish(tmp_path / "library" / "clip", *RUNGS)
    assert report(folder, "-o", tmp_path / "out") in (0, None)
    page = (tmp_path / "out" / "index.html").read_text()
    assert page.startswith("<!doctype html>")
    assert page.count("<svg") == 1
    assert "fixed ladder" in page
    said = capsys.readouterr().out
    assert "720p-1f3a9b2c" in said
    assert said.splitlines()[-1] == f"Report: {tmp_path / 'out' / 'index.html'}"


def test_its_figures_are_json_on_standard_output_and_beside_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = publish(tmp_path / "library" / "clip", *RUNGS)
    assert report(folder.as_uri(), "-o", tmp_path / "out", "--json") in (0, None)  # a URL does as well
    values: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert values == json.loads((tmp_path / "out" / "report.json").read_text())
    assert values["title"] == "clip"
    (ladder,) = values["ladders"]
    assert [(rung["bps"], rung["vmaf"]) for rung in ladder["rungs"]] == [(300_000, 80), (1_500_000, 94)]
    assert ladder["hull"]
    assert ladder["fixed"]


def test_a_fixed_ladder_that_was_measured_gets_its_rungs_alone(tmp_path: Path) -> None:
    folder = publish(tmp_path / "clip", *RUNGS, is_probed=False)
    assert report(folder, "-o", tmp_path / "out") in (0, None)
    page = (tmp_path / "out" / "index.html").read_text()
    assert page.count("<svg") == 1
    assert "probed" not in page
    assert "fixed ladder" not in page


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(lambda at: publish(at, video(360), is_probed=False), "--ladder auto", id="unmeasured"),
        pytest.param(lambda at: at, "holds its title.json", id="nothing-there"),
        pytest.param(lambda at: (at.mkdir(), (at / "title.json").write_text("{")), "title.json", id="broken"),
    ],
)
def test_without_a_ladder_to_show_it_says_why_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Any, says: str
) -> None:
    make(tmp_path / "clip")
    assert report(tmp_path / "clip", "-o", tmp_path / "out") == 1
    said = capsys.readouterr().err
    assert said.startswith("report: ")
    assert says in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()
