from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path

import pytest

from encoder.ffmpeg import find_ffmpeg
from encoder.finishing import Finished, finish, titled, write_texts
from encoder.measure import MeasureError
from encoder.plan import Plan
from encoder.probe import probe
from encoder.texts import TextPlan
from encoder.work import WorkFolder
from media.title import read_title
from media.webvtt import Cue, WebVtt
from tests.encoder.counted import LABEL, draw_counted, names_of, plan_of, worked
from tests.encoder.sources import FAST

pytestmark = pytest.mark.system

SUFFIX = "0a1b2c3d"
SUBTITLES = TextPlan(
    label="en",
    language="en",
    title="All",
    is_default=True,
    is_forced=False,
    is_sdh=False,
    cues=WebVtt(cues=(Cue(start_ms=1000, end_ms=6000, payload="Hello"),)),
)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_counted(tmp_path_factory.mktemp("clip") / "a.mp4", "10", 34, *FAST, "-g", "20")


@pytest.fixture(scope="module")
def plan(clip: Path) -> Plan:
    return plan_of(probe(clip))


@pytest.fixture
def work(clip: Path, plan: Plan, tmp_path: Path) -> WorkFolder:
    return worked(plan, clip, tmp_path)


def finished(plan: Plan, work: WorkFolder, *texts: TextPlan) -> Finished:
    return finish(plan, names_of(plan), SUFFIX, texts, find_ffmpeg(), work, 1, None)


def test_a_title_has_its_media_pictures_and_subtitles_each_with_its_checksum(
    plan: Plan, work: WorkFolder
) -> None:
    done = finished(plan, work, SUBTITLES)
    paths = [file.path for file in done.files]
    assert paths == sorted(set(paths))
    assert {path.partition("/")[0] for path in paths} == {LABEL, "subtitles", "thumbnails"}
    for file in done.files:
        data = (work.media / file.path).read_bytes()
        assert (file.size_bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_the_chunks_of_a_rung_follow_one_another(plan: Plan, work: WorkFolder) -> None:
    assert len(plan.chunks) == 2
    (track,) = finished(plan, work).made.video
    assert track.timeline.duration == plan.timing.duration == Fraction(34)
    assert [segment.number for segment in track.timeline.segments] == list(range(1, 10))


def test_subtitles_are_cut_where_the_picture_is(plan: Plan, work: WorkFolder) -> None:
    made = finished(plan, work, SUBTITLES).made
    (text,), (picture,) = made.text, made.video
    assert text.rendition.name == f"subtitles/en-{SUFFIX}"
    assert text.rendition.is_default
    ends = [text.timeline.seconds(segment.end_ticks) for segment in text.timeline.segments]
    assert ends == [picture.timeline.seconds(segment.end_ticks) for segment in picture.timeline.segments]


@pytest.mark.parametrize("lost", ["3.m4s", "init.mp4"])
def test_what_is_gone_is_noticed_before_anything_is_announced(
    plan: Plan, work: WorkFolder, lost: str
) -> None:
    (work.media / LABEL / lost).unlink()
    with pytest.raises(MeasureError, match=r"^32p\.\d: what was made of it is gone; run it again$"):
        finished(plan, work)


def test_finishing_twice_gives_the_same(plan: Plan, work: WorkFolder) -> None:
    """A run that died while it was finishing has left what the next one writes again."""
    first = finished(plan, work, SUBTITLES)
    before = {file.path: (work.media / file.path).read_bytes() for file in first.files}
    assert finished(plan, work, SUBTITLES) == first
    assert {file.path: (work.media / file.path).read_bytes() for file in first.files} == before


def test_the_texts_end_with_what_makes_it_a_title(plan: Plan, work: WorkFolder) -> None:
    title = titled("film", finished(plan, work), "a key")
    names = write_texts(title, "a plan\n", work.media)
    assert names == ["plan.json", "manifest.mpd", "master.m3u8", "title.json"]
    assert read_title((work.media / "title.json").read_bytes()) == title
    assert (work.media / "plan.json").read_text() == "a plan\n"
    assert (work.media / LABEL / "index.m3u8").is_file()
    assert (work.media / LABEL / "iframes.m3u8").is_file()


def test_the_version_follows_the_content(plan: Plan, work: WorkFolder) -> None:
    plain, subtitled = finished(plan, work), finished(plan, work, SUBTITLES)
    assert titled("film", plain, "").version == titled("film", plain, "other").version
    assert titled("film", plain, "").version != titled("film", subtitled, "").version
