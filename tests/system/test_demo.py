"""The demonstration as a user runs it: one command, a table, a report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from encoder.clip import make_clip

pytestmark = pytest.mark.system


def penstock(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lab", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)


def test_the_demo_plays_every_viewer_to_the_end_and_reports(tmp_path: Path) -> None:
    clip = tmp_path / "short.mp4"
    make_clip(clip, duration_s=8)
    done = penstock(tmp_path, "demo", str(clip), "--sessions", "4", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert [session["failure"] for session in facts["sessions"]] == [None] * 4
    assert {tier["name"] for tier in facts["tiers"]} == {"shield", "edge-a", "edge-b"}
    assert [ladder["codec"] for ladder in facts["ladder"]["ladders"]] == ["h264"]
    assert facts["origin_bytes"] < facts["viewers_bytes"]
    page = (tmp_path / "report" / "index.html").read_text()
    assert page.count("<svg") == 2 + 4 + 1

    again = penstock(tmp_path, "demo", str(clip), "--sessions", "1", "--json")
    assert json.loads(again.stdout)["encode_s"] is None  # the second run encodes nothing


def test_an_input_that_is_no_video_gets_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no video")
    done = penstock(tmp_path, "demo", "notes.txt")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("demo: ")
    assert done.stderr.count("\n") == 1


def test_the_doctor_finds_what_is_needed(tmp_path: Path) -> None:
    done = penstock(tmp_path, "doctor", "--json")
    findings = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout
    assert all(finding["found"] for finding in findings if finding["is_needed"])
