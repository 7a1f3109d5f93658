"""Steps side by side, with real ffmpegs, some of which go wrong on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from encoder.errors import EncodeError
from encoder.ffmpeg import Ffmpeg, FfmpegError, find_ffmpeg
from encoder.measure import CutShortError, MeasureError
from encoder.plan import Plan
from encoder.pool import Task, run_all
from encoder.probe import probe
from encoder.steps import Step, all_steps, batches
from encoder.work import WorkFolder
from tests.encoder.counted import LABEL, counting, names_of, numbers, plan_of, worked
from tests.encoder.processes import ffmpegs, instead, is_running
from tests.encoder.sources import SOUND, draw

pytestmark = pytest.mark.system

SECONDS, RATE = 46, 10
GOP_S = 2
SHARP = [
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-crf",
    "10",
    "-g",
    str(GOP_S * RATE),
    "-sc_threshold",
    "0",
]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "a.mkv"
    return draw(path, *counting(str(RATE)), *SOUND, "-t", str(SECONDS), *SHARP, "-c:a", "aac")


@pytest.fixture(scope="module")
def plan(clip: Path) -> Plan:
    return plan_of(probe(clip))


@pytest.fixture(scope="module")
def right(clip: Path, plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What comes out when all goes well."""
    return media(worked(plan, clip, tmp_path_factory.mktemp("right")))


def media(work: WorkFolder) -> dict[str, bytes]:
    files = [path for path in work.media.rglob("*") if path.is_file()]
    return {path.relative_to(work.media).as_posix(): path.read_bytes() for path in files}


def with_seek(plan: Plan, chunk: int, seek: Fraction) -> Plan:
    chunks = list(plan.chunks)
    chunks[chunk] = replace(chunks[chunk], seek=seek)
    return replace(plan, chunks=tuple(chunks))


def done(work: WorkFolder, plan: Plan) -> list[Step]:
    return [step for step in all_steps(plan) if work.done(step)]


def test_the_plan_of_these_tests_has_three_chunks(plan: Plan) -> None:
    assert [(chunk.first_frame, chunk.seek) for chunk in plan.chunks] == [(0, None), (160, 16), (320, 32)]


def test_every_frame_is_in_its_place(clip: Path, plan: Plan, tmp_path: Path) -> None:
    assert numbers(worked(plan, clip, tmp_path)) == list(range(SECONDS * RATE))


@pytest.mark.parametrize("jobs", [1, 3])
def test_how_many_work_side_by_side_changes_nothing(
    clip: Path, plan: Plan, right: dict[str, bytes], tmp_path: Path, jobs: int
) -> None:
    assert media(worked(plan, clip, tmp_path, jobs)) == right


@pytest.mark.parametrize("chunk", [2, 3])
@pytest.mark.parametrize("late_s", [-7.3, 0.1, GOP_S, 13, 17, 100])
def test_a_place_to_decode_from_that_is_wrong_changes_nothing(
    clip: Path, plan: Plan, right: dict[str, bytes], tmp_path: Path, chunk: int, late_s: float
) -> None:
    wrong = with_seek(plan, chunk - 1, (plan.chunks[chunk - 1].seek or 0) + Fraction(late_s))
    work = WorkFolder(tmp_path, names_of(plan))
    others = [step for step in all_steps(plan) if step.chunk != chunk]
    task = Task(plan=wrong, ffmpeg=find_ffmpeg(), input_path=str(clip))
    run_all(task, work, batches(wrong, others, 1), 1, lambda _: None)
    made = media(work)
    assert len(made) >= 4
    assert made == {path: right[path] for path in made}


@pytest.mark.parametrize("every", [Fraction(1), Fraction(1, RATE), Fraction(1, 7)], ids=str)
def test_key_frames_that_are_made_up_change_no_frame(clip: Path, tmp_path: Path, every: Fraction) -> None:
    source = probe(clip)
    made_up = tuple(source.video.start + at * every for at in range(int(SECONDS / every)))
    plan = plan_of(replace(source, key_frames=made_up))
    assert len(plan.chunks) >= 2
    assert numbers(worked(plan, clip, tmp_path)) == list(range(SECONDS * RATE))


def test_progress_rises_and_ends_near_the_whole(clip: Path, plan: Plan, tmp_path: Path) -> None:
    heard: list[float] = []
    work = WorkFolder(tmp_path, names_of(plan))
    task = Task(plan=plan, ffmpeg=find_ffmpeg(), input_path=str(clip))
    run_all(task, work, batches(plan, (), 2), 2, heard.append)
    assert heard == sorted(heard)
    assert all(0 <= share <= 1 for share in heard)


def test_nothing_to_do_is_done_at_once(clip: Path, plan: Plan, tmp_path: Path) -> None:
    task = Task(plan=plan, ffmpeg=Ffmpeg("/no/ffmpeg", "0"), input_path=str(clip))
    run_all(task, WorkFolder(tmp_path, names_of(plan)), [], 2, lambda _: None)


def test_what_is_done_is_not_done_again(
    clip: Path, plan: Plan, right: dict[str, bytes], tmp_path: Path
) -> None:
    work = worked(plan, clip, tmp_path)
    (work.media / LABEL / "6.m4s").unlink()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "steps").iterdir()}
    task = Task(plan=plan, ffmpeg=find_ffmpeg(), input_path=str(clip))
    left = batches(plan, done(work, plan), 2)
    assert [step.name for batch in left for step in batch.steps] == [f"{LABEL}.2"]
    run_all(task, work, left, 2, lambda _: None)
    assert media(work) == right
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "steps").iterdir()}
    assert [path.stem for path in after if after[path] != before[path]] == [f"{LABEL}.2"]


def run_interrupted(task: Task, work: WorkFolder, jobs: int) -> Sequence[int]:
    """Ctrl-C once all processes are under way; which they were."""
    seen: list[int] = []

    def interrupt(_share: float) -> None:
        seen[:] = ffmpegs()
        if len(seen) == jobs:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all(task, work, batches(task.plan, (), jobs), jobs, interrupt)
    return seen


def test_an_interruption_ends_all_processes_before_it_goes_on(clip: Path, plan: Plan, tmp_path: Path) -> None:
    slow = instead(tmp_path / "slow", 'exec "$FFMPEG" -re "$@"')  # as fast as it plays: 16 s a chunk
    work = WorkFolder(tmp_path / "work", names_of(plan))
    seen = run_interrupted(Task(plan=plan, ffmpeg=slow, input_path=str(clip)), work, 3)
    assert len(seen) == 3
    assert not any(map(is_running, seen))
    assert list((tmp_path / "work" / "rooms").iterdir()) == []
    assert done(work, plan) == []


def test_the_first_error_ends_the_others(clip: Path, plan: Plan, tmp_path: Path) -> None:
    """Sound cannot be encoded; the picture would take long."""
    script = 'case "$*" in *audio-und*) echo "no such sound" >&2; exit 1;; esac; exec "$FFMPEG" -re "$@"'
    broken = instead(tmp_path / "broken", script)
    work = WorkFolder(tmp_path / "work", names_of(plan))
    task = Task(plan=plan, ffmpeg=broken, input_path=str(clip))
    with pytest.raises(FfmpegError, match=r"^ffmpeg: no such sound$"):
        run_all(task, work, batches(plan, (), 4), 4, lambda _: None)
    assert task.stop.is_set()
    assert ffmpegs() == []


def test_what_was_done_before_an_error_is_kept(clip: Path, plan: Plan, tmp_path: Path) -> None:
    script = 'case "$*" in *audio-und*) echo "no such sound" >&2; exit 1;; esac; exec "$FFMPEG" "$@"'
    broken = instead(tmp_path / "broken", script)
    work = WorkFolder(tmp_path / "work", names_of(plan))
    task = Task(plan=plan, ffmpeg=broken, input_path=str(clip))
    with pytest.raises(FfmpegError):
        run_all(task, work, sorted(batches(plan, (), 1), key=lambda batch: batch.cost), 1, lambda _: None)
    picture = [step for step in all_steps(plan) if step.label == LABEL]
    assert done(work, plan) == [step for step in picture if work.done(step)]
    assert work.done(Step("audio-und")) is None


EARLY = [  # id, what stands in the place of ffmpeg
    pytest.param('exec "$FFMPEG" -t 6 "$@"', CutShortError, id="ends-early"),
    pytest.param('"$FFMPEG" "$@"; rm -f 32p/3.m4s', MeasureError, id="loses-a-file"),
    pytest.param('"$FFMPEG" "$@"; : > 32p/2.m4s', MeasureError, id="leaves-an-empty-file"),
    pytest.param('"$FFMPEG" "$@"; head -c 700 32p/2.m4s > x; mv x 32p/2.m4s', MeasureError, id="half-a-file"),
    pytest.param('"$FFMPEG" "$@"; rm -f 32p/*', MeasureError, id="leaves-nothing"),
    pytest.param("exit 0", MeasureError, id="does-nothing"),
]


@pytest.mark.parametrize(("script", "error"), EARLY)
def test_an_ffmpeg_that_ends_well_with_less_than_was_asked_for_is_found_out(
    clip: Path, plan: Plan, tmp_path: Path, script: str, error: type[EncodeError]
) -> None:
    silent = replace(plan, audio=())
    work = WorkFolder(tmp_path / "work", names_of(silent))
    task = Task(plan=silent, ffmpeg=instead(tmp_path / "liar", f"{script}; exit 0"), input_path=str(clip))
    with pytest.raises(error, match=r"^32p: ") as told:
        run_all(task, work, batches(silent, (), 1), 1, lambda _: None)
    assert "\n" not in str(told.value)
    assert done(work, silent) == []


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_source_that_is_cut_short_after_it_was_looked_at_is_found_out(
    clip: Path, plan: Plan, tmp_path: Path, share: float
) -> None:
    silent = replace(plan, audio=())
    short = tmp_path / "short.mkv"
    short.write_bytes(clip.read_bytes()[: int(clip.stat().st_size * share)])
    with pytest.raises(CutShortError, match=r"^32p: .*") as told:
        worked(silent, short, tmp_path / "work")
    assert "\n" not in str(told.value)
