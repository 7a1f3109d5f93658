"""From ffmpeg's files to segments; the files are ffmpeg's own, made once for all tests here."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from encoder.commands import picture_arguments, sound_arguments
from encoder.ffmpeg import find_ffmpeg, run
from encoder.ladder import Rung
from encoder.measure import CutShortError, MeasureError
from encoder.plan import Plan
from encoder.probe import probe
from encoder.records import StepRecord
from encoder.written import keep_picture, keep_sound
from media.boxes import read_boxes
from media.cmaf import read_fragment, read_init
from tests.encoder.counted import LABEL, counting, plan_of
from tests.encoder.sources import FAST, SOUND, draw

pytestmark = pytest.mark.system

GOP, SEGMENT = 10, 20  # frames, at 5 a second
TITLE = 167  # frames: 8 segments, and 7 frames that are too few for one
INNER, LAST = 0, 1


Copied = Callable[[int | str], Path]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("written")


@pytest.fixture(scope="module")
def plan(root: Path) -> Plan:
    """A title in two chunks, with all that ffmpeg makes of it in the folders `0`, `1` and `sound`."""
    clip = draw(
        root / "a.mp4", *counting("5"), *SOUND, "-t", str(TITLE / 5), *FAST, "-g", "10", "-c:a", "aac"
    )
    plan = plan_of(probe(clip))
    for chunk in plan.chunks:
        folder = root / str(chunk.number - 1)
        (folder / LABEL).mkdir(parents=True)
        command = picture_arguments(plan, chunk, plan.rungs, str(clip), chunk.seek)
        run(find_ffmpeg(), command, folder, lambda *_: None)
    (root / "sound" / plan.audio[0].label).mkdir(parents=True)
    run(find_ffmpeg(), sound_arguments(plan, plan.audio[0], str(clip)), root / "sound", lambda *_: None)
    return plan


@pytest.fixture
def copied(root: Path, tmp_path: Path) -> Copied:
    """What ffmpeg has left of a chunk or of the sound, to be spoilt."""

    def copy(which: int | str) -> Path:
        (made,) = (root / str(which)).iterdir()
        return Path(shutil.copytree(made, tmp_path / f"copy-{which}", dirs_exist_ok=True))

    return copy


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    folder = tmp_path / "kept"
    folder.mkdir()
    return folder


def keep(plan: Plan, which: int, made: Path, kept: Path) -> StepRecord:
    return keep_picture(plan, plan.chunks[which], plan.rungs[0], made, kept)


def with_chunk(plan: Plan, which: int, frames: int) -> Plan:
    """The same plan with more frames in one chunk; the title ends with the last."""
    chunks = list(plan.chunks)
    chunks[which] = replace(chunks[which], frames=frames)
    return replace(plan, chunks=tuple(chunks), timing=replace(plan.timing, frames=chunks[-1].end_frame))


def one_line(error: pytest.ExceptionInfo[MeasureError]) -> str:
    text = str(error.value)
    assert text
    assert "\n" not in text
    return text


def test_the_plan_of_these_tests_has_two_chunks(plan: Plan) -> None:
    assert (plan.timing.gop_frames, plan.timing.segment_frames, plan.timing.frames) == (GOP, SEGMENT, TITLE)
    assert [(chunk.first_frame, chunk.frames) for chunk in plan.chunks] == [(0, 80), (80, 87)]


def test_two_gops_make_a_segment(plan: Plan, copied: Copied, kept: Path) -> None:
    record = keep(plan, INNER, copied(INNER), kept)
    assert [segment.number for segment in record.segments] == [1, 2, 3, 4]
    assert {segment.samples for segment in record.segments} == {SEGMENT}
    assert {len(segment.key_frames) for segment in record.segments} == {2}
    assert sorted(path.name for path in kept.iterdir()) == ["1.m4s", "2.m4s", "3.m4s", "4.m4s", "init.mp4"]


def test_what_is_recorded_is_what_is_there(plan: Plan, copied: Copied, kept: Path) -> None:
    record = keep(plan, INNER, copied(INNER), kept)
    header = (kept / "init.mp4").read_bytes()
    assert (record.init_size_bytes, record.init_sha256) == (len(header), hashlib.sha256(header).hexdigest())
    init = read_init(header)
    assert record.timescale == init.timescale
    for segment in record.segments:
        data = (kept / f"{segment.number}.m4s").read_bytes()
        facts = read_fragment(data, init)
        assert (segment.size_bytes, segment.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        assert (segment.start_ticks, segment.duration_ticks) == (facts.start_ticks, facts.duration_ticks)
        assert segment.key_frames[0].start_ticks == segment.start_ticks


def test_a_later_chunk_is_moved_to_its_place_in_the_title(plan: Plan, copied: Copied, kept: Path) -> None:
    record = keep(plan, LAST, copied(LAST), kept)
    ticks = Fraction(record.timescale) / plan.timing.frame_rate
    assert [segment.number for segment in record.segments] == [5, 6, 7, 8]
    assert [segment.start_ticks / ticks for segment in record.segments] == [80, 100, 120, 140]


def test_fragments_are_counted_through_the_title(plan: Plan, copied: Copied, kept: Path) -> None:
    for which in (INNER, LAST):
        keep(plan, which, copied(which), kept)
    data = b"".join((kept / f"{number}.m4s").read_bytes() for number in range(1, 9))
    moofs = [box for box in read_boxes(data) if box.kind == "moof"]
    assert [moof.child("mfhd").unpack("II")[1] for moof in moofs] == list(range(1, 18))


def test_a_short_tail_is_joined_to_the_segment_before(plan: Plan, copied: Copied, kept: Path) -> None:
    record = keep(plan, LAST, copied(LAST), kept)
    assert [segment.samples for segment in record.segments] == [20, 20, 20, 27]
    assert len(record.segments[-1].key_frames) == 3


def test_the_chunks_of_a_rung_share_a_header(plan: Plan, copied: Copied, kept: Path) -> None:
    first, last = (keep(plan, which, copied(which), kept) for which in (INNER, LAST))
    assert first.init_sha256 == last.init_sha256


def test_keeping_changes_nothing_of_what_ffmpeg_left(plan: Plan, copied: Copied, kept: Path) -> None:
    made = copied(LAST)
    before = {path.name: path.read_bytes() for path in made.iterdir()}
    assert keep(plan, LAST, made, kept) == keep(plan, LAST, made, kept)
    assert {path.name: path.read_bytes() for path in made.iterdir()} == before


def test_one_frame_less_in_an_inner_chunk_is_cut_short(plan: Plan, copied: Copied, kept: Path) -> None:
    with pytest.raises(CutShortError, match=r"^32p: 80 of 81 frames from 0\.0 s on; the source is") as error:
        keep(with_chunk(plan, INNER, 81), INNER, copied(INNER), kept)
    one_line(error)


@pytest.mark.parametrize("gop", [1, 4, 7, 8])
def test_a_gop_less_in_an_inner_chunk_is_refused(plan: Plan, copied: Copied, kept: Path, gop: int) -> None:
    made = copied(INNER)
    (made / f"{gop}.m4s").unlink()
    with pytest.raises(MeasureError, match=r"^32p: ") as error:
        keep(plan, INNER, made, kept)
    one_line(error)


def test_a_quarter_of_a_second_less_at_the_end_is_taken(plan: Plan, copied: Copied, kept: Path) -> None:
    record = keep(with_chunk(plan, LAST, 88), LAST, copied(LAST), kept)
    assert sum(segment.samples for segment in record.segments) == 87


def test_more_than_that_is_cut_short(plan: Plan, copied: Copied, kept: Path) -> None:
    with pytest.raises(CutShortError, match=r"87 of 89 frames from 16\.0 s on") as error:
        keep(with_chunk(plan, LAST, 89), LAST, copied(LAST), kept)
    one_line(error)


def test_a_size_that_was_not_asked_for_is_refused(plan: Plan, copied: Copied, kept: Path) -> None:
    other = replace(plan.rungs[0], rung=Rung(128, 72, 100_000))
    with pytest.raises(MeasureError, match=r"^32p: 64x32 was not asked for$"):
        keep_picture(plan, plan.chunks[0], other, copied(INNER), kept)


def test_a_segment_without_a_key_frame_is_refused(plan: Plan, copied: Copied, kept: Path) -> None:
    made = copied(INNER)
    data = (made / "3.m4s").read_bytes()
    sync, non_sync = bytes.fromhex("02000000"), bytes.fromhex("01010000")
    at = data.index(sync, data.index(b"trun"))
    (made / "3.m4s").write_bytes(data[:at] + non_sync + data[at + 4 :])
    with pytest.raises(MeasureError, match=r"^32p: segment 2 does not start with a key frame$"):
        keep(plan, INNER, made, kept)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.99])
@pytest.mark.parametrize(("which", "file"), [(INNER, 1), (INNER, 6), (INNER, 8), (LAST, 9)])
def test_a_file_cut_short_is_refused(
    plan: Plan, copied: Copied, kept: Path, which: int, file: int, share: float
) -> None:
    """ffmpeg can do that on a full disk, and end with exit code 0."""
    path = copied(which) / f"{file}.m4s"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(MeasureError, match=r"^32p: ") as error:
        keep(plan, which, path.parent, kept)
    one_line(error)


@pytest.mark.parametrize("header", [None, b"", b"not boxes at all, but as long as that"])
def test_a_rung_without_a_header_is_refused(
    plan: Plan, copied: Copied, kept: Path, header: bytes | None
) -> None:
    made = copied(INNER)
    if header is None:
        (made / "init.mp4").unlink()
    else:
        (made / "init.mp4").write_bytes(header)
    with pytest.raises(MeasureError, match=r"^32p: ffmpeg left it without a header") as error:
        keep(plan, INNER, made, kept)
    one_line(error)


def test_no_file_at_all_is_cut_short(plan: Plan, copied: Copied, kept: Path) -> None:
    made = copied(INNER)
    for path in made.glob("*.m4s"):
        path.unlink()
    with pytest.raises(CutShortError, match=r"^32p: ffmpeg wrote no segment of it$"):
        keep(plan, INNER, made, kept)


def test_what_ffmpeg_writes_of_no_frames_is_cut_short(plan: Plan, copied: Copied, kept: Path) -> None:
    """A decoder that began behind the chunk's end: one file, that holds a type and nothing of it."""
    made = copied(INNER)
    first, *others = sorted(made.glob("*.m4s"), key=lambda path: int(path.stem))
    for path in others:
        path.unlink()
    data = first.read_bytes()
    (moof,) = (box for box in read_boxes(data) if box.kind == "moof")
    first.write_bytes(data[: moof.offset])
    with pytest.raises(CutShortError, match=r"^32p: ffmpeg wrote no segment of it$"):
        keep(plan, INNER, made, kept)


def test_sound_covers_the_picture_in_segments_of_its_length(plan: Plan, copied: Copied, kept: Path) -> None:
    (track,) = plan.audio
    record = keep_sound(plan, track, copied("sound"), kept)
    seconds = [segment.duration_ticks / record.timescale for segment in record.segments]
    assert len(seconds) == 8
    assert all(abs(each - 4) < 0.03 for each in seconds[:-1])
    assert sum(segment.duration_ticks for segment in record.segments) == track.samples
    assert record.segments[0].start_ticks == 0


def test_sound_that_ends_early_is_refused(plan: Plan, copied: Copied, kept: Path) -> None:
    made = copied("sound")
    last = max(made.glob("*.m4s"), key=lambda path: int(path.stem))
    last.unlink()
    (track,) = plan.audio
    with pytest.raises(MeasureError, match=rf"^{track.label}: .* the source's sound is damaged") as error:
        keep_sound(plan, track, made, kept)
    one_line(error)
