"""Every output frame shows the very source frame that it shows when the title is not cut into chunks.

The sources are those that a seek gets wrong: open GOPs, pictures that lean on what is before their key frame,
containers without an index, times that begin anywhere.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from encoder.chunks import Chunk
from encoder.plan import Plan
from encoder.probe import probe
from tests.encoder.counted import draw_counted, numbers, plan_of, worked
from tests.encoder.sources import draw

pytestmark = pytest.mark.system

SECONDS = 34


def x264(gop: int, *more: str, preset: str = "ultrafast") -> list[str]:
    keys = ["-g", str(gop), "-keyint_min", str(gop), "-sc_threshold", "0"]
    return ["-c:v", "libx264", "-preset", preset, "-crf", "10", "-pix_fmt", "yuv420p", *keys, *more]


def with_b_frames(gop: int, *more: str) -> list[str]:
    return x264(gop, "-bf", "3", *more, preset="superfast")


def x265(parameters: str) -> list[str]:
    quiet = "log-level=error:pools=none:frame-threads=1:scenecut=0:bframes=3"
    return ["-c:v", "libx265", "-preset", "ultrafast", "-crf", "10", "-x265-params", f"{quiet}:{parameters}"]


OPEN = ["-x264-params", "open-gop=1:b-adapt=0"]
HEVC_OPEN = x265("open-gop=1:keyint=40:min-keyint=40")  # CRA, and RASL that a decoder begun there leaves out
REFRESH = ["-x264-params", "intra-refresh=1"]  # no key frame at all, but places from which it heals
MPEG2 = ["-c:v", "mpeg2video", "-q:v", "2", "-bf", "2"]
WOVEN = ["-vf", "setfield=tff", "-flags", "+ildct+ilme"]
VARYING = ["-vf", "select='mod(n,5)*lt(random(1),0.8)'", "-fps_mode", "vfr"]
FILM = "24000/1001"
SOURCES = [  # id, file, frame rate, how it is drawn
    pytest.param("a.mp4", "10", x264(10), id="gop-of-1-s"),
    pytest.param("a.mp4", "10", x264(20), id="gop-of-2-s"),
    pytest.param("a.mp4", "10", x264(100), id="gop-of-10-s"),
    pytest.param("a.mp4", "10", with_b_frames(30), id="b-frames"),
    pytest.param("a.mp4", FILM, with_b_frames(48), id="film"),
    pytest.param("a.ts", FILM, with_b_frames(48), id="film-in-ts"),
    pytest.param("a.mp4", "60", [*with_b_frames(60), "-r", "120"], id="twice-the-rate"),
    pytest.param("a.mp4", "10", with_b_frames(30, *OPEN), id="open-gop-in-mp4"),
    pytest.param("a.mkv", "10", with_b_frames(30, *OPEN), id="open-gop-in-matroska"),
    pytest.param("a.ts", "10", with_b_frames(30, *OPEN), id="open-gop-in-ts"),
    pytest.param("a.mkv", "10", x264(40, *REFRESH), id="intra-refresh-in-matroska"),
    pytest.param("a.ts", "10", x264(40, *REFRESH), id="intra-refresh-in-ts"),
    pytest.param("a.mp4", "10", HEVC_OPEN, id="hevc-cra-in-mp4"),
    pytest.param("a.ts", "10", HEVC_OPEN, id="hevc-cra-in-ts"),
    pytest.param("a.ts", "25", [*MPEG2, "-g", "15"], id="mpeg-2-in-ts"),
    pytest.param("a.mpg", "25", [*MPEG2, "-g", "15"], id="mpeg-2-in-ps"),
    pytest.param("a.ts", "25", [*MPEG2, *WOVEN, "-g", "12"], id="interlaced"),
    pytest.param("a.mkv", "10", with_b_frames(30, "-live", "1"), id="matroska-without-cues"),
    pytest.param("a.mkv", "25", with_b_frames(30, *VARYING), id="variable-rate-in-matroska"),
    pytest.param("a.mp4", "25", with_b_frames(30, *VARYING), id="variable-rate-in-mp4"),
    pytest.param("a.mp4", "10", with_b_frames(30, "-output_ts_offset", "3.21"), id="late-mp4"),
    pytest.param("a.mkv", "10", with_b_frames(30, "-output_ts_offset", "3.21"), id="late-matroska"),
    pytest.param("a.ts", "10", with_b_frames(30, "-output_ts_offset", "300.21"), id="late-ts"),
    pytest.param("a.avi", "10", ["-c:v", "mpeg4", "-q:v", "2", "-g", "20", "-bf", "2"], id="avi"),
]  # fmt: skip
UNEVEN = "variable-rate"


def uncut(plan: Plan) -> Plan:
    chunk = Chunk(number=1, first_frame=0, frames=plan.timing.frames, seek=None)
    return replace(plan, chunks=(chunk,))


def shown(plan: Plan, path: Path, root: Path) -> list[int]:
    return numbers(worked(plan, path, root))


@pytest.mark.parametrize(("file", "rate", "drawn"), SOURCES)
def test_chunks_show_the_frames_of_the_whole(
    request: pytest.FixtureRequest, tmp_path: Path, file: str, rate: str, drawn: list[str]
) -> None:
    path = draw_counted(tmp_path / file, rate, SECONDS, *drawn)
    plan = plan_of(probe(path))
    assert len(plan.chunks) >= 2
    in_chunks = shown(plan, path, tmp_path / "chunks")
    assert len(in_chunks) == plan.timing.frames
    assert in_chunks == shown(uncut(plan), path, tmp_path / "whole")
    if UNEVEN not in request.node.callspec.id:
        assert in_chunks == list(range(plan.timing.frames))


def test_an_edit_list_that_hides_the_first_frames_hides_them_from_chunks_too(tmp_path: Path) -> None:
    """A cut without a new encode: the file holds the whole GOP, its times begin below 0."""
    long = draw_counted(tmp_path / "long.mp4", "10", SECONDS + 6, *with_b_frames(30))
    path = draw(tmp_path / "a.mp4", "-ss", "4.7", "-i", str(long), "-c", "copy")
    plan = plan_of(probe(path))
    assert len(plan.chunks) >= 2
    in_chunks = shown(plan, path, tmp_path / "chunks")
    assert in_chunks == shown(uncut(plan), path, tmp_path / "whole")
    assert in_chunks == list(range(47, 47 + plan.timing.frames))


def test_a_held_picture_is_held_in_its_chunk(tmp_path: Path) -> None:
    silence = ["-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono"]
    path = draw_counted(tmp_path / "p.mp4", "10", SECONDS, *x264(20))
    both = draw(tmp_path / "a.mp4", "-i", str(path), *silence, "-t", "37", "-c:v", "copy", "-c:a", "aac")
    plan = plan_of(probe(both))
    assert (plan.timing.frames, plan.timing.held_frames) == (370, 30)
    last = SECONDS * 10 - 1
    assert shown(plan, both, tmp_path / "chunks") == [*range(last + 1), *[last] * 30]


def test_a_title_of_many_chunks_is_the_same_all_along(tmp_path: Path) -> None:
    """At key frames of every kind of distance."""
    path = draw_counted(
        tmp_path / "a.mkv", "10", 120, *x264(600), "-force_key_frames", "7,7.1,16,17.3,31,32.4,50,71.9,90,100"
    )
    plan = plan_of(probe(path))
    assert len(plan.chunks) >= 4
    assert {chunk.seek is None for chunk in plan.chunks[1:]} == {False}
    assert plan.timing.frame_rate == Fraction(10)
    assert shown(plan, path, tmp_path / "chunks") == list(range(1200))
