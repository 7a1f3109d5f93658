"""A real scheduler and real workers, over a folder and over S3; encodes wait where a test wants them to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from encoder.errors import EncodeError
from encoder.ffmpeg import find_ffmpeg
from encoder.ladder import Rung
from encoder.plan import Plan, Settings, make_plan
from encoder.pool import Task, run_all
from encoder.probe import fingerprint, probe
from encoder.shared_work import SharedTitle
from encoder.steps import all_steps, batches
from encoder.store import Store
from encoder.work import WorkFolder
from tests.encoder import farms
from tests.encoder.counted import names_of
from tests.encoder.farms import Farm, Order, Worker, until
from tests.encoder.sources import FAST, SOUND, draw
from tests.needs import ROOT

pytestmark = pytest.mark.system

RUNGS = [Rung(64, 36, 100_000), Rung(96, 54, 200_000)]
SECONDS = 52
PLACE = ".staging/film/a-request/a-plan"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "my film.mp4"
    picture = ["-f", "lavfi", "-i", "testsrc2=s=96x54:r=10"]
    return draw(path, *picture, *SOUND, "-t", str(SECONDS), *FAST, "-g", "20", "-c:a", "aac")


@pytest.fixture(scope="module")
def plan(clip: Path) -> Plan:
    made = make_plan(probe(clip), {"h264": RUNGS}, Settings(preset="ultrafast"))
    assert len(made.chunks) == 3
    return made


@pytest.fixture(scope="module")
def local(clip: Path, plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What this machine makes of it alone."""
    work = WorkFolder(tmp_path_factory.mktemp("local"), names_of(plan))
    task = Task(plan=plan, ffmpeg=find_ffmpeg(), input_path=str(clip))
    run_all(task, work, batches(plan, (), 2), 2, lambda _: None)
    return made(work)


def made(work: WorkFolder) -> dict[str, bytes]:
    files = (path for path in work.media.rglob("*") if path.is_file())
    return {path.relative_to(work.media).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch, farms.s3(patch) as url:
        yield url


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    with farms.farm(tmp_path) as started:
        yield started


@pytest.fixture
def clip_order(clip: Path, plan: Plan, tmp_path: Path) -> Order:
    """In a folder."""
    (tmp_path / "library").mkdir()
    return order_of(clip, plan, str(tmp_path / "library"), tmp_path / "library" / PLACE)


def order_of(clip: Path, plan: Plan, url: str, here: Path) -> Order:
    title = SharedTitle(
        url=url,
        place=PLACE,
        names=names_of(plan),
        plan=plan,
        input=clip,
        input_sha256=fingerprint(clip),
    )
    return Order(title, here)


@pytest.fixture(params=["folder", "s3"])
def order(request: pytest.FixtureRequest, clip: Path, plan: Plan, tmp_path: Path) -> Order:
    if request.param == "folder":
        return cast("Order", request.getfixturevalue("clip_order"))
    url = f"{request.getfixturevalue('bucket')}/{tmp_path.name}"
    return order_of(clip, plan, url, tmp_path / "here")


def outputs(worker: Worker) -> list[str]:
    """What each encode of a worker was for, in order: the rendition, and where it began."""
    return [told.partition("trim=")[2].partition("[")[0] + told.split()[-1] for _, told in worker.encodes]


def test_two_workers_make_the_very_bytes_that_one_machine_makes(
    farm: Farm, order: Order, local: dict[str, bytes]
) -> None:
    shares: list[float] = []
    with farm.worker("one") as one, farm.worker("two") as two:
        work = order.run(farm.address, shares.append)
        assert made(work) == local
        assert len(one.encodes) + len(two.encodes) == len(batches(order.title.plan, (), 2)) == 7
        assert one.encodes
        assert two.encodes
        assert shares[-1] == 1
        until(lambda: not [*farm.folder.glob("*/dask-scratch-space/*/source-*")])


def test_a_worker_that_is_killed_costs_its_chunk_and_no_other(
    farm: Farm, order: Order, local: dict[str, bytes]
) -> None:
    with farm.worker("one", is_shut=True) as one, farm.worker("two") as two:

        def kill(_: float) -> None:
            """Once it has a chunk under way, and the other has done all else that there is."""
            if one.process.poll() is None and one.encodes and len(two.encodes) >= 5:
                one.kill()
                one.gate.unlink()

        work = order.run(farm.address, kill)
        assert made(work) == local
        (lost,) = outputs(one)
        redone = outputs(two)
        assert lost in redone
        assert len(redone) == len(set(redone)) == 7


def test_a_worker_that_is_told_to_leave_ends_its_encode_and_another_takes_it_over(
    farm: Farm, clip_order: Order, local: dict[str, bytes]
) -> None:
    with farm.worker("one", is_shut=True) as one, farm.worker("two"):
        told: list[float] = []

        def leave(share: float) -> None:
            """Told once: told twice, it is gone at once."""
            if one.encodes and not told:
                told.append(share)
                one.process.terminate()

        assert made(clip_order.run(farm.address, leave)) == local
        until(lambda: one.process.poll() is not None and one.is_idle)
        assert len(one.encodes) == 1


def test_a_coordinator_that_is_interrupted_stops_the_encodes_and_goes_on_later(
    farm: Farm, order: Order, local: dict[str, bytes]
) -> None:
    with farm.worker("one", is_shut=True) as one, farm.worker("two") as two:

        def interrupt(_: float) -> None:
            if one.encodes and len(two.encodes) >= 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            order.run(farm.address, interrupt)
        until(lambda: one.is_idle and two.is_idle, one.process, two.process)
        before = outputs(two)
        one.gate.unlink()
        work = order.run(farm.address)
        assert made(work) == local
        again = outputs(one)[1:] + outputs(two)[len(before) :]
        assert len(again) == len(set(again))
        assert len(set(before) & set(again)) <= 1  # what was under way


def test_another_machine_goes_on_where_a_coordinator_was_killed(
    farm: Farm, order: Order, local: dict[str, bytes], tmp_path: Path
) -> None:
    """It has an empty disk, unless the library is a folder."""
    with farm.worker("one", is_shut=True) as one, farm.worker("two") as two:
        with order.running(farm.address) as coordinator:
            until(lambda: one.encodes and len(two.encodes) >= 3, one.process, two.process)
            coordinator.kill()
            until(lambda: one.is_idle and two.is_idle, one.process, two.process)
        done = order.title.work.done(all_steps(order.title.plan))
        before = len(one.encodes) + len(two.encodes)
        one.gate.unlink()
        other = order if order.title.work.source_in_place() else replace(order, here=tmp_path / "there")
        assert made(other.run(farm.address)) == local
        assert len(done) >= 2
        assert len(one.encodes) + len(two.encodes) - before == 7 - len(done)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("tcp://127.0.0.1:1", "tcp://127.0.0.1:1: no scheduler answers; start one with: dask scheduler"),
        ("127.0.0.1:8786", "--cluster 127.0.0.1:8786: name a scheduler, such as tcp://"),
        ("tcp://", "--cluster tcp://: name a scheduler, such as tcp://"),
        ("tls://127.0.0.1:1", "tls://127.0.0.1:1: no certificates; name them in Dask's configuration"),
    ],
)
def test_where_no_scheduler_is_one_line_says_so(clip_order: Order, address: str, message: str) -> None:
    with pytest.raises(EncodeError) as told:
        clip_order.run(address)
    assert str(told.value).startswith(message)
    assert "\n" not in str(told.value)


def test_a_cluster_without_workers_is_told_in_one_line(farm: Farm, clip_order: Order) -> None:
    with pytest.raises(EncodeError, match=f"^{farm.address}: has no workers; start some with: dask worker "):
        clip_order.run(farm.address)


def test_a_worker_with_another_ffmpeg_is_named(farm: Farm, clip_order: Order) -> None:
    with (
        farm.worker("one", version="8.0"),
        pytest.raises(
            EncodeError, match=r"^tcp://127\.0\.0\.1:\d+ has ffmpeg 8\.0, not .*: install the same$"
        ),
    ):
        clip_order.run(farm.address)


def test_a_worker_without_penstock_is_named(farm: Farm, clip_order: Order, tmp_path: Path) -> None:
    (tmp_path / "bare" / "encoder").mkdir(parents=True)
    (tmp_path / "bare" / "encoder" / "__init__.py").write_text("raise ImportError('encoder')")
    with (
        farm.worker("one", cwd=tmp_path / "bare"),
        pytest.raises(
            EncodeError, match=r"^tcp://127\.0\.0\.1:\d+ has no penstock: install the same version "
        ),
    ):
        clip_order.run(farm.address)


def test_what_fails_on_a_worker_is_told_here_in_its_one_line(farm: Farm, clip_order: Order) -> None:
    broken = 'case "$*" in *-progress*) echo "the moon is full" >&2; exit 1; esac; exec "$FFMPEG" "$@"'
    with (
        farm.worker("one", script=broken),
        pytest.raises(EncodeError, match=r"^tcp://127\.0\.0\.1:\d+ ffmpeg: the moon is full$"),
    ):
        clip_order.run(farm.address)


def test_when_the_scheduler_goes_one_line_says_so(farm: Farm, clip_order: Order) -> None:
    with farm.worker("one", is_shut=True) as one:

        def kill(_: float) -> None:
            if one.encodes:
                farm.process.kill()

        with pytest.raises(
            EncodeError, match=f"^{farm.address}: the scheduler is gone; run it again, it goes on"
        ):
            clip_order.run(farm.address, kill)


def test_when_all_workers_have_gone_one_line_says_so(farm: Farm, clip_order: Order) -> None:
    with farm.worker("one", is_shut=True) as one:

        def kill(_: float) -> None:
            if one.encodes and one.process.poll() is None:
                one.kill()
                one.gate.unlink()

        with pytest.raises(
            EncodeError, match=f"^{farm.address}: all workers are gone; run it again, it goes on"
        ):
            clip_order.run(farm.address, kill, alone_s=2)


def test_a_chunk_that_workers_die_of_is_named(
    clip_order: Order, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    deadly = 'case "$*" in *-progress*) kill -9 $PPID; exit 1; esac; exec "$FFMPEG" "$@"'
    with (
        farms.farm(tmp_path) as farm,
        farm.worker("one", script=deadly),
        pytest.raises(
            EncodeError, match=r"^[\w.-]+: one worker after another died of it; give them more memory"
        ),
    ):
        clip_order.run(farm.address)


def test_the_command_publishes_over_a_cluster_what_it_publishes_alone(
    farm: Farm, bucket: str, clip: Path, tmp_path: Path
) -> None:
    ladder = tmp_path / "ladder.toml"
    rows = (f"[[rungs]]\nshort_side_px = {rung.height_px}\nmax_bps = {rung.max_bps}\n" for rung in RUNGS)
    ladder.write_text("".join(rows))
    arguments = [sys.executable, "-m", "encoder", str(clip), "--preset", "ultrafast", "--ladder", str(ladder)]
    alone, far, farmed = str(tmp_path / "alone"), f"{bucket}/{tmp_path.name}/1", f"{bucket}/{tmp_path.name}/2"

    def run(*more: str) -> str:
        command = [*arguments, *more]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()[-1]

    with farm.worker("one") as one, farm.worker("two") as two:
        assert run("-o", alone) == f"{alone}/my-film published"
        assert run("-o", far) == f"{far}/my-film published"
        assert not one.encodes
        assert run("-o", farmed, "--cluster", farm.address) == f"{farmed}/my-film published"
        assert one.encodes
        assert two.encodes
    assert run("-o", farmed).endswith("my-film is there already, from the same input: nothing to do")
    paths = (path for path in Path(alone).rglob("*") if path.is_file())
    files = {path.relative_to(alone).as_posix(): path.read_bytes() for path in paths}
    for store in (Store(far), Store(farmed)):
        assert {path: store.read(path) for path in store.sizes()} == files
