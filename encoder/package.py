"""Encode one source into a library: probe, plan, run the steps, look at the result, publish."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from encoder.analysing import Inquiry, find, footage_of
from encoder.analysis.vmaf import step_of
from encoder.commands import picture_arguments, sound_arguments
from encoder.errors import EncodeError
from encoder.ffmpeg import cores_here
from encoder.findings import Findings, read_findings, write_findings
from encoder.finishing import MASTER, MPD, Score, finish, texts_of, titled, write_texts
from encoder.job import EncodeJob, JobError, OnProgress, Progress, Published, Stage
from encoder.library import Library, entries, library_at
from encoder.measure import planned
from encoder.plan import Plan, make_plan, plan_key, timing_of
from encoder.pool import Task, run_all
from encoder.request import ChangedError, Request, fingerprints, requested
from encoder.scoring import score
from encoder.shared_work import SharedTitle, bring_done
from encoder.staging import clear
from encoder.steps import all_steps, batches
from encoder.verify import verify
from encoder.work import WorkFolder
from media.title import Title, TitleError, read_title

if TYPE_CHECKING:
    from encoder.cluster import Cluster

_PLAN = "plan.json"
_SEVERAL = 2  # side by side, however many: batches of a cluster hold about as much


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """All that is decided before the first step."""

    request: Request
    findings: Findings
    plan: Plan
    key: str  # of what is to be made

    @property
    def names(self) -> dict[str, str]:
        """The folder of each rendition in the title's."""
        labels = [rung.label for rung in self.plan.rungs] + [track.label for track in self.plan.audio]
        return {label: f"{label}-{self.suffix}" for label in labels}

    @property
    def suffix(self) -> str:
        return self.key[:8]


def encode(job: EncodeJob, on_progress: OnProgress = lambda _: None) -> Published:
    """Raises EncodeError, and then has published nothing, but kept what is done for the next run.

    An exception out of `on_progress` ends the run in the same way.
    """
    library = library_at(job.library)
    if job.cluster:
        _cluster(job.cluster).check()  # before long work
    on_progress(Progress(stage=Stage.PROBING))
    request, place = requested(job), library.name_of(job.name)
    if there := _there_already(request, library):
        library.sweep(job.name, request.key[:16])
        return Published(there, place, is_new=False, notes=request.notes)
    with library.staging(job.name, request.key[:16]) as staged:
        before = _published(library, job.name)  # by now: another run may just have ended
        try:
            order = _ordered(request, _found(request, staged, on_progress))
            title = _made(order, library, before, staged, on_progress)
        except EncodeError:
            if request.has_changed:
                clear(staged)
                raise ChangedError(f"{job.input}: changed while it was read; run it again") from None
            raise
        clear(staged)
    return Published(title, place, is_new=True, notes=request.notes)


def _there_already(request: Request, library: Library) -> Title | None:
    """The published title, if it was made from the same in the same way and all its media are there.

    What else it has is written anew where it is missing, or not as it would be written today.
    """
    name = request.job.name
    before = _published(library, name)
    findings = _of_request(library.read(name, _PLAN), request.key) if before else None
    if before is None or findings is None:
        return None
    order = _ordered(request, findings)
    if before.plan_key != order.key or not library.is_whole(before):
        return None
    for path, text in texts_of(before, _plan_text(order)).items():
        if library.read(name, path) != text.encode():
            library.write(name, path, text.encode())
    return before


def _made(
    order: _Order, library: Library, before: Title | None, staged: Path, on_progress: OnProgress
) -> Title:
    """Do what is not done, look at it, publish it."""
    request, frames = order.request, order.plan.timing.frames
    work = WorkFolder(staged / order.key[:16], order.names)
    played = entries(before) if before else set()
    library.reclaim(work.media, request.job.name, set(order.names.values()) - played)
    shared = _shared(order, library) if request.job.cluster else None
    _run(order, work, shared, on_progress)
    if request.has_changed:
        raise ChangedError
    on_progress(Progress(stage=Stage.PUBLISHING, frames=frames, total_frames=frames))
    finished = finish(
        order.plan, order.names, order.suffix, request.texts, request.ffmpeg, work, request.job.jobs,
        request.locks if request.keys else None,
        _scorer(order, work, on_progress),
    )  # fmt: skip
    title = titled(request.job.name, finished, order.key)
    texts = write_texts(title, _plan_text(order), finished.folder)
    verify(finished.folder, [name for name in (MASTER, MPD) if name in texts])
    library.publish(
        finished.folder,
        title,
        texts,
        played,
        shared.work.files(all_steps(order.plan)) if shared and finished.folder == work.media else {},
    )
    return title


def _scorer(order: _Order, work: WorkFolder, on_progress: OnProgress) -> Score | None:
    request, frames = order.request, order.plan.timing.frames
    if not request.is_scored:
        return None
    total = -(-frames // step_of(order.plan.timing.frame_rate))

    def on_frame(done: int, _speed: float) -> None:
        on_progress(Progress(stage=Stage.SCORING, frames=min(done, total), total_frames=total))

    footage, job = footage_of(request.source), request.job
    return partial(score, order.plan, footage, job.input, request.ffmpeg, work, job.jobs, on_frame)


def _shared(order: _Order, library: Library) -> SharedTitle:
    """The work folder, as the cluster sees it."""
    request = order.request
    return SharedTitle(
        url=library.url,
        place=f".staging/{request.job.name}/{request.key[:16]}/{order.key[:16]}",
        names=order.names,
        plan=order.plan,
        input=request.job.input.resolve(),
        input_sha256=request.input_sha256,
    )


def _ordered(request: Request, findings: Findings) -> _Order:
    source, settings = request.source, request.job.settings
    rate = timing_of(source).frame_rate
    if findings.analyses:
        ladders = {each.codec: each.rungs for each in findings.analyses}
    else:
        ladders = {codec: request.ladder(source.video, rate) for codec in settings.all_codecs}
    plan = make_plan(source, ladders, settings, dict(findings.loudness))
    beside = fingerprints(request.texts)
    if request.keys:
        locks = request.locks(planned(plan))
        beside += [lock.fingerprint for lock in locks.values()]
    key = plan_key(plan, _arguments(plan), request.ffmpeg.version, request.input_sha256, beside)
    return _Order(request=request, findings=findings, plan=plan, key=key)


def _found(request: Request, staged: Path, on_progress: OnProgress) -> Findings:
    def on_piece(done: int, total: int) -> None:
        on_progress(Progress(stage=Stage.ANALYSING, frames=done, total_frames=total))

    on_progress(Progress(stage=Stage.ANALYSING))
    inquiry = Inquiry(
        source=request.source,
        input=request.job.input,
        settings=request.job.settings,
        is_per_title=request.is_per_title,
        ffmpeg=request.ffmpeg,
        cores=request.job.jobs,
        folder=staged / "findings",
    )
    return find(inquiry, request.key, on_piece)


def _of_request(text: bytes | None, key: str) -> Findings | None:
    """The findings in a text, if they are of this request."""
    findings = read_findings(text) if text else None
    return findings if findings and findings.request_key == key else None


def _run(order: _Order, work: WorkFolder, shared: SharedTitle | None, on_progress: OnProgress) -> None:
    """Do the steps that are not done."""
    job, plan, frames = order.request.job, order.plan, order.plan.timing.frames
    jobs = _SEVERAL if job.cluster else job.jobs or cores_here()
    if shared:
        bring_done(shared, work, all_steps(plan))
    done = [step for step in all_steps(plan) if work.done(step)]
    every = sum(batch.cost for batch in batches(plan, (), 1))
    left = batches(plan, done, jobs)
    todo = sum(batch.cost for batch in left) / every
    started_s = monotonic()

    def on_share(share: float) -> None:
        made, elapsed_s = min(1.0, 1 - todo + todo * share), monotonic() - started_s
        on_progress(
            Progress(
                stage=Stage.ENCODING,
                frames=int(made * frames),
                total_frames=frames,
                speed=todo * share * float(plan.timing.duration) / elapsed_s if elapsed_s else 0.0,
                eta_s=elapsed_s * (1 - share) / share if share else None,
            )
        )

    if job.cluster and shared:
        _cluster(job.cluster).run(shared, work, left, on_share)
        return
    task = Task(plan=plan, ffmpeg=order.request.ffmpeg, input_path=str(job.input.resolve()), cores=job.jobs)
    run_all(task, work, left, jobs, on_share)


def _cluster(address: str) -> Cluster:
    """Opened only if it is asked for: it is a large library, and an extra."""
    try:
        from encoder.cluster import Cluster
    except ImportError:
        raise JobError("--cluster needs more packages: pip install 'penstock[cluster]'") from None
    return Cluster(address)


def _published(library: Library, name: str) -> Title | None:
    try:
        return read_title(library.read(name, "title.json") or b"")
    except TitleError:
        return None  # nothing there, or nothing that can be used


def _arguments(plan: Plan) -> list[list[str]]:
    """What ffmpeg is told, step by step."""
    pictures = [
        picture_arguments(plan, chunk, [rung], "input", chunk.seek)
        for chunk in plan.chunks
        for rung in plan.rungs
    ]
    return pictures + [sound_arguments(plan, track, "input") for track in plan.audio]


def _plan_text(order: _Order) -> str:
    values = {
        "schema_version": 2,
        "plan_key": order.key,
        "input_sha256": order.request.input_sha256,
        "ffmpeg_version": order.request.ffmpeg.version,
        "findings": json.loads(write_findings(order.findings)),
        "arguments": _arguments(order.plan),
        "plan": TypeAdapter(Plan).dump_python(order.plan, mode="json"),
    }
    return json.dumps(values, indent=1, sort_keys=True) + "\n"
