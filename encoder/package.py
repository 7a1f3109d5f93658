"""Encode one source into a library: probe, plan, run the steps, look at the result, publish."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from encoder.analysing import Inquiry, find, footage_of
from encoder.commands import picture_arguments, sound_arguments
from encoder.encryption.resolving import title_keys
from encoder.encryption.settings import Label, protectors
from encoder.ffmpeg import Ffmpeg, find_ffmpeg
from encoder.findings import Findings, read_findings, request_key, write_findings
from encoder.finishing import MASTER, MPD, Score, finish, titled, write_texts
from encoder.job import EncodeJob, JobError, OnProgress, Progress, Published, Stage
from encoder.ladder import LADDERS, PER_TITLE, Ladder, LadderError, LadderFile, own
from encoder.library import Library, entries, library_at
from encoder.measure import planned
from encoder.plan import Plan, make_plan, plan_key, timing_of
from encoder.pool import Task, run_all
from encoder.probe import fingerprint, probe
from encoder.scoring import score
from encoder.shared_work import SharedTitle, bring_done
from encoder.source import Source
from encoder.staging import clear
from encoder.steps import all_steps, batches
from encoder.texts import TextPlan, plan_texts
from encoder.verify import verify
from encoder.work import WorkFolder
from media.encryption.keys import ContentKey
from media.encryption.protector import Protector
from media.rendition import Rendition
from media.title import Title, TitleError, read_title
from service.config import ConfigError, load

if TYPE_CHECKING:
    from encoder.cluster import Cluster

_PLAN = "plan.json"
_SEVERAL = 2  # side by side, however many: batches of a cluster hold about as much


Keys = Mapping[Label, Sequence[ContentKey]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """A job, and what its input is."""

    job: EncodeJob
    ladder: Ladder
    source: Source
    texts: tuple[TextPlan, ...]
    notes: tuple[str, ...]  # of what had to be left out
    keys: Keys | None  # of an encrypted title
    ffmpeg: Ffmpeg
    input_sha256: str
    key: str  # of what is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """All that is decided before the first step."""

    request: _Request
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
    request = _requested(job, on_progress)
    place, before = library.name_of(job.name), _published(library, job.name)
    if before and (findings := _of_request(library.read(job.name, _PLAN), request.key)):
        order = _ordered(request, findings)
        if before.plan_key == order.key and library.is_whole(before):
            library.sweep(job.name, request.key[:16])
            return Published(before, place, is_new=False, notes=request.notes)
    with library.staging(job.name, request.key[:16]) as staged:
        order = _ordered(request, _found(request, staged, on_progress))
        title = _made(order, library, before, staged, on_progress)
        clear(staged)
    return Published(title, place, is_new=True, notes=request.notes)


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
    on_progress(Progress(stage=Stage.PUBLISHING, frames=frames, total_frames=frames))
    finished = finish(
        order.plan, order.names, order.suffix, request.texts, request.ffmpeg, work, request.job.jobs,
        partial(_protectors, request) if request.keys else None,
        _scorer(order, work),
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


def _scorer(order: _Order, work: WorkFolder) -> Score | None:
    job = order.request.job
    if not (job.ladder == PER_TITLE if job.is_scored is None else job.is_scored):
        return None
    return partial(
        score, order.plan, footage_of(order.request.source), job.input, order.request.ffmpeg, work, job.jobs
    )


def _protectors(request: _Request, renditions: Sequence[Rendition]) -> dict[str, Protector]:
    assert request.job.encryption is not None
    return protectors(request.job.encryption, request.job.name, renditions, request.keys or {})


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


def _requested(job: EncodeJob, on_progress: OnProgress) -> _Request:
    ladder = _ladder(job.ladder)
    on_progress(Progress(stage=Stage.PROBING))
    source, ffmpeg, input_sha256 = probe(job.input), find_ffmpeg(), fingerprint(job.input)
    notes: list[str] = []
    texts = plan_texts(source, job.input, job.subtitles, ffmpeg, notes.append)
    keys = title_keys(job.encryption, job.name, job.key_server_token) if job.encryption else None
    wishes = [job.ladder, repr(job.settings), repr(job.is_scored), *_fingerprints(texts)]
    return _Request(
        job=job,
        ladder=ladder,
        source=source,
        texts=texts,
        notes=tuple(notes),
        keys=keys,
        ffmpeg=ffmpeg,
        input_sha256=input_sha256,
        key=request_key(input_sha256, ffmpeg.version, wishes),
    )


def _ordered(request: _Request, findings: Findings) -> _Order:
    source, settings = request.source, request.job.settings
    rate = timing_of(source).frame_rate
    if findings.analyses:
        ladders = {each.codec: each.rungs for each in findings.analyses}
    else:
        ladders = {codec: request.ladder(source.video, rate) for codec in settings.all_codecs}
    plan = make_plan(source, ladders, settings, dict(findings.loudness))
    beside = _fingerprints(request.texts)
    if request.keys:
        locks = _protectors(request, planned(plan))
        beside += [lock.fingerprint for lock in locks.values()]
    key = plan_key(plan, _arguments(plan), request.ffmpeg.version, request.input_sha256, beside)
    return _Order(request=request, findings=findings, plan=plan, key=key)


def _found(request: _Request, staged: Path, on_progress: OnProgress) -> Findings:
    def on_piece(done: int, total: int) -> None:
        on_progress(Progress(stage=Stage.ANALYSING, frames=done, total_frames=total))

    on_progress(Progress(stage=Stage.ANALYSING))
    inquiry = Inquiry(
        source=request.source,
        input=request.job.input,
        settings=request.job.settings,
        is_per_title=request.job.ladder == PER_TITLE,
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
    jobs = _SEVERAL if job.cluster else job.jobs or len(os.sched_getaffinity(0))
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


def _ladder(name: str) -> Ladder:
    if ladder := LADDERS.get(name):
        return ladder
    if not name.endswith(".toml"):
        raise LadderError(f"--ladder {name!r}: choose one of {', '.join(LADDERS)}, or name a .toml file")
    try:
        return own(load(LadderFile, Path(name)).rungs, where=name)
    except ConfigError as error:
        raise LadderError(str(error)) from None


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


def _fingerprints(texts: Sequence[TextPlan]) -> list[str]:
    return [hashlib.sha256(repr(text).encode()).hexdigest() for text in texts]


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
